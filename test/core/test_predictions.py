import numpy as np
import pytest

from recognizer_ros.core.predictions import Prediction, overlay_text, probabilities, select


def test_softmax_of_known_logits() -> None:
    logits = np.array([[0, np.log(3)], [5, 5]], np.float32)
    np.testing.assert_allclose(probabilities(logits, 'single'), [[0.25, 0.75], [0.5, 0.5]],
                               rtol=1e-6)


def test_sigmoid_of_known_logits() -> None:
    logits = np.array([0, np.log(3), -np.log(3)], np.float32)
    np.testing.assert_allclose(probabilities(logits, 'multi'), [0.5, 0.75, 0.25], rtol=1e-6)


@pytest.mark.parametrize('mode', ['single', 'multi'])
def test_huge_logits_do_not_overflow(mode: str) -> None:
    found = probabilities(np.array([1e30, -1e30, 0], np.float32), mode)  # type: ignore[arg-type]
    assert found.dtype == np.float32
    assert found[0] == pytest.approx(1)
    assert found[1] == pytest.approx(0)


def test_the_best_come_first_and_few_pass() -> None:
    scores = np.array([0.1, 0.5, 0.05, 0.35], np.float32)
    labels = ('a', 'b', 'c', 'd')
    assert [found.label for found in select(scores, labels, 0.1, 10)] == ['b', 'd', 'a']
    assert [found.label for found in select(scores, labels, 0.0, 2)] == ['b', 'd']
    assert select(scores, labels, 0.6, 10) == ()


def test_equal_scores_keep_the_order_of_the_labels() -> None:
    scores = np.array([0.25] * 4, np.float32)
    assert [found.label for found in select(scores, ('d', 'c', 'b', 'a'), 0, 3)] == ['d', 'c', 'b']


@pytest.mark.parametrize(('score', 'text'), [
    (0.98765, '98.77% mug'), (1.0, '100.00% mug'), (0.05, '05.00% mug'), (0.0, '00.00% mug')])
def test_overlay_text_is_that_of_the_original(score: float, text: str) -> None:
    assert overlay_text(Prediction('mug', score)) == text
