import hashlib

import makers
import numpy as np
import numpy.typing as npt
import pytest

from recognizer_ros.core.preprocessing import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from recognizer_ros.inference.preprocess import from_camera, probe, resize, to_input


def areas(size: int, shrunk: int) -> npt.NDArray[np.float64]:
    """How much of each pixel, of ``size`` in a row, lies in each of ``shrunk``; rows add to 1."""
    edges = np.arange(shrunk + 1) * size / shrunk
    pixels = np.arange(size)
    overlap = (np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels))
    return overlap.clip(0) * shrunk / size


@pytest.mark.parametrize(('width', 'height'), [
    (16, 12), (20, 17), (64, 24), (7, 48), (50, 47), (1, 1)])
def test_shrinking_averages_over_the_area(width: int, height: int) -> None:
    image = makers.noise(0, 64, 48)
    found = resize(image, width, height)
    expected = np.einsum('yr,xc,rck->yxk', areas(48, height), areas(64, width), image)
    assert found.shape == (height, width, 3)
    np.testing.assert_allclose(found, expected, atol=0.6)  # half of it is rounding


def test_fine_patterns_do_not_alias() -> None:
    board = np.indices((100, 130)).sum(0) % 2 * np.uint8(255)
    found = resize(np.repeat(board[:, :, None], 3, 2).astype(np.uint8), 64, 48)
    assert abs(found.mean() - 127.5) < 2
    assert found.std() < 40  # picking single pixels gives 127


@pytest.mark.parametrize('size', [(64, 48), (100, 10), (10, 100)])
def test_enlarging_keeps_colours_and_edges_in_place(size: tuple[int, int]) -> None:
    image = np.concatenate([makers.flat(makers.RED, 16, 24), makers.flat(makers.BLUE, 16, 24)], 1)
    found = resize(image, *size)
    assert found.shape == (size[1], size[0], 3)
    assert tuple(found[-1, 0]) == makers.RED
    assert tuple(found[0, -1]) == makers.BLUE
    assert abs(found[:, :, 0].mean() - 127.5) < 2


def test_an_image_of_the_right_size_is_not_touched() -> None:
    image = makers.noise(1, 32, 24)
    np.testing.assert_array_equal(resize(image, 32, 24), image)


@pytest.mark.parametrize(('pixel', 'channel', 'expected'), [
    (0, 0, -0.485 / 0.229), (255, 0, (1 - 0.485) / 0.229), (255, 2, (1 - 0.406) / 0.225),
    (51, 1, (0.2 - 0.456) / 0.224)])
def test_pixels_are_scaled_as_the_networks_were_trained(pixel: int, channel: int,
                                                        expected: float) -> None:
    how = Preprocessing(8, 6)
    found = to_input(np.full((6, 8, 3), pixel, np.uint8), how)
    assert (found.shape, found.dtype, found.flags.c_contiguous) == ((1, 3, 6, 8), np.float32, True)
    np.testing.assert_allclose(found[0, channel], expected, atol=1e-5)


def test_the_input_has_channel_row_and_column_in_their_places() -> None:
    pixels = makers.noise(2, 8, 6)
    found = to_input(pixels, makers.SMALL)
    for row, column, channel in [(0, 0, 0), (5, 0, 1), (0, 7, 2), (3, 4, 1)]:
        assert found[0, channel, row, column] == pytest.approx(pixels[row, column, channel] / 255)


def test_bgr_and_rgb_give_the_same_input() -> None:
    how = Preprocessing(20, 10)
    image = makers.noise(3, 64, 48)
    np.testing.assert_array_equal(from_camera(image, how, 'bgr'),
                                  from_camera(np.ascontiguousarray(image[:, :, ::-1]), how, 'rgb'))


def test_red_comes_first() -> None:
    found = from_camera(makers.flat(makers.RED), makers.SMALL, 'bgr')
    np.testing.assert_allclose(found[0].mean((1, 2)), [1, 0, 0], atol=1e-6)


def test_mean_and_std_are_per_channel() -> None:
    how = Preprocessing(4, 4, IMAGENET_MEAN, IMAGENET_STD)
    mean = np.round(np.array(IMAGENET_MEAN) * 255).astype(np.uint8)
    found = from_camera(np.broadcast_to(mean, (4, 4, 3)).copy(), how, 'rgb')
    assert np.abs(found).max() < 0.01


@pytest.mark.parametrize(('width', 'height', 'digest'), [
    (8, 6, '68469b64ba8d6536'), (224, 224, 'b47e44ab5203061a'), (320, 180, '6527efa4ff0c7d62')])
def test_the_test_frame_never_changes(width: int, height: int, digest: str) -> None:
    """Every model version on anybody's disk was described with this very frame."""
    found = probe(Preprocessing(width, height))
    assert (found.shape, found.dtype) == ((height, width, 3), np.uint8)
    assert hashlib.sha256(found.tobytes()).hexdigest()[:16] == digest
