import numpy as np
import pytest

from recognizer_ros.core.predictions import Floats
from recognizer_ros.inference.head import Head
from recognizer_ros.inference.reject import Reject
from recognizer_ros.inference.scoring import Bools
from recognizer_ros.training import reject

LABELS = ('mug', 'pen', 'key')
FEATURES = 32


def head(labels: int = 3) -> Head:
    """Each label claims the features that its samples have most of."""
    weight = np.eye(labels, FEATURES) - 1 / labels * (np.arange(FEATURES) < labels)
    return Head(weight.astype(np.float32), np.zeros(labels, np.float32))


def drawn(seed: int, of_each: int, labels: int = 3, first: int = 0) -> tuple[Floats, Bools]:
    """Noisy features, shape (n, FEATURES), of samples in turn of each label, and which it is."""
    rng, place = np.random.default_rng(seed), np.arange(of_each * labels) % labels
    rows = rng.normal(0, 0.3, (len(place), FEATURES))
    rows[:, 10:] /= 10
    rows[np.arange(len(place)), place + first] += 4
    return rows.astype(np.float32), np.eye(labels, dtype=bool)[place]


def fitted(of_each: int = 300, held_out: int = 200, labels: tuple[str, ...] = LABELS) -> Reject:
    found = reject.fit(head(len(labels)), labels, *drawn(0, of_each, len(labels)),
                       *drawn(1, held_out, len(labels)), reject.Directions())
    assert found
    return found


@pytest.mark.parametrize('share', [0.02, 0.05, 0.2])
def test_known_images_are_rejected_as_often_as_asked(share: float) -> None:
    rows, truth = drawn(2, 1000)
    rejected = fitted()(rows, head()(rows)) <= share
    assert rejected.mean() == pytest.approx(share, abs=0.03)
    for label in range(3):
        assert rejected[truth[:, label]].mean() == pytest.approx(share, abs=0.06)


def test_what_was_never_seen_is_unknown_even_where_a_label_is_sure() -> None:
    rows, _ = drawn(2, 100, first=20)
    rows[:, 0] += 3
    assert (head()(rows).argmax(1) == 0).all()
    assert (fitted()(rows, head()(rows)) <= 0.05).mean() > 0.95


def test_a_label_with_few_held_out_images_is_compared_with_all() -> None:
    rows, truth = drawn(1, 60)
    few = np.flatnonzero(~truth[:, 0] | (np.arange(len(rows)) < 90))  # 30, 60 and 60
    found = reject.fit(head(), LABELS, *drawn(0, 300), rows[few], truth[few],
                       reject.Directions())
    assert found
    np.testing.assert_array_equal(found.counts, [100, 60, 60])


@pytest.mark.parametrize(('of_each', 'held_out'), [(300, 6), (300, 0), (1, 100), (0, 100)])
def test_too_few_images_say_nothing(of_each: int, held_out: int) -> None:
    assert reject.fit(head(), LABELS, *drawn(0, of_each), *drawn(1, held_out),
                      reject.Directions()) is None


def test_a_chance_is_never_smaller_than_the_held_out_images_can_tell() -> None:
    rows, _ = drawn(2, 10, first=20)
    assert (fitted(held_out=7)(rows, head()(rows)) == np.float32(1 / 22)).all()


def test_samples_of_background_are_no_known_ones() -> None:
    labels = ('background', 'pen', 'key')
    found, same = fitted(labels=labels), fitted()
    np.testing.assert_array_equal(found.known, [0, 1, 1])
    rows, truth = drawn(2, 100)
    chances = found(rows, head()(rows))
    assert (chances[truth[:, 0]] <= 0.05).mean() > 0.95
    assert (chances[~truth[:, 0]] <= 0.05).mean() < 0.12
    assert (same(rows, head()(rows))[truth[:, 0]] <= 0.05).mean() < 0.12


def test_background_alone_is_nothing_known() -> None:
    rows, truth = drawn(0, 100, 1)
    assert reject.fit(head(1), ('background',), rows, truth, rows, truth,
                      reject.Directions()) is None


def test_several_labels_at_once() -> None:
    """Where an image has two labels it is not strange for that."""
    def pairs(seed: int) -> tuple[Floats, Bools]:
        (rows, truth), (more, also) = drawn(seed, 200), drawn(seed + 10, 200)
        also[1:], more[1:] = also[:-1].copy(), more[:-1].copy()
        return rows + more, truth | also

    sigmoid = Head(head().weight, np.full(3, -1, np.float32))
    found = reject.fit(sigmoid, LABELS, *pairs(0), *pairs(1), reject.Directions())
    assert found
    known, strange = pairs(2)[0], drawn(3, 100, first=20)[0]
    assert (found(known, sigmoid(known)) <= 0.05).mean() == pytest.approx(0.05, abs=0.03)
    assert (found(strange, sigmoid(strange)) <= 0.05).mean() > 0.95


def test_the_same_samples_give_the_same_bytes() -> None:
    first, again = fitted().tensors(), fitted().tensors()
    assert all(first[name].tobytes() == again[name].tobytes() for name in first)


def test_images_that_are_all_the_same_are_no_error() -> None:
    rows, truth = np.ones((120, FEATURES), np.float32), np.eye(3, dtype=bool)[np.arange(120) % 3]
    found = reject.fit(head(), LABELS, rows, truth, rows, truth, reject.Directions())
    assert found
    assert (found(rows, head()(rows)) == 1).all()


def test_directions_follow_new_labels_and_many_new_samples_but_not_a_few() -> None:
    directions = reject.Directions()
    rows, more = drawn(0, 100)[0], drawn(0, 120)[0]
    first = directions(LABELS, rows)
    assert directions(LABELS, more[:320]) is first
    assert directions(LABELS, more) is not first
    grown = directions(LABELS, more)
    assert directions(LABELS[:2], more) is not grown
    assert directions(LABELS, rows) is not grown  # some were removed
