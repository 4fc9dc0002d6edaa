"""What the live model says of an image, and of which it was not sure, asked of ``classifier``."""

from collections.abc import Sequence
from typing import Any

from rclpy.lifecycle import LifecycleNode

from ..core.errors import NotFoundError
from ..msg import UncertainFrame as UncertainMessage
from ..server.bridge import Answered, UncertainFrame
from ..server.state import Result
from ..srv import ClassifyImage, ListUncertain
from . import conversions
from .answer_messages import raise_refusal
from .service_calls import call

_CLASSIFY_TIMEOUT_S = 15.0  # behind three others, and the network may have to be loaded first
_LIST_TIMEOUT_S = 5.0


class RosAnswers:
    """Implements :class:`recognizer_ros.server.bridge.Answers` with a node's services."""

    def __init__(self, node: LifecycleNode) -> None:
        self._classify, self._list = (node.create_client(kind, name) for kind, name in (
            (ClassifyImage, 'classify_image'), (ListUncertain, 'list_uncertain')))

    def classify(self, data: bytes) -> Answered:
        """See the protocol; likewise below."""
        request = ClassifyImage.Request()
        request.image.data = conversions.byte_array(data)
        answer = call(self._classify, request, 'classifier', _CLASSIFY_TIMEOUT_S)
        raise_refusal(answer)
        return Answered(_results(answer.labels, answer.scores), answer.unknown,
                        answer.model_version)

    def uncertain(self) -> tuple[UncertainFrame, ...]:
        return tuple(map(_to_frame, self._ask().frames))

    def uncertain_image(self, frame: int) -> tuple[UncertainFrame, bytes]:
        answer = self._ask(image_of=frame)
        if not answer.success:
            raise NotFoundError(answer.message)
        return (next(_to_frame(one) for one in answer.frames if one.id == frame),
                bytes(answer.image.data))

    def forget(self, frame: int) -> None:
        self._ask(dismiss=[frame])

    def _ask(self, **fields: Any) -> Any:
        return call(self._list, ListUncertain.Request(**fields), 'classifier', _LIST_TIMEOUT_S)


def _to_frame(told: UncertainMessage) -> UncertainFrame:
    return UncertainFrame(
        told.id, conversions.nanoseconds(told.header.stamp), _results(told.labels, told.scores),
        told.unknown, told.model_version)


def _results(labels: Sequence[str], scores: Sequence[float]) -> tuple[Result, ...]:
    return tuple(map(Result, labels, map(float, scores)))
