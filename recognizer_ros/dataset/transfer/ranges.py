"""Which tags the frames of a bag get: from a Tags topic in it, or from a CSV of times.

The CSV has the columns ``start``, ``end`` and ``tags``, in seconds; ``end`` itself is outside.
Numbers below 1,000,000,000 count from the beginning of the bag, by the time at which messages
were recorded, as ``rqt_bag`` and ``ros2 bag info`` show it; larger ones are image stamps, seconds
since 1970. Each row is one burst.
"""

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

from ...core import labels
from ...core.errors import DatasetError, LabelError
from ...core.lease import TagsMessage, TagTimeline
from .table import read_columns
from .trees import read_errors

_FROM_1970_S = 1e9
_MAX_RANGES = 100_000
_AHEAD_NS = 5 * 10**9
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Press:
    """What a frame belongs to. :param number: of the press of Record, or of the row."""

    number: int
    tags: tuple[str, ...]


class Tagger(Protocol):
    """Tells the tags of frames that come in the order in which they were recorded."""

    def at(self, stamp_ns: int, logged_ns: int) -> Press | None:
        """The press that a frame belongs to.

        :param stamp_ns: of the image. :param logged_ns: when the bag received it.
        """


@dataclass(frozen=True)
class Range:
    """A row of the CSV; seconds."""

    start_s: float
    end_s: float
    tags: tuple[str, ...]


class RangeTagger:
    """Tags by ranges of time. :param begin_ns: of the bag, in the time of its recording."""

    def __init__(self, known: list[Range], begin_ns: int) -> None:
        self._known, self._begin_ns = known, begin_ns

    def at(self, stamp_ns: int, logged_ns: int) -> Press | None:
        since_s = (logged_ns - self._begin_ns) * 1e-9
        for number, item in enumerate(self._known, 1):
            at_s = stamp_ns * 1e-9 if item.start_s >= _FROM_1970_S else since_s
            if item.start_s <= at_s < item.end_s:
                return Press(number, item.tags)
        return None


class TopicTagger:
    """Tags as they would have been in a live recording.

    :param messages: in the order of their recording, each with its time; read no further than a
        little ahead of the frames, so that late ones count for the frames they mean.
    """

    def __init__(self, messages: Iterator[tuple[int, TagsMessage]]) -> None:
        self._messages = messages
        self._timeline = TagTimeline()
        self._next = next(messages, None)

    def at(self, stamp_ns: int, logged_ns: int) -> Press | None:
        while self._next and self._next[0] <= logged_ns + _AHEAD_NS:
            try:
                self._timeline.apply(self._next[1])
            except LabelError as error:  # counts as little as in a live recording
                _log.warning('Tags message at %d left out: %s', self._next[0], error)
            self._next = next(self._messages, None)
        held = self._timeline.at(stamp_ns)
        return Press(held.press, held.tags) if held else None


def read_ranges(path: Path) -> list[Range]:
    """Read the CSV.

    :raises DatasetError: it cannot be read, a row is wrong, or two overlap; naming the line.
    """
    found: list[tuple[Range, str]] = []
    with read_errors(str(path)), path.open(encoding='utf-8-sig', newline='') as file:
        for where, cells in read_columns(file, str(path), ('start', 'end', 'tags')):
            try:
                found.append((_range(cells), where))
            except (LabelError, ValueError) as error:
                raise DatasetError(f'{where}: {error}') from error
            if len(found) > _MAX_RANGES:
                raise DatasetError(f'{path} has more than {_MAX_RANGES:,} rows')
    if not found:
        raise DatasetError(f'{path} has no rows below its header')
    found.sort(key=lambda item: item[0].start_s)
    for (before, _), (after, where) in pairwise(found):
        if after.start_s < before.end_s:
            raise DatasetError(f'{where} overlaps another row: give times with several things in '
                               'view a row of their own, with all tags')
    return [item for item, _ in found]


def _range(cells: dict[str, str]) -> Range:
    tags = labels.parse(cells['tags'])
    if not tags:
        raise ValueError('no tags')
    start_s, end_s = _seconds(cells['start']), _seconds(cells['end'])
    if end_s <= start_s:
        raise ValueError('the end must be after the start')
    if (start_s >= _FROM_1970_S) != (end_s > _FROM_1970_S):
        raise ValueError('start and end must both count from the beginning of the bag, or both '
                         'from 1970')
    return Range(start_s, end_s, tags)


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f'{text!r} is no time: give seconds, such as 12.5')
    return number
