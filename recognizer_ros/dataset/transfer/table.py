"""CSV of images and tags: what people write, and the manifest of every export.

Columns ``path`` and ``tags`` (separated by ``;``), and where wanted ``burst`` (any text: equal
ones belong together), ``split`` (train, val; ``gap`` in manifests only), ``pinned`` (0: the
split follows from the burst, 1: it was chosen; the default), ``stamp_ns`` and ``source``. Others
are ignored. Paths start from the folder of the CSV and must not lead out of it.
"""

import csv
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import PurePosixPath
from typing import TextIO

from ...core import labels
from ...core.errors import DatasetError, LabelError
from ...core.split import Split
from .source import MAX_FILES, Candidate
from .trees import Tree, read_errors

MANIFEST = 'samples.csv'
COLUMNS = ('path', 'tags', 'burst', 'split', 'pinned', 'stamp_ns', 'source')
SPLITS = {'train': Split.TRAIN, 'training': Split.TRAIN, 'val': Split.VALIDATION,
          'valid': Split.VALIDATION, 'validation': Split.VALIDATION, 'test': Split.VALIDATION,
          'gap': Split.GAP}
NAMES = {Split.TRAIN: 'train', Split.VALIDATION: 'val', Split.GAP: 'gap'}
_MAX_STAMP = 2**63
_MAX_SOURCE = 256


@dataclass(frozen=True)
class Row:
    """One image of a table. :param split: effective; ``None``: not said."""

    path: str
    tags: tuple[str, ...]
    burst: str = ''
    split: Split | None = None
    pinned: bool = True
    stamp_ns: int = 0
    source: str = ''


@dataclass(frozen=True)
class Table:
    """A CSV of a tree, every row of which has been checked.

    :param images: where paths start from.
    :param shared: bursts whose samples lie in several splits, none of which was chosen.
    """

    tree: Tree
    images: Tree
    name: str
    rows: int
    shared: frozenset[str]

    def __iter__(self) -> Iterator[Row]:
        return _rows(self.tree, self.name)

    def with_images(self, images: Tree) -> 'Table':
        """The same rows, for images elsewhere."""
        return replace(self, images=images)

    def candidates(self) -> Iterator[Candidate]:
        """One for each row."""
        return (self.candidate(row) for row in self)

    def candidate(self, row: Row) -> Candidate:
        """The image of a row.

        A burst that was shared by time goes back as one of the training part: the store shares
        it again, the same way, where it is again the only one of a class.
        """
        shared = row.burst in self.shared or row.split == Split.GAP
        split = Split.TRAIN if shared and not row.pinned else row.split
        return Candidate(f'{row.path} in {self.images.name}', partial(self.images.read, row.path),
                         row.tags, self._group(row), row.source, row.stamp_ns, split,
                         row.pinned, self.images.size(row.path))

    def _group(self, row: Row) -> Hashable:
        if not row.burst:  # then those of one folder with the same tags are one
            return str(PurePosixPath(row.path).parent), row.tags, row.split
        return row.burst, row.split if row.pinned else None


def open_table(tree: Tree, name: str = MANIFEST) -> Table:
    """Check a CSV from beginning to end, so that an import does not end half way.

    :raises DatasetError: it cannot be read, or a row is wrong; naming the line.
    """
    splits: dict[str, Split | None] = {}
    shared: set[str] = set()
    count = 0
    for row in _rows(tree, name):
        count += 1
        if count > MAX_FILES:
            raise DatasetError(f'{name} in {tree.name} has more than {MAX_FILES:,} rows: import '
                               'it in parts')
        if row.pinned:
            continue
        if splits.setdefault(row.burst, row.split) != row.split:
            shared.add(row.burst)
    if not count:
        raise DatasetError(f'{name} in {tree.name} has no rows below its header')
    return Table(tree, tree, name, count, frozenset(shared))


def write_table(file: TextIO, rows: Iterable[Row]) -> None:
    """Write a manifest."""
    writer = csv.writer(file, lineterminator='\n')
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow((row.path, ';'.join(row.tags), row.burst,
                         '' if row.split is None else NAMES[row.split], int(row.pinned),
                         row.stamp_ns, row.source))


def read_columns(file: TextIO, name: str, needed: tuple[str, ...]
                 ) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of a CSV with a header: where each stands, for messages, and its values by column.

    :raises DatasetError: no CSV, or without a needed column.
    """
    reader = csv.reader(file, strict=True)
    where = f'line 1 of {name}'
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        missing = [column for column in needed if column not in header]
        if missing:
            raise DatasetError(f'{name} has no column {missing[0]!r}: its first line must name '
                               f'the columns, separated by commas, and has {", ".join(header)!r}')
        twice = [column for column, times in Counter(header).items() if column and times > 1]
        if twice:
            raise DatasetError(f'{name} has the column {twice[0]!r} twice')
        for cells in reader:
            where = f'line {reader.line_num} of {name}'
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise DatasetError(f'{where} has {len(cells)} values, the first line '
                                   f'{len(header)}: put values with commas in double quotes')
            yield where, {column: cell.strip()
                          for column, cell in zip(header, cells, strict=True)}
    except csv.Error as error:
        raise DatasetError(f'{name} is not a CSV after {where}: {error}') from error


def _rows(tree: Tree, name: str) -> Iterator[Row]:
    about = f'{name} in {tree.name}'
    with read_errors(about), tree.text(name) as file:
        for where, cells in read_columns(file, about, ('path', 'tags')):
            try:
                yield _row(cells)
            except (LabelError, ValueError) as error:
                raise DatasetError(f'{where}: {error}') from error


def _row(cells: dict[str, str]) -> Row:
    """:raises ValueError: a value is wrong; likewise LabelError."""
    if not cells['path']:
        raise ValueError('no path')
    row = Row(cells['path'], labels.parse(cells['tags']), cells.get('burst', ''),
              _split(cells.get('split', '')), _flag(cells.get('pinned', '')),
              _stamp(cells.get('stamp_ns', '')), _source(cells.get('source', '')))
    if not row.pinned and not row.burst:
        raise ValueError('pinned is 0 but there is no burst')
    if row.pinned and row.split == Split.GAP:
        raise ValueError("split 'gap' cannot be chosen: use 'train' or 'val'")
    return row if row.split is not None else replace(row, pinned=False)


def _split(text: str) -> Split | None:
    if text and text.lower() not in SPLITS:
        raise ValueError(f"unknown split {text!r}: use 'train' or 'val', or leave it empty")
    return SPLITS.get(text.lower())


def _flag(text: str) -> bool:
    if text not in ('', '0', '1'):
        raise ValueError(f'pinned must be 0 or 1, not {text!r}')
    return text != '0'


def _stamp(text: str) -> int:
    if text and not (text.isascii() and text.isdigit() and len(text) < 20
                     and int(text) < _MAX_STAMP):
        raise ValueError(f'stamp_ns must be nanoseconds since 1970, not {text!r}')
    return int(text or 0)


def _source(text: str) -> str:
    if len(text) > _MAX_SOURCE or not text.isprintable():
        raise ValueError(f'source must be at most {_MAX_SOURCE} characters of plain text')
    return text
