"""Which frames of a press of Record are worth keeping."""

from dataclasses import dataclass

import cv2
import numpy as np

from .images import Pixels, dhash, distance


@dataclass(frozen=True)
class Frame:
    """A camera image.

    :param image: shape (h, w, 3), channels in ``order`` bgr or rgb; or a file as it came.
    """

    stamp_ns: int
    image: Pixels | bytes
    order: str = 'bgr'


class Throttle:
    """Lets through so many frames a second, on average, of each press."""

    def __init__(self) -> None:
        self._press = self._due_ns = 0

    def __call__(self, press: int, stamp_ns: int, rate_hz: float) -> bool:
        """Say whether to keep a frame. :param rate_hz: 0: all."""
        if not rate_hz:
            return True
        due_ns, period_ns = self._due_ns, int(1e9 / rate_hz)
        if press != self._press:
            due_ns = stamp_ns
        elif stamp_ns < due_ns:
            return False
        if stamp_ns - due_ns > period_ns:  # after a pause: do not catch up
            due_ns = stamp_ns
        self._press, self._due_ns = press, due_ns + period_ns
        return True


class Novelty:
    """Leaves out frames that look like the last one kept of the same press."""

    def __init__(self) -> None:
        self._press = self._hash = 0

    def __call__(self, press: int, frame: Frame, bits: int) -> bool:
        """Say whether to keep a frame.

        :param bits: of 64 in the difference hash, how many must differ; 0: keep all.
        """
        if not bits:
            return True
        found = dhash(_grey(frame))
        if press == self._press and distance(found, self._hash) < bits:
            return False
        self._press, self._hash = press, found
        return True


def _grey(frame: Frame) -> Pixels:
    """A small grey image; an unreadable file is black, and refused later."""
    if isinstance(frame.image, bytes):
        small = cv2.imdecode(np.frombuffer(frame.image, np.uint8), cv2.IMREAD_REDUCED_GRAYSCALE_4)
        return np.zeros((8, 9), np.uint8) if small is None else np.asarray(small, np.uint8)
    code = cv2.COLOR_RGB2GRAY if frame.order == 'rgb' else cv2.COLOR_BGR2GRAY
    return np.asarray(cv2.cvtColor(frame.image, code), np.uint8)
