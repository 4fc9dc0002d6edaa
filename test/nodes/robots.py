"""A classifier with somebody around it who sends models and images, and hears answers."""

from pathlib import Path
from typing import Any

import makers
from ros_graph import Graph, Heard, wait_for
from sensor_msgs.msg import Image
from vision_msgs.msg import Classification, LabelInfo, VisionInfo

from recognizer_ros.core.bundle import BACKBONE, HEAD, WEIGHTS, Bundle
from recognizer_ros.msg import ModelUpdate
from recognizer_ros.nodes import conversions, models, qos
from recognizer_ros.nodes.classifier import Classifier
from recognizer_ros.registry.store import Registry, Version

NAMES = ('red', 'green', 'blue')
OTHER_NAMES = ('rot', 'grün', 'blau')


def update(version: Version, stamp_ns: int = 0) -> ModelUpdate:
    """The announcement of a version."""
    return models.update(version, stamp_ns)


def stored(data: Path, count: int) -> list[Bundle]:
    """Versions that a trainer left behind; the newest is live."""
    registry = Registry(data / 'models', writer=True)
    done = []
    for number in range(count):
        version = registry.add(makers.bundle(('red', 'green')), {
            BACKBONE: makers.colour_net(gain=number + 1), WEIGHTS: b'weights' * 100,
            HEAD: makers.colour_head(2).to_bytes()})
        registry.activate(version.bundle.version)
        done.append(version.bundle)
    registry.close()
    return done


class Robot:
    """Sends models and images, hears answers."""

    def __init__(self, graph: Graph, folder: Path, images: bool = True, **values: Any) -> None:
        self.graph, self.folder, self.cache = graph, folder, folder / 'cache'
        self.answers: Heard = graph.listen(Classification, 'classification', qos.RESULT)
        self.labels: Heard = graph.listen(LabelInfo, 'label_info', qos.LATCHED)
        self.vision: Heard = graph.listen(VisionInfo, 'vision_info', qos.LATCHED)
        self.node = graph.start(Classifier, threads=1, cache=str(self.cache), **values)
        self.updates = graph.speak(ModelUpdate, 'model', qos.LATCHED)
        if images:
            self._images = graph.speak(Image, 'image_raw', qos.IMAGE)

    def model(self, version: int, labels: tuple[str, ...] = NAMES) -> None:
        """Announce a version and wait until it is in use."""
        self.announce(makers.model(self.folder, labels, version))
        wait_for(lambda: self.version == version)

    @property
    def version(self) -> int:
        """Version in use; 0: none."""
        model = self.node._engine.model
        return int(model.bundle.version) if model else 0

    def announce(self, version: Version) -> None:
        self.say(update(version))

    def say(self, message: ModelUpdate) -> None:
        self.updates.publish(message)

    def show(self, colour: tuple[int, int, int], stamp_ns: int = 0,
             frame_id: str = 'camera') -> None:
        self.show_pixels(makers.flat(colour), stamp_ns, frame_id)

    def show_pixels(self, pixels: makers.Pixels, stamp_ns: int = 0,
                    frame_id: str = 'camera') -> None:
        self._images.publish(conversions.array_to_image(
            pixels, stamp_ns or self.graph.now_ns(), frame_id))

    def answer(self, colour: tuple[int, int, int], stamp_ns: int = 0) -> Classification:
        """Show a colour, wait for the answer to it."""
        count = len(self.answers)
        self.show(colour, stamp_ns)
        return self.answers.wait(count + 1)
