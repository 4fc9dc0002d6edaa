"""Model versions, scores and training status as messages."""

from ..core import bundle as bundles
from ..core.bundle import BACKBONE
from ..core.scores import Scores
from ..msg import Model, ModelMetrics, ModelUpdate, TrainingStatus
from ..registry.store import Version
from ..training.progress import Progress
from . import conversions

_NAN = float('nan')


def metrics(scores: Scores) -> ModelMetrics:
    """Scores as a message."""
    return ModelMetrics(
        samples=scores.samples, accuracy=scores.accuracy,
        balanced_accuracy=scores.balanced_accuracy, macro_f1=scores.macro_f1,
        mean_average_precision=scores.mean_average_precision,
        calibration_error=scores.calibration_error, labels=list(scores.labels),
        precision=[item.precision for item in scores.per_class],
        recall=[item.recall for item in scores.per_class],
        f1=[item.f1 for item in scores.per_class],
        support=[item.support for item in scores.per_class],
        change=[item.change for item in scores.per_class],
        confusion=[count for row in scores.confusion for count in row], warning=scores.warning)


def model(version: Version, live: bool) -> Model:
    """A version as a message."""
    bundle = version.bundle
    return Model(
        version=bundle.version, parent=bundle.parent,
        stage=Model.STAGE_HEAD if bundle.stage == 'head' else Model.STAGE_FINETUNE,
        net=bundle.net, labels=list(bundle.labels), label_mode=bundle.label_mode,
        dataset_revision=bundle.dataset_revision, created=conversions.to_time(bundle.created_ns),
        metrics=metrics(bundle.scores), reason=bundle.reason, live=live)


def update(version: Version, stamp_ns: int) -> ModelUpdate:
    """The announcement of a version. :param stamp_ns: when it went live; 0: not known."""
    bundle = version.bundle
    return ModelUpdate(
        stamp=conversions.to_time(stamp_ns), model=model(version, True),
        sha256=bundle.sha256[BACKBONE], size=bundle.size,
        uri=version.backbone.absolute().as_uri(), backbone_sha256=bundle.backbone_sha256,
        head=conversions.byte_array(version.head_bytes()), bundle=bundles.to_json(bundle))


def training_status(now: Progress, enabled: bool, stamp_ns: int) -> TrainingStatus:
    """Progress as a message."""
    return TrainingStatus(
        stamp=conversions.to_time(stamp_ns), enabled=enabled, state=now.phase.value,
        message=now.message, net=now.net, label_mode=now.label_mode, epoch=now.epoch,
        epochs=now.epochs, epoch_images=now.epoch_images, images=now.images,
        loss=_NAN if now.loss is None else now.loss,
        train_accuracy=_NAN if now.train_accuracy is None else now.train_accuracy,
        images_per_s=now.images_per_s, eta_s=-1.0 if now.eta_s is None else now.eta_s,
        dataset_revision=now.dataset_revision, classes=list(now.classes),
        class_samples=list(now.class_samples),
        best_accuracy=_NAN if now.best_accuracy is None else now.best_accuracy,
        live_version=now.live_version)
