"""Live sources: the newest frame wins, and what hangs holds nobody up."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Generic, TypeVar

from ..core.errors import SourceError
from .source import Frame
from .uri import hide

SILENCE_S = 15.0
_POLL_S = 0.05
_JOIN_S = 0.5

T = TypeVar('T')
Frames = Generator[Frame | None, None, None]
"""Frames as they come; ``None``: one that is not to be shown, but the source is alive."""


class Newest(Generic[T]):
    """One value that waits to be taken; a newer one takes its place. Safe between threads.

    :param silent: what to tell people when nothing has come for ``silence_s``.
    """

    def __init__(self, silent: str, silence_s: float = SILENCE_S) -> None:
        self._silent, self._silence_s = silent, silence_s
        self._changed = threading.Condition()
        self._value: T | None = None
        self._end: str | None = None
        self._alive_s = time.monotonic()

    def put(self, value: T | None) -> None:
        """Show a value. ``None``: there is none, but whoever brings them is alive."""
        with self._changed:
            self._alive_s = time.monotonic()
            if value is not None:
                self._value = value
                self._changed.notify_all()

    def end(self, reason: str) -> None:
        """Nothing more comes. :param reason: an error, for people; empty: it is just over."""
        with self._changed:
            self._end = reason
            self._changed.notify_all()

    def read(self, stop: threading.Event) -> T | None:
        """Wait for a value and take it. ``None``: the end, or ``stop`` was set.

        :raises SourceError: it ended with an error, or has been silent for too long.
        """
        with self._changed:
            while not stop.is_set():
                if self._value is not None:
                    value, self._value = self._value, None
                    return value
                if self._end:
                    raise SourceError(self._end)
                if self._end is not None:
                    return None
                if time.monotonic() - self._alive_s > self._silence_s:
                    raise SourceError(self._silent)
                self._changed.wait(_POLL_S)
        return None


class LiveSource:
    """The newest of the frames that a generator gives, which runs in a thread of its own.

    A slow reader never gets an old frame, and a driver or server that hangs does not hold the
    reader up. Its thread is left behind then; until it ends, the same source is not opened again,
    so that there is never more than one.

    :param name: of the source, for people.
    :param frames: makes the generator. It gets an event that is set when the source is closed,
        opens what it needs, frees it at its end and raises SourceError.
    :param advice: what to do when nothing comes any more.
    :raises SourceError: an earlier thread of that name still hangs.
    """

    def __init__(self, name: str, frames: Callable[[threading.Event], Frames],
                 stop: threading.Event, advice: str) -> None:
        self._name, self._frames, self._stop, self._advice = name, frames, stop, advice
        self._newest: Newest[Frame] = Newest(f'{name} has sent nothing for {SILENCE_S:.0f} s: '
                                             f'{advice}')
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f'source {name}', daemon=True)
        with _turn:
            if name in _running:
                raise SourceError(f'{name} still hangs since it was opened before: {advice}')
            _running.add(name)
        self._thread.start()

    def read(self) -> Frame | None:
        """See :class:`~.source.Source`."""
        return None if self._closed.is_set() else self._newest.read(self._stop)

    def close(self) -> None:
        """See :class:`~.source.Source`."""
        self._closed.set()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        reason = ''
        try:
            with closing(self._frames(self._closed)) as frames:
                for frame in frames:
                    if self._closed.is_set() or self._stop.is_set():
                        break
                    self._newest.put(frame)
        except SourceError as error:
            reason = str(error)
        except Exception as error:  # of a library: whatever it is, the picture must not freeze
            reason = hide(f'{self._name} failed ({error}): {self._advice}')
        with _turn:
            _running.discard(self._name)
        self._newest.end(reason)


_running: set[str] = set()
_turn = threading.Lock()
