import shutil
from collections.abc import Iterator
from pathlib import Path

import makers
import numpy as np
import pytest
import torch
import trainees

from recognizer_ros.core.errors import DatasetError
from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.training.pixels import PixelCache

IMAGE_BYTES = trainees.WIDTH * trainees.HEIGHT * 3
CPU = torch.device('cpu')


@pytest.fixture
def five(tmp_path: Path) -> list[Sample]:
    return [trainees.file_sample(tmp_path, 'red', seed) for seed in range(5)]


@pytest.fixture
def device_cache(how: Preprocessing) -> Iterator[PixelCache]:
    """One that thinks main memory a device's, with room for two images there and three here."""
    cache = PixelCache(how, 1, 3 * IMAGE_BYTES, CPU, 2 * IMAGE_BYTES)
    yield cache
    cache.close()


def kept(cache: PixelCache, samples: list[Sample]) -> list[Sample]:
    """What it still has, the files gone."""
    for sample in samples:
        sample.path.unlink()
    return cache.get(samples)[0]


def test_pixels_are_resized_in_the_order_red_green_blue(tmp_path: Path,
                                                        cache: PixelCache) -> None:
    sample = trainees.file_sample(tmp_path, 'red', 1, makers.jpeg(makers.flat(makers.RED)))
    _, pixels, _ = cache.get([sample])
    assert pixels.shape == (1, 3, trainees.HEIGHT, trainees.WIDTH)
    assert pixels.dtype == torch.uint8
    np.testing.assert_allclose(pixels[0].float().mean((1, 2)), [255, 0, 0], atol=3)


def test_a_missing_or_damaged_file_is_left_out_with_its_reason(tmp_path: Path,
                                                               cache: PixelCache) -> None:
    good = trainees.file_sample(tmp_path, 'red', 1)
    bad = trainees.file_sample(tmp_path, 'red', 2, b'no JPEG')
    empty = trainees.file_sample(tmp_path, 'red', 3, b'')
    gone = trainees.file_sample(tmp_path, 'red', 4)
    gone.path.unlink()
    found, pixels, problems = cache.get([bad, good, empty, gone, good])
    assert found == [good, good]
    assert torch.equal(pixels[0], pixels[1])
    assert problems.keys() == {bad.sha256, empty.sha256, gone.sha256}
    assert 'the image is damaged' in problems[bad.sha256]
    assert problems[empty.sha256]
    assert problems[gone.sha256] == 'the image file is missing'
    assert cache.get([bad])[0] == []


def test_where_the_folder_is_gone_no_sample_is_to_blame(tmp_path: Path, cache: PixelCache) -> None:
    sample = trainees.file_sample(tmp_path / 'disk' / 'ab', 'red', 1)
    shutil.rmtree(tmp_path / 'disk')
    with pytest.raises(DatasetError, match='disk cannot be read: is its disk there'):
        cache.get([sample])


def test_each_sample_keeps_its_own_pixels_while_the_table_grows(cache: PixelCache,
                                                                five: list[Sample]) -> None:
    alone = [cache.get([sample])[1][0].clone() for sample in five]
    for found, expected in zip(cache.get(five[::-1])[1], alone[::-1], strict=True):
        assert torch.equal(found, expected)
    assert not torch.equal(alone[0], alone[1])


def test_what_is_kept_is_not_read_again_and_the_least_recently_used_goes(
        how: Preprocessing, five: list[Sample]) -> None:
    cache = PixelCache(how, 1, limit_bytes=2 * IMAGE_BYTES)
    try:
        for sample in (five[0], five[1], five[0], five[2]):  # now 1 is the oldest, and goes
            cache.get([sample])
        assert kept(cache, five[:3]) == [five[0], five[2]]
    finally:
        cache.close()


def test_a_batch_larger_than_the_limit_is_given_whole(how: Preprocessing,
                                                      five: list[Sample]) -> None:
    cache = PixelCache(how, 1, limit_bytes=2 * IMAGE_BYTES)
    try:
        assert cache.get(five)[0] == five
    finally:
        cache.close()


def test_more_than_the_device_holds_moves_to_main_memory_without_being_read_again(
        device_cache: PixelCache, five: list[Sample]) -> None:
    before = device_cache.get(five[:2])[1].clone()
    assert device_cache.on_device
    device_cache.get(five[2:3])
    assert not device_cache.on_device
    assert torch.equal(device_cache.get(five[:2])[1], before)
    assert kept(device_cache, five[:3]) == five[:3]


def test_the_device_can_be_left_and_is_not_taken_again(device_cache: PixelCache,
                                                       five: list[Sample]) -> None:
    device_cache.get(five[:1])
    device_cache.leave_device()
    device_cache.get(five[1:2])
    device_cache.leave_device()
    assert not device_cache.on_device
    assert kept(device_cache, five[:2]) == five[:2]
