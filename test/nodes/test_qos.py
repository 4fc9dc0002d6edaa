"""Reliable and best-effort publishers, who comes late, and the profile that a user sets."""

from pathlib import Path

import makers
import pytest
from builtin_interfaces.msg import Duration
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo
from robots import Robot
from ros_graph import ACTIVATE, DEACTIVATE, NAMESPACE, Graph, wait_for
from sensor_msgs.msg import Image

from recognizer_ros.msg import DatasetStatus, Tags, TrainingStatus
from recognizer_ros.nodes import conversions, qos
from recognizer_ros.nodes.camera import Camera
from recognizer_ros.nodes.classifier import Classifier
from recognizer_ros.nodes.recorder import Recorder
from recognizer_ros.nodes.trainer import Trainer

RELIABILITIES = [ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT]
IMAGE_RAW = f'qos_overrides.{NAMESPACE}/image_raw'
BALL = {'input': 'pattern://ball', 'input_width': 32, 'input_height': 24, 'input_rate': 20.0}

each_kind = pytest.mark.parametrize('reliability', RELIABILITIES, ids=lambda kind: kind.name)


@each_kind
def test_a_camera_of_either_kind_is_classified(graph: Graph, tmp_path: Path,
                                               reliability: ReliabilityPolicy) -> None:
    robot = Robot(graph, tmp_path, images=False)
    robot.model(1)
    images = graph.speak(Image, 'image_raw', QoSProfile(depth=1, reliability=reliability))
    images.publish(conversions.array_to_image(makers.flat(makers.GREEN), 1, 'camera'))
    assert robot.answers.wait().results[0].class_id == 'green'


@each_kind
def test_a_camera_of_either_kind_is_recorded_and_who_comes_late_is_told(
        graph: Graph, tmp_path: Path, reliability: ReliabilityPolicy) -> None:
    graph.start(Recorder, data=str(tmp_path))
    tags = graph.speak(Tags, 'tags', qos.TAGS)
    images = graph.speak(Image, 'image_raw', QoSProfile(depth=1, reliability=reliability))
    told = graph.listen(DatasetStatus, 'dataset', qos.LATCHED)
    now_ns = graph.now_ns()
    tags.publish(Tags(stamp=conversions.to_time(now_ns), sender='test', tags=['mug'],
                      recording=True, lease=Duration(sec=1)))
    images.publish(conversions.array_to_image(makers.noise(1), now_ns + 1000, 'camera'))
    wait_for(lambda: told and told[-1].samples == 1 and not told[-1].recording)
    late = graph.listen(DatasetStatus, 'dataset', qos.LATCHED)
    assert late.wait() == told[-1]


def test_who_comes_late_is_told_what_the_trainer_does(graph: Graph, tmp_path: Path) -> None:
    graph.start(Trainer, data=str(tmp_path), enabled=False, net='mobilenet_v3_small',
                weights='none', net_width=32, net_height=32)
    told = graph.listen(TrainingStatus, 'training', qos.LATCHED)
    wait_for(lambda: told and told[-1].state == TrainingStatus.STATE_OFF)
    late = graph.listen(TrainingStatus, 'training', qos.LATCHED)
    assert late.wait().state == TrainingStatus.STATE_OFF


def test_reliability_and_depth_of_a_publisher_can_be_set(graph: Graph) -> None:
    graph.start(Camera, **BALL, **{f'{IMAGE_RAW}.publisher.reliability': 'reliable',
                                   f'{IMAGE_RAW}.publisher.depth': 7})
    graph.start(Camera, **BALL, namespace='/other')
    find = graph.tester.get_publishers_info_by_topic
    assert in_force(find(f'{NAMESPACE}/image_raw')) == ReliabilityPolicy.RELIABLE
    assert in_force(find(f'{NAMESPACE}/image_raw/compressed')) == ReliabilityPolicy.BEST_EFFORT
    assert in_force(find('/other/image_raw')) == ReliabilityPolicy.BEST_EFFORT


def test_those_of_a_subscription_too_and_they_hold_after_a_pause(graph: Graph,
                                                                 tmp_path: Path) -> None:
    graph.start(Recorder, data=str(tmp_path),
                **{f'{IMAGE_RAW}.subscription.reliability': 'reliable'})
    graph.start(Classifier, **{f'{IMAGE_RAW}.subscription.reliability': 'reliable'})
    for _ in range(2):
        wait_for(lambda: [item.qos_profile.reliability for item in
                          graph.tester.get_subscriptions_info_by_topic(f'{NAMESPACE}/image_raw')
                          ] == [ReliabilityPolicy.RELIABLE] * 2)
        for node in ('recorder', 'classifier'):
            assert graph.change(node, DEACTIVATE)
            assert graph.change(node, ACTIVATE)


@pytest.mark.parametrize(('name', 'value'), [
    ('reliability', 'perhaps'), ('reliability', 1), ('depth', 0), ('depth', 1_000_000)])
def test_a_choice_that_makes_no_sense_is_refused_in_one_line(graph: Graph, tmp_path: Path,
                                                             name: str, value: object) -> None:
    recorder = graph.add(Recorder, data=str(tmp_path),
                         **{f'{IMAGE_RAW}.subscription.{name}': value})
    assert recorder.failure == (
        'qos_overrides of image_raw: reliability must be reliable or best_effort, depth between '
        '1 and 1000')


def in_force(found: list[TopicEndpointInfo]) -> ReliabilityPolicy:
    assert len(found) == 1
    return found[0].qos_profile.reliability
