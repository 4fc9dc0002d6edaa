"""``/api/v1/models``: the versions that were learned, and which of them answers."""

from dataclasses import asdict

from flask import Blueprint, Response, jsonify
from werkzeug.exceptions import UnprocessableEntity

from ..core import stamps
from ..core.scores import Scores
from . import current, values
from .bridge import ModelVersion
from .describe import TIME, array, described, integer, record, shape
from .sections import finite

blueprint = Blueprint('models', __name__, url_prefix='/api/v1/models')

_KNOWN = {name: one for name, one in shape(ModelVersion)['properties'].items()
          if name != 'created_ns'}
_SCORES = record(**shape(Scores)['properties'], headline=shape(float))
_MODEL = record(**{**_KNOWN, 'created': TIME, 'scores': _SCORES})


@blueprint.get('')
@described(record(live_version=integer(0), models=array(_MODEL)))
def models() -> Response:
    """Return all versions, newest first, each with its scores on held-out samples; null where a
    figure is not known. ``live_version`` is 0 as long as nothing was learned."""
    versions = current.bridge().models.versions()
    live = next((one.version for one in versions if one.live), 0)
    return jsonify({'live_version': live, 'models': [_shown(one) for one in versions]})


@blueprint.put('/live')
@described(body=integer(0, 2**32 - 1))
def put_live() -> Response:
    """Make a version the live one, by its number; 0: the one that was live before."""
    number = values.number()
    if not 0 <= number < 2**32 or number != int(number):
        raise UnprocessableEntity('send the number of a version, or 0')
    current.bridge().models.activate(int(number))
    return values.done()


def _shown(one: ModelVersion) -> object:
    shown = asdict(one)
    shown['created'] = stamps.show(shown.pop('created_ns'))
    shown['scores']['headline'] = one.scores.headline
    return finite(shown)
