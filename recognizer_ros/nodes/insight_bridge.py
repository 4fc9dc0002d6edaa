"""What the trainer knows of data and model, asked of ``trainer`` over DDS."""

from typing import Any

from rclpy.lifecycle import LifecycleNode

from ..core.errors import ModelError
from ..core.insight import Advice, Advised, Kind
from ..msg import Advice as Message
from ..msg import Model
from ..server.bridge import CurvePoint, ReviewPage
from ..srv import Advise, GetCurves, Review
from . import conversions, qos
from .service_calls import call

_TIMEOUT_S = 20.0  # the first answer after a change is computed, on a robot that has more to do


class RosInsight:
    """Implements :class:`recognizer_ros.server.bridge.Insight` with a node's services."""

    def __init__(self, node: LifecycleNode) -> None:
        self._review, self._advise, self._curves = (
            node.create_client(kind, name, qos_profile=qos.SERVICE) for kind, name in (
                (Review, 'review'), (Advise, 'advise'), (GetCurves, 'get_curves')))

    def review(self, truth: str, answer: str, offset: int, limit: int) -> ReviewPage:
        """See the protocol; likewise below."""
        told = _asked(self._review, Review.Request(truth=truth, answer=answer, offset=offset,
                                                   limit=limit))
        labels, counts = tuple(told.labels), list(map(int, told.confusion))
        return ReviewPage(
            labels, tuple(tuple(counts[row * len(labels):(row + 1) * len(labels)])
                          for row in range(len(labels))),
            tuple(told.ids), tuple(map(float, told.scores)), told.total, told.dataset_revision,
            told.model_version)

    def advise(self) -> Advised:
        told = _asked(self._advise, Advise.Request())
        return Advised(tuple(map(_to_advice, told.advice)), told.dataset_revision,
                       told.model_version)

    def curves(self) -> tuple[CurvePoint, ...]:
        told = _asked(self._curves, GetCurves.Request())
        stages = ['head' if stage == Model.STAGE_HEAD else 'finetune' for stage in told.stages]
        return tuple(map(
            CurvePoint, map(conversions.nanoseconds, told.stamps), stages, map(int, told.epochs),
            map(int, told.dataset_revisions), told.losses, told.train_accuracies, told.accuracies,
            told.macro_f1s))


def _asked(client: Any, request: Any) -> Any:
    """:raises ModelError: the trainer cannot answer it now."""
    answer = call(client, request, 'trainer', _TIMEOUT_S)
    if not answer.success:
        raise ModelError(answer.message)
    return answer


def _to_advice(told: Message) -> Advice:
    return Advice(Kind(told.kind), told.weight, tuple(told.labels), told.text, told.evidence,
                  told.method, tuple(told.samples), tuple(told.suggestions))
