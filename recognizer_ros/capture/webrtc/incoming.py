"""What the peer that sends shows, for the camera to read."""

import threading
import time
from dataclasses import dataclass

import av
import numpy as np

from ...core.config import CameraConfig
from ...core.latest import Latest
from ..source import Clock, Frame

_STALE_S = 1.0
_LOOK_S = 0.1
_BURST = 2.0


@dataclass(frozen=True)
class _Arrived:
    frame: av.VideoFrame
    stamp_ns: int
    at_s: float


class _Allowance:
    """Frames that may pass: so many a second on average, as they do not come evenly."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._left, self._at_s = _BURST, 0.0

    def passes(self, now_s: float) -> bool:
        self._left = min(_BURST, self._left + (now_s - self._at_s) * self._rate_hz)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Incoming:
    """Holds the newest frame; see :class:`~..source.Incoming`.

    A frame's stamp is the time at which it was decoded: clocks of browsers are not the robot's.
    """

    def __init__(self, config: CameraConfig, clock: Clock) -> None:
        self._clock, self._allowance = clock, _Allowance(config.input_rate)
        self._latest: Latest[_Arrived] = Latest()

    def put(self, frame: av.VideoFrame) -> None:
        """Take a decoded frame in; it is converted only once somebody reads it."""
        self._latest.put(_Arrived(frame, self._clock(), time.monotonic()))

    def read(self, stop: threading.Event) -> Frame | None:
        """Block until a frame comes. ``None``: ``stop`` was set."""
        while not stop.is_set():
            arrived = self._latest.take(_LOOK_S)
            # What came while the camera showed something else is of no use.
            if (arrived is None or time.monotonic() - arrived.at_s > _STALE_S
                    or not self._allowance.passes(arrived.at_s)):
                continue
            picture = arrived.frame.to_ndarray(format='bgr24')
            return Frame(np.ascontiguousarray(picture, np.uint8), arrived.stamp_ns)
        return None
