"""``/``: the page. Its scripts and styles are served by Flask under ``/static``."""

import gzip

from flask import Blueprint, Flask, Response, make_response, render_template, request

from . import current
from .describe import Content, described

blueprint = Blueprint('page', __name__)

_LEVEL = 6


def install(app: Flask) -> None:
    """Compress what the page of an app is made of; nothing in it is secret."""
    app.after_request(_compress)


@blueprint.get('/')
@described(Content({}, 'text/html'))
def index() -> Response:
    """Return the page."""
    config = current.config()
    page = render_template('index.html', title=config.title, upload_limit=config.upload_limit)
    response = make_response(page)
    response.headers['Cache-Control'] = 'no-cache'
    return response


def _compress(response: Response) -> Response:
    if request.endpoint not in ('static', 'page.index') or response.status_code != 200:
        return response
    response.vary.add('Accept-Encoding')
    if request.method == 'GET' and request.accept_encodings.quality('gzip') > 0:
        response.direct_passthrough = False
        response.set_data(gzip.compress(response.get_data(), _LEVEL))
        response.content_encoding = 'gzip'
        etag, _ = response.get_etag()
        if etag:
            response.set_etag(etag, weak=True)  # the same text, but other bytes
    return response
