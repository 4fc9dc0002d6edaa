"""Linear algebra by one thread."""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def alone() -> AbstractContextManager[object]:
    """So little work is not shared among threads: they wait for each other by spinning, which
    on busy cores takes twenty times as long as the work."""
    limits: AbstractContextManager[object] = _libraries().limit(limits=1)
    return limits


@cache
def _libraries() -> ThreadpoolController:
    """To look for them takes longer than some of the work."""
    return ThreadpoolController()
