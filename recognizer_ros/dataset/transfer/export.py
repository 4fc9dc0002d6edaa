"""Writes a data set for other programs, and so that an import brings all of it back.

Every kind has a manifest, ``samples.csv``, from which an import restores tags, bursts, splits,
stamps and sources; see :mod:`table`. Quarantined and deleted samples stay out.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TextIO

from ...core.errors import DatasetError
from .. import browse
from ..browse import Listed, Query
from ..image_files import image_path
from . import seed
from .importer import Progress
from .sinks import Sink, open_sink
from .table import MANIFEST, NAMES, Row, write_table

_STEP = 50
_MAX_NAME = 120
_NAMED = 100
_PLAIN = " !#$&'()+-.=@[]^_`{}~"
_log = logging.getLogger(__name__)


class Kind(Enum):
    """What to write. An archive of it is made if the destination ends in ``.zip``."""

    FOLDER = 'folder'
    """``train/CLASS/``, ``val/CLASS/``, and ``gap/CLASS/`` for what belongs to neither; each
    sample must have one tag."""
    SEED = 'seed'
    """``images/`` and ``tags.json``, as the original Recognizer reads it."""
    CSV = 'csv'
    """``images/`` and the manifest."""


@dataclass(frozen=True)
class Exported:
    """What an export did.

    :param damaged: images that are missing or not as they were stored, and so left out.
    :param skipped: the names of the first hundred of these.
    """

    samples: int
    classes: int
    bytes: int
    damaged: int
    skipped: tuple[str, ...]


def run(root: Path, destination: Path, kind: Kind, query: Query | None = None,
        progress: Progress = lambda done, total: None) -> Exported:
    """Write samples of a data set; recording and editing may go on meanwhile.

    :param destination: made; must be missing, or an empty folder.
    :param query: which; its ``offset`` and ``limit`` do not count. Default: all usable ones.
    :raises DatasetError: there are none, the kind cannot hold them, or it cannot be written.
    :raises DiskFullError: there is no room.
    """
    samples = _listed(root, query or Query())
    if not samples:
        raise DatasetError(f'{root} holds no samples to export: record some, or choose others')
    if kind == Kind.FOLDER:
        _check_single(samples)
    size = sum(_size(root, sample) for sample in samples)
    with open_sink(destination, size) as sink:
        written = _write_images(root, samples, kind, sink, progress)
        if not written.rows:
            raise DatasetError(f'none of the {len(samples)} images in {root} can be read: restore '
                               'them from a backup')
        sink.text(MANIFEST, lambda file: write_table(file, written.rows))
        if kind == Kind.SEED:
            sink.text(seed.TAGS, lambda file: _write_tags(file, written.rows))
    classes = {tag for row in written.rows for tag in row.tags}
    return Exported(len(written.rows), len(classes), written.bytes, written.damaged,
                    tuple(written.skipped))


@dataclass
class _Written:
    """What has been written. :param bytes: of images."""

    rows: list[Row]
    skipped: list[str]
    bytes: int = 0
    damaged: int = 0


def _listed(root: Path, query: Query) -> list[Listed]:
    """All samples of one moment, burst after burst, each in order of time."""
    return sorted(browse.everything(root, query),
                  key=lambda item: (item.burst, item.stamp_ns, item.sha256))


def _check_single(samples: Iterable[Listed]) -> None:
    others = sum(len(sample.tags) != 1 for sample in samples)
    if others:
        raise DatasetError(f'{others} samples have several tags or none, which folders cannot '
                           f'hold: export as {Kind.SEED.value} or {Kind.CSV.value}')


def _write_images(root: Path, samples: Sequence[Listed], kind: Kind, sink: Sink,
                  progress: Progress) -> _Written:
    written = _Written([], [])
    for done, sample in enumerate(samples, 1):
        data = _read(root, sample)
        if data is None:
            written.damaged += 1
            if len(written.skipped) < _NAMED:
                written.skipped.append(sample.sha256)
        else:
            path = _PATHS[kind](sample)
            sink.write(path, data)
            written.bytes += len(data)
            written.rows.append(Row(path, sample.tags, str(sample.burst), sample.split,
                                    sample.pinned, sample.stamp_ns, sample.source))
        if done % _STEP == 0 or done == len(samples):
            progress(done, len(samples))
    return written


def _read(root: Path, sample: Listed) -> bytes | None:
    """An image as it was stored; ``None``: it is not any more."""
    try:
        data = image_path(root, sample.sha256).read_bytes()
    except OSError as error:
        _log.warning('sample %s left out: %s', sample.sha256, error.strerror or error)
        return None
    if hashlib.sha256(data).hexdigest() != sample.sha256:
        _log.warning('sample %s left out: its file is damaged', sample.sha256)
        return None
    return data


def _size(root: Path, sample: Listed) -> int:
    try:
        return image_path(root, sample.sha256).stat().st_size
    except OSError:
        return 0


def _write_tags(file: TextIO, rows: Iterable[Row]) -> None:
    names = {row.path.rpartition('/')[2]: list(row.tags) for row in rows}
    json.dump(names, file, indent=4)


def _folder_path(sample: Listed) -> str:
    return f'{NAMES[sample.split]}/{_folder_name(sample.tags[0])}/{sample.sha256}.jpg'


def _seed_path(sample: Listed) -> str:
    """Told apart by the content: two cameras may have been read in one microsecond."""
    try:
        time = datetime.fromtimestamp(sample.stamp_ns // 1000 / 1e6).strftime(seed.NAME_FORMAT)
    except (ValueError, OverflowError, OSError):
        time = 'unknown'
    return f'{seed.IMAGES}/{time}_{sample.sha256[:16]}.jpg'


def _csv_path(sample: Listed) -> str:
    return f'images/{sample.sha256[:2]}/{sample.sha256}.jpg'


def _folder_name(tag: str) -> str:
    """A tag as the name of a folder on any system: what is not plain becomes %XX."""
    name = ''.join(char if char.isalnum() or char in _PLAIN or ord(char) > 127
                   else f'%{ord(char):02X}' for char in tag)
    if name[0] == '.' or name[-1] == '.':
        name = name.replace('.', '%2E')
    if len(name.encode()) <= _MAX_NAME:
        return name
    return f'{name[:16]}~{hashlib.sha256(tag.encode()).hexdigest()[:16]}'


_PATHS: dict[Kind, Callable[[Listed], str]] = {
    Kind.FOLDER: _folder_path, Kind.SEED: _seed_path, Kind.CSV: _csv_path}
