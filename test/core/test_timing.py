import pytest

from recognizer_ros.core.timing import Rate, Recent


def ticked(*times_s: float) -> Rate:
    rate = Rate(window_s=3.0)
    for time_s in times_s:
        rate.tick(time_s)
    return rate


def test_percentiles() -> None:
    recent = Recent()
    for value in range(100, 0, -1):
        recent.add(value)
    assert recent.percentile(0) == 1
    assert recent.percentile(50) == pytest.approx(50, abs=1)
    assert recent.percentile(95) == pytest.approx(95, abs=1)
    assert recent.percentile(100) == 100


def test_no_values_no_percentile() -> None:
    assert Recent().percentile(95) == 0


def test_only_recent_values_count() -> None:
    recent = Recent(kept=3)
    for value in (1000, 1, 2, 3):
        recent.add(value)
    assert recent.percentile(100) == 3


def test_a_steady_rate() -> None:
    rate = ticked(*(number / 10 for number in range(100)))
    assert rate.hz(9.9) == pytest.approx(10, rel=0.05)


def test_a_rate_is_known_soon_after_the_start() -> None:
    assert ticked(5.0, 5.1, 5.2).hz(5.2) == pytest.approx(10)


def test_a_rate_follows_a_change() -> None:
    rate = ticked(*(number / 30 for number in range(90)), *(3 + number for number in range(10)))
    assert rate.hz(12.0) == pytest.approx(1, rel=0.4)


def test_it_is_zero_when_nothing_happens() -> None:
    assert Rate().hz(1.0) == 0
    assert ticked(1.0).hz(1.0) == 0
    assert ticked(1.0, 1.1, 1.2).hz(5.0) == 0
