"""A camera of this machine, through Video4Linux."""

import os
import threading
import time
from pathlib import Path
from typing import Any, Protocol

import cv2

from ..core.config import CameraConfig
from ..core.errors import SourceError
from .pacer import RateLimit
from .scale import fill
from .source import Clock, Frame

_POLL_S = 0.05
_JOIN_S = 0.5
_BAD_FRAMES = 10


class Capture(Protocol):
    """The part of ``cv2.VideoCapture`` that is used."""

    def grab(self) -> bool:
        """Wait for the next frame of the camera. False: there is none."""
        ...

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the frame that was grabbed."""
        ...

    def release(self) -> None:
        """Give the camera back."""
        ...


def open_device(path: str, config: CameraConfig, clock: Clock, stop: threading.Event
                ) -> 'DeviceSource':
    """Open a camera by its path.

    :raises SourceError: it is missing, not permitted or in use.
    """
    if not Path(path).exists():
        raise SourceError(f'no camera at {path}: plug one in, or use folder://PATH, file://PATH '
                          'or pattern://')
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(f'camera {path} may not be opened: add your user to the group video')
    capture = cv2.VideoCapture(path, cv2.CAP_V4L2)
    if not capture.isOpened():
        raise SourceError(f'camera {path} cannot be opened: close the program that uses it, or '
                          'take another /dev/videoN')
    # Before the size: it decides which sizes and rates there are. Raw frames are slow over USB.
    capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*'MJPG'))
    if config.input_width and config.input_height:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, config.input_width)
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, config.input_height)
    capture.set(cv2.CAP_PROP_FPS, config.input_rate)
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return DeviceSource(path, capture, config, clock, stop)


class DeviceSource:
    """The newest frame of a camera.

    A thread owns the camera and keeps only the last frame, so that a slow reader never gets an old
    one, and a camera that hangs does not hold the reader up.
    """

    def __init__(self, name: str, capture: Capture, config: CameraConfig, clock: Clock,
                 stop: threading.Event) -> None:
        self._name, self._capture = name, capture
        self._config, self._clock, self._stop = config, clock, stop
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._error = ''
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._grab, name=f'camera {name}', daemon=True)
        self._thread.start()

    def read(self) -> Frame | None:
        """See :class:`~.source.Source`."""
        with self._changed:
            while not self._stop.is_set() and not self._closed.is_set():
                if self._newest is not None:
                    frame, self._newest = self._newest, None
                    return frame
                if self._error:
                    raise SourceError(self._error)
                self._changed.wait(_POLL_S)
        return None

    def close(self) -> None:
        """See :class:`~.source.Source`. A camera that hangs is left to its thread."""
        self._closed.set()
        self._thread.join(_JOIN_S)

    def _grab(self) -> None:
        try:
            error = self._grab_frames()
        except cv2.error as problem:
            error = f'camera {self._name} failed ({problem.err}): plug it in again'
        finally:
            self._capture.release()
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def _grab_frames(self) -> str:
        """Return what ended it."""
        limit, bad = RateLimit(self._config.input_rate), 0
        while not self._closed.is_set() and not self._stop.is_set():
            if not self._capture.grab():
                return f'camera {self._name} gives no more frames: plug it in again'
            stamp_ns = self._clock()
            if not limit.passes(time.monotonic()):
                continue
            good, image = self._capture.retrieve()
            bad = 0 if good else bad + 1
            if bad >= _BAD_FRAMES:
                return f'camera {self._name} gives only damaged frames: check its cable'
            if good:
                self._show(image, stamp_ns)
        return f'camera {self._name} is closed: open it again'

    def _show(self, image: Any, stamp_ns: int) -> None:
        frame = fill(image, self._config.input_width, self._config.input_height)
        with self._changed:
            self._newest = Frame(frame, stamp_ns)
            self._changed.notify_all()
