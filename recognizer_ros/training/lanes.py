"""Where work is done: at once, or elsewhere while the learner looks at other things."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar('T')


class Lane(Protocol):
    """Runs one piece of work after the other."""

    def __call__(self, work: Callable[[], T], /) -> 'Future[T]':
        """Begin it, or have it done at once."""


def here(work: Callable[[], T], /) -> 'Future[T]':
    """Do it at once."""
    done: Future[T] = Future()
    done.set_result(work())
    return done


@dataclass(frozen=True)
class Lanes:
    """:param behind: runs what can wait. :param beside: runs what somebody will soon wait for.
    :param in_front: around that for which somebody waits.
    """

    behind: Lane = here
    beside: Lane = here
    in_front: Callable[[], AbstractContextManager[None]] = nullcontext


HERE = Lanes()
"""All of it in the caller's thread."""


@dataclass(frozen=True)
class Wishes:
    """What others want of the learner while it works.

    :param stop: leave off, as if the stage had not begun; asked between batches.
    :param newest: revision of the data set that may be used.
    """

    stop: Callable[[], bool]
    newest: Callable[[], int]
