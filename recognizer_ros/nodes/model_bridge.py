"""Model versions, asked of ``trainer`` over DDS."""

from rclpy.lifecycle import LifecycleNode

from ..core.errors import ModelError
from ..core.scores import ClassScore, Scores
from ..msg import Model, ModelMetrics
from ..server.bridge import ModelVersion
from ..srv import ActivateModel, ListModels
from . import conversions, qos
from .service_calls import call

_TIMEOUT_S = 5.0


class RosModels:
    """Implements :class:`recognizer_ros.server.bridge.Models` with a node's services."""

    def __init__(self, node: LifecycleNode) -> None:
        self._list, self._activate = (
            node.create_client(kind, name, qos_profile=qos.SERVICE) for kind, name in (
                (ListModels, 'list_models'), (ActivateModel, 'activate_model')))

    def versions(self) -> tuple[ModelVersion, ...]:
        """See the protocol; likewise below."""
        answer = call(self._list, ListModels.Request(), 'trainer', _TIMEOUT_S)
        if not answer.success:
            raise ModelError(answer.message)
        return tuple(map(_to_version, answer.models))

    def activate(self, version: int) -> int:
        answer = call(self._activate, ActivateModel.Request(version=version), 'trainer',
                      _TIMEOUT_S)
        if not answer.success:
            raise ModelError(answer.message)
        return int(answer.live_version)


def _to_version(model: Model) -> ModelVersion:
    return ModelVersion(
        model.version, model.parent, 'head' if model.stage == Model.STAGE_HEAD else 'finetune',
        model.net, tuple(model.labels), model.label_mode, model.dataset_revision,
        conversions.nanoseconds(model.created), _to_scores(model.metrics, model.label_mode),
        model.reason, model.live)


def _to_scores(told: ModelMetrics, mode: str) -> Scores:
    labels, counts = tuple(told.labels), list(map(int, told.confusion))
    rows = tuple(tuple(counts[start:start + len(labels)])
                 for start in range(0, len(counts), len(labels) or 1))
    per_class = tuple(map(ClassScore, told.precision, told.recall, told.f1,
                          map(int, told.support), told.change))
    return Scores(
        told.samples, told.accuracy, told.balanced_accuracy, told.macro_f1,
        told.mean_average_precision, told.calibration_error, labels, per_class, rows,
        told.warning, 'multi' if mode == 'multi' else 'single')
