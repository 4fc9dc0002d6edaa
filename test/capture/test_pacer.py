import threading

import pytest

from recognizer_ros.capture.pacer import Pacer, RateLimit


def due_times(pacer, fake_time, works_s, gap_s=0.1):
    """Take turns of work and wait; return when each wait ended, since the first."""
    times = []
    for work_s in works_s:
        fake_time.now_s += work_s
        assert pacer.wait(gap_s)
        times.append(round(fake_time.now_s - 100.0, 6))
    return times


def test_first_frame_is_due_at_once_and_the_others_a_gap_apart(fake_time):
    pacer = Pacer(fake_time, fake_time.now)
    assert due_times(pacer, fake_time, [0, 0, 0.03, 0.09]) == [0.0, 0.1, 0.2, 0.3]


def test_a_little_lag_is_made_up_for(fake_time):
    pacer = Pacer(fake_time, fake_time.now)
    assert due_times(pacer, fake_time, [0, 0.15, 0, 0]) == [0.0, 0.15, 0.2, 0.3]


def test_much_lag_is_forgotten_instead_of_a_burst(fake_time):
    pacer = Pacer(fake_time, fake_time.now)
    assert due_times(pacer, fake_time, [0, 5.0, 0, 0]) == [0.0, 5.0, 5.1, 5.2]


def test_stop_before_and_while_waiting():
    stop = threading.Event()
    pacer = Pacer(stop)
    assert pacer.wait(3600)
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(pacer.wait(3600)), daemon=True)
    waiting.start()
    stop.set()
    waiting.join(5)
    assert answers == [False]
    assert not Pacer(stop).wait(0.1)


@pytest.mark.parametrize(('source_hz', 'limit_hz', 'shown'), [
    (30, 30, 30), (25, 30, 25), (60, 30, 30), (50, 20, 20), (30, 1, 1)])
def test_rate_limit_shows_at_most_its_rate(source_hz, limit_hz, shown):
    limit = RateLimit(limit_hz)
    # Milliseconds, as Matroska rounds them.
    times = [round(index / source_hz, 3) for index in range(10 * source_hz)]
    assert sum(map(limit.passes, times)) == pytest.approx(10 * shown, abs=1)


def test_rate_limit_makes_no_burst_after_a_gap():
    limit = RateLimit(10)
    assert limit.passes(0.0)
    assert [limit.passes(time) for time in (7.0, 7.01, 7.02, 7.05)] == [True, False, False, False]
