"""Node ``classifier``: answers every image with its labels, and changes models while running."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool

from ..core import bundle as bundles
from ..core.bundle import Bundle
from ..core.config import ClassifierConfig
from ..core.errors import ImageError, ModelError
from ..dataset import images
from ..inference.backend import Backend
from ..inference.engine import Answer, Engine, Frame, Offer
from ..inference.model import Model
from ..inference.onnx_runtime import OnnxRuntimeBackend
from ..msg import ModelUpdate
from . import conversions, cvbridge, lifecycle, qos
from .answers import Answers


class Classifier(lifecycle.RecognizerNode[ClassifierConfig]):
    """See ``docs/reference.md`` for topics and services."""

    def __init__(self, **options: Any) -> None:
        super().__init__('classifier', ClassifierConfig, **options)
        self._answers = Answers(self)
        self._answers.set_threshold(self.config.threshold)
        self.create_service(SetBool, '~/set_enabled', self._set_enabled)
        self._engine: Engine[Header] | None = None
        self._entities: list[Any] = []
        self._refused = ''

    def set_up(self) -> None:
        """Find out how to convert images; takes a moment, so not in the first one's callback."""
        cvbridge.load()

    def start(self) -> None:
        """Listen to images and models."""
        self._engine = Engine(lambda: self.config, self, self._backend)
        images_in = (self.create_subscription(Image, 'image_raw', self._on_image, qos.IMAGE)
                     if self.config.transport == 'raw' else
                     self.create_subscription(CompressedImage, 'image_raw/compressed',
                                              self._on_compressed, qos.IMAGE))
        self._entities = [
            images_in, self.create_subscription(ModelUpdate, 'model', self._on_model, qos.LATCHED)]

    def stop(self) -> None:
        """Leave off and free the model."""
        lifecycle.destroy(self, self._entities)
        if self._engine:
            self._engine.close()
            self._engine = None
        self._answers.forget()

    def configure_live(self, config: ClassifierConfig) -> None:
        """Another threshold is told with the labels."""
        self._answers.set_threshold(config.threshold)

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        """Rate, latency stage by stage, model, and what was refused last."""
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
            'not answered': engine.idle, **self._latencies(engine)}

    def answered(self, answer: Answer[Header]) -> None:
        """From the engine's thread."""
        self._refused = ''
        self._answers.publish(answer)

    def unreadable(self, error: ImageError) -> None:
        """From the engine's thread."""
        self._refused = str(error)
        self.get_logger().error(self._refused, throttle_duration_sec=10.0)

    def swapped(self, model: Model) -> None:
        """From the engine's thread."""
        self._answers.announce(model)

    def _latencies(self, engine: Engine[Header]) -> dict[str, object]:
        return {f'{stage} ms p{percent}': f'{value:.1f}'
                for stages in (engine.stages, self._answers.stages) for percent in (50, 99)
                for stage, value in stages.percentiles_ms(percent).items()}

    def _backend(self, network: bytes, _: Bundle) -> Backend:
        return OnnxRuntimeBackend(network, self.config.threads)

    def _on_image(self, message: Image) -> None:
        assert self._engine
        self._answers.arrived(message.header)
        self._engine.offer(Frame(lambda: conversions.image_to_array(message), message.header))

    def _on_compressed(self, message: CompressedImage) -> None:
        assert self._engine
        self._answers.arrived(message.header)
        self._engine.offer(Frame(
            lambda: (images.decode(conversions.jpeg_of(message)), 'bgr'), message.header))

    def _on_model(self, message: ModelUpdate) -> None:
        assert self._engine
        try:
            bundle = bundles.from_json(message.bundle)
            file = _local_file(message.uri)
            self._engine.update(Offer(bundle, lambda _: file, bytes(message.head)))
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
