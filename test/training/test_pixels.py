from pathlib import Path

import makers
import numpy as np
import torch
import trainees

from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.training.pixels import PixelCache


def test_pixels_are_resized_in_the_order_red_green_blue(tmp_path: Path,
                                                        cache: PixelCache) -> None:
    sample = trainees.file_sample(tmp_path, 'red', 1, makers.jpeg(makers.flat(makers.RED)))
    pixels = cache.get([sample])[0]
    assert pixels is not None
    assert pixels.shape == (3, trainees.HEIGHT, trainees.WIDTH)
    assert pixels.dtype == torch.uint8
    np.testing.assert_allclose(pixels.float().mean((1, 2)), [255, 0, 0], atol=3)


def test_a_missing_or_damaged_file_gives_none_and_the_others_their_pixels(
        tmp_path: Path, cache: PixelCache) -> None:
    good = trainees.file_sample(tmp_path, 'red', 1)
    bad = trainees.file_sample(tmp_path, 'red', 2, b'no JPEG')
    empty = trainees.file_sample(tmp_path, 'red', 3, b'')
    gone = trainees.file_sample(tmp_path, 'red', 4)
    gone.path.unlink()
    found = cache.get([bad, good, empty, gone, good])
    assert [item is not None for item in found] == [False, True, False, False, True]


def test_what_is_kept_is_not_read_again_and_the_least_recently_used_goes(
        tmp_path: Path, how: Preprocessing) -> None:
    one, two, three = (trainees.file_sample(tmp_path, 'red', seed) for seed in range(3))
    cache = PixelCache(how, 1, limit_bytes=2 * how.width * how.height * 3)
    try:
        assert all(item is not None for item in cache.get([one, two, three]))
        cache.get([two])
        cache.get([one])  # now three is the oldest, and goes
        for sample in (one, two, three):
            sample.path.unlink()
        kept = [item is not None for item in cache.get([one, two, three])]
        assert kept == [True, True, False]
    finally:
        cache.close()
