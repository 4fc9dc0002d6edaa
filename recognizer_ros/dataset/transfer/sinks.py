"""Where an export goes: a folder or a zip archive, under its name only when it is whole."""

import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from ...core.errors import DatasetError, DiskFullError
from ...core.files import disk_errors, sync_folder

_SPARE = 64 * 2**20  # for tables, folders and what others write meanwhile
_DATE = (1980, 1, 1, 0, 0, 0)  # so that equal data sets make equal archives


class Sink(Protocol):
    """Takes files under relative names with ``/``."""

    def write(self, name: str, data: bytes) -> None:
        """Write a file. :raises OSError:"""

    def text(self, name: str, fill: Callable[[TextIO], None]) -> None:
        """Write a text file, UTF-8. :raises OSError:"""


@contextmanager
def open_sink(destination: Path, size: int) -> Iterator[Sink]:
    """Make a folder, or an archive if the name ends in ``.zip``.

    Images are copied: a link to one would let an edit of the export damage the data set.

    :param size: of all that will be written, bytes, about.
    :raises DatasetError: the destination is not empty, or cannot be written.
    :raises DiskFullError: there is no room for it.
    """
    archive = destination.suffix.lower() == '.zip'
    _check_free(destination, archive)
    with disk_errors(destination.absolute().parent):
        destination.absolute().parent.mkdir(parents=True, exist_ok=True)
        _check_room(destination, size)
        work = Path(tempfile.mkdtemp('.partial', f'.{destination.name[:64]}.',
                                     destination.absolute().parent))
        try:
            whole = work / 'whole'
            if archive:
                with whole.open('wb') as file:
                    with zipfile.ZipFile(file, 'w', zipfile.ZIP_STORED) as opened:
                        yield _ZipSink(opened)
                    file.flush()
                    os.fsync(file.fileno())
            else:
                whole.mkdir()
                yield _FolderSink(whole)
                os.sync()  # once for all: a sync of each of many files takes minutes
            _check_free(destination, archive)
            whole.rename(destination)
            sync_folder(destination.absolute().parent)
        finally:
            shutil.rmtree(work, ignore_errors=True)


class _FolderSink:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._made = {root}

    def write(self, name: str, data: bytes) -> None:
        self._path(name).write_bytes(data)

    def text(self, name: str, fill: Callable[[TextIO], None]) -> None:
        with self._path(name).open('w', encoding='utf-8', newline='') as file:
            fill(file)

    def _path(self, name: str) -> Path:
        path = self._root / name
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        return path


class _ZipSink:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def write(self, name: str, data: bytes) -> None:
        self._archive.writestr(zipfile.ZipInfo(name, _DATE), data)

    def text(self, name: str, fill: Callable[[TextIO], None]) -> None:
        about = zipfile.ZipInfo(name, _DATE)
        about.compress_type = zipfile.ZIP_DEFLATED
        with (self._archive.open(about, 'w', force_zip64=True) as raw,
              io.TextIOWrapper(raw, encoding='utf-8', newline='') as file):
            fill(file)


def _check_free(destination: Path, archive: bool) -> None:
    if archive and destination.exists():
        raise DatasetError(f'{destination} exists: choose another name, or remove it')
    if destination.exists() and not (destination.is_dir() and not any(destination.iterdir())):
        raise DatasetError(f'{destination} is not an empty folder: choose another one')


def _check_room(destination: Path, size: int) -> None:
    free = shutil.disk_usage(destination.absolute().parent).free
    if free < size + _SPARE:
        raise DiskFullError(f'the export takes {size >> 20} MiB and the disk of {destination} has '
                            f'{free >> 20} MiB left: free some room, or choose another disk')
