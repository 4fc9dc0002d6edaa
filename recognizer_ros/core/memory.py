"""Memory of this process."""

import contextlib
import ctypes
import functools
from collections.abc import Callable

_ARENA_MAX = -8  # of mallopt(3)


def share_one_heap() -> None:
    """Let all threads take memory from one place, where else glibc has one for each of several
    threads: of models loaded one after the other, each would be left with holes of its own. Call
    it before the first thread: later it does nothing."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Return to the system what was freed. glibc keeps it, in pieces that the next large model may
    not fit into; others have nothing to do."""
    _trim()(0)


@functools.cache
def _trim() -> Callable[[int], object]:
    try:
        trim: Callable[[int], object] = ctypes.CDLL(None).malloc_trim
        return trim
    except (OSError, AttributeError):
        return lambda _: None
