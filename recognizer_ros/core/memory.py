"""Memory of this process."""

import ctypes
import functools
from collections.abc import Callable


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
