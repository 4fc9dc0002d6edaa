"""Folders of photographs with one sub-folder a class."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import DatasetError, ImageError, LabelError
from ..core.labels import normalise
from . import images
from .sample import NewSample
from .store import SampleStore

SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp')
_GROUP = 32
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Photo:
    """A file and the class that its folder names."""

    path: Path
    label: str


@dataclass(frozen=True)
class Imported:
    """What an import did. :param skipped: names of files that could not be used."""

    samples: int
    duplicates: int
    classes: int
    skipped: tuple[str, ...]


def photos(folder: Path) -> list[Photo]:
    """List a folder with one sub-folder a class, sorted; hidden files are left out.

    :raises DatasetError: it is missing, or holds no such photographs.
    :raises LabelError: a sub-folder's name cannot be a class name.
    """
    if not folder.is_dir():
        raise DatasetError(f'{folder} is not a folder: give one with a sub-folder a class')
    found = [Photo(path, _class_of(sub))
             for sub in sorted(folder.iterdir()) if sub.is_dir() and not sub.name.startswith('.')
             for path in sorted(sub.iterdir())
             if path.suffix.lower() in SUFFIXES and not path.name.startswith('.')]
    if not found:
        raise DatasetError(f'{folder} holds no photographs: put JPEG, PNG or WebP files into one '
                           'sub-folder a class')
    return found


def _class_of(folder: Path) -> str:
    names = normalise([folder.name])
    if not names:
        raise LabelError(f'the folder {str(folder)!r} has no name that can be a class')
    return names[0]


def import_folder(store: SampleStore, folder: Path, stamp_ns: int,
                  progress: Callable[[int, int], None] = lambda done, total: None) -> Imported:
    """Store all photographs of a folder, each class as one burst; go on past unusable files.

    :param stamp_ns: stamp of the first; the others follow a nanosecond apart, in order of name.
    :raises DatasetError: as :func:`photos`, or none of the files is usable.
    """
    listed = photos(folder)
    skipped: list[str] = []
    samples = duplicates = 0
    bursts: dict[str, int] = {}
    for start in range(0, len(listed), _GROUP):
        group = []
        for offset, photo in enumerate(listed[start:start + _GROUP], start):
            try:
                data, width, height = images.accept(photo.path.read_bytes())
            except (ImageError, OSError) as error:
                _log.warning('%s skipped: %s', photo.path, error)
                skipped.append(str(photo.path))
                continue
            if photo.label not in bursts:
                bursts[photo.label] = store.begin_burst(f'import:{folder.name}', (photo.label,))
            group.append(NewSample(data, (photo.label,), stamp_ns + offset, bursts[photo.label],
                                   f'import:{folder.name}', width, height))
        if group:
            answers = store.add(group)
            duplicates += sum(answer.duplicate for answer in answers)
            samples += len(answers)
        progress(min(start + _GROUP, len(listed)), len(listed))
    if not samples:
        raise DatasetError(f'none of the {len(listed)} files in {folder} is a usable image')
    return Imported(samples - duplicates, duplicates, len(bursts), tuple(skipped))

