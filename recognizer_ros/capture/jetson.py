"""A CSI camera through jetson_utils (github.com/dusty-nv/jetson-utils), where it is installed."""

import threading
import time
from functools import partial
from typing import Any

import cv2

from ..core.config import CameraConfig
from ..core.errors import SourceError
from .newest import Frames, LiveSource
from .pacer import RateLimit
from .scale import fill
from .source import Clock, Frame

_TIMEOUT_MS = 500


def open_jetson(number: str, config: CameraConfig, clock: Clock, stop: threading.Event
                ) -> LiveSource:
    """Open a CSI camera; jetson_utils must be there."""
    return LiveSource(f'camera csi://{number}', partial(_frames, f'csi://{number}', config, clock),
                      stop, 'restart nvargus-daemon, and check its cable')


def _frames(uri: str, config: CameraConfig, clock: Clock, closed: threading.Event) -> Frames:
    import jetson_utils

    source = _opened(jetson_utils, uri, config)
    try:
        limit = RateLimit(config.input_rate)
        while not closed.is_set():
            image = source.Capture(format='rgb8', timeout=_TIMEOUT_MS)
            stamp_ns = clock()
            if image is None:  # not yet
                continue
            if not limit.passes(time.monotonic()):
                yield None
                continue
            jetson_utils.cudaDeviceSynchronize()
            # Its memory is used again for a later frame; cvtColor makes the copy.
            pixels = cv2.cvtColor(jetson_utils.cudaToNumpy(image), cv2.COLOR_RGB2BGR)
            yield Frame(fill(pixels, config.input_width, config.input_height), stamp_ns)
    except Exception as error:  # all that it raises is a bare Exception
        raise SourceError(f'camera {uri} gives no more frames ({error}): check its cable, or '
                          'restart nvargus-daemon') from error
    finally:
        source.Close()


def _opened(jetson_utils: Any, uri: str, config: CameraConfig) -> Any:
    options: dict[str, Any] = {'framerate': config.input_rate, 'flipMethod': config.input_flip}
    if config.input_width and config.input_height:
        options |= {'width': config.input_width, 'height': config.input_height}
    try:
        return jetson_utils.videoSource(uri, options=options)
    except Exception as error:
        raise SourceError(f'camera {uri} cannot be opened ({error}): check its cable and number, '
                          'close the program that uses it, or restart nvargus-daemon') from error
