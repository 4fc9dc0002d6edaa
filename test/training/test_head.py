from pathlib import Path

import numpy as np
import pytest
import torch
import trainees

from recognizer_ros.core.labels import LabelMode
from recognizer_ros.core.predictions import probabilities
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.training import head, nets
from recognizer_ros.training.batches import Batches
from recognizer_ros.training.nets import Net

PLACE = {'red': 0, 'green': 1, 'blue': 2}


def rows_and_samples(tmp_path: Path, *labels: str) -> tuple[head.Array, list[Sample]]:
    """Twelve samples of each label, and features that tell their colours, off centre."""
    samples = [trainees.file_sample(tmp_path, label, seed, b'')
               for label in labels for seed in range(12)]
    rows = np.random.default_rng(0).normal(5, 0.3, (len(samples), 6)).astype(np.float32)
    for row, sample in zip(rows, samples, strict=True):
        row[[PLACE[tag] for tag in sample.tags]] += 4
    return rows * 100, samples


@pytest.mark.parametrize('labels', [('red', 'green'), ('green', 'red'), ('blue', 'red', 'green')])
def test_one_of_several_classes(tmp_path: Path, labels: tuple[str, ...]) -> None:
    rows, samples = rows_and_samples(tmp_path, *labels)
    fitted = head.fit(rows, samples, labels, 'single')
    assert fitted.weight.shape == (len(labels), 6)
    assert fitted.bias.shape == (len(labels),)
    scores = fitted(rows)
    assert [labels[index] for index in scores.argmax(1)] == [item.tags[0] for item in samples]


@pytest.mark.parametrize('labels', [('red', 'green', 'blue'), ('blue', 'red', 'green')])
def test_several_at_once(tmp_path: Path, labels: tuple[str, ...]) -> None:
    rows, samples = rows_and_samples(tmp_path, 'red', 'green', 'blue', 'red+blue', 'green+blue')
    fitted = head.fit(rows, samples, labels, 'multi')
    answers = probabilities(fitted(rows), 'multi') >= 0.5
    said = [{label for label, yes in zip(labels, row, strict=True) if yes} for row in answers]
    assert said == [set(item.tags) for item in samples]


def test_a_rare_class_counts_as_much_as_a_common_one(tmp_path: Path) -> None:
    rows, samples = rows_and_samples(tmp_path, 'red', 'green')
    rows, samples = rows[:14], samples[:14]  # twelve red, two green
    scores = probabilities(head.fit(rows, samples, ('red', 'green'), 'single')(rows), 'single')
    assert (scores[12:, 1] > 0.5).all()


@pytest.fixture
def net() -> Net:
    return nets.build('resnet18', 2, trainees.WIDTH, trainees.HEIGHT)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return [trainees.file_sample(tmp_path / 'images', 'red', seed) for seed in range(20)]


def count_passes(net: Net) -> list[int]:
    """Sizes of the batches that go through a network from now on."""
    passes: list[int] = []
    net.module.register_forward_hook(lambda module, args, out: passes.append(len(out)))
    return passes


@pytest.mark.parametrize('mode', ['single', 'multi'])
def test_a_head_in_a_network_answers_as_by_itself(net: Net, samples: list[Sample],
                                                  batches: Batches, mode: LabelMode) -> None:
    inputs = next(batches.plain(samples, 4))[1]
    rows = head.features(net, inputs)
    assert rows.shape == (4, 512)
    fitted = head.Head(np.random.default_rng(1).normal(size=(3, 512)).astype(np.float32),
                       np.ones(3, np.float32))
    net.replace_head(torch.from_numpy(fitted.weight), torch.from_numpy(fitted.bias))
    np.testing.assert_allclose(net.module(inputs).detach(), fitted(rows), rtol=1e-3, atol=1e-3)


def test_features_are_computed_once(net: Net, samples: list[Sample], batches: Batches) -> None:
    passes, cache = count_passes(net), head.FeatureCache()
    known, first = cache.get(net, batches, samples[:18], lambda: False)
    assert (known, passes) == (samples[:18], [16, 2])
    known, again = cache.get(net, batches, samples, lambda: False)
    assert (known, passes) == (samples, [16, 2, 2])
    np.testing.assert_array_equal(again[:18], first)


def test_unusable_samples_have_no_features(net: Net, samples: list[Sample],
                                           batches: Batches) -> None:
    samples[0].path.unlink()
    known, rows = head.FeatureCache().get(net, batches, samples, lambda: False)
    assert known == samples[1:]
    assert len(rows) == 19


def test_computing_stops_between_batches(net: Net, samples: list[Sample],
                                         batches: Batches) -> None:
    cache = head.FeatureCache()
    known, rows = cache.get(net, batches, samples, lambda: True)
    assert (known, len(rows)) == (samples[:16], 16)
    assert cache.get(net, batches, samples, lambda: False)[0] == samples


def test_the_oldest_features_go_first(net: Net, samples: list[Sample], batches: Batches) -> None:
    cache = head.FeatureCache(limit=3)
    cache.get(net, batches, samples[:5], lambda: False)
    passes = count_passes(net)
    assert cache.get(net, batches, samples[2:5], lambda: False)[0] == samples[2:5]
    assert passes == []
