"""When the next frame is due."""

import threading
import time
from collections.abc import Callable


class Pacer:
    """Keeps a rate on the monotonic clock without piling up lag.

    A frame that is late by less than its gap is made up for, so that the rate holds on average.
    More lag than that is forgotten: the schedule starts anew instead of a burst of frames.

    :param stop: ends a wait at once when it is set.
    :param now: monotonic time in seconds.
    """

    def __init__(self, stop: threading.Event, now: Callable[[], float] = time.monotonic) -> None:
        self._stop = stop
        self._now = now
        self._due_s: float | None = None

    def wait(self, gap_s: float) -> bool:
        """Wait until ``gap_s`` after the deadline before; the first call does not wait.

        :returns: false when ``stop`` is set.
        """
        now = self._now()
        due = now if self._due_s is None else self._due_s + gap_s
        if now - due > gap_s:
            due = now
        self._due_s = due
        while (left := due - self._now()) > 0:
            if self._stop.wait(left):
                return False
        return not self._stop.is_set()


class RateLimit:
    """Thins a stream of frames out to a highest rate, evenly.

    A tenth of a period early still passes: time stamps of containers are rounded.
    """

    def __init__(self, rate_hz: float) -> None:
        self._period_s = 1 / rate_hz
        self._next_s: float | None = None

    def passes(self, time_s: float) -> bool:
        """Whether the frame of this time is to be shown. Times must not go back."""
        if self._next_s is None:
            self._next_s = time_s
        if time_s + 0.1 * self._period_s < self._next_s:
            return False
        late_s = time_s - self._next_s
        self._next_s = (time_s if late_s > self._period_s else self._next_s) + self._period_s
        return True
