"""The text that names a source, taken apart; and how it is shown to people."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from ..core.errors import SourceError

Kind = Literal['pattern', 'folder', 'file', 'device', 'csi', 'rtsp', 'http', 'webrtc', 'topic']

OBJECTS = ('apple', 'banana', 'bottle', 'box', 'ball', 'mug')
MAX_TOGETHER = 3
WAYS = ('/dev/videoN, csi://N, rtsp://HOST/PATH, http://HOST/PATH, file://PATH, folder://PATH, '
        'webrtc://, topic://NAME or pattern://[OBJECT][?seed=N]')
_DEVICE = re.compile(r'/dev/(video\d+|v4l/.+)')
_TOPIC = re.compile(r'/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*', re.ASCII)
_PASSWORD = re.compile(r'(://[^\s/:@]*:)[^\s/]*@')
_SECRET = re.compile(r'([?&][^\s=&?]*(?:pass|pwd|token|key|auth|secret)[^\s=&]*=)[^\s&]*', re.I)


@dataclass(frozen=True)
class SourceUri:
    """A source URI in parts.

    :param path: of the folder, file or device; number of a CSI camera; name of a topic; the whole
        URI of a server, password and all; empty for a pattern.
    :param objects: shown together by a pattern; empty: all of them, one after the other.
    :param seed: of a pattern.
    """

    kind: Kind
    path: str = ''
    objects: tuple[str, ...] = ()
    seed: int = 0


def hide(text: str) -> str:
    """Return a text that may hold URIs without the passwords in them."""
    return _SECRET.sub(r'\1***', _PASSWORD.sub(r'\1***@', text))


def parse(uri: str) -> SourceUri:
    """Take a source URI apart without a look at the disk, a device or the network.

    :raises SourceError: the URI is not one that can be opened.
    """
    if '\0' in uri:
        raise SourceError(f'source {hide(uri)!r} holds a zero byte: leave it out')
    scheme, mark, rest = uri.partition('://')
    if not mark:
        return _plain(uri)
    if scheme not in _SCHEMES:
        raise SourceError(f'unknown source {hide(uri)!r}: use {WAYS}')
    return _SCHEMES[scheme](uri, rest)


def _plain(text: str) -> SourceUri:
    if _DEVICE.fullmatch(text):
        return SourceUri('device', text)
    if text.startswith('/') and not text.startswith('/dev/'):
        raise SourceError(f'source {text!r} has no scheme: write file://{text} for a video or '
                          f'folder://{text} for photos')
    raise SourceError(f'unknown source {hide(text)!r}: use {WAYS}')


def _on_disk(uri: str, path: str) -> SourceUri:
    scheme = uri.partition(':')[0]
    if not path:
        raise SourceError(f'source {uri!r} names no path: write {scheme}:///absolute/path')
    return SourceUri('folder' if scheme == 'folder' else 'file', path)


def _server(uri: str, _: str) -> SourceUri:
    scheme = uri.partition(':')[0]
    try:
        parts = urlsplit(uri)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the port, or of an address in brackets
        named = False
    if not named or re.search(r'[\s\x00-\x1f]', uri):
        raise SourceError(f'source {hide(uri)!r} names no server: write '
                          f'{scheme}://[USER:PASSWORD@]HOST[:PORT]/PATH')
    return SourceUri('rtsp' if scheme.startswith('rtsp') else 'http', uri)


def _csi(uri: str, number: str) -> SourceUri:
    if not re.fullmatch('[0-9]{1,2}', number):
        raise SourceError(f'source {uri!r} names no camera: write csi://0')
    return SourceUri('csi', str(int(number)))


def _topic(uri: str, name: str) -> SourceUri:
    if not _TOPIC.fullmatch(name):
        raise SourceError(f'source {uri!r} names no topic: write topic://image_raw, or '
                          'topic:///front/image_raw for one in another namespace')
    return SourceUri('topic', name)


def _pattern(_: str, text: str) -> SourceUri:
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


_SCHEMES: dict[str, Callable[[str, str], SourceUri]] = {
    'file': _on_disk, 'folder': _on_disk, 'pattern': _pattern, 'csi': _csi, 'topic': _topic,
    'rtsp': _server, 'rtsps': _server, 'http': _server, 'https': _server,
    'v4l2': lambda _, path: _plain(path),
    'webrtc': lambda _, rest: SourceUri('webrtc', rest),
}
