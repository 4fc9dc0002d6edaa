"""Recorded images, played again, get the same answers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rclpy.serialization import deserialize_message, serialize_message
from robots import Robot
from ros_graph import DEACTIVATE, NAMESPACE, Graph, wait_for
from rosbags.rosbag2 import Reader, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Classification

from recognizer_ros.nodes import conversions, qos
from recognizer_ros.nodes.camera import Camera

FRAMES = 6
TOPIC, KIND = f'{NAMESPACE}/image_raw', 'sensor_msgs/msg/Image'
Answers = dict[int, list[tuple[str, float]]]


@pytest.mark.parametrize('storage', StoragePlugin, ids=lambda item: item.name)
def test_a_bag_is_answered_as_the_camera_was_and_each_time_the_same(
        graph: Graph, tmp_path: Path, storage: StoragePlugin) -> None:
    robot = Robot(graph, tmp_path, images=False)
    robot.model(1)
    seen, live = watched(robot)
    write(tmp_path / 'bag', storage, seen)
    player = graph.speak(Image, 'image_raw', qos.IMAGE)
    first, second = (played(robot, tmp_path / 'bag', player.publish) for _ in range(2))
    assert list(first) == sorted(stamp(image.header) for image in seen)
    assert first == second
    both = live.keys() & first.keys()
    assert len(both) >= FRAMES
    assert {at: live[at] for at in both} == {at: first[at] for at in both}
    assert len({scores[0][1] for scores in first.values()}) > 1  # the frames were not all alike


def watched(robot: Robot) -> tuple[list[Image], Answers]:
    """What a camera showed for a moment, and what was answered meanwhile."""
    images = robot.graph.listen(Image, 'image_raw', qos.RECORDED)
    robot.graph.start(Camera, input='pattern://', input_width=64, input_height=48,
                      input_rate=10.0)

    def common() -> int:
        return len({stamp(item.header) for item in list(robot.answers)}
                   & {stamp(item.header) for item in list(images)})

    wait_for(lambda: common() >= FRAMES)
    assert robot.graph.change('camera', DEACTIVATE)
    robot.graph.deaf(images)
    return list(images), {stamp(item.header): results(item) for item in robot.answers}


def write(path: Path, storage: StoragePlugin, images: list[Image]) -> None:
    """As ``ros2 bag record`` does."""
    with Writer(path, version=9, storage_plugin=storage) as bag:
        topic = bag.add_connection(TOPIC, KIND, typestore=get_typestore(Stores.ROS2_JAZZY))
        for image in images:
            bag.write(topic, stamp(image.header), serialize_message(image))


def played(robot: Robot, path: Path, publish: Callable[[Image], None]) -> Answers:
    """The answers to a bag; each image waits for the one before, so that none is dropped."""
    answers: Answers = {}
    with Reader(path) as bag:
        for _, _, data in bag.messages():
            image = deserialize_message(data, Image)
            publish(image)
            wait_for(lambda header=image.header: robot.answers[-1].header == header)
            answers[stamp(image.header)] = results(robot.answers[-1])
    return answers


def stamp(header: Header) -> int:
    return conversions.nanoseconds(header.stamp)


def results(answer: Classification) -> list[tuple[str, float]]:
    return [(item.class_id, item.score) for item in answer.results]
