"""The Flask application."""

import mimetypes
from pathlib import Path

from flask import Flask

from ..core.config import WebConfig
from ..core.hosts import is_loopback
from . import (
    alerts,
    audit,
    classification,
    classify,
    current,
    dataset,
    events,
    guard,
    insight,
    models,
    openapi,
    page,
    problem,
    samples,
    session,
    training,
    uncertain,
    values,
    video,
    whip,
)
from .access import Access
from .bridge import Bridge
from .revisions import Revisions
from .streams import Streams

_NOUNS = (page, session, dataset, samples, training, models, classification, alerts, video, events,
          classify, uncertain, insight, whip, openapi)

_PARTS = 8
"""Fields that a form may have; an upload has two."""


def create_app(bridge: Bridge, config: WebConfig, web_root: Path) -> Flask:
    """Return the application.

    :param web_root: folder with ``index.html`` and ``static/``.
    :raises AccessError: host is not this machine, and its tokens cannot be kept.
    """
    # Some systems' type tables call JavaScript text/plain, which browsers refuse for modules.
    mimetypes.add_type('text/javascript', '.js')
    root = web_root.resolve()
    app = Flask(__name__, static_folder=root / 'static', template_folder=str(root))
    app.config.update(MAX_CONTENT_LENGTH=config.upload_limit * 2**20, MAX_FORM_PARTS=_PARTS,
                      MAX_FORM_MEMORY_SIZE=values.BODY_LIMIT)
    access = None if is_loopback(config.host) else Access(
        Path(config.access).expanduser())
    current.attach(app, current.Current(
        bridge, config, Streams(config.streams), Revisions(bridge), access))
    guard.install(app)
    if access:
        session.install(app, access, config.port)
        audit.install(app, access)
    problem.install(app)
    page.install(app)
    for noun in _NOUNS:
        app.register_blueprint(noun.blueprint)
    return app
