"""``/``: the page. Its scripts and styles are served by Flask under ``/static``."""

from flask import Blueprint, Response, make_response, render_template

from . import current

blueprint = Blueprint('page', __name__)


@blueprint.get('/')
def index() -> Response:
    """Return the page."""
    config = current.config()
    page = render_template('index.html', title=config.title, upload_limit=config.upload_limit)
    response = make_response(page)
    response.headers['Cache-Control'] = 'no-cache'
    return response
