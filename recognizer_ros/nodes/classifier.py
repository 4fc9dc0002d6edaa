"""Node ``classifier``: answers every image with its labels, and changes models while running."""

import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool
from vision_msgs.msg import Classification, LabelInfo, ObjectHypothesis, VisionClass, VisionInfo

from ..core import bundle as bundles
from ..core.config import ClassifierConfig
from ..core.errors import ImageError, ModelError
from ..core.predictions import Prediction
from ..core.timing import Recent
from ..inference.engine import Engine, Frame, Offer
from ..inference.model import Model
from ..msg import ModelUpdate
from . import conversions, cvbridge, lifecycle, qos


class Classifier(lifecycle.RecognizerNode[ClassifierConfig]):
    """See ``docs/reference.md`` for topics and services."""

    def __init__(self, **options: Any) -> None:
        super().__init__('classifier', ClassifierConfig, **options)
        self._results = self.create_publisher(Classification, 'classification', qos.RESULT)
        self._labels = self.create_publisher(LabelInfo, 'label_info', qos.LATCHED)
        self._vision = self.create_publisher(VisionInfo, 'vision_info', qos.LATCHED)
        self.create_service(SetBool, '~/set_enabled', self._set_enabled)
        self._engine: Engine[Header] | None = None
        self._telling = threading.Lock()
        self._told: Model | None = None
        self._entities: list[Any] = []
        self._refused = ''
        self._latency_ms = Recent()

    def set_up(self) -> None:
        """Find out how to convert images; takes a moment, so not in the first one's callback."""
        cvbridge.load()

    def start(self) -> None:
        """Listen to images and models."""
        self._engine = Engine(lambda: self.config, self)
        self._entities = [
            self.create_subscription(Image, 'image_raw', self._on_image, qos.IMAGE),
            self.create_subscription(ModelUpdate, 'model', self._on_model, qos.LATCHED),
        ]

    def stop(self) -> None:
        """Leave off and free the model."""
        lifecycle.destroy(self, self._entities)
        if self._engine:
            self._engine.close()
            self._engine = self._told = None

    def configure_live(self, config: ClassifierConfig) -> None:
        """Another threshold is told with the labels."""
        with self._telling:
            other, self.config = config.threshold != self.config.threshold, config
            if other and self._told:
                self._tell_labels(self._told)

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        """Rate, latency, model, and what was refused last."""
        engine = self._engine
        assert engine
        model, refusal = engine.model, self._refused or engine.refusal
        level, message = lifecycle.OK, 'classifying'
        if refusal:
            level, message = lifecycle.ERROR, refusal
        elif not model:
            level, message = lifecycle.WARN, 'no model yet: record two classes'
        elif not self.config.enabled:
            message = 'switched off'
        return level, message, {
            'version': model.bundle.version if model else 0,
            'backend': model.backend.name if model else 'none',
            'rate Hz': f'{engine.rate.hz(time.monotonic()):.1f}', 'dropped': engine.dropped,
            'infer ms p50': f'{engine.infer_ms.percentile(50):.1f}',
            'infer ms p99': f'{engine.infer_ms.percentile(99):.1f}',
            'stamp to result ms p50': f'{self._latency_ms.percentile(50):.1f}',
            'stamp to result ms p99': f'{self._latency_ms.percentile(99):.1f}'}

    def answered(self, tag: Header, results: tuple[Prediction, ...], model: Model) -> None:
        """From the engine's thread."""
        self._results.publish(Classification(header=tag, results=[
            ObjectHypothesis(class_id=item.label, score=item.score) for item in results]))
        self._latency_ms.add((self.now_ns() - conversions.nanoseconds(tag.stamp)) / 1e6)

    def swapped(self, model: Model) -> None:
        """From the engine's thread."""
        with self._telling:  # else the old threshold may be told last
            self._told = model
            self._tell_labels(model)
        self._vision.publish(VisionInfo(
            header=self._header_now(), method=f'{model.bundle.net} ({model.backend.name})',
            database_location='label_info', database_version=model.bundle.version))

    def _tell_labels(self, model: Model) -> None:
        self._labels.publish(LabelInfo(
            header=self._header_now(), threshold=self.config.threshold, class_map=[
                VisionClass(class_id=index, class_name=label)
                for index, label in enumerate(model.bundle.labels)]))

    def _header_now(self) -> Header:
        return Header(stamp=self.get_clock().now().to_msg())

    def _on_image(self, message: Image) -> None:
        assert self._engine
        try:
            image, order = conversions.image_to_array(message)
        except ImageError as error:
            self._refused = str(error)
            self.get_logger().error(self._refused, throttle_duration_sec=10.0)
            return
        self._refused = ''
        self._engine.offer(Frame(image, order, message.header))

    def _on_model(self, message: ModelUpdate) -> None:
        assert self._engine
        try:
            bundle = bundles.from_json(message.bundle)
            self._engine.update(Offer(bundle, _local_file(message.uri), bytes(message.head)))
        except ModelError as error:
            self._engine.refusal = str(error)
            self.get_logger().error(f'{error}; the model in use stays')

    def _set_enabled(self, request: SetBool.Request, response: SetBool.Response
                     ) -> SetBool.Response:
        result = self.set_parameters([Parameter('enabled', value=request.data)])[0]
        response.success, response.message = result.successful, result.reason
        return response


def _local_file(uri: str) -> Path:
    """:raises ModelError: the URI is not a file's."""
    parts = urlparse(uri)
    if parts.scheme != 'file':
        raise ModelError(f'model at {uri!r}: only file:// can be read')
    return Path(unquote(parts.path))


def main() -> int:
    """Run the node."""
    return lifecycle.run(Classifier)
