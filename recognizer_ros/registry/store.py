"""Model versions on disk, and which of them is live."""

import logging
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..core import bundle as bundles
from ..core.bundle import BACKBONE, HEAD, WEIGHTS, Bundle
from ..core.errors import ModelError
from ..core.files import disk_errors, sha256_file, sync_folder, write_durably
from ..core.folder_lock import FolderLock

BUNDLE = 'bundle.json'
_LIVE = 'live'
_MAX_HEAD_BYTES = 256 << 20
_LATEST_NS = 2**31 * 10**9  # of a stamp in a message
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Version:
    """A version and the folder that holds it."""

    bundle: Bundle
    folder: Path

    @property
    def backbone(self) -> Path:
        """ONNX file of the network up to its features."""
        return self.folder / BACKBONE

    @property
    def weights(self) -> Path:
        """The backbone's weights, safetensors."""
        return self.folder / WEIGHTS

    def head_bytes(self) -> bytes:
        """File of the last layer, safetensors: see :class:`recognizer_ros.inference.head.Head`.

        :raises ModelError: it cannot be read.
        """
        return self.read(HEAD, 0, _MAX_HEAD_BYTES)

    def is_whole(self) -> bool:
        """All files are there, with the bytes they were stored with."""
        try:
            return all(sha256_file(self.folder / name) == found
                       for name, found in self.bundle.sha256.items())
        except OSError:
            return False

    def read(self, name: str, offset: int, length: int) -> bytes:
        """A piece of one of its files; empty at its end.

        :raises ModelError: it has no such file, or it cannot be read.
        """
        if name not in self.bundle.sha256:
            raise ModelError(f'model version {self.bundle.version} has no file {name!r}: ask for '
                             + ' or '.join(self.bundle.sha256))
        try:
            with (self.folder / name).open('rb') as file:
                file.seek(min(offset, os.fstat(file.fileno()).st_size))  # seek() has a limit
                return file.read(length)
        except OSError as error:
            raise ModelError(f'cannot read {self.folder / name}: {error.strerror}') from error

    def attached(self, name: str) -> bytes:
        """A file about it, see :meth:`Registry.attach`; empty when there is none."""
        try:
            return (self.folder / name).read_bytes()
        except OSError:
            return b''

    def size_of(self, name: str) -> int:
        """Size of one of its files, bytes. :raises ModelError: it is gone."""
        try:
            return (self.folder / name).stat().st_size
        except OSError as error:
            raise ModelError(f'cannot read {self.folder / name}: {error.strerror}') from error


class Registry:
    """The models of a data folder. Reading is open to all; one process writes.

    :param root: ``<data>/models``; made when missing.
    :param writer: take the folder for this process.
    :raises DataLockedError: another process writes to it.
    """

    def __init__(self, root: Path, writer: bool = False) -> None:
        self.root = root
        self._lock: FolderLock | None = None
        if writer:
            with disk_errors(root):
                root.mkdir(parents=True, exist_ok=True)
                self._lock = FolderLock(root)
                for left in root.glob('.new-*'):
                    shutil.rmtree(left, ignore_errors=True)

    def close(self) -> None:
        """Let go of the folder."""
        if self._lock:
            self._lock.close()

    def numbers(self) -> list[int]:
        """Numbers of all versions, oldest first."""
        if not self.root.is_dir():
            return []
        return sorted(int(path.name) for path in self.root.iterdir()
                      if path.name.isdecimal() and path.is_dir())

    def get(self, number: int) -> Version:
        """Return a version.

        :raises ModelError: there is none of that number, or its description is damaged.
        """
        folder = self._folder(number)
        try:
            data = (folder / BUNDLE).read_bytes()
        except OSError as error:
            known = ', '.join(map(str, self.numbers())) or 'none'
            raise ModelError(f'there is no model version {number}: known are {known}') from error
        return Version(bundles.from_json(data), folder)

    def versions(self) -> list[Version]:
        """All readable versions, newest first; a damaged one is logged and left out."""
        found = []
        for number in reversed(self.numbers()):
            try:
                found.append(self.get(number))
            except ModelError as error:
                _log.warning('model version %d left out: %s', number, error)
        return found

    def live(self) -> int:
        """Number of the live version; 0 when there is none."""
        return self._pointer()[0]

    def previous(self) -> int:
        """Number of the version that was live before; 0 when there was none."""
        return self._pointer()[1]

    def live_since_ns(self) -> int:
        """When the live version went live, later for each: nanoseconds; 0 when not known."""
        return self._pointer()[2]

    def add(self, bundle: Bundle, files: Mapping[str, bytes | Version]) -> Version:
        """Store a new version; number, checksums and size of ``bundle`` are filled in.

        :param files: by name: the bytes, or a version that has the very same file.
        :raises DiskFullError: nothing is left behind. :raises DatasetError: likewise.
        """
        number = max([*self.numbers(), *self._pointer()[:2]]) + 1
        building = self.root / f'.new-{number}'
        with disk_errors(self.root):
            try:
                shutil.rmtree(building, ignore_errors=True)
                building.mkdir()
                checksums = {name: _put(building / name, source)
                             for name, source in files.items()}
                done = replace(bundle, version=number, sha256=checksums,
                               size=(building / BACKBONE).stat().st_size)
                write_durably(building / BUNDLE, bundles.to_json(done).encode())
                sync_folder(building)
                building.rename(self._folder(number))
                sync_folder(self.root)
            except OSError:
                shutil.rmtree(building, ignore_errors=True)
                raise
        return Version(done, self._folder(number))

    def attach(self, version: Version, files: Mapping[str, bytes]) -> None:
        """Put files about a version beside its own; it does not depend on them.

        :raises DiskFullError: some are missing.
        """
        with disk_errors(self.root):
            for name, data in files.items():
                write_durably(version.folder / name, data)

    def activate(self, number: int) -> Version:
        """Make a version live. 0: the one that was live before.

        :raises ModelError: there is none of that number, or one of its files is damaged.
        """
        number = number or self.previous()
        if not number:
            raise ModelError('there is no earlier model version to go back to: activate one by '
                             'its number')
        chosen = self.get(number)
        if not chosen.is_whole():
            raise ModelError(f'a file of model version {chosen.bundle.version} is damaged: '
                             'activate another version')
        self.point_to(chosen)
        return chosen

    def point_to(self, chosen: Version) -> None:
        """Make a version live whose files need no check: it was just added."""
        live, _, since_ns = self._pointer()
        if chosen.bundle.version != live:
            stamp_ns = max(since_ns + 1, time.time_ns())  # the clock may have been set back
            with disk_errors(self.root):
                write_durably(self.root / _LIVE,
                              f'{chosen.bundle.version} {live} {stamp_ns}\n'.encode())
                sync_folder(self.root)

    def prune(self, keep: int) -> None:
        """Remove the oldest versions beyond ``keep``; never the live one or the one before."""
        for number in self.numbers()[:-keep]:
            if number not in self._pointer()[:2]:
                shutil.rmtree(self._folder(number), ignore_errors=True)

    def _folder(self, number: int) -> Path:
        return self.root / f'{number:04d}'

    def _pointer(self) -> tuple[int, int, int]:
        """Live and previous version and since when, in one file so that all change at once.

        A file of an earlier release, or one written by hand, lacks the time.
        """
        try:
            live, previous, *since = map(int, (self.root / _LIVE).read_text().split())
            since_ns = since.pop() if since else 0
            if since or not 0 <= since_ns < _LATEST_NS:
                raise ValueError
            return live, previous, since_ns
        except FileNotFoundError:
            return 0, 0, 0
        except ValueError as error:
            raise ModelError(f'{self.root / _LIVE} is damaged: write the number of the version to '
                             'use and 0 into it') from error


def _put(path: Path, source: bytes | Version) -> str:
    """Write a file, or link it: two versions of one backbone share it. Return its SHA-256."""
    if isinstance(source, bytes):
        write_durably(path, source)
        return sha256_file(path)
    try:
        os.link(source.folder / path.name, path)
    except OSError:  # a file system without links, or too many of them
        write_durably(path, (source.folder / path.name).read_bytes())
    return source.bundle.sha256[path.name]
