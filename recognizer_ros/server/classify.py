"""``/api/v1/classify``: what the live model says of an image."""

from contextlib import closing
from dataclasses import asdict

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest

from . import current
from .bridge import Answered
from .describe import FILE, Content, described, shape
from .sections import finite

blueprint = Blueprint('classify', __name__, url_prefix='/api/v1')


@blueprint.post('/classify')
@described(shape(Answered), Content(FILE, 'application/octet-stream'))
def classify() -> Response:
    """Return the score of every label, best first, for an image: the bytes of a JPEG, PNG or WebP
    file, or a form with it as ``file``. Threshold and smoothing do not matter; nothing is stored.
    """
    return jsonify(finite(asdict(current.bridge().answers.classify(_image()))))


def _image() -> bytes:
    if request.mimetype != 'multipart/form-data':
        return request.get_data(cache=False)
    files = request.files.getlist('file')
    if len(files) != 1:
        raise BadRequest('send one image as the form field "file"')
    with closing(files[0]) as file:  # a large one lies in a temporary file
        return bytes(file.read())
