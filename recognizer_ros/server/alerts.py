"""``/alerts``: what went wrong, or did not."""

import re

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import UnprocessableEntity

from . import current
from .describe import TEXT, array, choice, described, integer, record
from .state import Alert

blueprint = Blueprint('alerts', __name__)

_SINCE = integer(0, 10**18 - 1)
_ALERT = record(id=integer(), time=integer(), level=choice('info', 'warning', 'error'),
                category=TEXT, message=TEXT, duration=integer(0))


@blueprint.get('/alerts')
@described(array(_ALERT), query={'since': _SINCE})
def alerts() -> Response:
    """Return the alerts newer than the query's ``since``, Unix time in milliseconds."""
    since = request.args.get('since', '0')
    if not re.fullmatch(r'[0-9]{1,18}', since):
        raise UnprocessableEntity('since must be a Unix time in milliseconds')
    newer = [alert for alert in current.bridge().state().alerts if alert.time_ms > int(since)]
    return jsonify([_as_original(alert) for alert in newer])


def _as_original(alert: Alert) -> dict[str, int | str]:
    return {'id': alert.id, 'time': alert.time_ms, 'level': alert.level,
            'category': alert.category, 'message': alert.message, 'duration': alert.duration_ms}
