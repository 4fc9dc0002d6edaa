"""``/api/v1/events``, ``/api/v1/state`` and ``/api/v1/results``: everything the page shows.

An event is a JSON object of the sections that changed since the event before; the first one holds
all, or what changed since the event that the client names. The format is that of server-sent
events (HTML Living Standard, section 9.2).
"""

import math
import threading
import time
from collections.abc import Generator
from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request

from ..core import stamps
from . import current, session
from .bridge import Bridge
from .describe import TEXT, TIME, Content, array, described, integer, optional, record, shape
from .revisions import Revisions
from .sections import SHAPES, finite, joined
from .state import Result

blueprint = Blueprint('events', __name__, url_prefix='/api/v1')

GAP_S = 0.1
"""Shortest time between two events."""
WAIT_S = 0.5
"""Longest time before it is noticed that the server stops."""
BEAT_S = 2.0
"""Longest silence. A beat frees the places of pages that were closed, and a page that misses
several knows that the connection is dead."""


_RESULTS = record(stamp=optional(TIME), results=array(shape(Result)), model_version=integer(0))


@blueprint.get('/state')
@described(record(**SHAPES))
def state() -> Response:
    """Return all sections at once."""
    text = joined(current.revisions().since(0).texts)
    return Response(text, content_type='application/json')


@blueprint.get('/results')
@described(_RESULTS)
def results() -> Response:
    """Return the newest classification: when its image was captured (null: there is none), the
    results, best first, and the version of the model that answered."""
    newest = current.bridge().state().classification
    return jsonify({'stamp': stamps.show(newest.stamp_ns) if newest.stamp_ns else None,
                    'results': finite([asdict(result) for result in newest.results]),
                    'model_version': newest.version})


@blueprint.get('/events')
@described(Content({}, 'text/event-stream'), query={'last_event_id': TEXT},
           headers={'Last-Event-ID': TEXT})
def events() -> Response:
    """Return the changes as they come.

    With the header ``Last-Event-ID``, or else the query ``last_event_id``, the first event holds
    only what changed since that one; if it is unknown, or the server was restarted since, all.
    """
    streams, revisions = current.streams(), current.revisions()
    last = request.headers.get('Last-Event-ID') or request.args.get('last_event_id', '')
    chunks = _events(current.bridge(), revisions, revisions.of_event(last), streams.stopping)
    return streams.respond('events', session.while_valid(chunks), 'text/event-stream')


def _events(bridge: Bridge, revisions: Revisions, revision: int, stopping: threading.Event
            ) -> Generator[bytes, None, None]:
    """:param revision: which the client has; 0: none."""
    seen, spoke = None, -math.inf  # so that a page that missed nothing hears at once
    yield b'retry: 1000\n\n'
    while not stopping.is_set():
        bridge.wait(seen, min(WAIT_S, BEAT_S))
        news = revisions.since(revision)
        seen = news.state
        if news.texts:
            revision = news.revision
            yield f'id: {revisions.event_id(revision)}\ndata: {joined(news.texts)}\n\n'.encode()
            spoke = time.monotonic()
        elif time.monotonic() - spoke >= BEAT_S:
            # A named event and not a comment, so that the page sees it too.
            yield b'event: beat\ndata: 0\n\n'
            spoke = time.monotonic()
        stopping.wait(GAP_S)
