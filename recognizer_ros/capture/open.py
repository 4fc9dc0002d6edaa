"""From a source URI to an open source."""

import importlib.util
import threading
from collections.abc import Callable
from dataclasses import replace

from ..core.config import CameraConfig
from ..core.errors import SourceError
from .device import open_device
from .folder import FolderSource
from .gstreamer import open_gstreamer
from .jetson import open_jetson
from .pattern import PatternSource
from .scale import fit
from .source import Clock, Frame, Incoming, OpenTopic, Source
from .stream import open_stream
from .uri import Kind, parse
from .video import VideoSource


def check_uri(uri: str) -> None:
    """Check the form of a source URI; no file, device or server is touched.

    :raises SourceError: it is not one that can be opened.
    """
    parse(uri)


def open_source(config: CameraConfig, clock: Clock, stop: threading.Event,
                incoming: Incoming | None = None, topic: OpenTopic | None = None) -> Source:
    """Open the source that ``config.input`` names. The caller closes it.

    :param clock: gives the time of a frame, nanoseconds.
    :param stop: ends a ``read`` under way within 0.1 s, for good.
    :param incoming: gives the frames of ``webrtc://``. :param topic: opens ``topic://``.
    :raises SourceError: the URI is wrong, or there is nothing that can be read.
    """
    uri = parse(config.input)
    path, common = uri.path, (config, clock, stop)
    has_jetson = importlib.util.find_spec('jetson_utils')
    openers: dict[Kind, Callable[[], Source] | None] = {
        'pattern': lambda: PatternSource(uri, *common),
        'folder': lambda: FolderSource(path, *common),
        'file': lambda: VideoSource(path, *common),
        'device': lambda: open_device(path, *common),
        'csi': lambda: (open_jetson if has_jetson else open_gstreamer)(path, *common),
        'rtsp': lambda: open_stream(uri, *common),
        'http': lambda: open_stream(uri, *common),
        'webrtc': (lambda: _IncomingSource(incoming, config, stop)) if incoming else None,
        'topic': (lambda: topic(path, stop)) if topic else None,
    }
    opener = openers[uri.kind]
    if not opener:
        raise SourceError(f'{config.input} can be opened by the node camera only: use another '
                          'source')
    return opener()


class _IncomingSource:
    """What others send, as a source; it opens nothing and frees nothing."""

    def __init__(self, incoming: Incoming, config: CameraConfig, stop: threading.Event) -> None:
        self._incoming, self._config, self._stop = incoming, config, stop

    def read(self) -> Frame | None:
        """See :class:`~.source.Source`."""
        frame = self._incoming.read(self._stop)
        return frame and replace(frame, image=fit(frame.image, self._config))

    def close(self) -> None:
        """See :class:`~.source.Source`."""
