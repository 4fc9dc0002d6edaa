"""The image files of a data set, named by their content."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from ..core.files import sync_folder, write_durably

MOST_ORPHANS = 256
"""A crash leaves no more images without a row than that."""
MISSING = 'the image file is missing'
"""Why a sample without its file is set aside."""
_IMAGE = re.compile(r'[0-9a-f]{64}\.jpg')
_UNFINISHED = re.compile(r'\.[0-9a-f]{64}\.jpg\.\d+\.tmp')


def image_path(root: Path, sha256: str) -> Path:
    """Where the image of a sample lies."""
    return root.joinpath('images', sha256[:2], f'{sha256}.jpg')


def write(root: Path, images: Mapping[str, bytes]) -> None:
    """Write images, by SHA-256, so that they last; those already there stay. :raises OSError:"""
    changed = set()
    for name, data in images.items():
        path = image_path(root, name)
        if path.exists():
            continue
        if not path.parent.exists():
            path.parent.mkdir()
            changed.add(path.parent.parent)
        write_durably(path, data)
        changed.add(path.parent)
    for folder in changed:
        sync_folder(folder)


def remove(root: Path, names: Iterable[str]) -> None:
    """Remove images; those that are gone are gone. :raises OSError:"""
    for name in names:
        image_path(root, name).unlink(missing_ok=True)


@dataclass(frozen=True)
class Swept:
    """What was found. :param missing: known images without a file. :param strangers: files that
    nobody knows and that were left alone, because a crash never leaves so many."""

    missing: frozenset[str]
    strangers: int


def sweep(root: Path, known: Set[str]) -> Swept:
    """Remove what a crash has left: unfinished files and images without a row. :raises OSError:"""
    there, orphans = set(), []
    for file in _files(root / 'images'):
        if (name := file.name[:-4]) in known and file.name.endswith('.jpg'):
            there.add(name)
        elif _IMAGE.fullmatch(file.name):
            orphans.append(file.path)
        elif _UNFINISHED.fullmatch(file.name):
            os.unlink(file.path)
    if len(orphans) <= MOST_ORPHANS:
        for path in orphans:
            os.unlink(path)
        orphans = []
    return Swept(frozenset(known - there), len(orphans))


def _files(folder: Path) -> Iterator['os.DirEntry[str]']:
    """Not by ``Path``, which would take most of the time of a start."""
    with os.scandir(folder) as subs:
        for sub in subs:
            if sub.is_dir():
                with os.scandir(sub) as files:
                    yield from files
