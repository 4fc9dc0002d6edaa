"""Rows of samples and their tags; inside a transaction of the caller."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from . import journal
from .edits import State
from .sample import NewSample

_CHUNK = 500
_FOUND = ('SELECT samples.id, sha256, burst, edited, quarantined IS NOT NULL, deleted_ns, '
          'group_concat(name, char(10)) FROM samples LEFT JOIN tags ON sample = samples.id '
          'LEFT JOIN labels ON labels.id = label WHERE {} GROUP BY samples.id')


@dataclass(frozen=True)
class Row:
    """A sample. :param edited: revision that its last edit made; 0: never edited."""

    id: int
    sha256: str
    burst: int
    edited: int
    quarantined: bool
    state: State


class Rows:
    """Reads and writes rows of one connection."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._labels: dict[str, int] = {}

    def forget(self) -> None:
        """Forget what may have been rolled back."""
        self._labels.clear()

    def named(self, names: Iterable[str]) -> Iterator[Row]:
        """Find samples by SHA-256."""
        return self._in('sha256', list(names))

    def numbered(self, ids: Iterable[int]) -> Iterator[Row]:
        """Find samples by row id."""
        return self._in('samples.id', list(ids))

    def of_class(self, label: str) -> Iterator[Row]:
        """Find all samples with a label, deleted ones too."""
        return self._where('samples.id IN (SELECT sample FROM tags JOIN labels ON id = label '
                           'WHERE name = ?)', (label,))

    def deleted(self) -> Iterator[Row]:
        """Find all deleted samples."""
        return self._where('deleted_ns IS NOT NULL', ())

    def insert(self, name: str, sample: NewSample) -> None:
        """Insert a sample whose image has this SHA-256."""
        row = self._db.execute(
            'INSERT INTO samples (sha256, stamp_ns, burst, source, width, height) '
            'VALUES (?, ?, ?, ?, ?, ?) RETURNING id',
            (name, sample.stamp_ns, sample.burst, sample.source, sample.width,
             sample.height)).fetchone()[0]
        self._insert_tags({row: State(sample.tags)})

    def write(self, states: Mapping[int, State], revision: int) -> None:
        """Give samples, by row id, their new state."""
        self._db.executemany('DELETE FROM tags WHERE sample = ?', ((row,) for row in states))
        self._insert_tags(states)
        self._db.executemany('UPDATE samples SET deleted_ns = ?, edited = ? WHERE id = ?', (
            (state.deleted_ns, revision, row) for row, state in states.items()))

    def remove(self, ids: Iterable[int]) -> None:
        """Remove samples, also from the journal; an edit that has none left goes as well."""
        self._db.executemany('DELETE FROM samples WHERE id = ?', ((row,) for row in ids))
        journal.drop_empty(self._db)

    def set_aside(self, ids: Iterable[int], reason: str | None) -> None:
        """Set samples aside; ``None``: put them to use again."""
        self._db.executemany('UPDATE samples SET quarantined = ? WHERE id = ?',
                             ((reason, row) for row in ids))

    def _insert_tags(self, states: Mapping[int, State]) -> None:
        self._db.executemany('INSERT INTO tags VALUES (?, ?)', (
            (row, self._label(tag)) for row, state in states.items() for tag in state.tags))

    def _label(self, name: str) -> int:
        if name not in self._labels:
            self._db.execute('INSERT OR IGNORE INTO labels (name) VALUES (?)', (name,))
            self._labels[name] = self._db.execute('SELECT id FROM labels WHERE name = ?',
                                                  (name,)).fetchone()[0]
        return self._labels[name]

    def _in(self, column: str, values: Sequence[str | int]) -> Iterator[Row]:
        for start in range(0, len(values), _CHUNK):
            chunk = values[start:start + _CHUNK]
            yield from self._where(f'{column} IN ({",".join("?" * len(chunk))})', chunk)

    def _where(self, condition: str, values: Sequence[str | int]) -> Iterator[Row]:
        for row, name, burst, edited, quarantined, deleted_ns, tags in self._db.execute(
                _FOUND.format(condition), values):
            yield Row(row, name, burst, edited, bool(quarantined),
                      State(journal.from_lines(tags), deleted_ns))
