"""Features of images as they are stored, so that the head of their burst is fitted at once."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from ..dataset import reader
from .batches import Batches
from .frozen import Frozen
from .lanes import Lane

_READ, _AT_ONCE = 64, 4
_RECORDING_S = 0.4


class Arrivals:
    """Computes features of all stored samples, with or without tags, a few at a time.

    :param data: folder of the data set. :param lane: where that is done.
    """

    def __init__(self, data: Path, batches: Batches, lane: Lane) -> None:
        self._data, self._batches, self._lane = data, batches, lane
        self._frozen: Frozen | None = None
        self._place, self._came_s = 0, 0.0
        self.under_way: Future[None] | None = None

    def follow(self, frozen: Frozen) -> None:
        """By this backbone, from the first sample on."""
        self._frozen, self._place = frozen, 0

    @property
    def keep_coming(self) -> bool:
        """Somebody seems to be recording."""
        return time.monotonic() - self._came_s < _RECORDING_S

    def begin(self, stop: Callable[[], bool]) -> bool:
        """Begin to compute a few that are missing; return whether some may be left.

        :raises RecognizerError: what went wrong with the former ones.
        """
        frozen = self._frozen
        assert frozen
        if self.under_way and not self.under_way.done():
            return True
        done, self.under_way = self.under_way, None
        if done:
            done.result()
        if stop() or not reader.revision(self._data):
            return False
        place, samples = reader.arrivals(self._data, self._place, _READ)
        missing = frozen.embeddings.missing(self._batches.usable(samples))
        if missing:
            self._came_s = time.monotonic()
            self.under_way = self._lane(lambda: frozen.embeddings.compute(
                self._batches, missing[:_AT_ONCE], stop))
        if len(missing) <= _AT_ONCE:
            self._place = place
        return bool(samples)
