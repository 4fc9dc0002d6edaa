"""Networks compiled for this very machine, on the disk: what takes minutes is done once."""

import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.files import sync_folder

RESERVE_BYTES = 64 << 20
"""With less room left on the disk, files may have been cut short."""
_log = logging.getLogger(__name__)


class EngineCache:
    """Folders by what they were made of; those not used for longest give way.

    :param root: made when missing. :param limit_bytes: of all folders together.
    :ivar problem: why the last folder was not kept; empty: it was.
    """

    def __init__(self, root: Path, limit_bytes: int, reserve_bytes: int = RESERVE_BYTES) -> None:
        self._root, self._limit_bytes, self._reserve_bytes = root, limit_bytes, reserve_bytes
        self.problem = ''

    @contextmanager
    def folder(self, *parts: str) -> Iterator[Path]:
        """A folder to read from, or to fill: it is kept when the block ends without an error.

        After an error nothing is kept, not even what was there: it may be the cause. Where nothing
        can be stored, the folder is a temporary one.

        :param parts: all that its content depends on, such as network and versions of libraries.
        """
        target = self._root / key(*parts)
        if target.is_dir():
            with _removed_on_error(target):
                os.utime(target)
                yield target
            return
        building = self._new(target.name)
        with _removed_on_error(building):
            yield building
        if building.parent == self._root:
            self._keep(building, target)
        else:
            shutil.rmtree(building, ignore_errors=True)

    def _new(self, name: str) -> Path:
        self.problem = ''
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            self._check_room()
            return Path(tempfile.mkdtemp(prefix=f'.{name}.', dir=self._root))
        except OSError as error:
            self._tell(error)
            return Path(tempfile.mkdtemp(prefix='recognizer-'))

    def _keep(self, building: Path, target: Path) -> None:
        try:
            self._check_room()
            for path in building.iterdir():
                with path.open('rb') as file:
                    os.fsync(file.fileno())
            building.rename(target)
            sync_folder(self._root)
            self._trim(target)
        except OSError as error:
            shutil.rmtree(building, ignore_errors=True)
            if not target.is_dir():  # else another process was faster
                self._tell(error)

    def _check_room(self) -> None:
        if shutil.disk_usage(self._root).free < self._reserve_bytes:
            raise OSError('the disk is full')

    def _tell(self, error: OSError) -> None:
        self.problem = (f'compiled networks cannot be kept in {self._root} '
                        f'({error.strerror or error}): every start takes longer')
        _log.warning('%s', self.problem)

    def _trim(self, newest: Path) -> None:
        """Also what was left half made, once it is the oldest."""
        room = self._limit_bytes - _size(newest)
        others = {path for path in self._root.iterdir() if path.is_dir()} - {newest}
        for path in sorted(others, key=_used, reverse=True):
            room -= _size(path)
            if room < 0:
                shutil.rmtree(path, ignore_errors=True)


def key(*parts: str) -> str:
    """A name that stands for these texts and no others."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@contextmanager
def _removed_on_error(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _used(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:  # another process has removed it
        return 0.0


def _size(folder: Path) -> int:
    try:
        return sum(path.stat().st_size for path in folder.rglob('*') if path.is_file())
    except OSError:
        return 0
