"""Pixels of every encoding, against arithmetic of our own and answers of the real cv_bridge."""

import sys
import zlib

import numpy as np
import pytest

from recognizer_ros.core.errors import ImageError
from recognizer_ros.dataset import encodings

WIDTH, HEIGHT = 8, 6
# CRC-32 of what cv_bridge 1.16.2 (OpenCV 4.6) makes of pattern().
CV_BRIDGE = {
    'rgba8': 0x79bf4cfc, 'bgra8': 0xd95c2198, 'mono8': 0x2c65fdb4, 'mono16': 0x1e802e39,
    'yuv422': 0x3be88a9a,
    'bayer_rggb8': 0x878466dc, 'bayer_rggb16': 0x117a4bab,
    'bayer_bggr8': 0xe51f478e, 'bayer_bggr16': 0xd9c8e262,
    'bayer_gbrg8': 0x7721f05d, 'bayer_gbrg16': 0xfa089099,
    'bayer_grbg8': 0x1d0d695f, 'bayer_grbg16': 0x7e63dcf1,
}
BAYER = [name for name in encodings.ENCODINGS if name.startswith('bayer_')]
# Weights of YUV to R, G, B in 1/2^20 (ITU-R BT.601, studio range).
LUMA, V_TO_R, V_TO_G, U_TO_G, U_TO_B = 1220542, 1673527, -852492, -409993, 2116026


def unpacked(name: str, data: bytes, width: int = WIDTH, height: int = HEIGHT, step: int = 0,
             big_endian: bool = False) -> np.ndarray:
    encoding = encodings.find(name)
    step = step or width * encoding.channels * encoding.depth
    return encodings.unpack(encoding, (width, height), step, big_endian, data)


def converted(name: str, data: bytes, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    return encodings.to_bgr(encodings.find(name), unpacked(name, data, width, height))


def pattern(count: int) -> bytes:
    index = np.arange(count)
    return ((index * index * 31 + index * 7) >> 3).astype(np.uint8).tobytes()


def rounded_to_8_bits(values: np.ndarray) -> np.ndarray:
    return np.floor(values / 257 + 0.5).astype(np.uint8)


@pytest.mark.parametrize('name', CV_BRIDGE)
def test_the_numbers_are_those_of_cv_bridge(name: str) -> None:
    encoding = encodings.find(name)
    pixels = converted(name, pattern(64 * 48 * encoding.channels * encoding.depth), 64, 48)
    assert zlib.crc32(np.ascontiguousarray(pixels).tobytes()) == CV_BRIDGE[name]


def test_all_values_of_16_bits_are_scaled_and_rounded() -> None:
    values = np.arange(65536, dtype='<u2')
    pixels = converted('mono16', values.tobytes(), 256, 256)
    for channel in range(3):
        np.testing.assert_array_equal(pixels[:, :, channel].ravel(), rounded_to_8_bits(values))


@pytest.mark.parametrize(('name', 'layout'), [
    ('yuv422', 'uyvy'), ('uyvy', 'uyvy'), ('yuv422_yuy2', 'yuyv'), ('yuyv', 'yuyv')])
def test_yuv_in_both_orders(name: str, layout: str) -> None:
    data = np.random.default_rng(4).integers(0, 256, (64, 32, 4), np.uint8)
    part = {letter: data[:, :, layout.index(letter)].repeat(2, axis=1).astype(np.int64)
            for letter in 'uv'}
    u, v = part['u'] - 128, part['v'] - 128
    first = layout.index('y')
    y = data[:, :, first::2].reshape(64, 64).astype(np.int64)
    luma = np.maximum(y - 16, 0) * LUMA + (1 << 19)
    expected = np.stack([luma + U_TO_B * u, luma + V_TO_G * v + U_TO_G * u, luma + V_TO_R * v], 2)
    np.testing.assert_array_equal(converted(name, data.tobytes(), 64, 64),
                                  np.clip(expected >> 20, 0, 255))


@pytest.mark.parametrize('name', BAYER)
def test_bayer_averages_the_nearest_of_each_colour(name: str) -> None:
    letters, depth = name[len('bayer_'):][:4], encodings.find(name).depth
    kind = '<u2' if depth == 2 else 'u1'
    mosaic = np.random.default_rng(5).integers(0, 256**depth, (HEIGHT, WIDTH)).astype(kind)
    pixels = converted(name, mosaic.tobytes())
    for y in range(1, HEIGHT - 1):
        for x in range(1, WIDTH - 1):
            for channel, colour in enumerate('bgr'):
                value = nearest(mosaic.astype(np.int64), letters, y, x, colour)
                expected = rounded_to_8_bits(np.array(value)) if depth == 2 else value
                assert pixels[y, x, channel] == expected, (y, x, colour)


def nearest(mosaic: np.ndarray, letters: str, y: int, x: int, colour: str) -> int:
    """Mean of the nearest values of a colour, halves rounded up."""
    def is_of(row: int, column: int) -> bool:
        return letters[row % 2 * 2 + column % 2] == colour
    if is_of(y, x):
        return int(mosaic[y, x])
    near = [(y, x - 1), (y, x + 1), (y - 1, x), (y + 1, x)]
    far = [(y - 1, x - 1), (y - 1, x + 1), (y + 1, x - 1), (y + 1, x + 1)]
    found = [mosaic[at] for at in near if is_of(*at)] or [mosaic[at] for at in far if is_of(*at)]
    return int((sum(found) + len(found) // 2) // len(found))


@pytest.mark.parametrize(('name', 'order'), [('rgba8', [2, 1, 0]), ('bgra8', [0, 1, 2])])
def test_the_alpha_channel_goes(name: str, order: list[int]) -> None:
    data = np.random.default_rng(6).integers(0, 256, (HEIGHT, WIDTH, 4), np.uint8)
    np.testing.assert_array_equal(converted(name, data.tobytes()), data[:, :, order])


@pytest.mark.parametrize('name', ['mono8', '8UC1'])
def test_grey_is_in_all_channels(name: str) -> None:
    data = np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH), np.uint8)
    np.testing.assert_array_equal(converted(name, data.tobytes()),
                                  np.stack([data] * 3, axis=2))


@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize('padding', [0, 1, 2, 7])
@pytest.mark.parametrize('name', [*encodings.ENCODINGS, *encodings.ALIASES])
def test_padding_and_byte_order_change_nothing(name: str, padding: int, big_endian: bool) -> None:
    encoding = encodings.find(name)
    row = WIDTH * encoding.channels * encoding.depth
    random = np.random.default_rng(8)
    plain = random.integers(0, 256, (HEIGHT, row), np.uint8)
    sent = random.integers(0, 256, (HEIGHT, row + padding), np.uint8)
    sent[:, :row] = plain.view('u2').byteswap().view('u1') if (
        encoding.depth == 2 and big_endian) else plain
    found = unpacked(name, sent.tobytes(), step=row + padding, big_endian=big_endian)
    expected = unpacked(name, plain.tobytes())
    assert found.dtype == expected.dtype
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, expected)
    if encoding.conversion:
        np.testing.assert_array_equal(encodings.to_bgr(encoding, found),
                                      encodings.to_bgr(encoding, expected))


def test_16_bits_are_read_in_the_order_that_is_told() -> None:
    assert unpacked('mono16', b'\x01\x02', 1, 1).item() == 0x0201
    assert unpacked('mono16', b'\x01\x02', 1, 1, big_endian=True).item() == 0x0102


@pytest.mark.parametrize('padding', [0, 1, 8])
@pytest.mark.parametrize('name', [*encodings.ENCODINGS, *encodings.ALIASES])
def test_nothing_is_copied_that_lies_right(name: str, padding: int) -> None:
    encoding = encodings.find(name)
    step = WIDTH * encoding.channels * encoding.depth + padding
    data = bytes(HEIGHT * step)
    found = unpacked(name, data, step=step, big_endian=sys.byteorder == 'big')
    crooked = encoding.depth == 2 and padding % 2 == 1
    assert np.shares_memory(found, np.frombuffer(data, np.uint8)) != crooked


@pytest.mark.parametrize('name', [
    '', '16UC1', '32FC1', 'nv12', 'nv21', 'rgb16', '8UC2', '8UC4', 'RGB8', 'jpeg', 'bayer_rggb12'])
def test_an_unknown_encoding_is_named_and_the_way_out(name: str) -> None:
    with pytest.raises(ImageError, match=f"^image encoding '{name}' is not supported: publish rgb8"
                       ) as raised:
        encodings.find(name)
    assert all(part in str(raised.value) for part in ('mono16', 'yuv422_yuy2', 'bayer_'))


def test_a_name_from_the_network_stays_one_short_line() -> None:
    with pytest.raises(ImageError) as raised:
        encodings.find('a\nb' * 100_000)
    assert len(str(raised.value)) < 300
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize('name', encodings.ENCODINGS)
def test_wrong_sizes_are_errors(name: str) -> None:
    encoding = encodings.find(name)
    step = WIDTH * encoding.channels * encoding.depth
    data = bytes(HEIGHT * step)
    for width, height in ((0, HEIGHT), (WIDTH, 0), (0, 0)):
        with pytest.raises(ImageError, match=f'{width}×{height} {name} is too small'):
            unpacked(name, data, width, height, step)
    with pytest.raises(ImageError, match=f'step is {step - 1} bytes, too few: a row has {step}'):
        unpacked(name, data, step=step - 1)
    for found in (b'', data[:-1]):
        with pytest.raises(ImageError, match=f'has {len(found)} bytes, too few: .* {len(data)}$'):
            unpacked(name, found)
    huge = 2**32 - 1
    with pytest.raises(ImageError, match='too few'):
        unpacked(name, data, huge - 1, huge, huge)
    assert unpacked(name, data + b'more').shape[:2] == (HEIGHT, WIDTH)


def test_pixels_that_share_their_colour_come_in_pairs() -> None:
    with pytest.raises(ImageError, match=r'5×4 yuv422: .* the width must be even'):
        unpacked('yuv422', bytes(100), 5, 4)


@pytest.mark.parametrize('size', [(2, 3), (3, 2)])
def test_a_mosaic_needs_neighbours(size: tuple[int, int]) -> None:
    with pytest.raises(ImageError, match='width and height must be 3 or more'):
        unpacked('bayer_rggb8', bytes(100), *size)
    assert converted('bayer_rggb8', b'\x09' * 9, 3, 3).min() == 9
