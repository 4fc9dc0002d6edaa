"""``/dataset``: tags, Record and uploads."""

from contextlib import closing

from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest

from ..core import labels
from ..core.errors import LabelError
from . import current, values

blueprint = Blueprint('dataset', __name__, url_prefix='/dataset')

_NAME_LENGTH = 80


@blueprint.get('/classes')
def classes() -> Response:
    """Return the names of all classes."""
    return jsonify(current.bridge().state().dataset.classes)


@blueprint.get('/active_tags')
def get_active_tags() -> Response:
    """Return the active tags, joined by commas."""
    return jsonify(labels.join(current.bridge().state().tags))


@blueprint.put('/active_tags')
def put_active_tags() -> Response:
    """Set the active tags of one string, ``,`` or ``;`` between them."""
    current.bridge().set_tags(labels.parse(values.text()))
    return values.done()


@blueprint.get('/recording')
def get_recording() -> Response:
    """Return whether Record is held."""
    return jsonify(current.bridge().state().recording)


@blueprint.put('/recording')
def put_recording() -> Response:
    """Press or release Record.

    The query ``lease`` (seconds) says how long it holds without another call. Without it, it holds
    until released, as the original did, or until the node's own limit.
    """
    on = values.boolean()
    lease_s = values.query_number('lease', 0.2, 120.0)
    bridge = current.bridge()
    if on and not bridge.state().tags:
        raise LabelError('there are no tags to record with: set tags first')
    bridge.set_recording(on, lease_s)
    return values.done()


@blueprint.post('/upload')
def upload() -> Response:
    """Store the image of the form's ``file``, with the form's ``tags`` or else the active ones."""
    files = request.files.getlist('file')
    if len(files) != 1:
        raise BadRequest('send one image as the form field "file"')
    bridge = current.bridge()
    given = request.form.get('tags')
    tags = bridge.state().tags if given is None else labels.parse(given)
    with closing(files[0]) as file:  # a large one lies in a temporary file
        sample = bridge.samples.add(file.read(), tags, _source(file))
    return jsonify({'id': sample})


def _source(file: FileStorage) -> str:
    name = ''.join(letter for letter in file.filename or '' if letter.isprintable())
    return f'upload {name[:_NAME_LENGTH]}'.rstrip()
