"""A camera of this machine, through Video4Linux."""

import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import cv2

from ..core.config import CameraConfig
from ..core.errors import SourceError
from .newest import Frames, LiveSource
from .pacer import RateLimit
from .scale import fit
from .source import Clock, Frame
from .stream import coded_camera

_BAD_FRAMES = 10
_OLDEST_NS = 10**9
_CODED = ('h264', 'h265')


class Capture(Protocol):
    """The part of ``cv2.VideoCapture`` that is used."""

    def grab(self) -> bool:
        """Wait for the next frame of the camera. False: there is none."""
        ...

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the frame that was grabbed."""
        ...

    def get(self, number: int) -> float:
        """Return a property."""
        ...

    def release(self) -> None:
        """Give the camera back."""
        ...


def open_device(path: str, config: CameraConfig, clock: Clock, stop: threading.Event
                ) -> LiveSource:
    """Open a camera by its path.

    :raises SourceError: it is missing or not permitted.
    """
    if not Path(path).exists():
        raise SourceError(f'no camera at {path}: plug one in, or use folder://PATH, file://PATH '
                          'or pattern://')
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(f'camera {path} may not be opened: add your user to the group video')
    if config.input_codec in _CODED:
        frames = partial(coded_camera, path, config, clock)
    else:
        frames = partial(grabbed, f'camera {path}', partial(_capture, path, config), config, clock)
    return LiveSource(f'camera {path}', frames, stop, 'plug it in again')


def grabbed(name: str, opened: Callable[[], Capture], config: CameraConfig, clock: Clock,
            closed: threading.Event) -> Frames:
    """Give the frames of a capture.

    :raises SourceError: it has no more, or only damaged ones.
    """
    capture = opened()
    try:
        limit, bad = RateLimit(config.input_rate), 0
        while not closed.is_set():
            if not capture.grab():
                raise SourceError(f'{name} gives no more frames: plug it in again')
            stamp_ns = clock() - _age_ns(capture)
            if not limit.passes(time.monotonic()):
                yield None
                continue
            good, image = capture.retrieve()
            bad = 0 if good else bad + 1
            if bad >= _BAD_FRAMES:
                raise SourceError(f'{name} gives only damaged frames: check its cable')
            yield Frame(fit(image, config), stamp_ns) if good else None
    except cv2.error as error:
        raise SourceError(f'{name} failed ({error.err}): plug it in again') from error
    finally:
        capture.release()


def _age_ns(capture: Capture) -> int:
    """Return how long ago the driver took the frame, nanoseconds.

    Video4Linux stamps on the monotonic clock; 0 where a driver does not, or has no stamps.
    """
    age_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC) - int(
        capture.get(cv2.CAP_PROP_POS_MSEC) * 1e6)
    return age_ns if 0 <= age_ns < _OLDEST_NS else 0


def _capture(path: str, config: CameraConfig) -> Capture:
    capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise SourceError(f'camera {path} cannot be opened: close the program that uses it, or '
                          'take another /dev/videoN')
    # Before the size: it decides which sizes and rates there are. Raw frames are slow over USB.
    code = 'YUYV' if config.input_codec == 'raw' else 'MJPG'
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*code))
    if config.input_width and config.input_height:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.input_width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.input_height)
    capture.set(cv2.CAP_PROP_FPS, config.input_rate)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return capture
