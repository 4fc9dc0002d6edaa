"""Looking through a data set, page by page, and through its edits; reads only."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from ..core.errors import DatasetError, NotFoundError
from ..core.labels import normalise
from ..core.split import Split
from . import journal, schema
from .journal import Entry

MAX_LIMIT = 1000
_COLUMNS = ('samples.id, sha256, stamp_ns, burst, samples.source, '
            f'{schema.EFFECTIVE_SPLIT}, pinned, width, height, quarantined, deleted_ns')


class State(IntEnum):
    """As the constants STATE_ in ``srv/ListSamples``."""

    NORMAL = 0
    QUARANTINED = 1
    DELETED = 2


_WHERE = {State.NORMAL: schema.USABLE, State.QUARANTINED: 'quarantined IS NOT NULL',
          State.DELETED: 'deleted_ns IS NOT NULL'}


@dataclass(frozen=True)
class Query:
    """Which samples, newest first; all filters must match.

    :param tags: any of these labels; empty: any label or none. :param burst: 0: any.
    :param split: ``None``: any. :param since_ns: captured at or after; 0: any time.
    :param until_ns: captured before; 0: any time. :param limit: 1 to 1000 samples.
    """

    tags: tuple[str, ...] = ()
    burst: int = 0
    split: Split | None = None
    since_ns: int = 0
    until_ns: int = 0
    state: State = State.NORMAL
    offset: int = 0
    limit: int = 100


@dataclass(frozen=True)
class Listed:
    """A stored sample. :param quarantined: why it is set aside; empty: it is not."""

    sha256: str
    tags: tuple[str, ...]
    stamp_ns: int
    burst: int
    source: str
    split: Split
    pinned: bool
    width: int
    height: int
    quarantined: str
    deleted: bool


@dataclass(frozen=True)
class Page:
    """Part of what a query finds. :param total: how many match."""

    samples: tuple[Listed, ...]
    total: int
    revision: int


def page(root: Path, query: Query) -> Page:
    """Run a query.

    :raises DatasetError: there is no data set, it is damaged, or ``limit`` is out of range.
    :raises LabelError: a tag cannot be a label.
    """
    if not 1 <= query.limit <= MAX_LIMIT or query.offset < 0:
        raise DatasetError(f'a page has 1 to {MAX_LIMIT} samples and an offset from 0')
    tables, where, values = _filter(query)
    with _reading(root) as db:
        total, ids = _found(db, query, f'FROM {tables} WHERE {where}', values)
        return Page(_listed(db, ids), total, schema.revision(db))


def everything(root: Path, query: Query) -> list[Listed]:
    """All that a query finds at one moment, whatever is recorded meanwhile; no pages.

    :raises DatasetError: as :func:`page`; likewise LabelError.
    """
    tables, where, values = _filter(query)
    with _reading(root) as db:
        ids = [row[0] for row in db.execute(
            f'SELECT samples.id FROM {tables} WHERE {where}', values)]
        return [sample for start in range(0, len(ids), MAX_LIMIT)
                for sample in _listed(db, ids[start:start + MAX_LIMIT])]


def find(root: Path, sha256: str) -> Listed:
    """Find one sample.

    :raises NotFoundError: it is unknown. :raises DatasetError: as :func:`page`.
    """
    with _reading(root) as db:
        row = db.execute('SELECT id FROM samples WHERE sha256 = ?', (sha256,)).fetchone()
        if not row:
            raise NotFoundError(f'no sample {sha256[:64]!r}: list the samples anew')
        return _listed(db, [row[0]])[0]


def history(root: Path, limit: int = 100) -> tuple[Entry, ...]:
    """The last edits, newest first. :raises DatasetError: as :func:`page`."""
    with _reading(root) as db:
        return tuple(journal.entries(db, f'ORDER BY id DESC LIMIT {int(limit)}'))


@contextmanager
def _reading(root: Path) -> Iterator[sqlite3.Connection]:
    with closing(schema.open_reader(root)) as db, schema.read_errors(root):
        db.execute('BEGIN')
        yield db


def _filter(query: Query) -> tuple[str, str, list[str | int]]:
    """Tables, condition and its values."""
    tables, where, values = 'samples', [_WHERE[query.state]], list[str | int]()
    if query.tags:
        tags = normalise(query.tags)
        # The plus keeps SQLite from looking samples up one by one and sorting them.
        where.append('+samples.id IN (SELECT sample FROM tags JOIN labels ON labels.id = label '
                     f'WHERE name IN ({",".join("?" * len(tags))}))')
        values += tags
    for condition, value in (('burst = ?', query.burst), ('stamp_ns >= ?', query.since_ns),
                             ('stamp_ns < ?', query.until_ns)):
        if value:
            where.append(condition)
            values.append(value)
    if query.split is not None:
        tables += ' JOIN bursts ON bursts.id = burst'
        where.append(f'{schema.EFFECTIVE_SPLIT} = ?')
        values.append(query.split)
    return tables, ' AND '.join(where), values


def _found(db: sqlite3.Connection, query: Query, clause: str,
           values: Sequence[str | int]) -> tuple[int, list[int]]:
    """How many match, and the rows of the page."""
    ids = f'SELECT samples.id {clause} ORDER BY stamp_ns DESC, samples.id DESC'
    if query.tags:  # to find them is the most work: once, not for the total and for the page
        rows = [row for (row,) in db.execute(ids, values)]
        return len(rows), rows[query.offset:query.offset + query.limit]
    total = db.execute(f'SELECT count(*) {clause}', values).fetchone()[0]
    return total, [row for (row,) in db.execute(f'{ids} LIMIT ? OFFSET ?',
                                                (*values, query.limit, query.offset))]


def _listed(db: sqlite3.Connection, ids: Sequence[int]) -> tuple[Listed, ...]:
    marks = ','.join('?' * len(ids))
    tags = dict(db.execute(
        'SELECT sample, group_concat(name, char(10)) FROM tags JOIN labels ON labels.id = label '
        f'WHERE sample IN ({marks}) GROUP BY sample', ids))
    return tuple(
        Listed(sha256, journal.from_lines(tags.get(row)), stamp_ns, burst, source, Split(split),
               bool(pinned), width, height, quarantined or '', deleted_ns is not None)
        for row, sha256, stamp_ns, burst, source, split, pinned, width, height, quarantined,
        deleted_ns in db.execute(
            f'SELECT {_COLUMNS} FROM samples JOIN bursts ON bursts.id = burst '
            f'WHERE samples.id IN ({marks}) ORDER BY stamp_ns DESC, samples.id DESC', ids))
