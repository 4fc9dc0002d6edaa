"""Files below one root, in a folder or in an archive, under relative names with ``/``."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO, Protocol, TextIO

from ...core.errors import DatasetError, ImageError
from .. import images
from .source import MAX_FILES, SUFFIXES


class Tree(Protocol):
    """Where a format finds its files; nothing outside it can be read."""

    @property
    def name(self) -> str:
        """For people."""

    def files(self) -> list[str]:
        """Names of all visible files, sorted. :raises DatasetError: too many."""

    def exists(self, name: str) -> bool:
        """There is such a file."""

    def size(self, name: str) -> int:
        """Bytes of a file; 0 when there is none."""

    def read(self, name: str) -> bytes:
        """An image file. :raises ImageError: too large or damaged. :raises OSError: missing."""

    def text(self, name: str) -> TextIO:
        """A text file, UTF-8 with or without a mark, line ends as they are.

        :raises OSError: missing.
        """


class FolderTree:
    """A folder of the machine. Links are followed: whoever gave the folder made them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def name(self) -> str:
        return str(self.root)

    def files(self) -> list[str]:
        with read_errors(str(self.root)):
            found = list(islice(_walk(self.root, '', ()), MAX_FILES + 1))
        if len(found) > MAX_FILES:
            raise DatasetError(f'{self.root} holds more than {MAX_FILES:,} files: import its '
                               'sub-folders one by one')
        return sorted(found)

    def exists(self, name: str) -> bool:
        return self._path(name).is_file()

    def size(self, name: str) -> int:
        try:
            return self._path(name).stat().st_size
        except OSError:
            return 0

    def read(self, name: str) -> bytes:
        path = self._path(name)
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):  # to open a pipe would wait for ever
            raise ImageError('not a file')
        with path.open('rb') as file:
            return read_limited(file)

    def text(self, name: str) -> TextIO:
        return self._path(name).open(encoding='utf-8-sig', newline='')

    def _path(self, name: str) -> Path:
        path = os.path.normpath(name)
        if os.path.isabs(path):  # allowed, if it does not lead out
            path = os.path.relpath(path, os.path.abspath(self.root))
        if path.split(os.sep)[0] == os.pardir or '\0' in path:
            raise FileNotFoundError(f'{name!r} lies outside {self.root}')
        return self.root / path


def is_image(name: str) -> bool:
    """Whether the name is that of an image."""
    return name.lower().endswith(SUFFIXES)


def is_hidden(name: str) -> bool:
    """Whether some part of the name begins with a dot, or is what macOS adds to archives."""
    return any(part.startswith('.') or part == '__MACOSX' for part in name.split('/'))


def read_limited(file: IO[bytes]) -> bytes:
    """Read to the end, in pieces. :raises ImageError: it is larger than an image may be."""
    pieces: list[bytes] = []
    length = 0
    while piece := file.read(1 << 20):
        length += len(piece)
        if length > images.MAX_BYTES:
            raise ImageError(f'the file has more than {images.MAX_BYTES >> 20} MiB')
        pieces.append(piece)
    return b''.join(pieces)


@contextmanager
def read_errors(name: str) -> Iterator[None]:
    """Turn errors of reading files and text into ours. :raises DatasetError: cannot be read."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise DatasetError(f'{name} is not UTF-8 text: save it as UTF-8') from error
    except OSError as error:
        raise DatasetError(f'{name} cannot be read: {error.strerror or error}') from error


def _walk(root: Path, below: str, above: tuple[tuple[int, int], ...]) -> Iterator[str]:
    """Names of the files of a folder and its sub-folders. :param above: against circles."""
    with os.scandir(root / below) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        name = f'{below}/{entry.name}' if below else entry.name
        if is_hidden(entry.name):
            continue
        if not entry.is_dir():
            yield name
            continue
        about = entry.stat()
        if (about.st_dev, about.st_ino) not in above:
            yield from _walk(root, name, (*above, (about.st_dev, about.st_ino)))
