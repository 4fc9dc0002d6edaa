"""The text that names a source, taken apart."""

import re
from dataclasses import dataclass
from typing import Literal

from ..core.errors import SourceError

Kind = Literal['pattern', 'folder', 'file', 'device']

OBJECTS = ('apple', 'banana', 'bottle', 'box', 'ball', 'mug')
MAX_TOGETHER = 3
WAYS = '/dev/videoN, folder://PATH, file://PATH or pattern://[OBJECT][?seed=N]'
_DEVICE = re.compile(r'/dev/(video\d+|v4l/.+)')


@dataclass(frozen=True)
class SourceUri:
    """A source URI in parts.

    :param path: of the folder, file or device; empty for a pattern.
    :param objects: shown together by a pattern; empty: all of them, one after the other.
    :param seed: of a pattern.
    """

    kind: Kind
    path: str = ''
    objects: tuple[str, ...] = ()
    seed: int = 0


def parse(uri: str) -> SourceUri:
    """Take a source URI apart without a look at the disk or a device.

    :raises SourceError: the URI is not one that can be opened.
    """
    if '\0' in uri:
        raise SourceError(f'source {uri!r} holds a zero byte: leave it out')
    scheme, mark, rest = uri.partition('://')
    if not mark:
        return _plain(uri)
    if scheme == 'pattern':
        return _pattern(rest)
    if scheme == 'v4l2':
        return _plain(rest)
    if scheme not in ('folder', 'file'):
        raise SourceError(f'unknown source {uri!r}: use {WAYS}')
    if not rest:
        raise SourceError(f'source {uri!r} names no path: write {scheme}:///absolute/path')
    return SourceUri('folder' if scheme == 'folder' else 'file', rest)


def _plain(text: str) -> SourceUri:
    if _DEVICE.fullmatch(text):
        return SourceUri('device', text)
    if text.startswith('/') and not text.startswith('/dev/'):
        raise SourceError(f'source {text!r} has no scheme: write file://{text} for a video or '
                          f'folder://{text} for photos')
    raise SourceError(f'unknown source {text!r}: use {WAYS}')


def _pattern(text: str) -> SourceUri:
    names, _, query = text.partition('?')
    objects = tuple(dict.fromkeys(names.lower().split('+'))) if names else ()
    for name in objects:
        if name not in OBJECTS:
            raise SourceError(f'unknown object {name!r} in the pattern: use one of '
                              + ', '.join(OBJECTS))
    if len(objects) > MAX_TOGETHER:
        raise SourceError(f'{len(objects)} objects do not fit in one pattern: name at most '
                          f'{MAX_TOGETHER}')
    return SourceUri('pattern', objects=objects, seed=_seed(query))


def _seed(query: str) -> int:
    if not query:
        return 0
    name, _, value = query.partition('=')
    if name != 'seed':
        raise SourceError(f'unknown option {query!r} of the pattern: only seed=N is known')
    if not re.fullmatch('[0-9]{1,9}', value):
        raise SourceError(f'seed {value!r} of the pattern is not a whole number: write seed=1')
    return int(value)
