import io
import struct
import zlib

import makers
import numpy as np
import pytest
from PIL import Image

from recognizer_ros.core.errors import ImageError
from recognizer_ros.dataset.images import accept, decode, encode_jpeg, size_of

HALVES = np.concatenate([makers.flat(makers.RED, 16, 24), makers.flat(makers.BLUE, 16, 24)], 1)


def png_header(width: int, height: int) -> bytes:
    """A PNG file that says how large it is, and has no pixels."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (struct.pack('>I', len(data)) + kind + data
                + struct.pack('>I', zlib.crc32(kind + data)))
    return (b'\x89PNG\r\n\x1a\n'
            + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0))
            + chunk(b'IDAT', zlib.compress(b'')) + chunk(b'IEND', b''))


def turned(kind: str, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return makers.picture(HALVES, kind, exif=exif)


def colour_of(image: makers.Pixels, x: float, y: float) -> tuple[int, ...]:
    """Which of 0 and 255 each channel is nearer to, at a place in 0..1."""
    pixel = image[int(y * image.shape[0]), int(x * image.shape[1])]
    return tuple(255 * int(value > 127) for value in pixel)


@pytest.mark.parametrize('data', [
    makers.jpeg(HALVES), makers.jpeg(HALVES[:, :, 0]), makers.picture(HALVES, 'JPEG'),
    makers.picture(HALVES, 'JPEG', progressive=True), turned('JPEG', 1)],
    ids=['opencv', 'grey', 'pillow', 'progressive', 'upright'])
def test_a_jpeg_stays_byte_for_byte(data: bytes) -> None:
    assert accept(data) == (data, 32, 24)


@pytest.mark.parametrize('kind', ['PNG', 'WEBP'])
def test_other_kinds_become_jpeg_with_the_same_colours(kind: str) -> None:
    data, width, height = accept(makers.picture(HALVES, kind))
    assert (width, height) == (32, 24)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == 'JPEG'
    image = decode(data)
    assert colour_of(image, 0.2, 0.5) == makers.RED
    assert colour_of(image, 0.8, 0.5) == makers.BLUE


@pytest.mark.parametrize('mode', ['RGBA', 'P', 'L', '1', 'LA'])
def test_png_of_any_mode_becomes_a_jpeg(mode: str) -> None:
    file = io.BytesIO()
    Image.new('RGB', (20, 10), (255, 255, 255)).convert(mode).save(file, 'PNG')
    data, width, height = accept(file.getvalue())
    assert (width, height) == (20, 10)
    assert decode(data).mean() > 250


def test_a_cmyk_jpeg_becomes_one_of_three_channels() -> None:
    file = io.BytesIO()
    Image.new('CMYK', (20, 10), (0, 255, 255, 0)).save(file, 'JPEG')
    data, _, _ = accept(file.getvalue())
    assert colour_of(decode(data), 0.5, 0.5) == makers.RED


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP'])
def test_a_turned_photo_is_set_upright_once(kind: str) -> None:
    data, width, height = accept(turned(kind, 6))  # shown a quarter turn clockwise
    image = decode(data)
    assert (width, height) == (24, 32) == (image.shape[1], image.shape[0])
    assert colour_of(image, 0.5, 0.1) == makers.RED
    assert colour_of(image, 0.5, 0.9) == makers.BLUE
    assert accept(data) == (data, 24, 32)


@pytest.mark.parametrize('data', [
    b'', b'hello, I am a text file\n' * 100, b'\xff\xd8\xff', b'\x00' * 5000, b'\x89PNG\r\n\x1a\n',
    b'RIFF\x00\x00\x00\x00WEBP', b'%PDF-1.7', makers.picture(HALVES, 'GIF'),
    makers.picture(HALVES, 'BMP'), makers.picture(HALVES, 'TIFF')],
    ids=['0 bytes', 'text', 'jpeg start', 'zeros', 'png start', 'webp start', 'pdf', 'gif', 'bmp',
         'tiff'])
def test_what_is_no_image_that_can_be_used_is_refused(data: bytes) -> None:
    with pytest.raises(ImageError, match='not a JPEG, PNG or WebP image'):
        accept(data)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'WEBP'])
def test_a_file_that_was_cut_short_is_refused(kind: str) -> None:
    data = makers.picture(makers.noise(0, 200, 150), kind)
    with pytest.raises(ImageError, match='image'):
        accept(data[:len(data) // 2])


def test_a_damaged_png_is_refused() -> None:
    data = bytearray(makers.picture(makers.noise(0), 'PNG'))
    data[len(data) // 2] ^= 0xff
    with pytest.raises(ImageError, match='damaged'):
        accept(bytes(data))


@pytest.mark.parametrize('side', [7100, 10_000, 20_000, 60_000])
def test_too_many_pixels_are_refused_from_the_header_alone(side: int) -> None:
    with pytest.raises(ImageError, match=f'{side}×{side} pixels: at most 50 million'):
        accept(png_header(side, side))


def test_too_many_bytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('recognizer_ros.dataset.images.MAX_BYTES', 2**20)
    with pytest.raises(ImageError, match='the file has 1 MiB: at most 1 MiB'):
        accept(b'\x00' * (2**20 + 1))


def test_an_image_too_long_for_jpeg_is_refused() -> None:
    with pytest.raises(ImageError, match='cannot encode') as raised:
        accept(makers.picture(makers.flat(makers.RED, 66_000, 2), 'PNG'))
    assert '\n' not in str(raised.value)


def test_size_is_read_without_the_pixels() -> None:
    assert size_of(png_header(640, 480)) == (640, 480)
    assert size_of(makers.jpeg(HALVES)[:1000]) == (32, 24)


@pytest.mark.parametrize('data', [b'', b'text', b'\xff\xd8\xff', makers.jpeg(HALVES)[:30]])
def test_damaged_bytes_cannot_be_decoded(data: bytes) -> None:
    with pytest.raises(ImageError, match='damaged'):
        decode(data)


def test_encoded_pixels_come_back() -> None:
    image = decode(encode_jpeg(HALVES, 95))
    assert image.shape == (24, 32, 3)
    assert colour_of(image, 0.2, 0.5) == makers.RED
    grey = decode(encode_jpeg(np.full((24, 32), 77, np.uint8), 95))
    assert grey.shape == (24, 32, 3)
    assert abs(int(grey[5, 5, 0]) - 77) < 3


def test_quality_matters() -> None:
    assert len(encode_jpeg(makers.noise(0), 30)) < len(encode_jpeg(makers.noise(0), 95))


@pytest.mark.parametrize('shape', [(0, 0, 3), (0, 10, 3)])
def test_an_empty_image_cannot_be_encoded(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImageError, match='cannot encode an image of shape') as raised:
        encode_jpeg(np.zeros(shape, np.uint8), 90)
    assert '\n' not in str(raised.value)
