"""Seeing to what comes while work goes on elsewhere: a person waits for it, not for the work."""

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from .agenda import Agenda
from .arrivals import Arrivals
from .lanes import Wishes

_LOOK_S, _LOOK_FOR_ARRIVALS_S = 0.02, 0.1
_LONGEST_PAUSE_S = 60.0
T = TypeVar('T')


class Meanwhile:
    """Looks for images and data that come.

    :param take: reads data of a revision. :param fit: fits a head, given when to leave off.
    """

    def __init__(self, agenda: Agenda, arrivals: Arrivals, take: Callable[[int], None],
                 fit: Callable[[Callable[[], bool]], None]) -> None:
        self._agenda, self._arrivals = agenda, arrivals
        self._take, self._fit = take, fit
        self._looked_s = 0.0

    def wait(self, future: 'Future[T]', wishes: Wishes) -> T:
        """Wait for work elsewhere; data that come meanwhile are learned at once."""
        while True:
            self._look_at_news(wishes)
            if future.done():
                return future.result()
            if time.monotonic() - self._looked_s > _LOOK_FOR_ARRIVALS_S:
                self._arrivals.begin(wishes.stop)
                self._looked_s = time.monotonic()
            wait([future], _LOOK_S)

    def embed(self, wishes: Wishes) -> bool:
        """Compute a few features that are missing; return whether some may be left."""
        some_left = self._arrivals.begin(wishes.stop)
        if self._arrivals.under_way:
            self.wait(self._arrivals.under_way, wishes)
        if not some_left:
            self._agenda.all_known()
        return some_left

    def let_record(self, wishes: Wishes) -> None:
        """While images come, compute their features and nothing else, but not for ever."""
        began = time.monotonic()
        while time.monotonic() - began < _LONGEST_PAUSE_S and (
                self.embed(wishes) or self._arrivals.keep_coming):
            self._look_at_news(wishes)
            if wishes.stop():
                return
            time.sleep(_LOOK_S)

    def _look_at_news(self, wishes: Wishes) -> None:
        if wishes.newest() not in (0, self._agenda.taken) and not wishes.stop():
            self._take(wishes.newest())
            if self._agenda.course and self._agenda.head_due:
                self._fit(wishes.stop)
