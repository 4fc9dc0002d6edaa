"""A data set as it is at one moment, for whoever only reads it."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ..core.split import Split, dominant
from . import schema
from .image_files import image_path
from .journal import from_lines
from .tally import Stats, Tally, count


@dataclass(frozen=True)
class Sample:
    """One usable, labelled sample."""

    sha256: str
    path: Path
    tags: tuple[str, ...]
    burst: int
    stamp_ns: int
    split: Split


@dataclass(frozen=True)
class Snapshot:
    """All usable samples with at least one tag, oldest first, at one revision.

    :param warning: why held-out scores should be taken with care; empty when nothing is known.
    """

    revision: int
    samples: tuple[Sample, ...]
    warning: str = ''

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes that occur, sorted."""
        return tuple(sorted({tag for sample in self.samples for tag in sample.tags}))

    @property
    def multi_label(self) -> bool:
        """Some sample has several tags."""
        return any(len(sample.tags) > 1 for sample in self.samples)

    def part(self, wanted: Split) -> tuple[Sample, ...]:
        """The samples of one split."""
        return tuple(sample for sample in self.samples if sample.split == wanted)

    def counts(self, wanted: Split) -> Counter[str]:
        """Samples of each class in one split."""
        return Counter(tag for sample in self.part(wanted) for tag in sample.tags)


def revision(root: Path) -> int:
    """Number of the last change; 0 when there is no data set yet.

    :raises DatasetError: it cannot be read.
    """
    if not schema.is_there(root):
        return 0
    with closing(schema.open_reader(root)) as db, schema.read_errors(root):
        return schema.revision(db)


def snapshot(root: Path) -> Snapshot:
    """Read a data set.

    :raises DatasetError: there is none, or it cannot be read.
    :raises DataVersionError: another version of this program made it.
    """
    with closing(schema.open_reader(root)) as db, schema.read_errors(root):
        db.execute('BEGIN')
        number, rows = schema.revision(db), tuple(_rows(db, root))
        shared = {burst for (burst,) in db.execute(
            'SELECT id FROM bursts WHERE held_out_from_ns IS NOT NULL')}
    alone = _alone(rows, shared)
    warning = ('recorded in a single burst (or nearly so), so the held-out frames are like the '
               'training frames: ' + ', '.join(alone)) if alone else ''
    return Snapshot(number, rows, warning)


def arrivals(root: Path, after: int, limit: int) -> tuple[int, list[Sample]]:
    """Read the samples stored since, with or without tags.

    :param after: what this function returned before; 0: from the first.
    :return: where to go on from, and at most ``limit`` samples.
    :raises DatasetError: as :func:`snapshot`; likewise DataVersionError.
    """
    with closing(schema.open_reader(root)) as db, schema.read_errors(root):
        rows = db.execute(f'SELECT id, sha256, burst, stamp_ns FROM samples WHERE id > ? AND '
                          f'{schema.USABLE} ORDER BY id LIMIT ?', (after, limit)).fetchall()
    return rows[-1][0] if rows else after, [
        Sample(sha256, image_path(root, sha256), (), burst, stamp_ns, Split.TRAIN)
        for _, sha256, burst, stamp_ns in rows]


def _alone(samples: Sequence[Sample], shared: Container[int]) -> list[str]:
    """Classes with one burst, or with one that holds nearly all and is shared, sorted."""
    counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for sample in samples:
        for tag in sample.tags:
            counts[tag][sample.burst] += 1
    return sorted(tag for tag, bursts in counts.items()
                  if len(bursts) == 1 or dominant(bursts) in shared)


def _rows(db: sqlite3.Connection, root: Path) -> Iterable[Sample]:
    query = db.execute(
        'SELECT sha256, group_concat(name, char(10)), burst, stamp_ns, '
        f'{schema.EFFECTIVE_SPLIT} FROM samples '
        'JOIN tags ON tags.sample = samples.id JOIN labels ON labels.id = tags.label '
        f'JOIN bursts ON bursts.id = samples.burst WHERE {schema.USABLE} '
        'GROUP BY samples.id ORDER BY stamp_ns, samples.id')
    for sha256, tags, burst, stamp_ns, chosen in query:
        yield Sample(sha256, image_path(root, sha256), from_lines(tags), burst, stamp_ns,
                     Split(chosen))


def stats(root: Path) -> Stats:
    """Counts of a data set, without writing to it.

    :raises DatasetError: as :func:`snapshot`; likewise DataVersionError.
    """
    tally = Tally()
    with closing(schema.open_reader(root)) as db, schema.read_errors(root):
        count(tally, db)
        return tally.stats(schema.revision(db))
