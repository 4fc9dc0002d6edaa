import random
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import makers
import numpy as np
import pytest
import torch
import trainees

from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.images import decode
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.inference.preprocess import from_camera
from recognizer_ros.training.augment import Strength
from recognizer_ros.training.batches import Batches, balanced, targets
from recognizer_ros.training.pixels import PixelCache


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return [trainees.file_sample(tmp_path, 'red', seed) for seed in range(5)]


@pytest.fixture
def chance() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def tagged(**counts: int) -> list[Sample]:
    """Samples without files: so many of each tag, or of several: ``red_blue``."""
    return [Sample(f'{tags} {number}', Path(), tuple(tags.split('_')), 1, 1, Split.TRAIN)
            for tags, count in counts.items() for number in range(count)]


def test_plain_inputs_are_those_of_inference_in_order(samples: list[Sample], batches: Batches,
                                                      how: Preprocessing) -> None:
    found = list(batches.plain(samples, 2))
    assert [len(kept) for kept, _ in found] == [2, 2, 1]
    assert [item for kept, _ in found for item in kept] == samples
    inputs = torch.cat([item for _, item in found])
    expected = np.concatenate([from_camera(decode(sample.path.read_bytes()), how)
                               for sample in samples])
    np.testing.assert_allclose(inputs, expected, atol=1e-5)


def test_inputs_are_those_of_inference_for_images_of_any_size(
        tmp_path: Path, batches: Batches, how: Preprocessing) -> None:
    """Squashed, enlarged, shrunk in one direction and enlarged in the other."""
    rng = random.Random(5)
    odd = [makers.noise(seed, rng.randrange(9, 400) | 1, rng.randrange(9, 400) | 1)
           for seed in range(100)]
    files = [trainees.file_sample(tmp_path, 'red', seed, makers.jpeg(image))
             for seed, image in enumerate(odd)]
    inputs = torch.cat([item for _, item in batches.plain(files, 16)])
    expected = np.concatenate([from_camera(decode(file.path.read_bytes()), how)
                               for file in files])
    np.testing.assert_allclose(inputs, expected, atol=1e-5)


def test_unusable_samples_are_left_out_and_told_once(samples: list[Sample], cache: PixelCache,
                                                     how: Preprocessing) -> None:
    told: list[Mapping[str, str]] = []
    batches = Batches(cache, how, torch.device('cpu'), told.append)
    samples[1].path.write_bytes(b'damaged')
    samples[3].path.unlink()
    for _ in range(2):
        kept = [item for found, _ in batches.plain(samples, 2) for item in found]
        assert kept == [samples[0], samples[2], samples[4]]
    assert [list(found) for found in told] == [[samples[1].sha256], [samples[3].sha256]]
    assert 'the image is damaged' in told[0][samples[1].sha256]
    assert told[1][samples[3].sha256] == 'the image file is missing'
    assert batches.unusable == told[0] | told[1]
    assert batches.usable(samples) == kept


def test_in_training_others_take_the_place_of_unusable_samples(
        samples: list[Sample], batches: Batches, chance: torch.Generator) -> None:
    samples[1].path.unlink()
    kept, inputs = batches.for_training(samples, chance, None)
    assert kept == [samples[0], samples[2], samples[3], samples[4], samples[0]]
    assert torch.equal(inputs, torch.cat([item for _, item in batches.plain(kept, 5)]))
    assert batches.unusable.keys() == {samples[1].sha256}


@pytest.mark.parametrize('strength', [None, Strength()])
def test_a_batch_of_nothing_usable_is_empty(samples: list[Sample], batches: Batches,
                                            chance: torch.Generator,
                                            strength: Strength | None) -> None:
    samples[0].path.unlink()
    kept, inputs = batches.for_training(samples[:1], chance, strength)
    assert kept == []
    assert len(inputs) == 0


def test_augmented_inputs_differ_from_time_to_time(
        samples: list[Sample], batches: Batches, how: Preprocessing,
        chance: torch.Generator) -> None:
    one, two = (batches.for_training(samples, chance, Strength())[1] for _ in range(2))
    assert one.shape == two.shape == (5, 3, how.height, how.width)
    assert not torch.allclose(one, two)


def test_where_there_is_no_compiler_it_goes_on_without(
        samples: list[Sample], batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(*_: object, **__: object) -> object:
        def call(*_: object) -> None:
            raise RuntimeError('InvalidCxxCompiler: no working C++ compiler found')
        return call

    monkeypatch.setattr(torch, 'compile', no_compiler)
    before = batches.for_training(samples, torch.Generator().manual_seed(4), Strength())[1]
    batches.compile()
    after = batches.for_training(samples, torch.Generator().manual_seed(4), Strength())[1]
    assert torch.equal(before, after)


@pytest.mark.parametrize('draws', [60, 61, 200])
def test_each_class_comes_equally_often_and_each_of_its_images_too(draws: int) -> None:
    samples = tagged(red=50, green=7, blue=3)
    drawn = balanced(samples, draws, random.Random(0))
    assert len(drawn) == draws
    classes = Counter(sample.tags[0] for sample in drawn)
    assert max(classes.values()) - min(classes.values()) <= 1
    for name, size in (('red', 50), ('green', 7), ('blue', 3)):
        times = Counter(sample.sha256 for sample in drawn if sample.tags == (name,))
        least = min(times.values()) if len(times) == size else 0
        assert max(times.values()) - least <= 1


def test_with_classes_of_one_size_each_image_comes_once() -> None:
    samples = tagged(red=40, green=40, blue=40)
    for seed in range(20):
        drawn = balanced(samples, 120, random.Random(seed))
        assert {sample.sha256 for sample in drawn} == {sample.sha256 for sample in samples}


def test_the_order_is_another_each_time_and_classes_are_mixed() -> None:
    samples, rng = tagged(red=40, green=40), random.Random(0)
    one, two = (balanced(samples, 80, rng) for _ in range(2))
    assert one != two
    assert 8 < sum(sample.tags == ('red',) for sample in one[:40]) < 32


def test_of_several_tags_the_rarest_decides() -> None:
    drawn = balanced(tagged(red=30, red_blue=3), 400, random.Random(0))
    assert 199 <= sum('blue' in sample.tags for sample in drawn) <= 201


def test_targets(tmp_path: Path) -> None:
    samples = [trainees.file_sample(tmp_path, label, 1) for label in ('blue', 'red', 'red+green')]
    labels = ('red', 'green', 'blue')
    assert targets(samples[:2], labels, 'single').tolist() == [2, 0]
    assert targets(samples, labels, 'multi').tolist() == [[0, 0, 1], [1, 0, 0], [1, 1, 0]]
