"""The writer of a data set: samples in SQLite, images beside it under the name of their content.

A sample counts only when its image and its row are both on disk; a row never points at a file that
is not there.
"""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import DatasetError, DiskFullError, RecognizerError
from ..core.files import disk_errors, sync_folder, write_durably
from ..core.folder_lock import FolderLock
from . import schema
from .tally import BurstTally, Stats, Tally, fill, recount


@dataclass(frozen=True)
class NewSample:
    """An image to store.

    :param data: JPEG file. :param tags: normalised labels. :param burst: from ``begin_burst``.
    """

    data: bytes
    tags: tuple[str, ...]
    stamp_ns: int
    burst: int
    source: str
    width: int
    height: int


@dataclass(frozen=True)
class Stored:
    """Answer to a :class:`NewSample`. :param duplicate: these bytes were there; tags replaced."""

    sha256: str
    duplicate: bool


def image_path(root: Path, sha256: str) -> Path:
    """Where the image of a sample lies."""
    return root / 'images' / sha256[:2] / f'{sha256}.jpg'


class SampleStore:
    """The only writer of a data folder. Not for several threads at once.

    :param reserve_bytes: refuse to store when less would be left on the disk.
    :raises DataLockedError: another process writes to the folder.
    :raises DataVersionError: another version of this program made it.
    :raises DatasetError: it cannot be made or opened.
    """

    def __init__(self, root: Path, reserve_bytes: int = 0) -> None:
        self.root = root
        self.reserve_bytes = reserve_bytes
        with disk_errors(root):
            (root / 'images').mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(root)
        self._tally = Tally()
        try:
            self._db = schema.open_writer(root)
            with schema.read_errors(root):
                fill(self._tally, self._db)
        except RecognizerError:
            self._lock.close()
            raise

    def close(self) -> None:
        """Close the index and let go of the folder."""
        self._db.close()
        self._lock.close()

    def __enter__(self) -> 'SampleStore':
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def begin_burst(self, source: str, tags: Sequence[str]) -> int:
        """Start a burst whose samples will have these tags; return its id, from 1.

        :raises DatasetError: it cannot be written.
        """
        chosen = self._tally.split_for(tags)
        with self._transaction():
            burst = self._db.execute('INSERT INTO bursts (source, split) VALUES (?, ?) '
                                     'RETURNING id', (source, int(chosen))).fetchone()[0]
        self._tally.bursts[burst] = BurstTally(chosen)
        return int(burst)

    def add(self, samples: Sequence[NewSample]) -> list[Stored]:
        """Store images and rows together; when this returns, all are on disk.

        :raises DiskFullError: less than the reserve would be left; nothing was stored.
        :raises DatasetError: nothing was stored.
        """
        size = sum(len(sample.data) for sample in samples)
        with disk_errors(self.root):
            free = shutil.disk_usage(self.root).free
        if free - size < self.reserve_bytes:
            raise DiskFullError(f'the disk of {self.root} has less than '
                                f'{self.reserve_bytes >> 20} MiB left: free some room')
        names = [hashlib.sha256(sample.data).hexdigest() for sample in samples]
        with disk_errors(self.root):
            self._write_images(dict(zip(names, samples, strict=True)))
        with self._transaction():
            stored = [self._insert(name, sample)
                      for name, sample in zip(names, samples, strict=True)]
            self._db.execute("UPDATE state SET value = value + 1 WHERE key = 'revision'")
        for sample, answer in zip(samples, stored, strict=True):
            if not answer.duplicate:
                self._tally.bursts[sample.burst].add(sample.tags)
        for answer in stored:  # after the new ones: a burst counted anew holds them already
            if answer.duplicate:
                recount(self._tally, self._db, answer.sha256)
        return stored

    def stats(self) -> Stats:
        """Return counts; costs nothing per sample."""
        return self._tally.stats(self.revision())

    def revision(self) -> int:
        """Number of the last change; 0 when nothing was ever stored."""
        return int(self._db.execute("SELECT value FROM state WHERE key = 'revision'")
                   .fetchone()[0])

    def samples_in(self, burst: int) -> int:
        """How many usable samples a burst holds."""
        known = self._tally.bursts.get(burst)
        return known.samples if known else 0

    def free_bytes(self) -> int:
        """Room left on the disk; 0 when the folder is gone."""
        try:
            return shutil.disk_usage(self.root).free
        except OSError:
            return 0

    def _write_images(self, images: dict[str, NewSample]) -> None:
        changed = set()
        for name, sample in images.items():
            path = image_path(self.root, name)
            if path.exists():
                continue
            if not path.parent.exists():
                path.parent.mkdir()
                changed.add(path.parent.parent)
            write_durably(path, sample.data)
            changed.add(path.parent)
        for folder in changed:
            sync_folder(folder)

    def _insert(self, name: str, sample: NewSample) -> Stored:
        """Insert a row, or give the one of the same bytes its new tags."""
        found = self._db.execute(
            'UPDATE samples SET deleted_ns = NULL WHERE sha256 = ? RETURNING id',
            (name,)).fetchone()
        row = found or self._db.execute(
            'INSERT INTO samples (sha256, stamp_ns, burst, source, width, height) '
            'VALUES (?, ?, ?, ?, ?, ?) RETURNING id',
            (name, sample.stamp_ns, sample.burst, sample.source, sample.width,
             sample.height)).fetchone()
        self._db.execute('DELETE FROM tags WHERE sample = ?', row)
        for tag in sample.tags:
            self._db.execute('INSERT OR IGNORE INTO labels (name) VALUES (?)', (tag,))
            self._db.execute('INSERT INTO tags SELECT ?, id FROM labels WHERE name = ?',
                             (row[0], tag))
        return Stored(name, duplicate=found is not None)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing.

        :raises DiskFullError: no space. :raises DatasetError: any other error of the index.
        """
        try:
            self._db.execute('BEGIN IMMEDIATE')
            yield
            self._db.execute('COMMIT')
        except sqlite3.Error as error:
            if self._db.in_transaction:
                self._db.execute('ROLLBACK')
            if 'full' in str(error):
                raise DiskFullError(f'the disk of {self.root} is full: free some room') from error
            raise DatasetError(f'cannot write the index of {self.root}: {error}') from error
