"""A zip archive as a tree. Members are read in memory: nothing is unpacked to the disk."""

import io
import logging
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TextIO

from ...core.errors import DatasetError, ImageError
from .. import images
from . import trees

MAX_MEMBERS = 300_000
_MAX_LISTING = 64 * 2**20
_MAX_UNPACKED = 2**30
_MAX_RATIO = 20  # photographs are compressed already
_MAX_TEXT = 256 * 2**20
_ENCRYPTED = 1
_DRIVE = re.compile('[A-Za-z]:')
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others unpack without a limit
# RuntimeError: zipfile raises one for a version, method or password that it does not know.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
_log = logging.getLogger(__name__)


class ZipTree:
    """The members of an archive; one folder around all of them does not count."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self._archive = path, archive
        listed = archive.infolist()
        if len(listed) > MAX_MEMBERS:
            raise DatasetError(f'{path} holds more than {MAX_MEMBERS:,} files: unpack it and '
                               'import the folder')
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in listed:
            self._take(member)
        self._check_size()
        self._members = _without_wrapper(self._members)

    @property
    def name(self) -> str:
        return str(self.path)

    def files(self) -> list[str]:
        return sorted(self._members)

    def exists(self, name: str) -> bool:
        return name in self._members

    def size(self, name: str) -> int:
        return self._members[name].file_size if name in self._members else 0

    def read(self, name: str) -> bytes:
        member = self._member(name)
        if member.file_size > images.MAX_BYTES:
            raise ImageError(f'the file has {member.file_size >> 20} MiB: at most '
                             f'{images.MAX_BYTES >> 20} MiB')
        try:
            with self._archive.open(member) as file:
                return trees.read_limited(file)
        except _DAMAGED as error:
            raise ImageError('damaged in the archive') from error

    def text(self, name: str) -> TextIO:
        member = self._member(name)
        if member.file_size > _MAX_TEXT:
            raise DatasetError(f'{name} in {self.path} is too large: unpack the archive and '
                               'import the folder')
        try:
            data = self._archive.read(member)
        except _DAMAGED as error:
            raise DatasetError(f'{name} in {self.path} is damaged: make the archive '
                               'anew') from error
        return io.TextIOWrapper(io.BytesIO(data), encoding='utf-8-sig', newline='')

    def _member(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._members[name]
        except KeyError as error:
            raise FileNotFoundError(f'{name!r} is not in {self.path}') from error

    def _take(self, member: zipfile.ZipInfo) -> None:
        """List a member, unless nobody could want it."""
        # Some Windows tools write backslashes.
        name = str(PurePosixPath(member.filename.replace('\\', '/')))
        reason = 'there twice' if name in self._members else _unsafe(name)
        if reason:
            _log.warning('%r in %s left out: %s', name, self.path, reason)
            return
        if member.is_dir() or trees.is_hidden(name):
            return
        if member.flag_bits & _ENCRYPTED:
            raise DatasetError(f'{self.path} is encrypted: unpack it and import the folder')
        if member.compress_type not in _METHODS:
            raise DatasetError(f'{self.path} is packed by a method other than "deflate": unpack '
                               'it and import the folder')
        self._members[name] = member

    def _check_size(self) -> None:
        unpacked = sum(member.file_size for member in self._members.values())
        packed = self.path.stat().st_size
        if unpacked > max(_MAX_UNPACKED, _MAX_RATIO * packed):
            raise DatasetError(f'{self.path} would unpack to {unpacked // packed} times its size: '
                               'this is no archive of photographs')


@contextmanager
def open_zip(path: Path) -> Iterator[ZipTree]:
    """Open an archive for reading.

    :raises DatasetError: damaged, encrypted, or made to harm.
    """
    try:
        file = _Careful(path)
    except OSError as error:
        raise DatasetError(f'{path} cannot be read: {error.strerror or error}') from error
    with file:
        try:
            archive = zipfile.ZipFile(file)
        except (*_DAMAGED, OSError, ValueError) as error:
            raise DatasetError(f'{path} is not a zip archive, or damaged: make it '
                               'anew') from error
        with archive:
            yield ZipTree(path, archive)


class _Careful(io.FileIO):
    """A file that does not give more at a time than a sensible table of contents has."""

    def read(self, size: int | None = -1, /) -> bytes | None:  # type: ignore[override]
        if size is not None and size > _MAX_LISTING:
            raise zipfile.BadZipFile('its table of contents is too large')
        return super().read(-1 if size is None else size)


def _unsafe(name: str) -> str:
    """Why a name is not taken; empty when it is. (Nothing is ever written under it.)"""
    if name.startswith('/') or _DRIVE.match(name) or '..' in name.split('/'):
        return 'its name leads out of the archive'
    return '' if name.isprintable() else 'its name holds control characters'


def _without_wrapper(members: dict[str, zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Without the one folder around everything, if that holds no images itself."""
    tops = {name.partition('/')[0] for name in members}
    if len(tops) != 1 or any('/' not in name for name in members):
        return members
    inner = {name.partition('/')[2]: member for name, member in members.items()}
    own = [name for name in inner if '/' not in name]
    if any(trees.is_image(name) for name in own):
        return members
    return inner
