"""How often one address may change something."""

import threading
import time
from collections import OrderedDict

_MOST = 1000


class Pace:
    """A token bucket for each of the last thousand addresses. For several threads.

    :param rate_hz: writes that each may make for good. :param burst: more that it may make at
        once, after a pause.
    """

    def __init__(self, rate_hz: float, burst: int) -> None:
        self._rate_hz, self._burst = rate_hz, burst
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # and when it was so

    def allows(self, address: str) -> bool:
        """Whether this address may make one more write now; then it is counted."""
        with self._lock:
            now_s = time.monotonic()
            left, at_s = self._left.pop(address, (float(self._burst), now_s))
            left = min(left + (now_s - at_s) * self._rate_hz, self._burst)
            allowed = left >= 1
            self._left[address] = (left - allowed, now_s)
            while len(self._left) > _MOST:
                self._left.popitem(last=False)
            return allowed
