import random
from pathlib import Path

import numpy as np
import pytest
import torch
import trainees

from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.dataset.images import decode
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.inference.preprocess import from_camera
from recognizer_ros.training.batches import Batches, targets


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return [trainees.file_sample(tmp_path, 'red', seed) for seed in range(5)]


def test_plain_inputs_are_those_of_inference_in_order(samples: list[Sample], batches: Batches,
                                                      how: Preprocessing) -> None:
    found = list(batches.plain(samples, 2))
    assert [len(kept) for kept, _ in found] == [2, 2, 1]
    assert [item for kept, _ in found for item in kept] == samples
    inputs = torch.cat([item for _, item in found])
    expected = np.concatenate([from_camera(decode(sample.path.read_bytes()), how)
                               for sample in samples])
    np.testing.assert_allclose(inputs, expected, atol=1e-5)


def test_unusable_samples_are_left_out_and_remembered(samples: list[Sample],
                                                      batches: Batches) -> None:
    samples[1].path.write_bytes(b'damaged')
    samples[3].path.unlink()
    kept = [item for found, _ in batches.plain(samples, 2) for item in found]
    assert kept == [samples[0], samples[2], samples[4]]
    assert batches.unusable == {samples[1].sha256, samples[3].sha256}
    assert batches.usable(samples) == kept


def test_shuffled_gives_each_once_but_for_a_last_batch_of_one(samples: list[Sample],
                                                              batches: Batches) -> None:
    seen: list[list[Sample]] = []
    for seed in range(6):
        found = list(batches.shuffled(samples, 2, random.Random(seed), augment=False))
        assert [len(kept) for kept, _ in found] == [2, 2]
        seen.append([item for kept, _ in found for item in kept])
        assert len(set(seen[-1])) == 4
    assert len({tuple(item.sha256 for item in order) for order in seen}) > 1
    whole = list(batches.shuffled(samples[:4], 2, random.Random(0), augment=False))
    assert sum(len(kept) for kept, _ in whole) == 4


def test_augmented_inputs_differ_from_time_to_time(samples: list[Sample], batches: Batches,
                                                   how: Preprocessing) -> None:
    torch.manual_seed(0)
    one, two = (next(batches.shuffled(samples, 5, random.Random(0), augment=True))[1]
                for _ in range(2))
    assert one.shape == two.shape == (5, 3, how.height, how.width)
    assert not torch.allclose(one, two)


def test_targets(tmp_path: Path) -> None:
    samples = [trainees.file_sample(tmp_path, label, 1) for label in ('blue', 'red', 'red+green')]
    labels = ('red', 'green', 'blue')
    assert targets(samples[:2], labels, 'single').tolist() == [2, 0]
    assert targets(samples, labels, 'multi').tolist() == [[0, 0, 1], [1, 0, 0], [1, 1, 0]]
