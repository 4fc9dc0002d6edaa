"""What nodes tell of themselves, as the page shows it; see :mod:`recognizer_ros.server.state`."""

from math import isnan

from vision_msgs.msg import Classification

from ..msg import DatasetStatus, TrainingStatus
from ..server.state import Dataset, Result, Training

_STATES = {getattr(TrainingStatus, name): name.removeprefix('STATE_').lower() for name in (
    'STATE_OFF', 'STATE_WAITING', 'STATE_HEAD', 'STATE_FINETUNE', 'STATE_EXPORT', 'STATE_FAILED',
    'STATE_DONE')}


def dataset(message: DatasetStatus) -> Dataset:
    """The recorder's."""
    return Dataset(
        online=True, revision=message.revision, samples=message.samples,
        validation_samples=message.validation_samples, bursts=message.bursts,
        classes=tuple(message.classes), class_samples=tuple(message.class_samples),
        class_bursts=tuple(message.class_bursts), recording=message.recording,
        active_tags=tuple(message.active_tags), burst=message.burst,
        burst_samples=message.burst_samples, dropped=message.dropped,
        duplicates=message.duplicates, pending=message.pending, error=message.error)


def training(message: TrainingStatus) -> Training:
    """The trainer's."""
    return Training(
        online=True, enabled=message.enabled, state=_STATES.get(message.state, 'off'),
        message=message.message, net=message.net, label_mode=message.label_mode,
        epoch=message.epoch, epochs=message.epochs, epoch_images=message.epoch_images,
        images=message.images, loss=_known(message.loss),
        train_accuracy=_known(message.train_accuracy), images_per_s=message.images_per_s,
        eta_s=message.eta_s if message.eta_s >= 0 else None,
        best_accuracy=_known(message.best_accuracy), live_version=message.live_version,
        classes=tuple(message.classes), class_samples=tuple(message.class_samples))


def results(message: Classification) -> tuple[Result, ...]:
    """The classifier's."""
    return tuple(Result(item.class_id, item.score) for item in message.results)


def _known(value: float) -> float | None:
    return None if isnan(value) else value
