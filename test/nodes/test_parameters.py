"""Every parameter of every node, as ``ros2 param`` reads and sets it."""

from typing import Any

import pytest
import rclpy
from rcl_interfaces.srv import DescribeParameters
from rclpy.parameter import Parameter
from ros_graph import Graph, ended

from recognizer_ros.core import config as configs
from recognizer_ros.core.config import NODES, ClassifierConfig, Setting
from recognizer_ros.core.errors import ConfigError
from recognizer_ros.nodes import parameters
from recognizer_ros.nodes.camera import Camera
from recognizer_ros.nodes.classifier import Classifier
from recognizer_ros.nodes.lifecycle import RecognizerNode
from recognizer_ros.nodes.recorder import Recorder
from recognizer_ros.nodes.trainer import Trainer
from recognizer_ros.nodes.web import Web

ALL = [(node, name) for node, config in NODES.items() for name in configs.settings(config)]
LIVE = [(node, name) for node, name in ALL if configs.settings(NODES[node])[name].live]
FIXED = [item for item in ALL if item not in LIVE]
BOUND = [(node, name) for node, name in ALL
         if configs.settings(NODES[node])[name].choices
         or configs.settings(NODES[node])[name].minimum is not None]
OTHER_TEXT = {'input': 'pattern://apple', 'events_labels': 'mug, plate'}
Nodes = dict[str, RecognizerNode[Any]]


@pytest.fixture(scope='module')
def nodes(shared: Graph, tmp_path_factory: pytest.TempPathFactory) -> Nodes:
    """All five, active; only the trainer is not, or it would begin to learn when switched on."""
    data = str(tmp_path_factory.mktemp('data'))
    return {
        'camera': shared.start(Camera, input='pattern://ball', input_width=32, input_height=24,
                               input_rate=5.0),
        'recorder': shared.start(Recorder, data=data),
        'trainer': shared.start(Trainer, data=data, autostart=False),
        'classifier': shared.start(Classifier, top_k=3),
        'web': shared.start(Web, port=0),
    }


def about(node: str, name: str) -> Setting:
    return configs.settings(NODES[node])[name]


def wrong(setting: Setting, default: object) -> list[object]:
    """Values right beside those that are allowed."""
    if setting.choices:
        return ['nonsense']
    if setting.minimum is None or setting.maximum is None:
        return []
    step = 1 if isinstance(default, int) else 0.5
    return [type(default)(setting.minimum - step), type(default)(setting.maximum + step)]


def other(setting: Setting, name: str, now: Any) -> Any:
    """An allowed value that is not in force."""
    if isinstance(now, bool):
        return not now
    if isinstance(now, str):
        return OTHER_TEXT[name]
    assert setting.minimum is not None
    assert setting.maximum is not None
    middle = type(now)((setting.minimum + setting.maximum) / 2)
    return middle if middle != now else type(now)(setting.minimum)


@pytest.mark.parametrize('node', NODES)
def test_all_are_described_with_meaning_and_range(shared: Graph, nodes: Nodes, node: str) -> None:
    names = list(configs.settings(NODES[node]))
    answer = shared.call(DescribeParameters, f'{node}/describe_parameters',
                         DescribeParameters.Request(names=names))
    for name, made in zip(names, answer.descriptors, strict=True):
        setting = about(node, name)
        assert (made.name, made.description, made.read_only) == (
            name, setting.doc, not setting.live)
        ranges = [*made.integer_range, *made.floating_point_range]
        assert [(item.from_value, item.to_value) for item in ranges] == (
            [] if setting.minimum is None else [(setting.minimum, setting.maximum)]), name
        assert made.additional_constraints == (
            configs.allowed(setting) if setting.choices else ''), name


@pytest.mark.parametrize(('node', 'name'), LIVE)
def test_a_live_one_changes_and_what_is_not_allowed_is_refused_with_the_range(
        shared: Graph, nodes: Nodes, node: str, name: str) -> None:
    setting, before = about(node, name), getattr(nodes[node].config, name)
    try:
        wanted = other(setting, name, before)
        assert shared.set(node, **{name: wanted}).successful
        assert getattr(nodes[node].config, name) == wanted
        assert nodes[node].get_parameter(name).value == wanted
        for value in wrong(setting, before):
            answer = shared.set(node, **{name: value})
            assert not answer.successful
            assert name in answer.reason
            assert str(setting.minimum) in answer.reason
            assert str(setting.maximum) in answer.reason
        assert not shared.set(node, **{name: [1]}).successful
        assert getattr(nodes[node].config, name) == wanted
    finally:
        shared.set(node, **{name: before})
    assert getattr(nodes[node].config, name) == before


@pytest.mark.parametrize(('node', 'name'), FIXED)
def test_one_that_is_not_live_is_refused_as_read_only(shared: Graph, nodes: Nodes, node: str,
                                                      name: str) -> None:
    before = nodes[node].config
    answer = shared.set(node, **{name: getattr(before, name)})
    assert not answer.successful
    assert 'read-only' in answer.reason
    assert name in answer.reason
    assert nodes[node].config == before


@pytest.mark.parametrize(('node', 'name'), BOUND)
def test_a_start_with_a_value_that_is_not_allowed_is_refused_with_the_range(
        shared: Graph, node: str, name: str) -> None:
    setting, default = about(node, name), configs.default_of(NODES[node], name)
    values = wrong(setting, default)
    assert values
    for value in values:
        probe = rclpy.create_node('probe', context=shared.context, start_parameter_services=False,
                                  parameter_overrides=[Parameter(name, value=value)])
        try:
            with pytest.raises(ConfigError) as caught:
                parameters.declare(probe, NODES[node])
        finally:
            probe.destroy_node()
        assert str(caught.value).startswith(f'{name} must be {configs.allowed(setting)}')
        assert '\n' not in str(caught.value)


def test_given_values_and_defaults_are_in_force(nodes: Nodes) -> None:
    assert nodes['classifier'].config == ClassifierConfig(top_k=3)


def test_two_at_once_change_both_or_none(shared: Graph, nodes: Nodes) -> None:
    classifier = nodes['classifier']
    assert shared.set_together('classifier', threshold=0.25, smoothing=0.5).successful
    assert (classifier.config.threshold, classifier.config.smoothing) == (0.25, 0.5)
    assert not shared.set_together('classifier', threshold=0.75, smoothing=-1.0).successful
    assert (classifier.config.threshold, classifier.config.smoothing) == (0.25, 0.5)
    assert classifier.get_parameter('threshold').value == 0.25


def test_a_change_that_the_node_refuses_changes_nothing(shared: Graph, nodes: Nodes) -> None:
    camera = nodes['camera']
    assert not shared.set_together('camera', jpeg_quality=50, input='ball').successful
    assert camera.config.jpeg_quality == 90
    assert camera.get_parameter('jpeg_quality').value == 90


def test_a_node_given_a_wrong_value_ends_with_one_line(shared: Graph) -> None:
    status, output = ended(shared.process('camera', input_rate=0.0))
    assert status == 1
    assert output.startswith('error: input_rate must be between 0.1 and 240.0')
    assert len(output.splitlines()) == 1


def test_a_node_that_is_not_known_is_refused_with_the_names(shared: Graph) -> None:
    status, output = ended(shared.process('dreamer'))
    assert status == 2
    assert 'camera, classifier, recorder, trainer, web' in output
