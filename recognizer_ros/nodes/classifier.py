"""Node ``classifier``: answers every image with its labels, and changes models while running."""

import time
from typing import Any

from rclpy.parameter import Parameter
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool

from ..core.config import ClassifierConfig
from ..core.errors import ImageError, ModelError
from ..dataset import images
from ..inference.choose import Chooser
from ..inference.engine import Answer, Engine, Frame
from ..inference.model import Model
from ..msg import ModelUpdate
from . import conversions, cvbridge, lifecycle, qos
from .answers import Answers
from .arrivals import Arrivals
from .classify_image import ImageClassifier
from .explaining import Explaining
from .model_fetch import ModelFetch
from .uncertain import Uncertain


class Classifier(lifecycle.RecognizerNode[ClassifierConfig]):
    """See ``docs/reference.md`` for topics and services."""

    def __init__(self, **options: Any) -> None:
        super().__init__('classifier', ClassifierConfig, **options)
        self._answers = Answers(self)
        self._answers.set_threshold(self.config.threshold)
        self._fetch = ModelFetch(self, self.config)
        self._explaining = Explaining(self, lambda: self._engine.last if self._engine else None)
        self._single = ImageClassifier(self, lambda: self._engine)
        self._uncertain = Uncertain(self, self.config.keep_uncertain)
        self.create_service(SetBool, '~/set_enabled', self._set_enabled)
        self._engine: Engine[Header] | None = None
        self._entities: list[Any] = []
        self._refused, self._unreadable = '', 0

    def set_up(self) -> None:
        """Find out how to convert images; takes a moment, so not in the first one's callback."""
        cvbridge.load()

    def start(self) -> None:
        """Listen to images and models."""
        self._chooser = Chooser(self.config)
        self._engine = Engine(lambda: self.config, self, self._chooser)
        kind, topic, listen = ((Image, 'image_raw', self._on_image)
                               if self.config.transport == 'raw' else
                               (CompressedImage, 'image_raw/compressed', self._on_compressed))
        self._arrivals = Arrivals(self, topic)
        self._entities = [
            qos.subscription(self, kind, topic, listen, qos.IMAGE),
            self.create_subscription(ModelUpdate, 'model', self._on_model, qos.LATCHED)]

    def stop(self) -> None:
        """Leave off and free the model."""
        lifecycle.destroy(self, self._entities)
        if self._engine:
            self._engine.close()
            self._engine = None
        self._answers.forget()
        self._explaining.forget()
        self._single.forget()
        self._uncertain.clear()

    def configure_live(self, config: ClassifierConfig) -> None:
        """Another threshold is told with the labels."""
        self._answers.set_threshold(config.threshold)
        self._uncertain.limit(config.keep_uncertain)

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        """Rate, latency stage by stage, model, and what was refused last."""
        engine = self._engine
        assert engine
        model, refusal = engine.model, self._refused or engine.refusal
        level, message = lifecycle.OK, 'classifying'
        if refusal:
            level, message = lifecycle.ERROR, refusal
        elif not model:
            level = lifecycle.WARN
            message = self._fetch.progress or 'no model yet: record two classes'
        elif not self.config.enabled:
            message = 'switched off'
        return level, message, {
            'version': model.bundle.version if model else 0,
            'backend': model.backend.name if model else 'none',
            'not used': '; '.join(f'{name}: {why}' for name, why in self._chooser.reasons.items()),
            'last refusal': engine.last_refusal, 'fetching': self._fetch.progress,
            'rate Hz': f'{engine.rate.hz(time.monotonic()):.1f}',
            'answered': self._answers.count, 'dropped': engine.dropped,
            'missed': self._arrivals.missed, 'unreadable': self._unreadable,
            'not answered': engine.idle, **self._latencies(engine)}

    def answered(self, answer: Answer[Header]) -> None:
        """From the engine's thread."""
        self._refused = ''
        self._answers.publish(answer, self.config)
        self._uncertain.see(answer, self.config.unknown)

    def unreadable(self, error: ImageError) -> None:
        """From the engine's thread."""
        self._refused = str(error)
        self._unreadable += 1
        self.get_logger().error(self._refused, throttle_duration_sec=10.0)

    def swapped(self, model: Model) -> None:
        """From the engine's thread."""
        self._answers.announce(model)

    def _latencies(self, engine: Engine[Header]) -> dict[str, object]:
        return {f'{stage} ms p{percent}': f'{value:.1f}'
                for percent in (50, 99)
                for stages in (self._arrivals.stages, engine.stages, self._answers.stages)
                for stage, value in stages.percentiles_ms(percent).items()}

    def _on_image(self, message: Image, info: dict[str, Any]) -> None:
        assert self._engine
        self._arrivals.add(message.header, info)
        self._engine.offer(Frame(lambda: conversions.image_to_array(message), message.header))

    def _on_compressed(self, message: CompressedImage, info: dict[str, Any]) -> None:
        assert self._engine
        self._arrivals.add(message.header, info)
        self._engine.offer(Frame(
            lambda: (images.decode(conversions.jpeg_of(message)), 'bgr'), message.header))

    def _on_model(self, message: ModelUpdate) -> None:
        assert self._engine
        try:
            model = self._engine.model
            offer = self._fetch.offer(message, model.bundle if model else None)
            if offer:
                self._engine.update(offer)
        except ModelError as error:
            self._engine.refuse(error)

    def _set_enabled(self, request: SetBool.Request, response: SetBool.Response
                     ) -> SetBool.Response:
        result = self.set_parameters([Parameter('enabled', value=request.data)])[0]
        response.success, response.message = result.successful, result.reason
        return response


def main() -> int:
    """Run the node."""
    return lifecycle.run(Classifier, profile='config/fastdds.xml')  # for image_overlay
