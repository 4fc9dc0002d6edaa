"""How often one address may write."""

from types import SimpleNamespace

import pytest

from recognizer_ros.server import pace
from recognizer_ros.server.pace import Pace


def test_a_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [0.0]
    monkeypatch.setattr(pace, 'time', SimpleNamespace(monotonic=lambda: now_s[0]))
    one = Pace(2.0, 3)
    assert [one.allows('a') for _ in range(5)] == [True, True, True, False, False]
    assert one.allows('b')
    now_s[0] = 0.5
    assert [one.allows('a') for _ in range(2)] == [True, False]
    now_s[0] = 1000.0
    assert [one.allows('a') for _ in range(4)] == [True, True, True, False]


def test_a_pace_forgets_the_oldest_of_a_thousand_addresses() -> None:
    one = Pace(0.0, 1)
    assert one.allows('first')
    assert not one.allows('first')
    for number in range(1000):
        one.allows(str(number))
    assert one.allows('first')
