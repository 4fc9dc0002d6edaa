"""``/classification``: the classifier's switch and settings."""

from flask import Blueprint, Response, jsonify

from ..core.config import ClassifierConfig, check
from . import current, values
from .describe import SWITCH, described, number

blueprint = Blueprint('classification', __name__, url_prefix='/classification')


@blueprint.get('/enabled')
@described(SWITCH)
def get_enabled() -> Response:
    """Return whether the classifier is on."""
    return jsonify(current.bridge().state().classification.enabled)


@blueprint.put('/enabled')
@described(body=SWITCH)
def put_enabled() -> Response:
    """Turn the classifier on or off."""
    current.bridge().set_classification(values.boolean())
    return values.done()


@blueprint.get('/confidence_threshold')
@described(number())
def get_threshold() -> Response:
    """Return the smallest score that is shown."""
    return jsonify(current.bridge().state().classification.threshold)


@blueprint.put('/confidence_threshold')
@described(body=number(0, 1))
def put_threshold() -> Response:
    """Set the smallest score that is shown."""
    value = values.number()
    check(ClassifierConfig, 'threshold', value)
    current.bridge().set_threshold(value)
    return values.done()


@blueprint.get('/output_smoothing')
@described(number())
def get_smoothing() -> Response:
    """Return the smoothing: 0 or 1 off, below 1 weight of the newest, above 1 frames."""
    return jsonify(current.bridge().state().classification.smoothing)


@blueprint.put('/output_smoothing')
@described(body=number(0, 100))
def put_smoothing() -> Response:
    """Set the smoothing."""
    value = values.number()
    check(ClassifierConfig, 'smoothing', value)
    current.bridge().set_smoothing(value)
    return values.done()
