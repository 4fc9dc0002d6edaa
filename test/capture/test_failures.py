import random

import pytest

from recognizer_ros.capture.failures import BACK_OFF_S, JITTER, PER_MINUTE, BackOff, Quiet


def test_the_wait_grows_to_an_end_and_is_not_the_same_for_all():
    back_off = BackOff(random.Random(1))
    waits = [back_off.next_s(0.0) for _ in range(8)]
    for wait_s, middle_s in zip(waits, (*BACK_OFF_S, 10.0, 10.0, 10.0), strict=True):
        assert wait_s == pytest.approx(middle_s, rel=JITTER)
    assert len(set(waits)) == 8


@pytest.mark.parametrize(('played_s', 'starts_anew'), [(0.1, False), (9.0, False), (60.0, True)])
def test_only_a_source_that_played_for_a_while_is_opened_soon(played_s, starts_anew):
    back_off = BackOff(random.Random(1))
    for _ in range(8):
        back_off.next_s(0.0)
    assert (back_off.next_s(played_s) < 1) is starts_anew


def test_another_source_is_opened_soon():
    back_off = BackOff(random.Random(1))
    for _ in range(8):
        back_off.next_s(0.0)
    back_off.reset()
    assert back_off.next_s(0.0) < 1


def test_a_text_is_said_once_until_it_is_news_again():
    quiet = Quiet()
    said = [quiet.passes(text, 1.0) for text in 'abababab']
    assert said == [True, True, *[False] * 6]
    assert not quiet.passes('a', 1e6)
    quiet.forget()
    assert quiet.passes('a', 1e6)


def test_texts_a_minute_are_bounded():
    quiet = Quiet()
    times_s = [number / 10 for number in range(3000)]
    said_s = [time_s for time_s in times_s if quiet.passes(f'error {time_s}', time_s)]
    for start_s in range(240):
        assert sum(start_s <= time_s < start_s + 60 for time_s in said_s) <= PER_MINUTE
    assert len(said_s) == 5 * PER_MINUTE
