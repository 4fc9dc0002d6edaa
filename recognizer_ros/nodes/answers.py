"""What a classifier says of images, as messages."""

import threading
import time

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Classification, LabelInfo, ObjectHypothesis, VisionClass, VisionInfo

from ..core.config import ClassifierConfig
from ..core.presence import Change, Presence, rules_of
from ..core.timing import Stages
from ..inference import overlay
from ..inference.engine import Answer
from ..inference.model import Model
from ..msg import LabelEvent
from . import conversions, qos

_EVENTS = {'entered': LabelEvent.ENTERED, 'left': LabelEvent.LEFT}


class Answers:
    """Publishers of one node; safe between threads.

    :ivar stages: latencies: ``publish``, and ``total`` from an image's stamp to its result.
    :ivar count: images answered.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._results = node.create_publisher(Classification, 'classification', qos.RESULT)
        self._events = node.create_publisher(LabelEvent, 'events', qos.RESULT)
        self._overlay = qos.publisher(node, Image, 'image_overlay', qos.IMAGE)
        self._labels = node.create_publisher(LabelInfo, 'label_info', qos.LATCHED)
        self._vision = node.create_publisher(VisionInfo, 'vision_info', qos.LATCHED)
        self._presence = Presence()
        self._telling = threading.Lock()
        self._model: Model | None = None
        self._threshold = 0.0
        self.stages, self.count = Stages('publish', 'total'), 0

    def publish(self, answer: Answer[Header], config: ClassifierConfig) -> None:
        """Publish what a model says of an image, under the image's header."""
        began = time.monotonic()
        self._results.publish(Classification(header=answer.tag, results=[
            ObjectHypothesis(class_id=item.label, score=item.score) for item in answer.results]))
        self.stages.add('publish', time.monotonic() - began)
        self.stages.add('total', conversions.age_s(self._node, answer.tag))
        self.count += 1
        bundle = answer.model.bundle
        for change in self._presence.see(
                conversions.nanoseconds(answer.tag.stamp),
                dict(zip(bundle.labels, map(float, answer.scores), strict=True)),
                bundle.label_mode, rules_of(config), answer.unknown):
            self._events.publish(_event(change, answer))
        if self._overlay.get_subscription_count():
            self._overlay.publish(conversions.picture(
                overlay.draw(answer.image, answer.results), answer.tag, f'{answer.order}8'))

    def announce(self, model: Model) -> None:
        """Tell which model answers from now on."""
        with self._telling:  # else an old threshold may be told last
            self._model = model
            self._tell_labels(model)
        self._vision.publish(VisionInfo(
            header=self._header(), method=f'{model.bundle.net} ({model.backend.name})',
            database_location='label_info', database_version=model.bundle.version))

    def set_threshold(self, threshold: float) -> None:
        """It is told with the labels."""
        with self._telling:
            other, self._threshold = threshold != self._threshold, threshold
            if other and self._model:
                self._tell_labels(self._model)

    def forget(self) -> None:
        """No model answers any more."""
        with self._telling:
            self._model = None

    def _tell_labels(self, model: Model) -> None:
        self._labels.publish(LabelInfo(
            header=self._header(), threshold=self._threshold, class_map=[
                VisionClass(class_id=index, class_name=label)
                for index, label in enumerate(model.bundle.labels)]))

    def _header(self) -> Header:
        return Header(stamp=self._node.get_clock().now().to_msg())


def _event(change: Change, answer: Answer[Header]) -> LabelEvent:
    return LabelEvent(
        header=answer.tag, event=_EVENTS[change.event], label=change.label, score=change.score,
        duration=conversions.to_duration(change.duration_ns),
        model_version=answer.model.bundle.version)
