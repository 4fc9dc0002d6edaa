"""What the page needs of the robot, over DDS."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from builtin_interfaces.msg import Duration
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.clock import Clock
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import SetBool
from vision_msgs.msg import Classification as ClassificationMessage
from vision_msgs.msg import LabelInfo, VisionInfo

from ..core.errors import ConfigError, LabelError, NodeUnavailableError
from ..core.latest import Latest
from ..core.negotiation import Reply, Request
from ..core.timing import Rate
from ..msg import DatasetStatus, Tags, TrainingStatus
from ..server.state import State
from . import conversions, qos, state_messages
from .alerts import Alerts
from .answers_bridge import RosAnswers
from .dataset_bridge import RosSamples
from .insight_bridge import RosInsight
from .lifecycle import RecognizerNode
from .model_bridge import RosModels
from .service_calls import call
from .signalling import Signalling

_TIMEOUT_S = 3.0
_SILENT_S = 3.5
_RENEW_S = 0.2
_GRACE_S = 1.0
_WATCHED = ('camera', 'recorder', 'trainer', 'classifier')


class RosBridge:
    """Implements :class:`recognizer_ros.server.bridge.Bridge` with a node's topics and services.

    :param sender: who holds Record, in Tags messages.
    """

    def __init__(self, node: RecognizerNode[Any], sender: str = 'web') -> None:
        self._node, self._sender = node, sender
        self._state = State()
        self._changed = threading.Condition()
        self._hold_until_s = 0.0
        self._heard: dict[str, float] = {}
        self._alerts = Alerts()
        self._rate = Rate()
        self._viewers: list[Latest[bytes]] = []
        self._frames: Any = None
        self.samples = RosSamples(node)
        self.models = RosModels(node)
        self.insight = RosInsight(node)
        self.answers = RosAnswers(node)
        self._signalling = Signalling(node)
        self._tags = node.create_publisher(Tags, 'tags', qos.TAGS)
        self._services = {
            'trainer': node.create_client(SetBool, 'trainer/set_enabled'),
            'classifier': node.create_client(SetBool, 'classifier/set_enabled'),
            'set': node.create_client(SetParameters, 'classifier/set_parameters'),
            'get': node.create_client(GetParameters, 'classifier/get_parameters'),
        }
        self._entities = [
            node.create_subscription(DatasetStatus, 'dataset', self._on_dataset, qos.LATCHED),
            node.create_subscription(TrainingStatus, 'training', self._on_training, qos.LATCHED),
            node.create_subscription(LabelInfo, 'label_info', self._on_labels, qos.LATCHED),
            node.create_subscription(VisionInfo, 'vision_info', self._on_vision, qos.LATCHED),
            node.create_subscription(ClassificationMessage, 'classification', self._on_results,
                                     qos.RESULT),
            node.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 10),
            node.create_timer(_RENEW_S, self._tick, clock=Clock()),
        ]

    def close(self) -> None:
        """Release Record and leave the graph."""
        if self._state.recording:
            self.set_recording(False, None)
        self._signalling.give_up()
        for viewer in list(self._viewers):
            viewer.close()

    # --- asked by Flask, from any thread ---

    def state(self) -> State:
        """See the protocol; likewise below."""
        return self._state

    def wait(self, seen: State | None, timeout_s: float) -> State:
        with self._changed:
            self._changed.wait_for(lambda: self._state is not seen, timeout_s)
            return self._state

    def set_tags(self, tags: tuple[str, ...]) -> None:
        with self._changed:
            if self._state.recording and not tags:
                raise LabelError('Record is held: release it before all tags are removed')
            self._put(tags=tags)
            if self._state.recording:
                self._say(True)

    def set_recording(self, on: bool, lease_s: float | None) -> None:
        with self._changed:
            if on and not self._state.tags:
                raise LabelError('no tags are set: type what the camera sees first')
            if on and not self._state.dataset.online:
                raise NodeUnavailableError('the recorder does not answer: start it first')
            if not on and not self._state.recording:
                return
            limit = self._node.config.lease
            self._hold_until_s = time.monotonic() + min(lease_s or limit, limit)
            pressed = on and not self._state.recording
            self._put(recording=on)
            if pressed or not on:
                self._say(on)

    def set_training(self, on: bool) -> None:
        self._call('trainer', SetBool.Request(data=on), 'trainer')
        self._put(training=replace(self._state.training, enabled=on))

    def set_classification(self, on: bool) -> None:
        self._call('classifier', SetBool.Request(data=on), 'classifier')
        self._put(classification=replace(self._state.classification, enabled=on))

    def set_threshold(self, value: float) -> None:
        self._set_parameter('threshold', value)

    def set_smoothing(self, value: float) -> None:
        self._set_parameter('smoothing', value)

    def frames(self) -> Iterator[bytes]:
        viewer: Latest[bytes] = Latest()
        with self._changed:
            self._viewers.append(viewer)
        try:
            while not viewer.closed:
                yield viewer.take(1.0) or b''
        finally:
            with self._changed:
                self._viewers.remove(viewer)

    def negotiate(self, request: Request) -> Reply:
        return self._signalling.negotiate(request)

    def _set_parameter(self, name: str, value: float) -> None:
        parameter = Parameter(name=name, value=ParameterValue(
            type=ParameterType.PARAMETER_DOUBLE, double_value=value))
        answer = self._call('set', SetParameters.Request(parameters=[parameter]), 'classifier')
        if not answer.results[0].successful:
            raise ConfigError(answer.results[0].reason)
        self._ask_settings()

    def _call(self, name: str, request: Any, who: str) -> Any:
        """:raises NodeUnavailableError: no answer in time."""
        return call(self._services[name], request, who, _TIMEOUT_S)

    # --- told by ROS, in the executor's thread ---

    def _put(self, **changes: Any) -> None:
        with self._changed:
            new = replace(self._state, **changes)
            if new != self._state:
                self._state = new
                self._changed.notify_all()

    def _say(self, recording: bool) -> None:
        """Publish a Tags message that holds a little longer than until the next one."""
        left_s = min(self._hold_until_s - time.monotonic(), _RENEW_S) + _GRACE_S
        self._tags.publish(Tags(
            stamp=self._node.get_clock().now().to_msg(), sender=self._sender,
            tags=list(self._state.tags), recording=recording,
            lease=Duration(sec=int(left_s), nanosec=int(left_s % 1 * 1e9))))

    def _tick(self) -> None:
        now = time.monotonic()
        with self._changed:
            if self._state.recording:
                held = now < self._hold_until_s
                if not held:
                    self._put(recording=False)
                self._say(held)
        self._watch_video()
        online = {name: now - heard < _SILENT_S for name, heard in self._heard.items()}
        state = self._state
        rate = round(self._rate.hz(now), 1)
        self._put(
            dataset=replace(state.dataset, online=online.get('recorder', False)),
            training=replace(state.training, online=online.get('trainer', False)),
            classification=replace(state.classification, online=online.get('classifier', False),
                                   rate_hz=rate, results=state.classification.results if rate
                                   else ()))

    def _watch_video(self) -> None:
        """Subscribe to the video while somebody looks: it is encoded only then."""
        if self._viewers and not self._frames:
            self._frames = self._node.create_subscription(
                CompressedImage, 'image_raw/compressed', self._on_frame, qos.IMAGE)
        elif self._frames and not self._viewers:
            self._node.destroy_subscription(self._frames)
            self._frames = None

    def _on_frame(self, message: CompressedImage) -> None:
        data = bytes(message.data)
        with self._changed:
            for viewer in self._viewers:
                viewer.put(data)

    def _on_dataset(self, message: DatasetStatus) -> None:
        self._hear('recorder')
        self._put(dataset=state_messages.dataset(message))

    def _on_training(self, message: TrainingStatus) -> None:
        self._hear('trainer')
        self._put(training=state_messages.training(message))

    def _on_labels(self, message: LabelInfo) -> None:
        self._put(classification=replace(
            self._state.classification,
            labels=tuple(item.class_name for item in message.class_map)))

    def _on_vision(self, message: VisionInfo) -> None:
        self._put(classification=replace(self._state.classification,
                                         version=message.database_version))

    def _on_results(self, message: ClassificationMessage) -> None:
        now = time.monotonic()
        self._rate.tick(now)
        self._put(classification=replace(
            self._state.classification, online=True,
            stamp_ns=conversions.nanoseconds(message.header.stamp),
            results=state_messages.results(message)))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        namespace = self._node.get_namespace().strip('/')
        for status in message.status:
            space, _, name = status.name.rpartition('/')
            if space != namespace or name not in _WATCHED:
                continue
            self._hear(name)
            if name == 'classifier':
                self._ask_settings()
            self._alerts.take(name, status, time.time_ns() // 10**6)
            self._put(alerts=self._alerts.now)

    def _hear(self, name: str) -> None:
        self._heard[name] = time.monotonic()

    def _ask_settings(self) -> None:
        """Learn the classifier's settings, once per diagnostics; anybody may change them."""
        client = self._services['get']
        if client.service_is_ready():
            future = client.call_async(GetParameters.Request(
                names=['threshold', 'smoothing', 'enabled']))
            future.add_done_callback(self._on_settings)

    def _on_settings(self, future: Any) -> None:
        values = future.result().values if future.result() else []
        if len(values) == 3:
            self._put(classification=replace(
                self._state.classification, threshold=values[0].double_value,
                smoothing=values[1].double_value, enabled=values[2].bool_value))
