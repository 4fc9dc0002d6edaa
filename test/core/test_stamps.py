import time
from datetime import timedelta, timezone

import pytest

from recognizer_ros.core import stamps
from recognizer_ros.core.errors import ConfigError

NOON = 1_700_000_000
UTC = timezone.utc


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setenv('TZ', 'JST-9')
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(('text', 'expected'), [
    ('0', 0), ('1700000000', NOON * 10**9), ('1700000000.123456789', NOON * 10**9 + 123456789),
    ('2023-11-14T22:13:20Z', NOON * 10**9), ('2023-11-14T23:13:20+01:00', NOON * 10**9),
    (' 2023-11-14 22:13:20.250Z ', NOON * 10**9 + 250 * 10**6),
    ('2023-11-14T22:13:20.123456+00:00', NOON * 10**9 + 123456000)])
def test_a_time_is_read_exactly(text: str, expected: int) -> None:
    assert stamps.parse(text) == expected


@pytest.mark.usefixtures('in_tokyo')
def test_a_time_without_zone_is_local() -> None:
    assert stamps.parse('1970-01-01T10:00') == 3600 * 10**9
    assert stamps.parse('1970-01-02') == 15 * 3600 * 10**9
    assert stamps.show(3600 * 10**9) == '1970-01-01T10:00:00.000+09:00'


@pytest.mark.parametrize('text', ['', 'now', '-1', 'nan', 'inf', '1e30', '2147483648', '10:30',
                                  '0001-01-01', '9999-12-31', '2023-13-01', '2023-11-14T22:13+99'])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match='no time'):
        stamps.parse(text)


def test_what_is_shown_is_read_back() -> None:
    stamp = NOON * 10**9 + 987 * 10**6
    for zone in (UTC, timezone(timedelta(hours=-5, minutes=-30)), None):
        assert stamps.parse(stamps.show(stamp, zone)) == stamp
    assert stamps.show(stamp + 999_999, UTC) == '2023-11-14T22:13:20.987+00:00'
