"""Fine-tuning takes what cores the other nodes leave; a head, for which somebody waits, does not.

Threads, not the whole process, step back: an unprivileged one can never come forward again.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

_AUTOGROUP = Path('/proc/self/autogroup')
_LOWEST, _NORMAL = '19', '0'
_ASIDE = 5
_BETWEEN_CHANGES_S = 0.11
_LINGER_S = 0.5


def step_back() -> None:
    """Let everything else go before this thread, and those that it starts.

    A low niceness is not enough: whoever wakes up would still wait for its slice to end, and a
    classifier wakes up for each layer.
    """
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def step_aside() -> None:
    """Let others go first, but this thread before those that have stepped back."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _ASIDE)


class Session:
    """The place of this process among other sessions, where it leads one.

    Linux shares cores among sessions first, where autogroups are on (sched(7)), and a thread's
    class counts only within its session.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._niceness, self._users, self._left_s = _NORMAL, 0, 0.0

    @contextlib.contextmanager
    def in_front(self) -> Iterator[None]:
        """Work as an equal of the others."""
        with self._lock:
            self._users += 1
            self._set(_NORMAL)
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                self._left_s = time.monotonic()

    def step_back(self) -> None:
        """Let the others go first, unless somebody is in front or has just been."""
        with self._lock:
            if not self._users and time.monotonic() - self._left_s > _LINGER_S:
                self._set(_LOWEST)

    def _set(self, niceness: str) -> None:
        if niceness == self._niceness or os.getsid(0) != os.getpid():
            return
        self._niceness = niceness
        with contextlib.suppress(OSError):  # there are no autogroups
            try:
                _AUTOGROUP.write_text(niceness)
            except BlockingIOError:  # the kernel takes one change in a tenth of a second
                time.sleep(_BETWEEN_CHANGES_S)
                _AUTOGROUP.write_text(niceness)
