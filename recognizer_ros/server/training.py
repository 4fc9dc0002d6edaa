"""``/training``: the trainer's switch and figures."""

from flask import Blueprint, Response, jsonify

from . import current, values
from .describe import SWITCH, TEXT, array, described, integer, number, record
from .sections import finite

blueprint = Blueprint('training', __name__, url_prefix='/training')

_STATS = record(
    epoch=integer(0), epoch_images=integer(0), loss=number(),
    accuracy=number(0, 100), num_images=integer(0), num_tags=integer(0),
    classes=array(TEXT), class_distribution=array(integer(0)))


@blueprint.get('/enabled')
@described(SWITCH)
def get_enabled() -> Response:
    """Return whether the trainer is on."""
    return jsonify(current.bridge().state().training.enabled)


@blueprint.put('/enabled')
@described(body=SWITCH)
def put_enabled() -> Response:
    """Turn the trainer on or off."""
    current.bridge().set_training(values.boolean())
    return values.done()


@blueprint.get('/stats')
@described(_STATS)
def stats() -> Response:
    """Return the original's figures; 0 where one is not known, as its page expects numbers.

    ``accuracy`` is the held-out one: the original gave that on the images it trained on.
    ``num_tags`` is what ``class_distribution`` adds up to.
    """
    state = current.bridge().state()
    training, dataset = state.training, state.dataset
    return jsonify({
        'epoch': training.epoch,
        'epoch_images': training.epoch_images,
        'loss': finite(training.loss) or 0.0,
        'accuracy': 100 * (training.best_accuracy or 0.0),
        'num_images': dataset.samples,
        'num_tags': sum(dataset.class_samples),
        'classes': dataset.classes,
        'class_distribution': dataset.class_samples,
    })
