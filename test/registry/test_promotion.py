import makers
import pytest

from recognizer_ros.core.scores import Scores
from recognizer_ros.registry.promotion import decide

AB = ('a', 'b')


def single(accuracy: float, labels: tuple[str, ...] = AB) -> Scores:
    return makers.scores(labels, accuracy, samples=400)


def multi(macro_f1: float, accuracy: float = makers.NAN) -> Scores:
    return makers.scores(AB, accuracy, samples=400, mode='multi', macro_f1=macro_f1)


NOTHING = makers.scores(AB)


@pytest.mark.parametrize(('candidate', 'live', 'strict', 'promote', 'said'), [
    (single(0.9), single(0.8), False, True, '0.900 against 0.800'),
    (single(0.9), single(0.8), True, True, '0.900 against 0.800'),
    (single(0.8), single(0.8), False, True, '0.800 against 0.800'),
    (single(0.8), single(0.8), True, False, '0.800 against 0.800'),
    (single(1.0), single(1.0), True, False, '1.000 against 1.000'),
    (single(0.7), single(0.8), False, False, '0.700 against 0.800'),
    (single(0.785), single(0.8), False, True, 'no worse by more than its standard error, 0.020'),
    (single(0.785), single(0.8), True, False, '0.785 against 0.800'),
    (single(0.995), single(1.0), False, False, '0.995 against 1.000'),
    (multi(0.6, 0.1), multi(0.5, 0.9), False, True, '0.600 against 0.500'),
    (multi(0.4, 0.9), multi(0.5, 0.1), False, False, '0.400 against 0.500'),
    (NOTHING, NOTHING, False, True, 'nothing is held out'),
    (NOTHING, NOTHING, True, False, 'nothing is held out'),
    (single(0.1), None, True, True, 'cannot be used any more'),
])
def test_scores_on_the_same_samples_decide(candidate: Scores, live: Scores | None, strict: bool,
                                           promote: bool, said: str) -> None:
    decision = decide(candidate, live, AB, strict)
    assert decision.promote is promote
    assert said in decision.reason


@pytest.mark.parametrize('live', [None, single(1.0)])
def test_the_first_model_goes_live_whatever_it_scores(live: Scores | None) -> None:
    assert decide(NOTHING, live, (), strict=True).promote


@pytest.mark.parametrize('live', [None, single(1.0)])
def test_a_new_class_goes_live_whatever_it_scores(live: Scores | None) -> None:
    decision = decide(single(0.1, ('a', 'b', 'c', 'd')), live, AB, strict=True)
    assert decision.promote
    assert decision.reason == 'it knows c, d'


def test_a_class_less_is_no_reason_by_itself() -> None:
    assert not decide(single(0.5, ('a',)), single(0.9), AB, strict=False).promote


@pytest.mark.parametrize('strict', [False, True])
def test_a_score_that_is_no_number_never_beats_one(strict: bool) -> None:
    assert not decide(single(makers.NAN), single(0.5), AB, strict).promote
