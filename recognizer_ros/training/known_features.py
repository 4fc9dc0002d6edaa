"""Features that the learner keeps on disk, for whoever only reads them; without PyTorch."""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..core.predictions import Floats
from ..core.preprocessing import Preprocessing

Ints = npt.NDArray[np.int64]
_CHUNK = 500
_log = logging.getLogger(__name__)


def key(backbone_sha256: str, how: Preprocessing) -> str:
    """Name of the file of one backbone's features, without its ending."""
    return f'{backbone_sha256[:32]}-{how.width}x{how.height}'


class KnownFeatures:
    """A file of features by name. The learner writes it meanwhile, in another thread.

    :param folder: of the files of all backbones. :param width: features of an image.
    """

    def __init__(self, folder: Path, name: str, width: int) -> None:
        self._path, self._width = folder / f'{name}.db', width

    def newest(self) -> int:
        """Another number whenever something was added; 0: there is nothing."""
        try:
            with closing(self._open()) as db:
                return int(db.execute('SELECT max(rowid) FROM rows').fetchone()[0] or 0)
        except sqlite3.Error:  # there is no file yet
            return 0

    def read(self, names: Sequence[str]) -> Iterator[tuple[Ints, Floats]]:
        """Yield what is known, in pieces: places in ``names``, and features, shape (n, width)."""
        try:
            with closing(self._open()) as db:
                for start in range(0, len(names), _CHUNK):
                    found = self._some(db, names[start:start + _CHUNK])
                    yield found[0] + start, found[1]
        except (sqlite3.Error, TypeError, ValueError) as error:  # the latter: no row of ours
            _log.warning('features in %s cannot be read: %s', self._path, error)

    def all_of(self, names: Sequence[str]) -> tuple[Ints, Floats]:
        """The same in one piece."""
        pieces = list(self.read(names))
        return (np.concatenate([np.zeros(0, np.int64), *(places for places, _ in pieces)]),
                np.concatenate([np.zeros((0, self._width), np.float32),
                                *(rows for _, rows in pieces)]))

    def _some(self, db: sqlite3.Connection, names: Sequence[str]) -> tuple[Ints, Floats]:
        rows = dict(db.execute(
            f'SELECT name, row FROM rows WHERE name IN ({",".join("?" * len(names))})', names))
        whole = [place for place, name in enumerate(names)
                 if len(rows.get(name, b'')) == 2 * self._width]
        halves = np.frombuffer(b''.join(rows[names[place]] for place in whole), np.float16)
        table: Floats = halves.astype(np.float32).reshape(len(whole), self._width)
        fine = np.isfinite(table).all(1)  # else a power cut has torn the row
        return np.array(whole, np.int64)[fine], table[fine]

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(f'{self._path.absolute().as_uri()}?mode=ro', uri=True)
