"""Another node's images as the camera's source."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import makers
import numpy as np
import pytest
from ros_graph import Graph, wait_for
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from recognizer_ros.capture.source import Frame
from recognizer_ros.core.errors import SourceError
from recognizer_ros.nodes import conversions, image_topic, qos
from recognizer_ros.nodes.camera import Camera
from recognizer_ros.nodes.image_topic import ImageTopic

Opened = Callable[[str], ImageTopic]
STAMP_NS = 1_234_567_890_123_456_789


@pytest.fixture
def opened(shared: Graph) -> Iterator[Opened]:
    """Open a topic in a camera that is there for the whole file."""
    if not hasattr(shared, 'camera'):
        shared.camera = shared.start(Camera, input='pattern://apple',  # type: ignore[attr-defined]
                                     input_width=32, input_height=24)
    stop, sources = threading.Event(), []

    def make(name: str) -> ImageTopic:
        sources.append(ImageTopic(shared.camera, name, stop))  # type: ignore[attr-defined]
        return sources[-1]

    yield make
    stop.set()
    for source in sources:
        source.close()


def read(source: ImageTopic, publisher: Any, message: Any) -> Frame | str | None:
    """A frame, or the error; the message is said until it has come."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(source.read())
        except SourceError as error:
            found.append(str(error))

    reader = threading.Thread(target=run)
    reader.start()
    wait_for(lambda: publisher.publish(message) or found)
    reader.join()
    return found[0]


@pytest.mark.parametrize('name', ['raw', '/elsewhere/raw', 'turned'])
def test_a_raw_image_with_its_own_stamp(name: str, shared: Graph, opened: Opened) -> None:
    pixels = makers.noise(1)
    message = conversions.array_to_image(pixels, STAMP_NS, 'front')
    if name == 'turned':
        message = conversions.picture(pixels[:, :, ::-1], message.header, 'rgb8')
    publisher = shared.tester.create_publisher(Image, name, qos.IMAGE)
    frame = read(opened(name), publisher, message)
    assert isinstance(frame, Frame)
    assert (frame.stamp_ns, frame.relayed) == (STAMP_NS, True)
    assert frame.image.flags.c_contiguous
    np.testing.assert_array_equal(frame.image, pixels)


def test_a_compressed_image(shared: Graph, opened: Opened) -> None:
    data = makers.jpeg(makers.flat(makers.RED))
    publisher = shared.tester.create_publisher(CompressedImage, 'small/compressed', qos.IMAGE)
    frame = read(opened('small/compressed'), publisher,
                 conversions.jpeg_to_message(data, STAMP_NS, 'front'))
    assert isinstance(frame, Frame)
    assert frame.stamp_ns == STAMP_NS
    assert np.abs(frame.image.astype(int) - makers.RED).max() < 5


def test_closing_ends_the_subscription(shared: Graph, opened: Opened) -> None:
    publisher = shared.tester.create_publisher(Image, 'closed', qos.IMAGE)
    source = opened('closed')
    read(source, publisher, conversions.array_to_image(makers.noise(1), 0, ''))
    assert publisher.get_subscription_count() == 1
    source.close()
    source.close()
    wait_for(lambda: publisher.get_subscription_count() == 0)


def test_images_that_cannot_be_read_are_an_error(shared: Graph, opened: Opened) -> None:
    publisher = shared.tester.create_publisher(Image, 'odd', qos.IMAGE)
    message = conversions.array_to_image(makers.noise(1), 0, '')
    message.encoding = 'cmyk8'
    said = read(opened('odd'), publisher, message)
    assert isinstance(said, str)
    assert said.startswith('topic /robot/odd: ')
    assert 'cmyk8' in said


def test_a_topic_without_images_is_an_error(shared: Graph, opened: Opened) -> None:
    publisher = shared.tester.create_publisher(CameraInfo, 'numbers', qos.IMAGE)
    assert read(opened('numbers'), publisher, CameraInfo()) == (
        'topic /robot/numbers carries sensor_msgs/msg/CameraInfo: name one with images')


def test_a_topic_that_nobody_publishes_is_an_error(opened: Opened,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_topic, '_DISCOVERY_S', 0.2)
    with pytest.raises(SourceError, match='nobody publishes topic /robot/image_raw: start'):
        opened('image_raw').read()  # the camera does, but not for itself


def test_the_camera_passes_a_topic_on_and_publishes_nothing(graph: Graph) -> None:
    heard = graph.listen(Image, 'image_raw', qos.RECORDED)
    camera = graph.start(Camera, input='topic://image_raw')
    shown: list[Frame] = []
    camera._negotiation.show = shown.append
    publisher = graph.tester.create_publisher(Image, 'image_raw', qos.IMAGE)
    stamps = iter(range(1, 10**9))
    wait_for(lambda: publisher.publish(
        conversions.array_to_image(makers.noise(1), next(stamps), 'front')) or len(shown) >= 5)
    last = next(stamps) - 1
    wait_for(lambda: heard and conversions.nanoseconds(heard[-1].header.stamp) == last)
    assert {message.header.frame_id for message in list(heard)} == {'front'}
    assert len({conversions.nanoseconds(message.header.stamp) for message in heard}) == len(heard)
    graph.diagnosed('camera', 'frames come')
    # It lets go of the topic, and publishes again.
    assert graph.set('camera', input='pattern://apple').successful
    wait_for(lambda: heard[-1].header.frame_id == 'camera')
