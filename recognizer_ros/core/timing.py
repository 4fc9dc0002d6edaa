"""Rates and latencies of the recent past."""

import threading
from collections import deque

_KEPT = 256


class Recent:
    """The last values of something measured; safe between threads.

    :param kept: how many.
    """

    def __init__(self, kept: int = _KEPT) -> None:
        self._values: deque[float] = deque(maxlen=kept)
        self._lock = threading.Lock()

    def add(self, value: float) -> None:
        """Remember a value."""
        with self._lock:
            self._values.append(value)

    def percentile(self, percent: float) -> float:
        """Value that ``percent`` % of the remembered ones do not exceed; 0 when there are none."""
        with self._lock:
            ordered = sorted(self._values)
        if not ordered:
            return 0.0
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class Rate:
    """How often something happened in the last seconds."""

    def __init__(self, window_s: float = 3.0) -> None:
        self._window_s = window_s
        self._times: deque[float] = deque(maxlen=4 * _KEPT)
        self._lock = threading.Lock()

    def tick(self, now_s: float) -> None:
        """It happened."""
        with self._lock:
            self._times.append(now_s)

    def hz(self, now_s: float) -> float:
        """Times a second; 0 when it has not happened lately."""
        with self._lock:
            recent = [time for time in self._times if now_s - time <= self._window_s]
        if len(recent) < 2:
            return 0.0
        return len(recent) / self._window_s if now_s - recent[0] > self._window_s * 0.9 else (
            (len(recent) - 1) / max(recent[-1] - recent[0], 1e-9))


class Stages:
    """Recent latencies, stage by stage; safe between threads."""

    def __init__(self, *names: str) -> None:
        self._recent = {name: Recent() for name in names}

    def add(self, name: str, seconds: float) -> None:
        """Remember how long a stage took."""
        self._recent[name].add(seconds * 1e3)

    def percentiles_ms(self, percent: float) -> dict[str, float]:
        """Of each stage, see :meth:`Recent.percentile`."""
        return {name: recent.percentile(percent) for name, recent in self._recent.items()}
