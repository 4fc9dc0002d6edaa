import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image

from recognizer_ros.core.errors import ImageError
from recognizer_ros.dataset import encodings
from recognizer_ros.nodes import conversions

WIDTH, HEIGHT = 6, 4
STAMP_NS = 1_700_000_000_123_456_789
JPEG, PNG = b'\xff\xd8\xff\xe0', b'\x89PNG\r\n\x1a\n'
NAMES = [*encodings.ENCODINGS, *encodings.ALIASES]


def message(encoding: str, padding: int = 0) -> Image:
    """An image of random bytes."""
    kind = encodings.find(encoding)
    step = WIDTH * kind.channels * kind.depth + padding
    data = np.random.default_rng(1).integers(0, 256, (HEIGHT, step), np.uint8)
    return Image(width=WIDTH, height=HEIGHT, encoding=encoding, step=step,
                 data=conversions.byte_array(data))


@pytest.mark.parametrize('seed', range(20))
def test_there_and_back_again(seed: int) -> None:
    random = np.random.default_rng(seed)
    height, width = random.integers(1, 80, 2)
    pixels = random.integers(0, 256, (height, width, 3), np.uint8)
    made = conversions.array_to_image(pixels, STAMP_NS, 'camera')
    found, order = conversions.image_to_array(made)
    assert order == 'bgr'
    np.testing.assert_array_equal(found, pixels)
    assert conversions.nanoseconds(made.header.stamp) == STAMP_NS
    assert (made.header.frame_id, made.encoding, made.step) == ('camera', 'bgr8', width * 3)


def test_pixels_that_do_not_lie_in_a_row_are_sent_right() -> None:
    whole = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH * 2, 3), np.uint8)
    made = conversions.array_to_image(whole[:, ::2], 0, '')
    np.testing.assert_array_equal(conversions.image_to_array(made)[0], whole[:, ::2])


@pytest.mark.parametrize('padding', [0, 7])
@pytest.mark.parametrize(('encoding', 'order'), [('bgr8', 'bgr'), ('8UC3', 'bgr'),
                                                 ('rgb8', 'rgb')])
def test_three_channels_are_not_copied(encoding: str, order: str, padding: int) -> None:
    image = message(encoding, padding)
    found, found_order = conversions.image_to_array(image)
    data = np.frombuffer(image.data, np.uint8)
    assert found_order == order
    assert np.shares_memory(found, data)
    np.testing.assert_array_equal(
        found.reshape(HEIGHT, -1), data.reshape(HEIGHT, -1)[:, :WIDTH * 3])


@pytest.mark.parametrize('encoding', [
    name for name in NAMES if encodings.find(name).conversion])
def test_all_others_become_new_pixels(encoding: str) -> None:
    image = message(encoding, padding=2)
    found, order = conversions.image_to_array(image)
    assert (found.shape, found.dtype, order) == ((HEIGHT, WIDTH, 3), np.uint8, 'bgr')
    assert found.flags.c_contiguous
    assert found.flags.writeable
    assert not np.shares_memory(found, np.frombuffer(image.data, np.uint8))


def test_the_byte_order_counts_for_16_bits_only() -> None:
    deep, flat = message('mono16'), message('mono8')
    before = [conversions.image_to_array(image)[0] for image in (deep, flat)]
    deep.is_bigendian = flat.is_bigendian = 1
    after = [conversions.image_to_array(image)[0] for image in (deep, flat)]
    assert not np.array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])


def test_an_unknown_encoding_is_named() -> None:
    image = message('bgr8')
    image.encoding = '32FC1'
    with pytest.raises(ImageError, match="'32FC1' is not supported: publish rgb8"):
        conversions.image_to_array(image)


@pytest.mark.parametrize('change', [
    {'data': b'12'}, {'step': WIDTH * 3 - 1}, {'width': 0}, {'height': 0}, {'height': HEIGHT + 1}])
def test_a_size_that_does_not_fit_is_an_error(change: dict[str, object]) -> None:
    image = message('bgr8')
    for name, value in change.items():
        setattr(image, name, value)
    with pytest.raises(ImageError, match=r'too few|too small'):
        conversions.image_to_array(image)


def test_a_jpeg_goes_as_it_is() -> None:
    made = conversions.jpeg_to_message(b'\xff\xd8\xff', STAMP_NS, 'camera')
    assert bytes(made.data) == b'\xff\xd8\xff'
    assert 'jpeg' in made.format
    assert conversions.nanoseconds(made.header.stamp) == STAMP_NS
    assert conversions.jpeg_of(made) == b'\xff\xd8\xff'


@pytest.mark.parametrize(('data', 'format_'), [
    (JPEG, 'jpeg'), (JPEG, 'jpg'), (JPEG, ''), (JPEG, 'rgb8; jpeg compressed bgr8'),
    (JPEG, 'mono8; jpeg compressed '), (PNG, 'png'), (PNG, 'bgr8; png compressed bgr8')])
def test_a_file_comes_as_it_is(data: bytes, format_: str) -> None:
    data += bytes(range(256))
    found = conversions.jpeg_of(CompressedImage(format=format_, data=data))
    assert type(found) is bytes
    assert found == data


@pytest.mark.parametrize(('data', 'format_'), [
    (bytes(12) + PNG, '16UC1; compressedDepth png'), (bytes(12), '32FC1; compressedDepth'),
    (b'OggS' + bytes(20), 'theora'), (b'\0\0\0\1\x67' + bytes(20), 'h264'),
    (b'RIFF\0\0\0\0WEBP', 'webp'), (b'', 'jpeg'), (JPEG[:2], 'jpeg'), (b'', '')])
def test_no_file_of_ours_is_named_by_its_format(data: bytes, format_: str) -> None:
    with pytest.raises(ImageError, match=f"of format '{format_}' is neither JPEG nor PNG"):
        conversions.jpeg_of(CompressedImage(format=format_, data=data))
