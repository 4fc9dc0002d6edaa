"""What the classifier tells beside its results: events, pictures, explanations, figures."""

from pathlib import Path
from typing import Any

import cv2
import makers
import numpy as np
import pytest
from robots import NAMES, Robot
from ros_graph import Graph, wait_for
from sensor_msgs.msg import CompressedImage, Image

from recognizer_ros.msg import LabelEvent
from recognizer_ros.nodes import conversions, lifecycle, qos
from recognizer_ros.srv import Explain


@pytest.fixture
def robot(graph: Graph, tmp_path: Path) -> Robot:
    robot = Robot(graph, tmp_path, events_min_frames=2)
    robot.model(1)
    return robot


def pixels(message: Image) -> makers.Pixels:
    return conversions.image_to_array(message)[0]


def figures(robot: Robot, text: str = 'classifying') -> dict[str, str]:
    """What diagnostics tell."""
    return {item.key: item.value for item in robot.graph.diagnosed('classifier', text).values}


def test_a_label_that_stays_is_told_once_and_once_when_it_is_gone(robot: Robot) -> None:
    events = robot.graph.listen(LabelEvent, 'events', qos.RESULT)
    wait_for(lambda: robot.node.count_subscribers('events') == 1)
    colours = [makers.RED] * 4 + [makers.BLACK] * 3 + [makers.GREEN]
    for second, colour in enumerate(colours, 1):
        robot.answer(colour, second * 10**9)
    came, left = events.wait(2), events[-1]
    came = events[0]
    assert [(item.event, item.label) for item in events] == [
        (LabelEvent.ENTERED, 'red'), (LabelEvent.LEFT, 'red')]
    assert (came.header.stamp.sec, came.header.frame_id, came.model_version) == (2, 'camera', 1)
    assert came.score > 0.9
    assert (left.header.stamp.sec, left.duration.sec, left.duration.nanosec) == (6, 3, 0)


def test_the_labels_of_events_can_be_chosen_while_it_runs(robot: Robot) -> None:
    events = robot.graph.listen(LabelEvent, 'events', qos.RESULT)
    wait_for(lambda: robot.node.count_subscribers('events') == 1)
    robot.graph.set('classifier', events_labels='Blue; green', events_min_frames=1)
    robot.answer(makers.RED)
    robot.answer(makers.BLUE)
    assert events.wait().label == 'blue'


def test_the_overlay_is_drawn_only_while_somebody_looks(robot: Robot) -> None:
    robot.answer(makers.RED)
    overlay = robot.graph.listen(Image, 'image_overlay', qos.IMAGE)
    wait_for(lambda: robot.node._answers._overlay.get_subscription_count() == 1)
    robot.answer(makers.BLUE, 5 * 10**9)
    drawn = overlay.wait()
    assert (drawn.header.stamp.sec, drawn.header.frame_id, drawn.encoding) == (5, 'camera', 'bgr8')
    assert (drawn.width, drawn.height) == (32, 24)
    assert (pixels(drawn) != makers.flat(makers.BLUE)).any()
    robot.graph.deaf(overlay)
    wait_for(lambda: robot.node._answers._overlay.get_subscription_count() == 0)
    robot.answer(makers.RED)
    assert len(overlay) == 1


def explain(robot: Robot, label: str = '') -> Any:
    return robot.graph.call(Explain, 'explain', Explain.Request(label=label))


def test_an_answer_is_explained_by_a_map_over_its_frame(robot: Robot) -> None:
    assert 'no frame was answered' in explain(robot).message
    shown = robot.graph.listen(Image, 'explanation', qos.RESULT)
    half = makers.flat(makers.RED)
    half[:, 16:] = makers.BLUE
    robot.show_pixels(half, 3 * 10**9)
    robot.answers.wait()
    answer = explain(robot, 'blue')
    assert (answer.success, answer.message, answer.label) == (True, '', 'blue')
    assert (answer.model_version, answer.image.header.stamp.sec) == (1, 3)
    heat = np.frombuffer(answer.heat.data, np.float32).reshape(answer.heat.height,
                                                               answer.heat.width)
    assert answer.heat.encoding == '32FC1'
    assert heat[:, :2].max() < heat[:, -2:].min(), 'blue is on the right'
    assert (pixels(answer.image)[:, :8] == half[:, :8]).all(), 'nothing spoke for it here'
    assert (pixels(answer.image)[:, -8:] != half[:, -8:]).any()
    assert shown.wait() == answer.image
    assert explain(robot).label in NAMES


def test_what_cannot_be_explained_is_refused(robot: Robot) -> None:
    robot.answer(makers.RED)
    answer = explain(robot, 'mug')
    assert not answer.success
    assert "does not know 'mug'" in answer.message
    assert 'red, green, blue' in answer.message
    assert len(answer.image.data) == 0


def test_compressed_images_are_classified(graph: Graph, tmp_path: Path) -> None:
    robot = Robot(graph, tmp_path, transport='compressed', images=False)
    robot.model(1)
    sent = graph.speak(CompressedImage, 'image_raw/compressed', qos.IMAGE)
    sent.publish(conversions.jpeg_to_message(makers.jpeg(makers.flat(makers.GREEN)), 10**9, 'c'))
    assert robot.answers.wait().results[0].class_id == 'green'
    sent.publish(CompressedImage(format='h264'))
    assert graph.diagnosed('classifier', 'neither JPEG nor PNG').level == lifecycle.ERROR
    ok, png = cv2.imencode('.png', makers.flat(makers.BLUE))
    assert ok
    sent.publish(conversions.jpeg_to_message(png.tobytes(), 2 * 10**9, 'c'))
    assert robot.answers.wait(2).results[0].class_id == 'blue'


def test_diagnostics_tell_rate_latencies_and_every_frame(robot: Robot) -> None:
    for colour in makers.COLOURS.values():
        robot.answer(colour)
    told = figures(robot)
    assert (told['answered'], told['version'], told['unreadable']) == ('3', '1', '0')
    assert told['backend'] == 'onnxruntime:cpu'
    for stage in ('transport', 'convert', 'preprocess', 'infer', 'publish', 'total'):
        assert 0 <= float(told[f'{stage} ms p50']) <= float(told[f'{stage} ms p99'])
    assert float(told['total ms p50']) > 0
    assert told['last refusal'] == ''


def test_frames_that_never_came_are_counted(robot: Robot) -> None:
    """As long as one publisher numbers them."""
    add, header = robot.node._arrivals.add, Image().header
    robot.answer(makers.RED)
    start = robot.node._arrivals._last
    for number in (1, 2, 5):
        add(header, {'publication_sequence_number': start + number})
    assert robot.node._arrivals.missed == 2
    add(header, {'publication_sequence_number': 1})  # the camera was started again
    add(header, {})  # a middleware that does not number
    assert robot.node._arrivals.missed == 2
