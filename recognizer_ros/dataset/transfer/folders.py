"""Photographs in one sub-folder a class, at any depth below it.

Each folder below a class is a burst of its own. Where all that is at the top is ``train``, ``val``
(or ``valid``, ``validation``, ``test``), the classes lie in those, and the split is kept.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...core.errors import DatasetError, LabelError
from ...core.labels import normalise
from ...core.split import Split
from .source import Candidate
from .table import SPLITS
from .trees import FolderTree, Tree, is_image

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Photo:
    """A file and the class that its folder names."""

    path: Path
    label: str


@dataclass(frozen=True)
class Labelled:
    """An image of a tree. :param split: that its folder names."""

    name: str
    label: str
    split: Split | None


def photos(folder: Path) -> list[Photo]:
    """List a folder with one sub-folder a class, sorted; hidden files are left out.

    :raises DatasetError: it is missing, or holds no such photographs.
    :raises LabelError: a sub-folder's name cannot be a class name.
    """
    if not folder.is_dir():
        raise DatasetError(f'{folder} is not a folder: give one with a sub-folder a class')
    return [Photo(folder / item.name, item.label) for item in labelled(FolderTree(folder))]


def labelled(tree: Tree) -> list[Labelled]:
    """Find the images of a tree that lie in folders of classes, in order of name.

    :raises DatasetError: there are none. :raises LabelError: as :func:`photos`.
    """
    names = [name for name in tree.files() if '/' in name and is_image(name)]
    if not names:
        raise DatasetError(f'{tree.name} holds no photographs: put JPEG, PNG or WebP files into '
                           'one sub-folder a class')
    parted = _is_parted(names)
    known: dict[str, str] = {}
    found = []
    for name in names:
        top, _, rest = name.partition('/')
        split = SPLITS[top.lower()] if parted else None
        folder = rest.partition('/')[0] if parted else top
        if folder not in known:
            known[folder] = _class_of(folder, tree)
        if split != Split.GAP:
            found.append(Labelled(name, known[folder], split))
    if len(found) < len(names):
        _log.warning('%d images of the folder gap in %s left out: they are too like those '
                     'around them', len(names) - len(found), tree.name)
    return found


def candidates(tree: Tree, listed: list[Labelled]) -> Iterator[Candidate]:
    """The images of :func:`labelled`, one by one."""
    for item in listed:
        yield Candidate(f'{item.name} in {tree.name}', partial(tree.read, item.name),
                        (item.label,), item.name.rpartition('/')[0], split=item.split,
                        pinned=item.split is not None, size=tree.size(item.name))


def _is_parted(names: list[str]) -> bool:
    """All top folders have names of splits, and no images but in folders below."""
    return all(name.count('/') > 1 and name.partition('/')[0].lower() in SPLITS
               for name in names)


def _class_of(folder: str, tree: Tree) -> str:
    try:
        names = normalise([folder])
    except LabelError as error:
        raise LabelError(f'the folder {folder!r} in {tree.name} cannot be a class: {error}'
                         ) from error
    if not names:
        raise LabelError(f'the folder {folder!r} in {tree.name} has no name that can be a class')
    return names[0]
