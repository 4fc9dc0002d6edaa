"""Features of samples by a frozen backbone, computed once and kept on disk."""

import contextlib
import logging
import sqlite3
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ..dataset.reader import Sample
from .augment import Strength
from .batches import Batches
from .nets import Net

Array = npt.NDArray[np.float32]
Half = npt.NDArray[np.float16]
_BATCH = 16
_IN_MEMORY = 100_000
_CHUNK = 500
_LARGEST = float(np.finfo(np.float16).max)
_log = logging.getLogger(__name__)


class FeatureFile:
    """Rows of features by name, in SQLite. It only saves time: when the disk fails, it is empty.
    For several threads.

    :param folder: of the files of all backbones; made when missing.
    :param key: what the rows depend on besides the image: backbone and preprocessing.
    :param limit_bytes: for the folder; files not used lately go first, then the oldest rows.
    """

    def __init__(self, folder: Path, key: str, limit_bytes: int) -> None:
        self._path, self._limit = folder / f'{key}.db', limit_bytes
        self._db: sqlite3.Connection | None = None
        self._one_at_a_time = threading.RLock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._make_room()
            self._db = self._open()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)

    def close(self) -> None:
        """Let go of the file."""
        with self._one_at_a_time:
            if self._db:
                self._db.close()
                self._db = None

    def get(self, names: Sequence[str]) -> dict[str, Half]:
        """Return the rows that are known."""
        found: dict[str, Half] = {}
        with self._one_at_a_time:
            try:
                for start in range(0, len(names) if self._db else 0, _CHUNK):
                    found |= self._get_some(names[start:start + _CHUNK])
            except (sqlite3.Error, ValueError, TypeError) as error:  # the latter: no row of ours
                self._give_up(error)
        return found

    def _get_some(self, names: Sequence[str]) -> dict[str, Half]:
        assert self._db
        rows = self._db.execute(
            f'SELECT name, row FROM rows WHERE name IN ({",".join("?" * len(names))})', names)
        return {name: np.frombuffer(row, np.float16) for name, row in rows}

    def put(self, rows: Mapping[str, Half]) -> None:
        """Keep rows."""
        with self._one_at_a_time:
            try:
                if self._db and rows:
                    self._put_some(self._db, rows)
                    self._make_room()
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)

    def _put_some(self, db: sqlite3.Connection, rows: Mapping[str, Half]) -> None:
        with db:
            db.executemany('INSERT OR REPLACE INTO rows VALUES (?, ?)', (
                (name, row.tobytes()) for name, row in rows.items()))
        if self._used() > self._limit:  # pages that become free are used again
            with db:
                db.execute('DELETE FROM rows WHERE rowid IN (SELECT rowid FROM rows '
                           'ORDER BY rowid LIMIT (SELECT count(*) / 8 + 1 FROM rows))')

    def _open(self) -> sqlite3.Connection:
        """Open the file; one that is damaged is thrown away."""
        for attempt in (1, 2):
            db = sqlite3.connect(self._path, check_same_thread=False)
            try:
                db.execute('PRAGMA journal_mode=WAL')
                db.execute('PRAGMA synchronous=OFF')
                db.execute('CREATE TABLE IF NOT EXISTS rows (name TEXT UNIQUE, row BLOB)')
                self._path.touch()
                return db
            except sqlite3.DatabaseError:
                db.close()
                if attempt == 2:
                    raise
                _remove(self._path)
        raise AssertionError

    def _used(self) -> int:
        """Bytes of pages that hold something."""
        assert self._db
        pages, free, size = (self._db.execute(f'PRAGMA {name}').fetchone()[0]
                             for name in ('page_count', 'freelist_count', 'page_size'))
        return int((pages - free) * size)

    def _make_room(self) -> None:
        """Remove the files of backbones that were not used lately."""
        others = sorted((path for path in self._path.parent.glob('*.db') if path != self._path),
                        key=lambda path: path.stat().st_mtime, reverse=True)
        used = _size(self._path)
        for path in others:
            used += _size(path)
            if used > self._limit:
                _remove(path)

    def _give_up(self, error: Exception) -> None:
        _log.warning('features are not kept in %s (%s): they are computed anew', self._path, error)
        self.close()
        if not isinstance(error, OSError | sqlite3.OperationalError):  # damaged: begin anew later
            with contextlib.suppress(OSError):
                _remove(self._path)


def _size(path: Path) -> int:
    return sum(part.stat().st_size for part in path.parent.glob(f'{path.name}*'))


def _remove(path: Path) -> None:
    """Remove a database with the files beside it."""
    for part in path.parent.glob(f'{path.name}*'):
        part.unlink()


class Embeddings:
    """Features of samples by one frozen backbone: what reaches the last layer.

    Two threads may use it at once: one computes what comes, the other what somebody waits for.

    :param file: where they are kept between two runs; ``None``: see :meth:`keep_in`.
    :ivar run: from inputs to features; may be replaced by something faster.
    """

    def __init__(self, net: Net, file: FeatureFile | None = None) -> None:
        backbone, self._width = net.backbone(), net.head_layer.in_features
        self.run: Callable[[torch.Tensor], Array] = lambda inputs: features(backbone, inputs)
        self._file = file
        self._kept: OrderedDict[str, Half] = OrderedDict()

    def close(self) -> None:
        """Let go of the file."""
        if self._file:
            self._file.close()

    def keep_in(self, file: FeatureFile) -> None:
        """Keep them in a file from now on, with those there are."""
        self._file = file
        file.put(dict(self._kept))

    def missing(self, samples: Iterable[Sample], view: int = 0) -> list[Sample]:
        """The samples whose features must still be computed.

        :param view: 0: of the images as they are; else of random variants, another one for each.
        """
        wanted = {name: sample for sample in samples
                  if (name := _name(sample, view)) not in self._kept}
        for name, row in (self._file.get(list(wanted)) if self._file else {}).items():
            if len(row) == self._width and np.isfinite(row).all():  # else a power cut has torn it
                self._keep(name, row)
                del wanted[name]
        return list(wanted.values())

    def compute(self, batches: Batches, samples: Sequence[Sample], stop: Callable[[], bool],
                view: int = 0) -> None:
        """Compute features; ``stop`` is asked between two batches."""
        chance = torch.Generator().manual_seed(zlib.crc32(''.join(
            sample.sha256 for sample in samples).encode()))
        for start in range(0, len(samples), _BATCH):
            kept, inputs = batches.for_training(samples[start:start + _BATCH], chance,
                                                Strength() if view else None)
            if kept:
                rows = self.run(inputs).clip(-_LARGEST, _LARGEST)
                fresh = {_name(sample, view): row for sample, row in
                         zip(kept, rows.astype(np.float16), strict=True)}
                for name, row in fresh.items():
                    self._keep(name, row)
                if self._file:
                    self._file.put(fresh)
            if stop():
                return

    def of(self, samples: Sequence[Sample], view: int = 0) -> tuple[list[Sample], Array]:
        """Return the samples whose features are known, and these, shape (n, features)."""
        rows = [(sample, row) for sample in samples
                if (row := self._kept.get(_name(sample, view))) is not None]
        return ([sample for sample, _ in rows],
                np.array([row for _, row in rows], np.float32).reshape(len(rows), self._width))

    def _keep(self, name: str, row: Half) -> None:
        self._kept[name] = row
        while len(self._kept) > _IN_MEMORY:
            self._kept.popitem(last=False)


def _name(sample: Sample, view: int) -> str:
    return f'{sample.sha256}/{view}' if view else sample.sha256


@torch.inference_mode()
def features(backbone: nn.Module, inputs: torch.Tensor) -> Array:
    """The outputs of a backbone, shape (n, features)."""
    rows: Array = backbone(inputs).float().cpu().numpy()
    return rows
