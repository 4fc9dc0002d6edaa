"""Finds out what a path holds."""

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from ...core.errors import DatasetError
from .. import schema
from . import bag, folders, seed, table
from .archive import open_zip
from .source import Options, Source
from .trees import FolderTree, Tree, is_image

_ACCEPTED = ('a folder with one sub-folder a class, the folder of the original Recognizer '
             '(images/ and tags.json), an export, a zip of one of these, a CSV with the columns '
             'path and tags, or a rosbag2 (folder, .mcap or .db3)')
_log = logging.getLogger(__name__)


@contextmanager
def open_source(path: Path, options: Options | None = None) -> Iterator[Source]:
    """Open what should be imported; nothing is stored yet.

    :raises DatasetError: nothing that can be imported, with the reason. Likewise LabelError.
    """
    chosen = options or Options()
    if bag.is_bag(path):
        opened: AbstractContextManager[Source] = bag.open_bag(path, chosen)
    elif (path / schema.FILE).is_file():
        raise DatasetError(f'{path} is a data set of this program: export it, and import that')
    elif path.is_dir():
        opened = nullcontext(_of_tree(FolderTree(path), path))
    elif path.suffix.lower() == '.csv' and path.is_file():
        opened = nullcontext(_of_csv(path, chosen))
    elif path.suffix.lower() == '.zip' and path.is_file():
        opened = _of_zip(path)
    else:
        reason = 'cannot be imported' if path.exists() else 'does not exist'
        raise DatasetError(f'{path} {reason}: give {_ACCEPTED}')
    with opened as source:
        yield source


@contextmanager
def _of_zip(path: Path) -> Iterator[Source]:
    with open_zip(path) as tree:
        yield _of_tree(tree, path)


def _of_tree(tree: Tree, path: Path) -> Source:
    empty = 'check that the images can be opened'
    if seed.is_seed(tree):
        frames = seed.frames(tree)
        return Source(path.name, 'seed', len(frames), empty, seed.candidates(tree, frames))
    if tree.exists(table.MANIFEST):
        found = table.open_table(tree)
        _tell_unlisted(tree, found)
        return Source(path.name, 'manifest', found.rows, empty, found.candidates())
    listed = folders.labelled(tree)
    return Source(path.name, 'folders', len(listed), empty, folders.candidates(tree, listed))


def _of_csv(path: Path, options: Options) -> Source:
    beside = FolderTree(path.parent)
    found = table.open_table(beside, path.name)
    if options.images:
        found = found.with_images(FolderTree(options.images))
    return Source(path.stem, 'csv', found.rows, f'paths start from {found.images.name}',
                  found.candidates())


def _tell_unlisted(tree: Tree, listed: table.Table) -> None:
    """An image that somebody put into an export must not be lost without a word."""
    names = {row.path for row in listed}
    others = sum(is_image(name) and name not in names for name in tree.files())
    if others:
        _log.warning('%d images in %s left out: %s does not name them', others, tree.name,
                     table.MANIFEST)
