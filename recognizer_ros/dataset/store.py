"""The writer of a data set: samples in SQLite, images beside it under the name of their content.

A sample counts only when its image and its row are both on disk; a row never points at a file that
is not there.
"""

import hashlib
import logging
import shutil
import time
from collections.abc import Iterable, Sequence
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
from .edits import Edit, Edited, Purge, Quarantine, RenameClass, Restore, SetSplit, State
from .index import Index
from .journal import BurstChange, BurstState, Change
from .rows import Row
from .sample import NewSample, Stored
from .tally import BurstTally, Stats

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
            self._index = Index(root)
        except RecognizerError:
            self._lock.close()
            raise
        try:
            with schema.read_errors(root):
                self._sweep()
            self._index.recount()
            with self._index.transaction():
                self._index.borders.draw(self._index.tally)
        except RecognizerError:
            self.close()
            raise

    def close(self) -> None:
        """Close the index and let go of the folder."""
        self._index.close()
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
        fresh = BurstTally(self._index.tally.split_for(tags) if split is None else split,
                           split is not None and pinned)
        with self._index.transaction():
            return self._index.begin_burst(source, fresh)

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
        if self._index.tally.quarantined:
            with schema.read_errors(self.root):
                aside = [row.sha256 for row in self._index.rows.named(names) if row.quarantined]
        with disk_errors(self.root):
            image_files.remove(self.root, aside)  # they may be damaged
            image_files.write(self.root, {name: sample.data for name, sample
                                          in zip(names, samples, strict=True)})
        with self._index.transaction():
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
        with self._index.transaction():
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
            done = self._index.change(changes, bursts, edit.describe(changed),
                                      self._index.set_aside(back, None))
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
        return self._index.tally.stats(self.revision())

    def revision(self) -> int:
        """Number of the last change; 0 when nothing was ever stored."""
        return self._index.revision()

    def samples_in(self, burst: int) -> int:
        """How many usable samples a burst holds."""
        return self._index.tally[burst].samples

    def free_bytes(self) -> int:
        """Room left on the disk; 0 when the folder is gone."""
        try:
            return shutil.disk_usage(self.root).free
        except OSError:
            return 0

    def _insert(self, names: Sequence[str], samples: Sequence[NewSample]) -> list[Stored]:
        """Insert rows, or give those of the same bytes their new tags."""
        index = self._index
        before = {row.sha256: row for row in index.rows.named(names)}
        wanted: dict[str, NewSample] = {}
        for name, sample in zip(names, samples, strict=True):  # of the same bytes, the last tags
            wanted[name] = replace(wanted.get(name, sample), tags=sample.tags)
        fresh = {name: sample for name, sample in wanted.items() if name not in before}
        for name, sample in fresh.items():
            index.rows.insert(name, sample)
            index.tally.add(sample.burst, sample.tags)
        changes = {row.id: Change(row.state, after) for name, row in before.items()
                   if (after := State(tuple(sorted(wanted[name].tags)))) != row.state}
        bursts = {row.burst for row in before.values()}
        back = [row for row in before.values() if row.quarantined]
        if fresh or changes or back:
            revision = index.set_aside(back, None) or index.next_revision()
            index.change(changes, bursts, f'{len(changes)} stored again', revision)
            index.borders.draw(index.tally, index.borders.passed(fresh.values()))
        return [Stored(name, name in before or name in names[:place])
                for place, name in enumerate(names)]

    def _chosen(self, edit: Edit, expected_revision: int) -> list[Row]:
        if isinstance(edit, RenameClass):
            rows = list(self._index.rows.of_class(edit.old))
            if not rows:
                raise NotFoundError(f'no sample has the class {edit.old!r}')
        elif isinstance(edit, Purge) and not edit.ids:
            rows = list(self._index.rows.deleted())
        else:
            rows = list(self._index.rows.named(edit.ids))
            if len(rows) < len(edit.ids):
                unknown = set(edit.ids) - {row.sha256 for row in rows}
                raise NotFoundError(f'{len(unknown)} of the samples are not known, such as '
                                    f'{min(unknown)[:64]!r}: list them anew')
        changed = [row for row in rows if row.edited > expected_revision]
        if expected_revision and changed:
            raise ConflictError(f'somebody else has changed {len(changed)} of these samples '
                                'meanwhile: look at them again, then repeat the edit')
        return rows

    def _quarantine(self, edit: Quarantine, rows: Iterable[Row]) -> Edited:
        fresh = [row for row in rows if not row.quarantined]  # others keep their first reason
        revision = self._index.set_aside(fresh, edit.reason) or self.revision()
        return Edited(len(fresh), revision, edit.describe(len(fresh)))

    def _set_split(self, edit: SetSplit, rows: Sequence[Row]) -> Edited:
        after = BurstState(edit.split, True)
        bursts = {burst: self._index.tally[burst] for burst in {row.burst for row in rows}}
        moved = {burst: BurstChange(before, after) for burst, now in bursts.items()
                 if (before := BurstState(now.split, now.pinned)) != after}
        samples = sum(bursts[burst].samples for burst in moved)
        done = self._index.change({}, (), f'{len(moved)} burst{"s" * (len(moved) != 1)} put into '
                                  f'{edit.split.name.lower()}', bursts=moved)
        return replace(done, changed=samples)

    def _travel(self, redo: bool, expected_revision: int) -> Edited:
        db = self._index.db
        with self._index.transaction():
            entry = journal.next_to(db, redo)
            last = journal.newest(db)
            if expected_revision and last.revision > expected_revision:
                raise ConflictError(f'somebody else has made or undone an edit meanwhile '
                                    f'({last.description}): look again, then repeat')
            revision = self._index.put_back(journal.states(db, entry.edit, before=not redo),
                                            journal.burst_states(db, entry.edit, before=not redo))
            journal.mark(db, entry.edit, not redo, revision)
            return Edited(entry.changed, revision, entry.description)

    def _purge(self, edit: Purge, expected_revision: int) -> Edited:
        rows = self._chosen(edit, expected_revision)
        if any(row.state.deleted_ns is None for row in rows):
            raise DatasetError('only deleted samples can be purged: delete them first')
        # In parts, so that a crash leaves no more files than the next start puts down to one.
        for start in range(0, len(rows), image_files.MOST_ORPHANS):
            part = rows[start:start + image_files.MOST_ORPHANS]
            with self._index.transaction():
                self._index.remove(part)
            with disk_errors(self.root):
                image_files.remove(self.root, (row.sha256 for row in part))
        return Edited(len(rows), self.revision(), edit.describe(len(rows)))

    def _sweep(self) -> None:
        """Put right what a crash has left, and set aside samples whose file is gone."""
        known = dict(self._index.db.execute('SELECT sha256, quarantined FROM samples'))
        with disk_errors(self.root):
            found = image_files.sweep(self.root, known.keys())
        if found.strangers:
            _log.warning('%s holds %d images that its index does not know: is %s the right one?',
                         self.root, found.strangers, schema.FILE)
        gone = [name for name in found.missing if not known[name]]
        back = [name for name, reason in known.items()
                if reason == image_files.MISSING and name not in found.missing]
        if gone or back:
            with self._index.transaction():
                self._index.next_revision()
                self._index.db.executemany('UPDATE samples SET quarantined = ? WHERE sha256 = ?', [
                    *((image_files.MISSING, name) for name in gone),
                    *((None, name) for name in back)])
