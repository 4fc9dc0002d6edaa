"""Points the camera and writes down every answer, for the demo: a ROS client in a thread."""

import threading
import time
from collections import deque
from dataclasses import dataclass

import rclpy
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.context import Context
from vision_msgs.msg import Classification, LabelInfo

from ..core.errors import NodeUnavailableError, SourceError
from . import conversions, qos
from .spinning import Spinner

_KEPT = 100_000
_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Answer:
    """One classification message.

    :param received_s: monotonic. :param label: of the best result; empty: no result.
    """

    stamp_ns: int
    latency_ms: float
    received_s: float
    label: str


class Observer:
    """Joins the graph of ``namespace`` in a context of its own; ``with`` leaves it."""

    def __init__(self, namespace: str) -> None:
        self.answers: deque[Answer] = deque(maxlen=_KEPT)
        self.first_known: dict[str, float] = {}
        self._labels: set[str] = set()
        self._context = Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node('observer', namespace=namespace, context=self._context)
        self._node.create_subscription(Classification, 'classification', self._on_result,
                                       qos.RESULT)
        self._node.create_subscription(LabelInfo, 'label_info', self._on_labels, qos.LATCHED)
        self._camera = self._node.create_client(SetParameters, 'camera/set_parameters')
        self._spinner = Spinner(self._context, self._node)

    def __enter__(self) -> 'Observer':
        return self

    def __exit__(self, *error: object) -> None:
        self._spinner.close()
        self._node.destroy_node()
        self._context.try_shutdown()

    def show(self, source: str) -> int:
        """Point the camera; return the time (ROS, nanoseconds) from which all frames show it.

        :raises NodeUnavailableError: no camera answers. :raises SourceError: it refuses.
        """
        if not self._camera.wait_for_service(_TIMEOUT_S):
            raise NodeUnavailableError('the camera does not answer')
        request = SetParameters.Request(parameters=[Parameter(name='input', value=ParameterValue(
            type=ParameterType.PARAMETER_STRING, string_value=source))])
        done = threading.Event()
        future = self._camera.call_async(request)
        future.add_done_callback(lambda _: done.set())
        if not done.wait(_TIMEOUT_S):
            raise NodeUnavailableError('the camera did not answer in time')
        result = future.result().results[0]
        if not result.successful:
            raise SourceError(result.reason)
        return self.now_ns()

    def now_ns(self) -> int:
        """The ROS clock."""
        return int(self._node.get_clock().now().nanoseconds)

    def _on_result(self, message: Classification) -> None:
        stamp_ns, now = conversions.nanoseconds(message.header.stamp), time.monotonic()
        label = message.results[0].class_id if message.results else ''
        self.answers.append(Answer(stamp_ns, (self.now_ns() - stamp_ns) / 1e6, now, label))
        for known in self._labels - self.first_known.keys():
            self.first_known[known] = now

    def _on_labels(self, message: LabelInfo) -> None:
        self._labels = {item.class_name for item in message.class_map}
