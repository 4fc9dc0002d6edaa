"""``/api/v1/uncertain``: frames that the live model was not sure of, for a person to tag."""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import NotFound, UnprocessableEntity

from ..core import labels, stamps
from ..dataset import images
from . import current, values
from .bridge import UncertainFrame
from .describe import JPEG, SAMPLE_ID, TEXT, TIME, array, described, integer, record, shape
from .sections import finite

blueprint = Blueprint('uncertain', __name__, url_prefix='/api/v1/uncertain')

SOURCE = 'uncertain'
_LAST = 2**32 - 1
_PATH = {'frame': integer(1, _LAST)}
_FRAME = record(**{'stamp' if name == 'stamp_ns' else name: TIME if name == 'stamp_ns' else one
                   for name, one in shape(UncertainFrame)['properties'].items()})


@blueprint.get('')
@described(record(frames=array(_FRAME)))
def frames() -> Response:
    """Return the frames that were kept, newest first: when each was captured, its best labels, at
    most three, and the version of the model that was not sure."""
    return jsonify({'frames': [_shown(one) for one in current.bridge().answers.uncertain()]})


@blueprint.get('/<int:frame>/image')
@described(JPEG, path=_PATH, query={'size': integer(16, 4096)})
def image(frame: int) -> Response:
    """Return the JPEG of a frame; the query ``size``: longest side, pixels, 16 to 4096."""
    size = values.query_whole('size', 16, 4096) or 0
    _, data = current.bridge().answers.uncertain_image(_known(frame))
    answer = Response(images.thumbnail(data, size) if size else data, content_type='image/jpeg')
    answer.headers['Cache-Control'] = 'private, max-age=3600'  # no other frame has its id
    return answer


@blueprint.post('/<int:frame>')
@described(record(id=SAMPLE_ID), record(tags=array(TEXT)), path=_PATH)
def store(frame: int) -> Response:
    """Store a frame as a sample with the ``tags`` of a JSON object, under its own stamp; then
    forget it."""
    tags, bridge = _tags(), current.bridge()
    found, data = bridge.answers.uncertain_image(_known(frame))
    sample = bridge.samples.add(data, tags, SOURCE, found.stamp_ns)
    bridge.answers.forget(frame)  # not before it is on the disk
    return jsonify({'id': sample})


@blueprint.delete('/<int:frame>')
@described(path=_PATH)
def forget(frame: int) -> Response:
    """Forget a frame; one that is gone already does no harm."""
    current.bridge().answers.forget(_known(frame))
    return values.done()


def _known(frame: int) -> int:
    if not 0 < frame <= _LAST:
        raise NotFound('no frame has this number')
    return frame


def _tags() -> tuple[str, ...]:
    body = values.body()
    given = body.get('tags') if isinstance(body, dict) and len(body) == 1 else None
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise UnprocessableEntity('send a JSON object with tags, a list of strings')
    tags = labels.normalise(given)
    if not tags:
        raise UnprocessableEntity('send one tag at least')
    return tags


def _shown(one: UncertainFrame) -> object:
    shown = asdict(one)
    shown['stamp'] = stamps.show(shown.pop('stamp_ns'))
    return finite(shown)
