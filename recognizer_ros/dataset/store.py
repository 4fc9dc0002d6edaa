"""The writer of a data set: samples in SQLite, images beside it under the name of their content.

A sample counts only when its image and its row are both on disk; a row never points at a file that
is not there.
"""

import hashlib
import logging
import shutil
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ..core.errors import (
    ConflictError,
    DatasetError,
    DiskFullError,
    NotFoundError,
    RecognizerError,
)
from ..core.files import disk_errors
from ..core.folder_lock import FolderLock
from ..core.split import Split
from . import edits, image_files, journal, schema
from .borders import Borders
from .edits import Edit, Edited, Purge, Quarantine, RenameClass, Restore, SetSplit, State
from .journal import BurstChange, BurstState, Change
from .rows import Row, Rows
from .sample import NewSample, Stored
from .tally import BurstTally, Stats, Tally, count

_log = logging.getLogger(__name__)


class SampleStore:
    """The only writer of a data folder. Not for several threads at once.

    :param reserve_bytes: refuse to store when less would be left on the disk.
    :raises DataLockedError: another process writes to the folder.
    :raises DataVersionError: a newer version of this program made it.
    :raises DatasetError: it cannot be made or opened.
    """

    def __init__(self, root: Path, reserve_bytes: int = 0) -> None:
        self.root = root
        self.reserve_bytes = reserve_bytes
        with disk_errors(root):
            (root / 'images').mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(root)
        try:
            self._db = schema.open_writer(root)
        except RecognizerError:
            self._lock.close()
            raise
        try:
            self._rows, self._borders = Rows(self._db), Borders(self._db)
            with schema.read_errors(root):
                self._sweep()
                self._recount()
            with self._transaction():
                self._borders.draw(self._tally)
        except RecognizerError:
            self.close()
            raise

    def close(self) -> None:
        """Close the index and let go of the folder."""
        self._db.close()
        self._lock.close()

    def __enter__(self) -> 'SampleStore':
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def begin_burst(self, source: str, tags: Sequence[str], split: Split | None = None,
                    pinned: bool = True) -> int:
        """Start a burst whose samples will have these tags; return its id, from 1.

        :param split: where to put it; ``pinned``: for good. ``None``: as the data set needs it.
        :raises DatasetError: it cannot be written.
        """
        fresh = BurstTally(self._tally.split_for(tags) if split is None else split,
                           split is not None and pinned)
        with self._transaction():
            burst = self._db.execute(
                'INSERT INTO bursts (source, split, pinned) VALUES (?, ?, ?) RETURNING id',
                (source, fresh.split, fresh.pinned)).fetchone()[0]
        self._tally.put(burst, fresh)
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
        aside: list[str] = []
        if self._tally.quarantined:
            with schema.read_errors(self.root):
                aside = [row.sha256 for row in self._rows.named(names) if row.quarantined]
        with disk_errors(self.root):
            image_files.remove(self.root, aside)  # they may be damaged
            image_files.write(self.root, {name: sample.data for name, sample
                                          in zip(names, samples, strict=True)})
        with self._transaction():
            return self._insert(names, samples)

    def edit(self, edit: Edit, expected_revision: int = 0) -> Edited:
        """Make one edit: all of it or nothing, and one step for undo.

        :param expected_revision: refuse if a sample in question was edited since; 0: do not check.
        :raises ConflictError: it was. :raises DatasetError: a sample is unknown, or it cannot be
            written. :raises LabelError: a tag cannot be used.
        """
        edit = edits.checked(edit)
        if isinstance(edit, Purge):
            return self._purge(edit, expected_revision)
        with self._transaction():
            rows = self._chosen(edit, expected_revision)
            if isinstance(edit, SetSplit):
                return self._set_split(edit, rows)
            if isinstance(edit, Quarantine):
                return self._quarantine(edit, rows)
            now_ns = time.time_ns()
            changes = {row.id: Change(row.state, after) for row in rows
                       if (after := edit(row.state, now_ns)) != row.state}
            bursts = {row.burst for row in rows if row.id in changes}
            back = [row for row in rows if row.quarantined] if isinstance(edit, Restore) else []
            changed = len(changes.keys() | {row.id for row in back})
            done = self._apply(changes, bursts, edit.describe(changed),
                               self._set_aside(back, None))
            return replace(done, changed=changed)

    def undo(self, expected_revision: int = 0) -> Edited:
        """Take back the last edit that was not taken back.

        :param expected_revision: refuse if anything was edited since; 0: do not check.
        :raises ConflictError: it was. :raises DatasetError: there is nothing to undo.
        """
        return self._travel(False, expected_revision)

    def redo(self, expected_revision: int = 0) -> Edited:
        """Make the edit again that was undone last; see :meth:`undo`."""
        return self._travel(True, expected_revision)

    def stats(self) -> Stats:
        """Return counts; costs nothing per sample."""
        return self._tally.stats(self.revision())

    def revision(self) -> int:
        """Number of the last change; 0 when nothing was ever stored."""
        return schema.revision(self._db)

    def samples_in(self, burst: int) -> int:
        """How many usable samples a burst holds."""
        return self._tally[burst].samples

    def free_bytes(self) -> int:
        """Room left on the disk; 0 when the folder is gone."""
        try:
            return shutil.disk_usage(self.root).free
        except OSError:
            return 0

    def _insert(self, names: Sequence[str], samples: Sequence[NewSample]) -> list[Stored]:
        """Insert rows, or give those of the same bytes their new tags."""
        before = {row.sha256: row for row in self._rows.named(names)}
        wanted: dict[str, NewSample] = {}
        for name, sample in zip(names, samples, strict=True):  # of the same bytes, the last tags
            wanted[name] = replace(wanted.get(name, sample), tags=sample.tags)
        fresh = {name: sample for name, sample in wanted.items() if name not in before}
        for name, sample in fresh.items():
            self._rows.insert(name, sample)
            self._tally.add(sample.burst, sample.tags)
        changes = {row.id: Change(row.state, after) for name, row in before.items()
                   if (after := State(tuple(sorted(wanted[name].tags)))) != row.state}
        bursts = {row.burst for row in before.values()}
        back = [row for row in before.values() if row.quarantined]
        if fresh or changes or back:
            revision = self._set_aside(back, None) or self._next_revision()
            self._apply(changes, bursts, f'{len(changes)} stored again', revision)
            self._borders.draw(self._tally, self._borders.passed(fresh.values()))
        return [Stored(name, name in before or name in names[:index])
                for index, name in enumerate(names)]

    def _chosen(self, edit: Edit, expected_revision: int) -> list[Row]:
        if isinstance(edit, RenameClass):
            rows = list(self._rows.of_class(edit.old))
            if not rows:
                raise NotFoundError(f'no sample has the class {edit.old!r}')
        elif isinstance(edit, Purge) and not edit.ids:
            rows = list(self._rows.deleted())
        else:
            rows = list(self._rows.named(edit.ids))
            if len(rows) < len(edit.ids):
                unknown = set(edit.ids) - {row.sha256 for row in rows}
                raise NotFoundError(f'{len(unknown)} of the samples are not known, such as '
                                    f'{min(unknown)[:64]!r}: list them anew')
        changed = [row for row in rows if row.edited > expected_revision]
        if expected_revision and changed:
            raise ConflictError(f'somebody else has changed {len(changed)} of these samples '
                                'meanwhile: look at them again, then repeat the edit')
        return rows

    def _apply(self, changes: Mapping[int, Change], bursts: Iterable[int], description: str,
               revision: int = 0, moved: Mapping[int, BurstChange] | None = None) -> Edited:
        """Change samples and bursts, and put it into the journal."""
        if not changes and not moved:
            return Edited(0, revision or self.revision(), description)
        revision = revision or self._next_revision()
        self._rows.write({row: change.after for row, change in changes.items()}, revision)
        moved = dict(moved or {})
        self._move({burst: change.after for burst, change in moved.items()}, revision)
        count(self._tally, self._db, {*bursts, *moved})
        for burst, wanted in self._tally.moves().items():
            now = BurstState(self._tally[burst].split, False)
            moved[burst] = BurstChange(now, replace(now, split=wanted))
            self._move({burst: moved[burst].after}, revision)
            count(self._tally, self._db, [burst])
        journal.record(self._db, description, time.time_ns(), revision, changes, moved)
        self._borders.draw(self._tally, {*bursts, *moved})
        return Edited(len(changes), revision, description)

    def _quarantine(self, edit: Quarantine, rows: Iterable[Row]) -> Edited:
        fresh = [row for row in rows if not row.quarantined]  # others keep their first reason
        revision = self._set_aside(fresh, edit.reason) or self.revision()
        return Edited(len(fresh), revision, edit.describe(len(fresh)))

    def _set_aside(self, rows: Sequence[Row], reason: str | None) -> int:
        """Set aside, or use again (``None``); not in the journal. Return the revision that this
        makes; 0: there are no such rows."""
        if not rows:
            return 0
        self._rows.set_aside((row.id for row in rows), reason)
        bursts = {row.burst for row in rows}
        count(self._tally, self._db, bursts)
        self._borders.draw(self._tally, bursts)
        return self._next_revision()

    def _set_split(self, edit: SetSplit, rows: Sequence[Row]) -> Edited:
        after = BurstState(edit.split, True)
        moved = {burst: BurstChange(BurstState(self._tally[burst].split,
                                               self._tally[burst].pinned), after)
                 for burst in {row.burst for row in rows}}
        moved = {burst: change for burst, change in moved.items() if change.before != after}
        samples = self._samples_in(moved)
        done = self._apply({}, (), f'{len(moved)} burst{"s" * (len(moved) != 1)} put into '
                           f'{edit.split.name.lower()}', moved=moved)
        return replace(done, changed=samples)

    def _travel(self, redo: bool, expected_revision: int) -> Edited:
        with self._transaction():
            entry = journal.next_to(self._db, redo)
            last = journal.newest(self._db)
            if expected_revision and last.revision > expected_revision:
                raise ConflictError(f'somebody else has made or undone an edit meanwhile '
                                    f'({last.description}): look again, then repeat')
            states = journal.states(self._db, entry.edit, before=not redo)
            moved = journal.burst_states(self._db, entry.edit, before=not redo)
            revision = self._next_revision()
            bursts = {row.burst for row in self._rows.numbered(states)}
            self._rows.write(states, revision)
            self._move(moved, revision)
            journal.mark(self._db, entry.edit, not redo, revision)
            count(self._tally, self._db, {*bursts, *moved})
            self._borders.draw(self._tally, {*bursts, *moved})
            return Edited(entry.changed, revision, entry.description)

    def _purge(self, edit: Purge, expected_revision: int) -> Edited:
        rows = self._chosen(edit, expected_revision)
        if any(row.state.deleted_ns is None for row in rows):
            raise DatasetError('only deleted samples can be purged: delete them first')
        # In parts, so that a crash leaves no more files than the next start puts down to one.
        for start in range(0, len(rows), image_files.MOST_ORPHANS):
            part = rows[start:start + image_files.MOST_ORPHANS]
            with self._transaction():
                self._next_revision()
                self._rows.remove(row.id for row in part)
                count(self._tally, self._db, ())
            with disk_errors(self.root):
                image_files.remove(self.root, (row.sha256 for row in part))
        return Edited(len(rows), self.revision(), f'{len(rows)} purged')

    def _move(self, bursts: Mapping[int, BurstState], revision: int) -> None:
        self._db.executemany('UPDATE bursts SET split = ?, pinned = ? WHERE id = ?', (
            (state.split, state.pinned, burst) for burst, state in bursts.items()))
        self._db.executemany('UPDATE samples SET edited = ? WHERE burst = ?',
                             ((revision, burst) for burst in bursts))

    def _samples_in(self, bursts: Iterable[int]) -> int:
        return sum(self._tally[burst].samples for burst in bursts)

    def _next_revision(self) -> int:
        return int(self._db.execute("UPDATE state SET value = value + 1 WHERE key = 'revision' "
                                    'RETURNING value').fetchone()[0])

    def _sweep(self) -> None:
        """Put right what a crash has left, and set aside samples whose file is gone."""
        known = dict(self._db.execute('SELECT sha256, quarantined FROM samples'))
        with disk_errors(self.root):
            found = image_files.sweep(self.root, known.keys())
        if found.strangers:
            _log.warning('%s holds %d images that its index does not know: is %s the right one?',
                         self.root, found.strangers, schema.FILE)
        gone = [name for name in found.missing if not known[name]]
        back = [name for name, reason in known.items()
                if reason == image_files.MISSING and name not in found.missing]
        if gone or back:
            with self._transaction():
                self._next_revision()
                self._db.executemany('UPDATE samples SET quarantined = ? WHERE sha256 = ?', [
                    *((image_files.MISSING, name) for name in gone),
                    *((None, name) for name in back)])

    def _recount(self) -> None:
        """Count everything anew."""
        self._tally = Tally()
        self._rows.forget()
        count(self._tally, self._db)
        self._borders.forget()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it or nothing.

        :raises DiskFullError: no space. :raises DatasetError: any other error of the index.
        """
        before = self._db.total_changes
        try:
            self._db.execute('BEGIN IMMEDIATE')
            yield
            self._db.execute('COMMIT')
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute('ROLLBACK')
            if self._db.total_changes != before:
                with schema.read_errors(self.root):
                    self._recount()
            if not isinstance(error, sqlite3.Error):
                raise
            if 'full' in str(error):
                raise DiskFullError(f'the disk of {self.root} is full: free some room') from error
            raise DatasetError(f'cannot write the index of {self.root}: {error}') from error
