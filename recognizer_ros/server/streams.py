"""Answers without an end: counted, limited, and ended together."""

import threading
from collections import Counter
from collections.abc import Iterator

from flask import Response
from werkzeug.exceptions import ServiceUnavailable


class Streams:
    """At most ``limit`` answers of each kind at a time.

    Whoever makes the chunks of one looks at ``stopping`` at least once a second.
    """

    def __init__(self, limit: int) -> None:
        self.stopping = threading.Event()
        self._limit = limit
        self._open: Counter[str] = Counter()
        self._changed = threading.Condition()

    def respond(self, kind: str, chunks: Iterator[bytes], content_type: str) -> Response:
        """Return an answer made of ``chunks`` that holds one place until it is closed.

        :raises ServiceUnavailable: all places of this kind are taken.
        """
        self._enter(kind)
        response = Response(chunks, content_type=content_type)
        response.headers['Cache-Control'] = 'no-store'
        # Not a `finally` in the generator: one that was never started never gets there.
        response.call_on_close(lambda: self._leave(kind))
        return response

    def active(self, kind: str) -> int:
        """Return how many answers of a kind are under way."""
        with self._changed:
            return self._open[kind]

    def stop(self, timeout_s: float) -> bool:
        """Ask all to end; return whether they did in time."""
        self.stopping.set()
        with self._changed:
            return self._changed.wait_for(lambda: self._open.total() == 0, timeout_s)

    def _enter(self, kind: str) -> None:
        with self._changed:
            if self.stopping.is_set():
                raise ServiceUnavailable('the server is stopping')
            if self._open[kind] >= self._limit:
                raise ServiceUnavailable(
                    f'{self._limit} pages already use {kind}: close one, or raise "streams"',
                    retry_after=5)
            self._open[kind] += 1

    def _leave(self, kind: str) -> None:
        with self._changed:
            self._open[kind] -= 1
            self._changed.notify_all()
