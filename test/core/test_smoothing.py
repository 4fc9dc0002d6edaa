import numpy as np
import pytest

from recognizer_ros.core.smoothing import MAX_FRAMES, Smoother

AB = ('a', 'b')


def feed(smoother: Smoother, rows: list[list[float]], factor: float,
         labels: tuple[str, ...] = AB) -> list[float]:
    found = [smoother(np.array(row, np.float32), labels, factor) for row in rows][-1]
    assert found.shape == (len(labels),)
    assert found.dtype == np.float32
    return [float(value) for value in found]


@pytest.mark.parametrize('factor', [0, 0.0, 1, 1.0])
def test_off_gives_each_frame_as_it_is(factor: float) -> None:
    assert feed(Smoother(), [[0.1, 0.9], [0.75, 0.25]], factor) == [0.75, 0.25]


@pytest.mark.parametrize('factor', [0.25, 0.5, 5])
def test_the_first_frame_stands_as_it_is(factor: float) -> None:
    assert feed(Smoother(), [[0.75, 0.25]], factor) == [0.75, 0.25]


def test_below_one_is_the_weight_of_the_newest_frame() -> None:
    smoother = Smoother()
    assert feed(smoother, [[0, 1], [1, 0]], 0.25) == pytest.approx([0.25, 0.75])
    assert feed(smoother, [[1, 0]], 0.25) == pytest.approx([0.25 + 0.75 * 0.25, 0.75 * 0.75])


def test_above_one_is_a_mean_over_so_many_frames() -> None:
    rows = [[1, 0], [0, 0], [0.5, 0], [0.25, 0.75]]
    assert feed(Smoother(), rows, 3) == pytest.approx([0.25, 0.25])
    assert feed(Smoother(), rows[:2], 3) == pytest.approx([0.5, 0])


def test_fewer_frames_take_effect_at_once() -> None:
    smoother = Smoother()
    feed(smoother, [[0, 1]] * 10, 10)
    assert feed(smoother, [[1, 0]], 2) == pytest.approx([0.5, 0.5])


def test_frames_remembered_have_a_limit() -> None:
    rows = [[1.0, 0.0]] * 50 + [[0.0, 1.0]] * MAX_FRAMES
    assert feed(Smoother(), rows, 10_000) == [0, 1]


@pytest.mark.parametrize(('factor', 'expected'), [(0.5, [0.4, 0.5, 0.7]), (2, [0.4, 0.5, 0.7])])
def test_other_labels_keep_the_past_of_those_that_stay(factor: float,
                                                       expected: list[float]) -> None:
    smoother = Smoother()
    feed(smoother, [[0.2, 0.8]], factor)
    found = feed(smoother, [[0.0, 0.5, 1.0]], factor, ('b', 'new', 'a'))
    assert found == pytest.approx([expected[0], expected[1], 0.6])


def test_off_forgets() -> None:
    smoother = Smoother()
    feed(smoother, [[0, 1]], 0.5)
    feed(smoother, [[0, 1]], 0)
    assert feed(smoother, [[1, 0]], 0.5) == [1, 0]


def test_the_other_kind_of_smoothing_begins_anew() -> None:
    smoother = Smoother()
    feed(smoother, [[0, 1]] * 3, 0.5)
    assert feed(smoother, [[1, 0]], 4) == [1, 0]
    assert feed(smoother, [[0, 1]], 0.5) == [0, 1]
