"""``/dataset``: tags, Record and uploads."""

from contextlib import closing

from flask import Blueprint, Response, jsonify, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest

from ..core import labels
from ..core.errors import LabelError
from . import current, values
from .describe import FILE, SAMPLE_ID, SWITCH, TEXT, Content, array, described, number, record

blueprint = Blueprint('dataset', __name__, url_prefix='/dataset')

_NAME_LENGTH = 80
_FORM = {**record({'tags': TEXT}, file=FILE), 'additionalProperties': True}


@blueprint.get('/classes')
@described(array(TEXT))
def classes() -> Response:
    """Return the names of all classes."""
    return jsonify(current.bridge().state().dataset.classes)


@blueprint.get('/active_tags')
@described(TEXT)
def get_active_tags() -> Response:
    """Return the active tags, joined by commas."""
    return jsonify(labels.join(current.bridge().state().tags))


@blueprint.put('/active_tags')
@described(body=TEXT)
def put_active_tags() -> Response:
    """Set the active tags of one string, ``,`` or ``;`` between them."""
    current.bridge().set_tags(labels.parse(values.text()))
    return values.done()


@blueprint.get('/recording')
@described(SWITCH)
def get_recording() -> Response:
    """Return whether Record is held."""
    return jsonify(current.bridge().state().recording)


@blueprint.put('/recording')
@described(body=SWITCH, query={'lease': number(0.2, 120)})
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
@described(record(id=SAMPLE_ID), Content(_FORM, 'multipart/form-data'))
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
