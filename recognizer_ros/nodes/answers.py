"""What a classifier says of images, as messages."""

import threading
import time

from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header
from vision_msgs.msg import Classification, LabelInfo, ObjectHypothesis, VisionClass, VisionInfo

from ..core.timing import Stages
from ..inference.engine import Answer
from ..inference.model import Model
from . import conversions, qos


class Answers:
    """Publishers of one node; safe between threads.

    :ivar stages: latencies up to and of publishing: ``transport`` from the image's stamp to its
        arrival, ``publish``, and ``total`` from the stamp to the published result.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._results = node.create_publisher(Classification, 'classification', qos.RESULT)
        self._labels = node.create_publisher(LabelInfo, 'label_info', qos.LATCHED)
        self._vision = node.create_publisher(VisionInfo, 'vision_info', qos.LATCHED)
        self._telling = threading.Lock()
        self._model: Model | None = None
        self._threshold = 0.0
        self.stages = Stages('transport', 'publish', 'total')

    def arrived(self, header: Header) -> None:
        """An image has come."""
        self.stages.add('transport', self._age_s(header))

    def publish(self, answer: Answer[Header]) -> None:
        """Publish what a model says of an image, under the image's header."""
        began = time.monotonic()
        self._results.publish(Classification(header=answer.tag, results=[
            ObjectHypothesis(class_id=item.label, score=item.score) for item in answer.results]))
        self.stages.add('publish', time.monotonic() - began)
        self.stages.add('total', self._age_s(answer.tag))

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

    def _age_s(self, header: Header) -> float:
        now_ns: int = self._node.get_clock().now().nanoseconds
        return (now_ns - conversions.nanoseconds(header.stamp)) / 1e9
