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
    current,
    dataset,
    events,
    guard,
    models,
    page,
    problem,
    samples,
    session,
    training,
    video,
    whip,
)
from .access import Access
from .bridge import Bridge
from .streams import Streams

_NOUNS = (page, session, dataset, samples, training, models, classification, alerts, video, events,
          whip)


def create_app(bridge: Bridge, config: WebConfig, web_root: Path) -> Flask:
    """Return the application.

    :param web_root: folder with ``index.html`` and ``static/``.
    :raises AccessError: host is not this machine, and its tokens cannot be kept.
    """
    # Some systems' type tables call JavaScript text/plain, which browsers refuse for modules.
    mimetypes.add_type('text/javascript', '.js')
    root = web_root.resolve()
    app = Flask(__name__, static_folder=root / 'static', template_folder=str(root))
    app.config['MAX_CONTENT_LENGTH'] = config.upload_limit * 2**20
    access = None if is_loopback(config.host) else Access(
        Path(config.access).expanduser())
    current.attach(app, current.Current(bridge, config, Streams(config.streams), access))
    guard.install(app)
    if access:
        session.install(app, access, config.port)
        audit.install(app, access)
    problem.install(app)
    for noun in _NOUNS:
        app.register_blueprint(noun.blueprint)
    return app
