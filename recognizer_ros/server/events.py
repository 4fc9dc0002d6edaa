"""``/api/v1/events`` and ``/api/v1/state``: everything the page shows.

An event is a JSON object of the sections that changed since the event before; the first one holds
all. The format is that of server-sent events (HTML Living Standard, section 9.2).
"""

import threading
import time
from collections.abc import Generator

from flask import Blueprint, Response

from . import current, session
from .bridge import Bridge
from .sections import joined, sections

blueprint = Blueprint('events', __name__, url_prefix='/api/v1')

GAP_S = 0.1
"""Shortest time between two events."""
WAIT_S = 0.5
"""Longest time before it is noticed that the server stops."""
BEAT_S = 2.0
"""Longest silence. A beat frees the places of pages that were closed, and a page that misses
several knows that the connection is dead."""


@blueprint.get('/state')
def state() -> Response:
    """Return all sections at once."""
    text = joined(sections(current.bridge().state()))
    return Response(text, content_type='application/json')


@blueprint.get('/events')
def events() -> Response:
    """Return the changes as they come."""
    streams = current.streams()
    chunks = _events(current.bridge(), streams.stopping)
    return streams.respond('events', session.while_valid(chunks), 'text/event-stream')


def _events(bridge: Bridge, stopping: threading.Event) -> Generator[bytes, None, None]:
    sent: dict[str, str] = {}
    seen, number, spoke = None, 0, time.monotonic()
    yield b'retry: 1000\n\n'
    while not stopping.is_set():
        seen = bridge.wait(seen, min(WAIT_S, BEAT_S))
        fresh = {name: text for name, text in sections(seen).items() if sent.get(name) != text}
        if fresh:
            sent.update(fresh)
            number += 1
            yield f'id: {number}\ndata: {joined(fresh)}\n\n'.encode()
            spoke = time.monotonic()
        elif time.monotonic() - spoke >= BEAT_S:
            # A named event and not a comment, so that the page sees it too.
            yield b'event: beat\ndata: 0\n\n'
            spoke = time.monotonic()
        stopping.wait(GAP_S)
