"""From a source URI to an open source."""

import threading

from ..core.config import CameraConfig
from .device import open_device
from .folder import FolderSource
from .pattern import PatternSource
from .source import Clock, Source
from .uri import parse
from .video import VideoSource


def check_uri(uri: str) -> None:
    """Check the form of a source URI; no file or device is touched.

    :raises SourceError: it is not one that can be opened.
    """
    parse(uri)


def open_source(config: CameraConfig, clock: Clock, stop: threading.Event) -> Source:
    """Open the source that ``config.input`` names. The caller closes it.

    :param clock: gives the time of a frame, nanoseconds.
    :param stop: ends a ``read`` under way within 0.1 s, for good.
    :raises SourceError: the URI is wrong, or there is nothing that can be read.
    """
    uri = parse(config.input)
    if uri.kind == 'pattern':
        return PatternSource(uri, config, clock, stop)
    if uri.kind == 'folder':
        return FolderSource(uri.path, config, clock, stop)
    if uri.kind == 'file':
        return VideoSource(uri.path, config, clock, stop)
    return open_device(uri.path, config, clock, stop)
