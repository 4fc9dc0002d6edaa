import numpy as np
import pytest
from sensor_msgs.msg import Image

from recognizer_ros.core.errors import ImageError
from recognizer_ros.nodes import conversions

WIDTH, HEIGHT = 5, 4
STAMP_NS = 1_700_000_000_123_456_789


def message(encoding: str, channels: int, padding: int = 0) -> tuple[Image, np.ndarray]:
    """An image whose bytes are all different from their neighbours, and its pixels."""
    step = WIDTH * channels + padding
    data = np.random.default_rng(1).integers(0, 256, (HEIGHT, step), np.uint8)
    made = Image(width=WIDTH, height=HEIGHT, encoding=encoding, step=step)
    made.data = conversions.byte_array(data)
    return made, data[:, :WIDTH * channels].reshape(HEIGHT, WIDTH, channels)


def test_there_and_back_again() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    made = conversions.array_to_image(pixels, STAMP_NS, 'camera')
    found, order = conversions.image_to_array(made)
    assert order == 'bgr'
    np.testing.assert_array_equal(found, pixels)
    assert conversions.nanoseconds(made.header.stamp) == STAMP_NS
    assert (made.header.frame_id, made.encoding, made.step) == ('camera', 'bgr8', WIDTH * 3)


def test_pixels_that_do_not_lie_in_a_row_are_sent_right() -> None:
    whole = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH * 2, 3), np.uint8)
    made = conversions.array_to_image(whole[:, ::2], 0, '')
    np.testing.assert_array_equal(conversions.image_to_array(made)[0], whole[:, ::2])


@pytest.mark.parametrize('padding', [0, 7])
@pytest.mark.parametrize(('encoding', 'channels', 'order'), [
    ('bgr8', 3, 'bgr'), ('rgb8', 3, 'rgb'), ('bgra8', 4, 'bgr'), ('rgba8', 4, 'rgb'),
    ('8UC3', 3, 'bgr'), ('mono8', 1, 'bgr'), ('8UC1', 1, 'bgr')])
def test_every_encoding(encoding: str, channels: int, order: str, padding: int) -> None:
    image, pixels = message(encoding, channels, padding)
    found, found_order = conversions.image_to_array(image)
    assert found_order == order
    expected = np.repeat(pixels, 3, axis=2) if channels == 1 else pixels[:, :, :3]
    np.testing.assert_array_equal(found, expected)


def test_three_channels_are_not_copied() -> None:
    image, _ = message('bgr8', 3)
    found, _ = conversions.image_to_array(image)
    image.data[0] = 255 - image.data[0]
    assert found[0, 0, 0] == image.data[0]


def test_an_unknown_encoding_is_named() -> None:
    image, _ = message('bayer_rggb8', 1)
    with pytest.raises(ImageError, match="'bayer_rggb8' is not supported: publish one of rgb8"):
        conversions.image_to_array(image)


@pytest.mark.parametrize('change', [
    {'data': b'12'}, {'step': WIDTH * 3 - 1}, {'width': 0}, {'height': 0}, {'height': HEIGHT + 1}])
def test_too_few_bytes_are_an_error(change: dict[str, object]) -> None:
    image, _ = message('bgr8', 3)
    for name, value in change.items():
        setattr(image, name, value)
    with pytest.raises(ImageError, match='too few'):
        conversions.image_to_array(image)


def test_a_jpeg_goes_as_it_is() -> None:
    made = conversions.jpeg_to_message(b'\xff\xd8\xff', STAMP_NS, 'camera')
    assert bytes(made.data) == b'\xff\xd8\xff'
    assert 'jpeg' in made.format
    assert conversions.nanoseconds(made.header.stamp) == STAMP_NS
