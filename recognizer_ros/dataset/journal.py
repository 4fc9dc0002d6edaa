"""The edits made so far, kept in the index so that each can be undone, also after a restart.

All functions work inside a transaction of the caller.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..core.errors import DatasetError
from ..core.split import Split
from . import schema
from .edits import State

KEPT = 1000
"""Edits that can be undone at most; older ones are forgotten."""
KEPT_CHANGES = 1_000_000
"""Samples and bursts in all these edits at most, but for those of small edits and of the last."""
_SMALL = 1000  # as many changes do not make it worth while to count all
_COUNTED = ('SELECT id, (SELECT count(*) FROM sample_changes WHERE edit = id) '
            '+ (SELECT count(*) FROM burst_changes WHERE edit = id) AS changes FROM edits')


@dataclass(frozen=True)
class Change:
    """One sample before and after an edit."""

    before: State
    after: State


@dataclass(frozen=True)
class BurstState:
    """What edits change of a burst."""

    split: Split
    pinned: bool


@dataclass(frozen=True)
class BurstChange:
    """One burst before and after an edit."""

    before: BurstState
    after: BurstState


@dataclass(frozen=True)
class Entry:
    """An edit of the past.

    :param changed: samples that it was about and that are not purged. :param revision: of the data
        set, made by it.
    """

    edit: int
    time_ns: int
    description: str
    changed: int
    revision: int
    undone: bool


def record(db: sqlite3.Connection, description: str, time_ns: int, revision: int,
           samples: Mapping[int, Change], bursts: Mapping[int, BurstChange]) -> None:
    """Note an edit. What was undone before can no longer be done again."""
    db.execute('DELETE FROM edits WHERE undone')
    edit = db.execute('INSERT INTO edits (time_ns, description, revision) VALUES (?, ?, ?) '
                      'RETURNING id', (time_ns, description, revision)).fetchone()[0]
    db.executemany('INSERT INTO sample_changes VALUES (?, ?, ?, ?, ?, ?)', (
        (edit, sample, to_lines(change.before.tags), change.before.deleted_ns,
         to_lines(change.after.tags), change.after.deleted_ns)
        for sample, change in samples.items()))
    db.executemany('INSERT INTO burst_changes VALUES (?, ?, ?, ?, ?, ?)', (
        (edit, burst, change.before.split, change.before.pinned, change.after.split,
         change.after.pinned) for burst, change in bursts.items()))
    db.execute('DELETE FROM edits WHERE id <= ?', (edit - KEPT,))
    if len(samples) + len(bursts) > _SMALL:
        db.execute('DELETE FROM edits WHERE id < ? AND id <= (SELECT max(id) FROM ('
                   f'SELECT id, sum(changes) OVER (ORDER BY id DESC) AS total FROM ({_COUNTED})) '
                   'WHERE total > ?)', (edit, KEPT_CHANGES))


def next_to(db: sqlite3.Connection, redo: bool) -> Entry:
    """Return the edit that undo, or redo, is about.

    :raises DatasetError: there is none.
    """
    which = 'undone ORDER BY id' if redo else 'NOT undone ORDER BY id DESC'
    for row in entries(db, f'WHERE {which} LIMIT 1'):
        return row
    raise DatasetError('nothing to do again' if redo else 'nothing to undo')


def newest(db: sqlite3.Connection) -> Entry:
    """Return the edit that was made, undone or done again last; there is one."""
    return next(iter(entries(db, 'ORDER BY revision DESC LIMIT 1')))


def drop_empty(db: sqlite3.Connection) -> None:
    """Forget the edits whose samples are all gone."""
    db.execute('DELETE FROM edits WHERE NOT EXISTS (SELECT 1 FROM sample_changes WHERE edit = id) '
               'AND NOT EXISTS (SELECT 1 FROM burst_changes WHERE edit = id)')


def entries(db: sqlite3.Connection, clause: str) -> Iterable[Entry]:
    """Read edits. :param clause: SQL of our own, after FROM."""
    for edit, time_ns, description, revision, undone in db.execute(
            f'SELECT id, time_ns, description, revision, undone FROM edits {clause}'):
        yield Entry(edit, time_ns, description, _changed(db, edit), revision, bool(undone))


def states(db: sqlite3.Connection, edit: int, before: bool) -> dict[int, State]:
    """What the samples of an edit were before it, or after."""
    side = 'before' if before else 'after'
    return {sample: State(from_lines(tags), deleted_ns) for sample, tags, deleted_ns in db.execute(
        f'SELECT sample, tags_{side}, deleted_{side} FROM sample_changes WHERE edit = ?', (edit,))}


def burst_states(db: sqlite3.Connection, edit: int, before: bool) -> dict[int, BurstState]:
    """What the bursts of an edit were before it, or after."""
    side = 'before' if before else 'after'
    return {burst: BurstState(Split(split), bool(pinned)) for burst, split, pinned in db.execute(
        f'SELECT burst, split_{side}, pinned_{side} FROM burst_changes WHERE edit = ?', (edit,))}


def _changed(db: sqlite3.Connection, edit: int) -> int:
    """Samples that an edit was about: changed, or in bursts that a person has put elsewhere."""
    found, = db.execute('SELECT count(*) FROM sample_changes WHERE edit = ?', (edit,)).fetchone()
    if not found:
        found, = db.execute(
            f'SELECT count(*) FROM samples WHERE {schema.USABLE} AND burst IN (SELECT burst FROM '
            'burst_changes WHERE edit = ? AND (pinned_before OR pinned_after))',
            (edit,)).fetchone()
    return int(found)


def mark(db: sqlite3.Connection, edit: int, undone: bool, revision: int) -> None:
    """Note that an edit was undone, or done again."""
    db.execute('UPDATE edits SET undone = ?, revision = ? WHERE id = ?', (undone, revision, edit))


def to_lines(tags: Iterable[str]) -> str:
    """Tags as one text; a tag never holds a line break."""
    return '\n'.join(tags)


def from_lines(text: str | None) -> tuple[str, ...]:
    """The inverse of :func:`to_lines`, sorted."""
    return tuple(sorted(text.split('\n'))) if text else ()
