"""What to do about a source that fails again and again: wait longer, and say it once."""

import random
from collections import deque

BACK_OFF_S = (0.5, 1.0, 2.0, 5.0, 10.0)
JITTER = 0.2
STEADY_S = 10.0
PER_MINUTE = 6
_REMEMBERED = 32


class BackOff:
    """How long to wait before a source is opened again, longer each time.

    A source that played for less than ``STEADY_S`` has failed in a row with the time before.
    """

    def __init__(self, jitter: random.Random) -> None:
        self._jitter, self._in_a_row = jitter, 0

    def next_s(self, played_s: float) -> float:
        """Return the wait after a failure, seconds. :param played_s: from first to last frame."""
        if played_s > STEADY_S:
            self._in_a_row = 0
        wait_s = BACK_OFF_S[min(self._in_a_row, len(BACK_OFF_S) - 1)]
        self._in_a_row += 1
        return wait_s * self._jitter.uniform(1 - JITTER, 1 + JITTER)

    def reset(self) -> None:
        """Another source: nothing of it has failed yet."""
        self._in_a_row = 0


class Quiet:
    """What to log: each text once, and no more than ``PER_MINUTE`` texts a minute."""

    def __init__(self) -> None:
        self._said: deque[str] = deque(maxlen=_REMEMBERED)
        self._times_s: deque[float] = deque(maxlen=PER_MINUTE)

    def passes(self, text: str, now_s: float) -> bool:
        """Whether to log a text now. :param now_s: monotonic."""
        full = len(self._times_s) == PER_MINUTE and now_s - self._times_s[0] < 60
        if full or text in self._said:
            return False
        self._said.append(text)
        self._times_s.append(now_s)
        return True

    def forget(self) -> None:
        """What was said before is news again; the limit a minute stays."""
        self._said.clear()
