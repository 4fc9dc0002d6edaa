"""Networks of another machine: a folder of them by SHA-256, filled piece by piece."""

import errno
import fcntl
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..core.bundle import BACKBONE, Bundle
from ..core.errors import ModelError, NodeUnavailableError
from ..core.files import sha256_file, sync_folder

_MIB = 1 << 20
_SLICE_S = 0.02


@dataclass(frozen=True)
class Network:
    """A version's network. :param size: bytes. :param sha256: lower-case hexadecimal."""

    version: int
    size: int
    sha256: str

    @classmethod
    def of(cls, bundle: Bundle) -> 'Network':
        """:raises ModelError: version, size or SHA-256 is not one: it names a file, so it counts.
        """
        found = cls(bundle.version, bundle.size, bundle.sha256[BACKBONE])
        numbers = (found.version, found.size, bundle.created_ns)
        if not (all(isinstance(item, int) and 0 < item < 2**63 for item in numbers)
                and found.version < 2**32 and re.fullmatch('[0-9a-f]{64}', found.sha256)):
            raise ModelError('model bundle is damaged (bad version, size, time or SHA-256): '
                             'activate another version')
        return found

    def __str__(self) -> str:
        return f'model version {self.version}'

    def is_in(self, path: Path) -> bool:
        """Whether a file holds it. :raises OSError: that cannot be read."""
        found = path.stat()  # a device would never end
        return (stat.S_ISREG(found.st_mode) and found.st_size == self.size
                and sha256_file(path) == self.sha256)


@dataclass(frozen=True)
class Piece:
    """Some bytes. :param of: the whole that they belong to."""

    of: Network
    data: bytes


@dataclass(frozen=True)
class Patience:
    """How long to try. :param quiet_s: without a byte. :param pause_s: after the first failure,
    doubled after each further one up to ``longest_s``."""

    quiet_s: float = 30.0
    pause_s: float = 0.1
    longest_s: float = 3.0


class _LeftOffError(ModelError):
    """What has come is right, and can be used by the next attempt."""


class _Trying:
    """Attempts at a network, which end in time."""

    def __init__(self, wanted: Network, patience: Patience, is_late: Callable[[], bool]) -> None:
        self._wanted, self._patience, self._is_late = wanted, patience, is_late
        self.succeeded()

    def succeeded(self) -> None:
        """There are more bytes than before."""
        self._since, self._pause_s = time.monotonic(), self._patience.pause_s

    def check(self) -> None:
        """:raises _LeftOffError: nobody wants it any more."""
        if self._is_late():
            raise _LeftOffError(f'{self._wanted}: no longer wanted')

    def failed(self, why: object) -> None:
        """Wait before the next attempt. :raises _LeftOffError: there will be none."""
        now = time.monotonic()
        if now - self._since >= self._patience.quiet_s:
            raise _LeftOffError(f'{self._wanted}: not a byte of it in '
                                f'{self._patience.quiet_s:.0f} s ({why})')
        end = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, self._patience.longest_s)
        while time.monotonic() < end:
            self.check()
            time.sleep(_SLICE_S)


class ModelCache:
    """Several processes may share the folder; each network is fetched by one of them at a time.

    :param limit: room on the disk, bytes; what was used least recently goes first.
    :ivar progress: what is being fetched, for people; empty when nothing is.
    """

    def __init__(self, folder: Path, limit: int, patience: Patience) -> None:
        self._folder, self._limit, self._patience = folder, limit, patience
        self.progress = ''

    def get(self, wanted: Network, read: Callable[[int], Piece],
            is_late: Callable[[], bool]) -> Path:
        """The file of a network. What an attempt leaves that was cut off serves the next one;
        any other attempt that fails leaves nothing.

        :param read: gives bytes from an offset on; may raise NodeUnavailableError.
        :raises ModelError: it cannot be had, or ``is_late`` says that nobody wants it any more.
        """
        if wanted.size > self._limit:
            raise ModelError(f'{wanted}: its {wanted.size / _MIB:.0f} MiB are more than '
                             'cache_limit allows: raise it')
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            trying = _Trying(wanted, self._patience, is_late)
            size = 0
            while not (path := self._kept(wanted)):
                with self._part(wanted) as fd:
                    if fd is not None:
                        return self._fetched(fd, wanted, read, trying)
                now = self._size(wanted)  # another process fetches it
                if now > size:
                    trying.succeeded()
                size = now
                trying.failed('another classifier was fetching it')
            return path
        except OSError as error:
            raise ModelError(f'{wanted}: {self._trouble(error)}') from error
        finally:
            self.progress = ''

    def sweep(self, wanted: Network) -> None:
        """Remove what attempts at other networks have left."""
        for path in self._folder.glob('*.part'):
            if path != self._part_of(wanted):
                with suppress(OSError):
                    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
                    try:
                        if _lock(fd, path):
                            path.unlink()
                    finally:
                        os.close(fd)

    def forget(self, wanted: Network) -> None:
        """It is of no use."""
        with suppress(OSError):
            self._file(wanted).unlink()

    def _kept(self, wanted: Network) -> Path | None:
        path = self._file(wanted)
        try:
            if wanted.is_in(path):
                with suppress(OSError):  # others may own it
                    os.utime(path)
                return path
            path.unlink()
        except FileNotFoundError:
            pass
        return None

    def _fetched(self, fd: int, wanted: Network, read: Callable[[int], Piece],
                 trying: _Trying) -> Path:
        part, path = self._part_of(wanted), self._file(wanted)
        try:
            resumed = os.fstat(fd).st_size > 0
            self._receive(fd, wanted, read, trying)
            if resumed and not wanted.is_in(part):  # a power cut may have spoilt the beginning
                os.ftruncate(fd, 0)
                self._receive(fd, wanted, read, trying)
            os.fsync(fd)
            if not wanted.is_in(part):
                raise ModelError(f'{wanted}: what was fetched is damaged (another SHA-256)')
            part.rename(path)
            sync_folder(self._folder)
        except _LeftOffError:
            if not os.fstat(fd).st_size:
                part.unlink(missing_ok=True)
            raise
        except (ModelError, OSError):
            part.unlink(missing_ok=True)
            raise
        self._prune(path)
        return path

    def _receive(self, fd: int, wanted: Network, read: Callable[[int], Piece],
                 trying: _Trying) -> None:
        while (offset := os.fstat(fd).st_size) < wanted.size:
            self.progress = (f'fetching {wanted}: {offset // _MIB} of '
                             f'{-(-wanted.size // _MIB)} MiB')
            trying.check()
            try:
                piece = read(offset)
            except NodeUnavailableError as error:
                self.progress += f' ({error})'
                trying.failed(error)
                continue
            if piece.of != wanted or not 0 < len(piece.data) <= wanted.size - offset:
                raise ModelError(f'{wanted}: the trainer has other bytes than were announced')
            data = memoryview(piece.data)
            while data:
                data = data[os.write(fd, data):]
            trying.succeeded()

    @contextmanager
    def _part(self, wanted: Network) -> Iterator[int | None]:
        """A file to append to, which is ours alone until closed; ``None``: it is another's."""
        path = self._part_of(wanted)
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW,
                     0o644)
        try:
            yield fd if _lock(fd, path) else None
        finally:
            os.close(fd)

    def _prune(self, newest: Path) -> None:
        found = []
        for path in self._folder.glob('*.onnx'):
            with suppress(OSError):  # another process prunes too
                about = path.stat()
                found.append((path != newest, -about.st_mtime_ns, about.st_size, path))
        total = 0
        for is_older, _, size, path in sorted(found):
            total += size
            if is_older and total > self._limit:
                path.unlink(missing_ok=True)

    def _size(self, wanted: Network) -> int:
        with suppress(FileNotFoundError):
            return self._part_of(wanted).stat().st_size
        return 0

    def _file(self, wanted: Network) -> Path:
        return self._folder / f'{wanted.sha256}.onnx'

    def _part_of(self, wanted: Network) -> Path:
        return self._folder / f'{wanted.sha256}.part'

    def _trouble(self, error: OSError) -> str:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return f'the disk of {self._folder} is full: free some room'
        return (f'cannot write to {self._folder} ({error.strerror or error}): make it writable, '
                'or set cache to another folder')


def _lock(fd: int, path: Path) -> bool:
    """Take a file for ourselves, unless another has it or has just put it elsewhere."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(fd), path.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
