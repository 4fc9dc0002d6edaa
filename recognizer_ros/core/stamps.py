"""Times that people type and read; in the program they are nanoseconds since 1970."""

from datetime import datetime, timezone
from decimal import Decimal, InvalidOperation

from .errors import ConfigError

_MAX_S = 2**31  # what a stamp of ROS can hold


def parse(text: str) -> int:
    """A time from ISO 8601 (local, unless it says which zone), or seconds since 1970, exactly.

    :raises ConfigError: it is neither.
    """
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        seconds = _of_iso(text.strip())
    if not seconds.is_finite() or not 0 <= seconds < _MAX_S:
        raise ConfigError(f'{text[:40]!r} is no time from 1970 to 2038')
    return int(seconds * 10**9)


def show(stamp_ns: int, zone: timezone | None = None) -> str:
    """ISO 8601 to the millisecond, which :func:`parse` reads. :param zone: ``None``: local."""
    moment = datetime.fromtimestamp(stamp_ns // 10**9, timezone.utc)
    moment = moment.replace(microsecond=stamp_ns % 10**9 // 1000)
    return moment.astimezone(zone).isoformat(timespec='milliseconds')


def _of_iso(text: str) -> Decimal:
    try:
        moment = datetime.fromisoformat(text.removesuffix('Z') + '+00:00' * text.endswith('Z'))
        seconds = int(moment.replace(microsecond=0).timestamp())
    except (ValueError, OverflowError, OSError) as error:
        raise ConfigError(f'{text[:40]!r} is no time: give one like 2026-01-31T14:30, or seconds '
                          'since 1970') from error
    return seconds + Decimal(moment.microsecond) / 10**6
