"""Model versions on disk, and which of them is live."""

import logging
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from ..core import bundle as bundles
from ..core.bundle import Bundle
from ..core.errors import ModelError
from ..core.files import disk_errors, sha256_file, sync_folder, write_durably
from ..core.folder_lock import FolderLock

MODEL = 'model.onnx'
WEIGHTS = 'weights.safetensors'
BUNDLE = 'bundle.json'
_LIVE = 'live'
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Version:
    """A version and the folder that holds it."""

    bundle: Bundle
    folder: Path

    @property
    def model(self) -> Path:
        """The ONNX file."""
        return self.folder / MODEL

    @property
    def weights(self) -> Path:
        """The trained weights, safetensors."""
        return self.folder / WEIGHTS

    def is_whole(self) -> bool:
        """The ONNX file is there, with the bytes it was stored with."""
        return self.model.is_file() and sha256_file(self.model) == self.bundle.sha256[MODEL]

    def read(self, offset: int, length: int) -> bytes:
        """A piece of the ONNX file; empty at its end.

        :raises ModelError: it cannot be read.
        """
        try:
            with self.model.open('rb') as file:
                file.seek(offset)
                return file.read(length)
        except OSError as error:
            raise ModelError(f'cannot read {self.model}: {error.strerror}') from error


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

    def add(self, bundle: Bundle, model: bytes, weights: bytes) -> Version:
        """Store a new version; number, checksums and size of ``bundle`` are filled in.

        :raises DiskFullError: nothing is left behind. :raises DatasetError: likewise.
        """
        number = max([*self.numbers(), *self._pointer()], default=0) + 1
        building = self.root / f'.new-{number}'
        with disk_errors(self.root):
            try:
                shutil.rmtree(building, ignore_errors=True)
                building.mkdir()
                write_durably(building / MODEL, model)
                write_durably(building / WEIGHTS, weights)
                done = replace(bundle, version=number, size=len(model), sha256={
                    name: sha256_file(building / name) for name in (MODEL, WEIGHTS)})
                write_durably(building / BUNDLE, bundles.to_json(done).encode())
                sync_folder(building)
                building.rename(self._folder(number))
                sync_folder(self.root)
            except OSError:
                shutil.rmtree(building, ignore_errors=True)
                raise
        return Version(done, self._folder(number))

    def activate(self, number: int) -> Version:
        """Make a version live. 0: the one that was live before.

        :raises ModelError: there is none of that number, or its file is damaged.
        """
        live, previous = self._pointer()
        chosen = self.get(number or previous)
        if not chosen.is_whole():
            raise ModelError(f'the file of model version {chosen.bundle.version} is damaged: '
                             'activate another version')
        if chosen.bundle.version != live:
            with disk_errors(self.root):
                write_durably(self.root / _LIVE, f'{chosen.bundle.version} {live}\n'.encode())
                sync_folder(self.root)
        return chosen

    def prune(self, keep: int) -> None:
        """Remove the oldest versions beyond ``keep``; never the live one or the one before."""
        for number in self.numbers()[:-keep]:
            if number not in self._pointer():
                shutil.rmtree(self._folder(number), ignore_errors=True)

    def _folder(self, number: int) -> Path:
        return self.root / f'{number:04d}'

    def _pointer(self) -> tuple[int, int]:
        """Live and previous version, in one file so that both change at once."""
        try:
            live, previous = (self.root / _LIVE).read_text().split()
            return int(live), int(previous)
        except FileNotFoundError:
            return 0, 0
        except ValueError as error:
            raise ModelError(f'{self.root / _LIVE} is damaged: write the number of the version to '
                             'use and 0 into it') from error
