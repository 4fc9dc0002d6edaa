"""One writer per folder."""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from .errors import DataLockedError


class FolderLock:
    """Holds a folder for this process until closed; the kernel lets go when the process dies.

    :raises DataLockedError: another process holds it.
    """

    def __init__(self, folder: Path, name: str = '.lock') -> None:
        self._fd = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(self._fd, 32).decode('ascii', 'replace').strip() or 'unknown'
            os.close(self._fd)
            raise DataLockedError(
                f'{folder} is in use by process {owner}: stop that one, or choose another data '
                'folder') from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def close(self) -> None:
        """Let others have the folder."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> 'FolderLock':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
