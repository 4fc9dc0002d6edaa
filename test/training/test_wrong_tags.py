"""Tags that are wrong, in clusters where that is known."""

import numpy as np
import pytest

from recognizer_ros.training.known_features import Ints
from recognizer_ros.training.wrong_tags import Suspects, folds, suspects

CLASSES, BURSTS, FRAMES = 3, 6, 10


def clusters(features: int = 16, apart: float = 3.0, seed: int = 0
             ) -> tuple[np.ndarray, Ints, Ints]:
    """Rows, classes and bursts of three clusters, whose bursts lie apart in their turn."""
    rng = np.random.default_rng(seed)
    tags = np.repeat(np.arange(CLASSES), BURSTS * FRAMES)
    bursts = np.repeat(np.arange(CLASSES * BURSTS), FRAMES)
    middles = apart * rng.standard_normal((CLASSES, features))
    scenes = rng.standard_normal((CLASSES * BURSTS, features))
    noise = 0.5 * rng.standard_normal((len(tags), features))
    return (middles[tags] + scenes[bursts] + noise).astype(np.float32), tags, bursts


def planted(tags: Ints, count: int, seed: int = 1) -> tuple[Ints, Ints]:
    """Tags of which some are wrong, and where."""
    rng = np.random.default_rng(seed)
    places, wrong = rng.choice(len(tags), count, replace=False), tags.copy()
    wrong[places] = (tags[places] + rng.integers(1, CLASSES, count)) % CLASSES
    return wrong, places


def quality(found: Suspects, places: Ints) -> tuple[float, float]:
    """Precision and recall."""
    hits = np.isin(found.places, places).sum()
    return hits / max(len(found.places), 1), hits / len(places)


@pytest.mark.parametrize('features', [16, 700])  # of the latter only mixtures are compared
def test_planted_wrong_tags_are_found_with_the_right_ones(features: int) -> None:
    recalls = []
    for seed in range(5):
        rows, tags, bursts = clusters(features, seed=seed)
        wrong, places = planted(tags, 9, seed)  # 5 %
        found = suspects(rows, wrong, bursts)
        precision, recall = quality(found, places)
        assert precision == 1
        assert (found.better == tags[found.places]).mean() >= 0.8
        assert (np.diff(found.margins) <= 0).all()  # the surest first
        recalls.append(recall)
    assert np.mean(recalls) >= 0.8  # where some lie side by side they vouch for each other


@pytest.mark.parametrize('seed', range(3))
def test_clean_data_are_not_suspected(seed: int) -> None:
    assert len(suspects(*clusters(seed=seed)).places) == 0


@pytest.mark.parametrize('seed', range(3))
def test_classes_that_lie_close_are_rarely_suspected(seed: int) -> None:
    """Hard images are not wrong tags."""
    rows, tags, bursts = clusters(apart=1, seed=seed)
    assert len(suspects(rows, tags, bursts).places) <= 0.05 * len(tags)


def test_a_burst_recorded_under_a_wrong_tag_is_found_whole() -> None:
    rows, tags, bursts = clusters()
    wrong = np.where(bursts == 2, 1, tags)
    found = suspects(rows, wrong, bursts)
    assert set(found.places) == set(np.flatnonzero(bursts == 2))
    assert set(found.better) == {0}


def test_classes_of_a_single_burst_or_of_few_samples_are_not_suspected() -> None:
    rows, tags, bursts = clusters()
    kept = (tags != 0) | (np.arange(len(tags)) < FRAMES)  # of class 0 one burst is left
    assert len(suspects(rows[kept], tags[kept], bursts[kept]).places) == 0
    kept = (tags != 0) | (np.arange(len(tags)) < 4)
    assert len(suspects(rows[kept], tags[kept], bursts[kept]).places) == 0


@pytest.mark.parametrize('count', [0, 3, BURSTS * FRAMES])
def test_of_one_class_or_none_nothing_is_said(count: int) -> None:
    rows, tags, bursts = clusters()
    assert len(suspects(rows[:count], tags[:count], bursts[:count]).places) == 0


def test_bursts_are_held_out_whole_unless_one_holds_most_of_its_class() -> None:
    tags = np.array([0] * 12 + [1] * 10)
    bursts = np.array([1] * 4 + [2] * 4 + [3] * 4 + [4] * 10)
    parts = folds(tags, bursts)
    assert [set(parts[bursts == burst]) for burst in (1, 2, 3)] == [{0}, {1}, {2}]
    assert parts[bursts == 4].tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
