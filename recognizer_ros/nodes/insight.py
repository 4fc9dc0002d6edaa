"""Services ``review``, ``advise`` and ``get_curves`` of a trainer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore
from typing import Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleNode

from ..core.errors import ConfigError, NodeUnavailableError, RecognizerError
from ..core.insight import Advice as Piece
from ..msg import Advice, Model
from ..srv import Advise, GetCurves, Review
from ..training.curves import Row
from ..training.insight import Insight
from . import conversions, lifecycle, qos

_PAGE, _MOST_OF_PAGE = 100, 1000
_MOST_WAITING = 16


class Insights:
    """They are there from the beginning, and answer while ``insight`` is set; one thread of its
    own computes, so that neither the node nor the learner waits.

    :param curves: how training went; called in that thread.
    :ivar insight: set and cleared by the node.
    """

    def __init__(self, node: LifecycleNode, curves: Callable[[], tuple[Row, ...]]) -> None:
        self._node, self._curves = node, curves
        self.insight: Insight | None = None
        self._worker = ThreadPoolExecutor(1, 'insight')
        self._places = BoundedSemaphore(_MOST_WAITING)
        group = ReentrantCallbackGroup()  # they wait for the thread
        for kind, name, work in (
                (Review, 'review', self._review), (Advise, 'advise', self._advise),
                (GetCurves, 'get_curves', self._get_curves)):
            node.create_service(kind, name, self._answering(work), qos_profile=qos.SERVICE,
                                callback_group=group)

    def _answering(self, work: Callable[[Insight, Any, Any], None]) -> Callable[..., Any]:
        async def answer(request: Any, response: Any) -> Any:
            if not self._places.acquire(blocking=False):
                response.message = 'too many requests at a time: try again'
                return response
            try:
                done = self._worker.submit(self._work, work, request, response)
                await lifecycle.awaitable(self._node, done)
                done.result()
                response.success = True
            except RecognizerError as error:
                response = type(response)(message=str(error))
            finally:
                self._places.release()
            return response
        return answer

    def _work(self, work: Callable[[Insight, Any, Any], None], request: Any, response: Any
              ) -> None:
        if not self.insight:
            raise NodeUnavailableError('the trainer is not configured')
        work(self.insight, request, response)

    def _review(self, insight: Insight, request: Any, response: Any) -> None:
        if bool(request.truth) != bool(request.answer):
            raise ConfigError('give both truth and answer, or neither')
        if request.limit > _MOST_OF_PAGE:
            raise ConfigError(f'limit must be 1 to {_MOST_OF_PAGE}, or 0')
        found = insight.review()
        ids, scores = found.cell(request.truth, request.answer)
        page = slice(request.offset, request.offset + (request.limit or _PAGE))
        response.labels = list(found.labels)
        response.confusion = found.confusion.ravel().tolist()
        response.ids, response.scores, response.total = ids[page], scores[page], len(ids)
        response.dataset_revision = found.dataset_revision
        response.model_version = found.model_version

    def _advise(self, insight: Insight, _: Any, response: Any) -> None:
        found = insight.advise()
        response.advice = [_to_message(piece) for piece in found.advice]
        response.dataset_revision = found.dataset_revision
        response.model_version = found.model_version

    def _get_curves(self, _insight: Insight, _: Any, response: Any) -> None:
        rows = self._curves()
        response.stamps = [conversions.to_time(row.created_ns) for row in rows]
        response.stages = [Model.STAGE_HEAD if row.stage == 'head' else Model.STAGE_FINETUNE
                           for row in rows]
        response.epochs = [row.epoch for row in rows]
        response.dataset_revisions = [row.dataset_revision for row in rows]
        response.losses = [row.loss for row in rows]
        response.train_accuracies = [row.train_accuracy for row in rows]
        response.accuracies = [row.accuracy for row in rows]
        response.macro_f1s = [row.macro_f1 for row in rows]


def _to_message(piece: Piece) -> Advice:
    return Advice(
        kind=piece.kind.value, weight=piece.weight, labels=list(piece.labels), text=piece.text,
        evidence=piece.evidence, method=piece.method, samples=list(piece.samples),
        suggestions=list(piece.suggestions))
