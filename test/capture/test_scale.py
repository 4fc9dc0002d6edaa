import numpy as np
import pytest

from recognizer_ros.capture.scale import fill, fit
from recognizer_ros.core.config import CameraConfig


def thirds(height, width):
    """Red, green and blue thirds from left to right."""
    image = np.zeros((height, width, 3), np.uint8)
    for channel, part in zip((2, 1, 0), np.array_split(np.arange(width), 3), strict=True):
        image[:, part, channel] = 255
    return image


def test_wide_picture_loses_its_sides_evenly():
    image = fill(thirds(10, 30), 20, 20)
    assert image.shape == (20, 20, 3)
    assert (image[:, 1:-1, 1] == 255).all()
    assert not image[:, 2:-2, [0, 2]].any()


def test_tall_picture_loses_top_and_bottom():
    image = fill(thirds(10, 30).transpose(1, 0, 2), 20, 20)
    assert (image[1:-1, :, 1] == 255).all()


@pytest.mark.parametrize('size', [(0, 0), (0, 24), (32, 0), (30, 10)])
def test_zero_or_the_same_size_leaves_the_picture(size):
    image = thirds(10, 30)
    assert np.array_equal(fill(image, *size), image)


@pytest.mark.parametrize('size', [(1, 400), (400, 1), (1, 1), (33, 21)])
def test_any_size_comes_out_as_asked_and_contiguous(size):
    image = fill(thirds(10, 30)[:, ::-1], *size)
    assert image.shape == (size[1], size[0], 3)
    assert image.flags.c_contiguous
    assert image.dtype == np.uint8


@pytest.mark.parametrize(('flip', 'corners'), [
    ('none', 'abcd'), ('counterclockwise', 'bdac'), ('rotate-180', 'dcba'), ('clockwise', 'cadb'),
    ('horizontal', 'badc'), ('vertical', 'cdab'), ('upper-left-diagonal', 'acbd'),
    ('upper-right-diagonal', 'dbca')])
def test_a_picture_is_turned_as_gstreamers_videoflip_does(flip, corners):
    """Corners a b over c d."""
    image = np.zeros((20, 40, 3), np.uint8)
    image[0, 0], image[0, -1], image[-1, 0], image[-1, -1] = 1, 2, 3, 4
    turned = fit(image, CameraConfig(input_width=0, input_height=0, input_flip=flip))
    found = [turned[y, x, 0] for y in (0, -1) for x in (0, -1)]
    assert ''.join(' abcd'[level] for level in found) == corners
    assert turned.flags.c_contiguous
