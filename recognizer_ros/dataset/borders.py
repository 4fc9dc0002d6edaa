"""Where the parts of a shared burst begin, kept in step with its samples; see ``core/split``."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import schema
from .sample import NewSample
from .tally import Tally


@dataclass(frozen=True)
class _Drawn:
    """:param parts: the indices it was drawn for. :param held_out_ns: first stamp held out."""

    parts: tuple[int, int]
    held_out_ns: int


class Borders:
    """Draws the borders in the bursts that a class has alone, or nearly so; inside a transaction
    of the caller.

    A border is a stamp and, where several samples have the same one, a row.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._drawn: dict[int, _Drawn] = {}

    def forget(self) -> None:
        """Take all borders as out of date."""
        self._drawn = {burst: _Drawn((-1, -1), 0) for (burst,) in self._db.execute(
            'SELECT id FROM bursts WHERE held_out_from_ns IS NOT NULL')}

    def passed(self, samples: Iterable[NewSample]) -> set[int]:
        """Bursts that got a sample before their border, which must be drawn anew."""
        return {sample.burst for sample in samples if sample.burst in self._drawn
                and sample.stamp_ns < self._drawn[sample.burst].held_out_ns}

    def draw(self, tally: Tally, touched: Iterable[int] = ()) -> None:
        """Draw the borders that have moved, and those of ``touched`` bursts."""
        touched = set(touched)
        wanted = tally.shared()
        self._clear((touched | self._drawn.keys()) - wanted.keys())
        self._set({burst: parts for burst, parts in wanted.items() if burst in touched
                   or burst not in self._drawn or self._drawn[burst].parts != parts})

    def _clear(self, bursts: Iterable[int]) -> None:
        for burst in bursts:
            self._drawn.pop(burst, None)
            self._db.execute('UPDATE bursts SET gap_from_ns = NULL, held_out_from_ns = NULL '
                             'WHERE id = ? AND held_out_from_ns IS NOT NULL', (burst,))

    def _set(self, shared: Mapping[int, tuple[int, int]]) -> None:
        for burst, parts in shared.items():
            gap, held_out = (self._sample(burst, index) for index in parts)
            self._drawn[burst] = _Drawn(parts, held_out[0])
            self._db.execute('UPDATE bursts SET gap_from_ns = ?, gap_from_sample = ?, '
                             'held_out_from_ns = ?, held_out_from_sample = ? WHERE id = ?',
                             (*gap, *held_out, burst))

    def _sample(self, burst: int, index: int) -> tuple[int, int]:
        """Stamp and row of a sample, by its place in time."""
        stamp_ns, row = self._db.execute(
            f'SELECT stamp_ns, id FROM samples WHERE burst = ? AND {schema.USABLE} '
            'ORDER BY stamp_ns, id LIMIT 1 OFFSET ?', (burst, index)).fetchone()
        return stamp_ns, row
