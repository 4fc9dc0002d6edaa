"""The folder of the original Recognizer: ``images/`` and ``tags.json``, {file name: [tags]}.

A manifest beside it adds what ``tags.json`` cannot tell (bursts, splits, stamps); tags are always
those of ``tags.json``, so that what the original changed meanwhile counts. Without a manifest,
frames with the same tags, named by the time of capture, no more than two seconds apart, were one
press of Record.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from ...core.errors import DatasetError, LabelError
from ...core.labels import normalise
from .source import MAX_FILES, Candidate
from .table import MANIFEST, Row, Table, open_table
from .trees import Tree, read_errors

TAGS, IMAGES = 'tags.json', 'images'
NAME_FORMAT = '%Y%m%d_%H%M%S_%f'
_NAME_LENGTH = len('20230915_142359_123456')
_PAUSE_NS = 2 * 10**9


@dataclass(frozen=True)
class Frame:
    """A line of ``tags.json``. :param stamp_ns: told by its name; 0: by none."""

    name: str
    tags: tuple[str, ...]
    stamp_ns: int


def is_seed(tree: Tree) -> bool:
    """The tree is such a folder."""
    return tree.exists(TAGS)


def frames(tree: Tree) -> list[Frame]:
    """Read ``tags.json``; in order of time as far as names tell it.

    :raises DatasetError: it is damaged, or has another shape.
    """
    about = f'{TAGS} in {tree.name}'
    with read_errors(about), tree.text(TAGS) as file:
        try:
            known = json.load(file)
        except (json.JSONDecodeError, RecursionError) as error:
            raise DatasetError(f'{about} is not JSON ({error}): restore it from a '
                               'backup') from error
    if not isinstance(known, dict) or not known:
        raise DatasetError(f'{about} names no images: it must be {{"file name": ["tag", …]}}')
    if len(known) > MAX_FILES:
        raise DatasetError(f'{about} names more than {MAX_FILES:,} images: import it in parts')
    found = [Frame(name, _tags(name, tags, about), stamp_of(name))
             for name, tags in known.items()]
    return sorted(found, key=lambda frame: frame.stamp_ns)


def candidates(tree: Tree, listed: list[Frame]) -> Iterator[Candidate]:
    """The images of :func:`frames`, one by one; those of the manifest first, in its order.

    :raises DatasetError: the manifest is wrong.
    """
    table = open_table(tree) if tree.exists(MANIFEST) else None
    left = {f'{IMAGES}/{frame.name}': frame for frame in listed}
    for row in table or ():
        frame = left.pop(row.path, None)
        if table and frame:
            yield _with_manifest(table, row, frame)
    yield from _by_time(tree, list(left.values()))


def stamp_of(name: str) -> int:
    """The time of capture that a file name tells, local time; 0: it tells none."""
    try:
        return round(datetime.strptime(name[:_NAME_LENGTH], NAME_FORMAT).timestamp() * 1e6) * 1000
    except (ValueError, OverflowError, OSError):
        return 0


def _with_manifest(table: Table, row: Row, frame: Frame) -> Candidate:
    return table.candidate(replace(row, tags=frame.tags))


def _by_time(tree: Tree, listed: list[Frame]) -> Iterator[Candidate]:
    press, before = 0, Frame('', (), 0)
    for frame in listed:
        if frame.tags != before.tags or frame.stamp_ns - before.stamp_ns > _PAUSE_NS:
            press += 1
        before = frame
        group = (press,) if frame.stamp_ns else frame.tags
        name = f'{IMAGES}/{frame.name}'
        yield Candidate(f'{name} in {tree.name}', partial(tree.read, name), frame.tags, group,
                        stamp_ns=frame.stamp_ns, size=tree.size(name))


def _tags(name: str, tags: Any, about: str) -> tuple[str, ...]:
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise DatasetError(f'{about}: the tags of {name!r} must be a list of texts')
    try:
        return normalise(tags)
    except LabelError as error:
        raise LabelError(f'{about}: {name!r}: {error}') from error
