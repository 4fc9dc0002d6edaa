import pytest

from recognizer_ros.training.schedule import WARM_UP_STEPS, Schedule


def test_it_warms_up_then_falls_to_a_floor_and_stays_there() -> None:
    schedule = Schedule(epochs=10, floor=0.02)
    warming = [schedule.factor(step, 0.0) for step in range(WARM_UP_STEPS)]
    assert warming == sorted(warming)
    assert 0 < warming[0] < 0.05
    assert warming[-1] == pytest.approx(1)
    falling = [schedule.factor(1000, epoch / 4) for epoch in range(41)]
    assert falling == sorted(falling, reverse=True)
    assert falling[20] == pytest.approx(0.51)
    assert [schedule.factor(1000, epochs) for epochs in (10, 11, 500)] == [0.02] * 3
