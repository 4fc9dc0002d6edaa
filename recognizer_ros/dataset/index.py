"""The index of a data set as its writer has it open: rows, and the counts and borders that follow
them."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..core.errors import DatasetError, DiskFullError
from . import journal, schema
from .borders import Borders
from .edits import Edited, State
from .journal import BurstChange, BurstState, Change
from .rows import Row, Rows
from .tally import BurstTally, Tally, count


class Index:
    """Whatever changes it, but for :meth:`recount`, runs within one :meth:`transaction`.

    :ivar db: the connection.
    :raises DataVersionError: :raises DatasetError: as :func:`schema.open_writer`.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.db = schema.open_writer(root)
        self.rows, self.borders, self.tally = Rows(self.db), Borders(self.db), Tally()

    def close(self) -> None:
        """Close the file."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing.

        :raises DiskFullError: no space. :raises DatasetError: any other error of the index.
        """
        before = self.db.total_changes
        try:
            self.db.execute('BEGIN IMMEDIATE')
            yield
            self.db.execute('COMMIT')
        except BaseException as error:
            if self.db.in_transaction:
                self.db.execute('ROLLBACK')
            if self.db.total_changes != before:
                self.recount()
            if not isinstance(error, sqlite3.Error):
                raise
            if 'full' in str(error):
                raise DiskFullError(f'the disk of {self._root} is full: free some room') from error
            raise DatasetError(f'cannot write the index of {self._root}: {error}') from error

    def recount(self) -> None:
        """Count everything anew. :raises DatasetError: the index is damaged."""
        with schema.read_errors(self._root):
            self.tally = Tally()
            self.rows.forget()
            count(self.tally, self.db)
            self.borders.forget()

    def revision(self) -> int:
        """Number of the last change; 0 when nothing was ever stored."""
        return schema.revision(self.db)

    def next_revision(self) -> int:
        """Begin another one."""
        return int(self.db.execute("UPDATE state SET value = value + 1 WHERE key = 'revision' "
                                   'RETURNING value').fetchone()[0])

    def begin_burst(self, source: str, fresh: BurstTally) -> int:
        """Note a burst that has no samples yet; return its id, from 1."""
        burst = int(self.db.execute(
            'INSERT INTO bursts (source, split, pinned) VALUES (?, ?, ?) RETURNING id',
            (source, fresh.split, fresh.pinned)).fetchone()[0])
        self.tally.put(burst, fresh)
        return burst

    def change(self, samples: Mapping[int, Change], touched: Iterable[int], description: str,
               revision: int = 0, bursts: Mapping[int, BurstChange] | None = None) -> Edited:
        """Change samples and bursts, and note it in the journal as one step for undo.

        :param touched: bursts whose samples change. :param revision: that the caller has begun;
            0: none.
        """
        if not samples and not bursts:
            return Edited(0, revision or self.revision(), description)
        revision = revision or self.next_revision()
        self.rows.write({row: change.after for row, change in samples.items()}, revision)
        moved = dict(bursts or {})
        self._move({burst: change.after for burst, change in moved.items()}, revision)
        count(self.tally, self.db, {*touched, *moved})
        for burst, wanted in self.tally.moves().items():
            now = BurstState(self.tally[burst].split, False)
            moved[burst] = BurstChange(now, replace(now, split=wanted))
            self._move({burst: moved[burst].after}, revision)
            count(self.tally, self.db, [burst])
        journal.record(self.db, description, time.time_ns(), revision, samples, moved)
        self.borders.draw(self.tally, {*touched, *moved})
        return Edited(len(samples), revision, description)

    def put_back(self, samples: Mapping[int, State], bursts: Mapping[int, BurstState]) -> int:
        """Make samples and bursts what they were, and leave the journal alone; return the
        revision."""
        revision = self.next_revision()
        touched = {row.burst for row in self.rows.numbered(samples)}
        self.rows.write(samples, revision)
        self._move(bursts, revision)
        self._follow({*touched, *bursts})
        return revision

    def set_aside(self, rows: Sequence[Row], reason: str | None) -> int:
        """Set aside, or use again (``None``); not in the journal. Return the revision that this
        makes; 0: there are no such rows."""
        if not rows:
            return 0
        self.rows.set_aside((row.id for row in rows), reason)
        self._follow({row.burst for row in rows})
        return self.next_revision()

    def remove(self, rows: Iterable[Row]) -> None:
        """Remove deleted samples for good."""
        self.next_revision()
        self.rows.remove(row.id for row in rows)
        count(self.tally, self.db, ())

    def _move(self, bursts: Mapping[int, BurstState], revision: int) -> None:
        self.db.executemany('UPDATE bursts SET split = ?, pinned = ? WHERE id = ?', (
            (state.split, state.pinned, burst) for burst, state in bursts.items()))
        self.db.executemany('UPDATE samples SET edited = ? WHERE burst = ?',
                            ((revision, burst) for burst in bursts))

    def _follow(self, bursts: set[int]) -> None:
        """Count bursts whose samples have changed, and draw their borders."""
        count(self.tally, self.db, bursts)
        self.borders.draw(self.tally, bursts)
