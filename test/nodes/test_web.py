import socket
import time
from pathlib import Path
from typing import Any

import makers
import pytest
from ros_graph import ACTIVATE, ACTIVE, DEACTIVATE, Graph, Heard, ended, http, wait_for
from sensor_msgs.msg import Image

from recognizer_ros.dataset import reader
from recognizer_ros.msg import DatasetStatus, Tags
from recognizer_ros.nodes import conversions, qos
from recognizer_ros.nodes.classifier import Classifier
from recognizer_ros.nodes.recorder import Recorder
from recognizer_ros.nodes.web import Web

LEASE_S = 0.6
LATE_S = 10.0  # what a busy machine may add


class Robot:
    """Page and recorder, and who watches both."""

    def __init__(self, graph: Graph, data: Path) -> None:
        self.graph, self.data = graph, data
        graph.start(Recorder, data=str(data), settle=0.0)
        self.web = graph.start(Web, port=0)
        self.said: Heard = graph.listen(DatasetStatus, 'dataset', qos.LATCHED)
        self.tags: Heard = graph.listen(Tags, 'tags', qos.TAGS)
        wait_for(lambda: self.state()['dataset']['online'])

    def url(self, path: str) -> str:
        return str(self.web.url).rstrip('/') + path

    def put(self, path: str, value: object) -> tuple[int, Any]:
        return http(self.url(path), 'PUT', value)

    def state(self) -> Any:
        status, state = http(self.url('/api/v1/state'))
        assert status == 200
        return state

    def recording(self) -> bool:
        return bool(self.said and self.said[-1].recording)


@pytest.fixture
def robot(graph: Graph, tmp_path: Path) -> Robot:
    return Robot(graph, tmp_path / 'data')


def test_record_on_the_page_stores_what_the_camera_sees(robot: Robot) -> None:
    images = robot.graph.speak(Image, 'image_raw', qos.RECORDED)
    assert robot.put('/dataset/active_tags', 'Apple; fruit')[0] < 300
    assert robot.put('/dataset/recording', True)[0] < 300
    wait_for(robot.recording)
    assert (list(robot.said[-1].active_tags), robot.said[-1].sender) == (['apple', 'fruit'], 'web')
    images.publish(conversions.array_to_image(makers.noise(1), robot.graph.now_ns(), 'camera'))
    wait_for(lambda: robot.state()['dataset']['samples'] == 1)
    assert robot.put('/dataset/recording', False)[0] < 300
    wait_for(lambda: not robot.recording())
    assert [item.tags for item in reader.snapshot(robot.data).samples] == [('apple', 'fruit')]
    assert http(robot.url('/dataset/classes')) == (200, ['apple', 'fruit'])


def test_record_ends_when_nobody_renews_it(robot: Robot) -> None:
    robot.put('/dataset/active_tags', 'apple')
    began = time.monotonic()
    assert robot.put(f'/dataset/recording?lease={LEASE_S}', True)[0] < 300
    wait_for(robot.recording)
    wait_for(lambda: not robot.recording())
    assert LEASE_S <= time.monotonic() - began < LEASE_S + LATE_S
    assert robot.state()['tags'] == {'active': ['apple'], 'recording': False}


def test_renewed_record_goes_on_without_a_gap(robot: Robot) -> None:
    robot.put('/dataset/active_tags', 'apple')
    for count in range(10):  # each word of the page to the recorder holds 0.2 s
        robot.put('/dataset/recording?lease=1.5', True)
        robot.tags.wait(count + 1)
    assert robot.recording()
    robot.put('/dataset/recording', False)
    wait_for(lambda: not robot.recording())
    assert all(tags.recording for tags in robot.tags[:10])
    states = [status.recording for status in robot.said]
    assert sum(now and not before
               for before, now in zip([False, *states], states, strict=False)) == 1


def test_who_looks_changes_nothing(robot: Robot) -> None:
    assert robot.put('/dataset/active_tags', 'apple')[0] < 300
    for _ in range(5):
        assert robot.state()['tags'] == {'active': ['apple'], 'recording': False}
        assert http(robot.url('/dataset/recording')) == (200, False)
    assert list(robot.tags) == []
    assert not robot.recording()
    began = time.monotonic()
    robot.put(f'/dataset/recording?lease={LEASE_S}', True)
    wait_for(robot.recording)
    while robot.state()['tags']['recording']:  # a look is not a sign of life of who holds Record
        assert time.monotonic() - began < LEASE_S + LATE_S
    wait_for(lambda: not robot.recording())


def test_record_needs_tags(robot: Robot) -> None:
    status, problem = robot.put('/dataset/recording', True)
    assert status == 422
    assert 'tags' in problem['detail']
    assert list(robot.tags) == []


def test_tags_can_change_while_record_is_held(robot: Robot) -> None:
    robot.put('/dataset/active_tags', 'apple')
    robot.put('/dataset/recording?lease=20', True)
    wait_for(robot.recording)
    robot.put('/dataset/active_tags', 'banana')
    wait_for(lambda: list(robot.said[-1].active_tags) == ['banana'])
    assert robot.recording()
    assert robot.put('/dataset/active_tags', '')[0] == 422
    assert robot.state()['tags'] == {'active': ['banana'], 'recording': True}


@pytest.mark.parametrize(('path', 'value', 'name'), [
    ('/training/enabled', True, 'trainer'), ('/classification/enabled', False, 'classifier')])
def test_a_node_that_is_not_there_is_named(robot: Robot, path: str, value: object,
                                           name: str) -> None:
    status, problem = robot.put(path, value)
    assert status == 503
    assert f'the {name} does not answer' in problem['detail']


def test_record_needs_a_recorder(graph: Graph) -> None:
    web = graph.start(Web, port=0)
    url = web.url.rstrip('/')
    http(f'{url}/dataset/active_tags', 'PUT', 'apple')
    status, problem = http(f'{url}/dataset/recording', 'PUT', True)
    assert status == 503
    assert 'recorder' in problem['detail']


def test_samples_need_a_recorder(graph: Graph) -> None:
    web = graph.start(Web, port=0)
    status, problem = http(f'{web.url.rstrip("/")}/api/v1/samples')
    assert status == 503
    assert 'the recorder does not answer' in problem['detail']


def test_the_threshold_on_the_page_is_that_of_the_classifier(robot: Robot) -> None:
    node = robot.graph.start(Classifier)
    assert robot.put('/classification/confidence_threshold', 0.25)[0] < 300
    assert node.config.threshold == 0.25
    wait_for(lambda: robot.state()['classification']['threshold'] == 0.25)
    status, problem = robot.put('/classification/confidence_threshold', 2.0)
    assert status == 422
    assert 'threshold' in problem['detail']
    assert node.config.threshold == 0.25
    robot.graph.set('classifier', threshold=0.5)  # by somebody else
    wait_for(lambda: robot.state()['classification']['threshold'] == 0.5)


def test_a_paused_page_lets_go_of_record_and_comes_back(robot: Robot) -> None:
    robot.put('/dataset/active_tags', 'apple')
    robot.put('/dataset/recording?lease=60', True)
    wait_for(robot.recording)
    assert robot.graph.change('web', DEACTIVATE)
    wait_for(lambda: not robot.recording())
    assert robot.web.url == ''
    assert robot.graph.change('web', ACTIVATE)
    assert robot.state()['tags'] == {'active': ['apple'], 'recording': False}


def test_a_page_whose_port_is_taken_ends_with_one_line(graph: Graph) -> None:
    with socket.socket() as other:
        other.bind(('127.0.0.1', 0))
        other.listen()
        port = other.getsockname()[1]
        status, output = ended(graph.process('web', port=port))
    assert status == 1
    assert f'port {port} is in use' in output
    assert len(output.splitlines()) == 1


def test_the_page_of_a_running_node_ends_with_it(graph: Graph) -> None:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    process = graph.process('web', port=port)
    wait_for(lambda: graph.state('web') == ACTIVE)
    status, page = http(f'http://127.0.0.1:{port}/api/v1/state')
    assert (status, page['dataset']['online']) == (200, False)
    process.terminate()
    assert ended(process)[0] == 0
