import math

import numpy as np
import pytest

from recognizer_ros.core.labels import LabelMode
from recognizer_ros.core.scores import Scores
from recognizer_ros.inference.scoring import score


def single(answers: list[str], truth: list[str], labels: str, sure: float = 0.6) -> Scores:
    """Score answers given by name, each with the same confidence."""
    other = (1 - sure) / (len(labels) - 1) if len(labels) > 1 else 0
    scores = np.full((len(answers), len(labels)), other, np.float32)
    for row, answer in zip(scores, answers, strict=True):
        row[labels.index(answer)] = sure
    right = np.array([[name == label for label in labels] for name in truth])
    return score(scores, right, tuple(labels), 'single')


def multi(scores: list[list[float]], truth: list[list[int]], labels: str) -> Scores:
    return score(np.array(scores, np.float32), np.array(truth, bool), tuple(labels), 'multi')


def test_single_label_by_hand() -> None:
    found = single(['a', 'b', 'b', 'b'], ['a', 'a', 'b', 'b'], 'ab')
    assert (found.samples, found.mode, found.labels) == (4, 'single', ('a', 'b'))
    assert found.accuracy == found.headline == 0.75
    assert found.balanced_accuracy == pytest.approx((1 / 2 + 1) / 2)
    assert found.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert math.isnan(found.mean_average_precision)
    assert found.calibration_error == pytest.approx(0.15)
    assert found.confusion == ((1, 1), (0, 2))
    a, b = found.per_class
    assert (a.precision, a.recall, a.f1, a.support) == pytest.approx((1, 1 / 2, 2 / 3, 2))
    assert (b.precision, b.recall, b.f1, b.support) == pytest.approx((2 / 3, 1, 4 / 5, 2))
    assert found.warning == ''


def test_a_class_without_samples_is_left_out_of_the_means() -> None:
    found = single(['a', 'c', 'b'], ['a', 'a', 'b'], 'abc')
    assert found.balanced_accuracy == pytest.approx((1 / 2 + 1) / 2)
    assert found.macro_f1 == pytest.approx((2 / 3 + 1) / 2)
    assert found.confusion == ((1, 0, 1), (0, 1, 0), (0, 0, 0))
    assert (found.per_class[2].support, found.per_class[2].recall) == (0, 0)


def test_a_sample_of_a_class_that_the_model_does_not_know_is_wrong_and_in_no_row() -> None:
    found = single(['a', 'a', 'b'], ['a', 'z', 'b'], 'ab', sure=1.0)
    assert (found.samples, found.accuracy) == (3, pytest.approx(2 / 3))
    assert found.confusion == ((1, 0), (0, 1))
    assert [one.support for one in found.per_class] == [1, 1]
    assert found.calibration_error == pytest.approx(1 / 3)


def test_classes_count_alike_however_many_samples_they_have() -> None:
    found = single(['a'] * 10, ['a'] * 9 + ['b'], 'ab')
    assert found.accuracy == pytest.approx(0.9)
    assert found.balanced_accuracy == pytest.approx(0.5)


@pytest.mark.parametrize(('sure', 'error'), [(1.0, 0.5), (0.75, 0.25), (0.5, 0.0)])
def test_calibration_is_the_distance_of_confidence_from_accuracy(sure: float,
                                                                 error: float) -> None:
    found = single(['a', 'a'], ['a', 'b'], 'ab', sure)
    assert found.calibration_error == pytest.approx(error, abs=1e-6)


def test_multi_label_by_hand() -> None:
    found = multi([[0.9, 0.6], [0.8, 0.7], [0.3, 0.4], [0.2, 0.1]],
                  [[1, 1], [1, 0], [0, 1], [0, 0]], 'ab')
    assert found.accuracy == pytest.approx(2 / 4)  # all tags of a sample right
    assert found.macro_f1 == found.headline == pytest.approx((1 + 1 / 2) / 2)
    assert found.balanced_accuracy == pytest.approx((1 + 1 / 2) / 2)
    assert found.mean_average_precision == pytest.approx((1 + (1 / 2 + 2 / 3) / 2) / 2)
    assert found.confusion == ()
    assert [item.support for item in found.per_class] == [2, 2]


def test_answering_nothing_is_not_rewarded() -> None:
    found = multi([[0.1, 0.1]] * 10, [[1, 0]] * 2 + [[0, 1]] * 8, 'ab')
    assert found.headline == 0


def test_multi_label_leaves_out_a_class_without_samples() -> None:
    found = multi([[0.9, 0.8], [0.8, 0.1]], [[1, 0], [1, 0]], 'ab')
    assert found.macro_f1 == found.mean_average_precision == 1
    assert found.per_class[1].support == 0


@pytest.mark.parametrize('mode', ['single', 'multi'])
@pytest.mark.parametrize('seen', [[0.9, 0.8], [0.9, 0.2], [0.1, 0.2]])
def test_one_class_alone_can_be_scored(mode: LabelMode, seen: list[float]) -> None:
    found = score(np.array(seen, np.float32)[:, None], np.ones((2, 1), bool), ('a',), mode)
    hits = 2 if mode == 'single' else sum(value >= 0.5 for value in seen)
    assert found.balanced_accuracy == pytest.approx(hits / 2)
    assert [item.support for item in found.per_class] == [2]
    assert found.per_class[0].recall == pytest.approx(hits / 2)
    assert found.confusion == (((2,),) if mode == 'single' else ())


@pytest.mark.parametrize('mode', ['single', 'multi'])
def test_without_samples_no_figure_holds(mode: LabelMode) -> None:
    none = np.zeros((0, 2), np.float32)
    found = score(none, none.astype(bool), ('a', 'b'), mode)
    assert (found.samples, found.labels, found.mode) == (0, ('a', 'b'), mode)
    assert math.isnan(found.headline)
    assert found.warning == 'nothing is held out'
    assert score(none, none.astype(bool), ('a', 'b'), mode, 'too few').warning == 'too few'
