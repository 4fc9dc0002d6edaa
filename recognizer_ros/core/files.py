"""Files that are there whole or not at all, also after a power cut."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import DatasetError, DiskFullError


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that it never stands there in part; its folder is synced by the caller."""
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with temporary.open('wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn the operating system's errors into ours.

    :raises DiskFullError: no space left. :raises DatasetError: any other.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(f'the disk of {folder} is full: free some room') from error
        raise DatasetError(f'cannot write to {folder}: {error.strerror or error}; make it '
                           'writable, or choose another data folder') from error


def sha256_file(path: Path) -> str:
    """Lower-case hexadecimal SHA-256 of a file."""
    with path.open('rb') as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
        return digest.hexdigest()
