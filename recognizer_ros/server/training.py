"""``/training``: the trainer's switch and figures."""

from flask import Blueprint, Response, jsonify

from . import current, values

blueprint = Blueprint('training', __name__, url_prefix='/training')


@blueprint.get('/enabled')
def get_enabled() -> Response:
    """Return whether the trainer is on."""
    return jsonify(current.bridge().state().training.enabled)


@blueprint.put('/enabled')
def put_enabled() -> Response:
    """Turn the trainer on or off."""
    current.bridge().set_training(values.boolean())
    return values.done()


@blueprint.get('/stats')
def stats() -> Response:
    """Return the original's figures; null where one is not known.

    ``accuracy`` is the held-out one: the original gave that on the images it trained on.
    """
    state = current.bridge().state()
    training, dataset = state.training, state.dataset
    accuracy = training.best_accuracy
    return jsonify({
        'epoch': training.epoch,
        'epoch_images': training.epoch_images,
        'loss': training.loss,
        'accuracy': None if accuracy is None else 100 * accuracy,
        'num_images': dataset.samples,
        'num_tags': len(dataset.classes),
        'classes': dataset.classes,
        'class_distribution': dataset.class_samples,
    })
