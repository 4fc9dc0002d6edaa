"""``/video.mjpeg``: the camera, as a stream of JPEG images."""

import threading
from collections.abc import Generator
from contextlib import closing
from typing import cast

from flask import Blueprint, Response

from . import current, session
from .bridge import Bridge
from .describe import Content, described

blueprint = Blueprint('video', __name__)

_BOUNDARY = b'frame'
_PATIENCE = 10
"""Seconds without a frame after which a stream ends. A viewer that left is only noticed when
something is sent to it, so a stopped camera would keep its place for ever."""


@blueprint.get('/video.mjpeg')
@described(Content({}, 'multipart/x-mixed-replace'))
def video() -> Response:
    """Return the frames as they come. A viewer asks again when the stream ends."""
    streams = current.streams()
    parts = _parts(current.bridge(), streams.stopping)
    kind = f'multipart/x-mixed-replace; boundary={_BOUNDARY.decode()}'
    return streams.respond('video', session.while_valid(parts), kind)


def _parts(bridge: Bridge, stopping: threading.Event) -> Generator[bytes, None, None]:
    yield b'--' + _BOUNDARY + b'\r\n'
    empty = 0
    with closing(cast(Generator[bytes, None, None], bridge.frames())) as frames:
        for frame in frames:
            empty = 0 if frame else empty + 1
            if stopping.is_set() or empty >= _PATIENCE:
                return
            if frame:
                yield _part(frame)


def _part(frame: bytes) -> bytes:
    head = b'Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n' % len(frame)
    # The next boundary goes out with the frame: browsers show one when its end is seen.
    return head + frame + b'\r\n--' + _BOUNDARY + b'\r\n'
