"""The Flask application."""

import mimetypes
from pathlib import Path

from flask import Flask

from ..core.config import WebConfig
from . import (
    alerts,
    classification,
    current,
    dataset,
    events,
    guard,
    models,
    page,
    problem,
    samples,
    training,
    video,
    whip,
)
from .bridge import Bridge
from .streams import Streams

_NOUNS = (page, dataset, samples, training, models, classification, alerts, video, events,
          whip)


def create_app(bridge: Bridge, config: WebConfig, web_root: Path) -> Flask:
    """Return the application.

    :param web_root: folder with ``index.html`` and ``static/``.
    """
    # Some systems' type tables call JavaScript text/plain, which browsers refuse for modules.
    mimetypes.add_type('text/javascript', '.js')
    root = web_root.resolve()
    app = Flask(__name__, static_folder=root / 'static', template_folder=str(root))
    app.config['MAX_CONTENT_LENGTH'] = config.upload_limit * 2**20
    current.attach(app, current.Current(bridge, config, Streams(config.streams)))
    guard.install(app)
    problem.install(app)
    for noun in _NOUNS:
        app.register_blueprint(noun.blueprint)
    return app
