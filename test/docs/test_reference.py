"""The reference says what the code and the running nodes do."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import rclpy
from rclpy.action import get_action_server_names_and_types_by_node
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from docs import generate
from docs.interfaces import ENDPOINTS, Endpoint, Qos, Role
from recognizer_ros.nodes.camera import Camera
from recognizer_ros.nodes.classifier import Classifier
from recognizer_ros.nodes.lifecycle import RecognizerNode
from recognizer_ros.nodes.recorder import Recorder
from recognizer_ros.nodes.spinning import Spinner
from recognizer_ros.nodes.trainer import Trainer
from recognizer_ros.nodes.web import Web

DOMAIN, NAMESPACE = 87, '/robot'
# What every node of ROS 2 has by itself.
COMMON = ('lifecycle_msgs', 'rcl_interfaces', 'type_description_interfaces', 'rosgraph_msgs')
FIRST_FRAME_S = 30.0
# A library of ROS imports a module that Python gives up.
pytestmark = pytest.mark.filterwarnings('ignore:module .sre_:DeprecationWarning')


def test_reference_is_what_the_generator_writes() -> None:
    written = generate.REFERENCE.read_text(encoding='utf-8')
    assert written == generate.reference(), 'run: python3 docs/generate.py'


def test_table_of_the_readme_is_what_the_generator_writes() -> None:
    written = generate.README.read_text(encoding='utf-8')
    assert written == generate.readme(written), 'run: python3 docs/generate.py'


def test_reference_links_to_files_that_are_there() -> None:
    links = [part.split(')')[0] for part in generate.reference().split('](../')[1:]]
    assert links
    assert [link for link in links if not Path(generate.ROOT, link).is_file()] == []


@pytest.fixture(scope='module')
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RecognizerNode[Any]]]:
    """All five, active, with somebody who looks at the video."""
    data = str(tmp_path_factory.mktemp('data'))
    small = {'data': data, 'net': 'mobilenet_v3_small', 'weights': 'none', 'net_width': 32,
             'net_height': 32, 'enabled': False}
    context = Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    made = {
        'camera': _node(Camera, context, input='pattern://apple', input_width=64, input_height=48),
        'recorder': _node(Recorder, context, data=data),
        'trainer': _node(Trainer, context, **small),
        'classifier': _node(Classifier, context),
        'web': _node(Web, context, port=0),
    }
    for node in made.values():
        assert node.autostart(), node.failure
    spinner = Spinner(context, *made.values())
    try:
        with closing(made['web'].bridge.frames()) as frames:  # type: ignore[attr-defined]
            _wait_for_frame(frames)
            yield made
    finally:
        spinner.close()
        for node in made.values():
            node.close()
            node.destroy_node()
        context.try_shutdown()


@pytest.mark.parametrize('name', generate.ORDER)
def test_topics_of_the_running_node_are_those_of_the_table(
        nodes: dict[str, RecognizerNode[Any]], name: str) -> None:
    expected = {(item.role, _absolute(item), item.type, item.qos) for item in ENDPOINTS
                if item.node == name and item.qos}
    node = nodes[name]
    found = {(Role.PUBLISHES, item.topic_name, _type(item.msg_type), _qos(item.qos_profile))
             for item in node.publishers if _own(item.msg_type)}
    found |= {(Role.SUBSCRIBES, item.topic_name, _type(item.msg_type), _qos(item.qos_profile))
              for item in node.subscriptions if _own(item.msg_type)}
    assert found == expected


@pytest.mark.parametrize('name', generate.ORDER)
def test_services_of_the_running_node_are_those_of_the_table(
        nodes: dict[str, RecognizerNode[Any]], name: str) -> None:
    expected = {(item.role, _absolute(item), item.type) for item in ENDPOINTS
                if item.node == name and not item.qos}
    node = nodes[name]
    found = {(Role.SERVES, node.resolve_service_name(item.srv_name), _type(item.srv_type))
             for item in node.services if _own(item.srv_type)}
    found |= {(Role.CALLS, node.resolve_service_name(item.srv_name), _type(item.srv_type))
              for item in node.clients}
    found |= {(Role.ACTS, action, kind) for action, kinds in
              get_action_server_names_and_types_by_node(node, name, NAMESPACE) for kind in kinds}
    assert found == expected


@pytest.mark.parametrize('name', generate.ORDER)
def test_parameters_of_the_running_node_are_those_of_the_reference(
        nodes: dict[str, RecognizerNode[Any]], name: str) -> None:
    section = generate.reference().split(f'## Node `{name}`')[1].split('\n## ')[0]
    own = [item for item in nodes[name].get_parameters_by_prefix('')
           if item not in ('use_sim_time', 'start_type_description_service')
           and not item.startswith('qos_overrides')]
    assert own
    assert [item for item in own if f'| `{item}` |' not in section] == []


def _node(make: Any, context: Context, **values: Any) -> RecognizerNode[Any]:
    node: RecognizerNode[Any] = make(
        context=context, namespace=NAMESPACE,
        parameter_overrides=[Parameter(name, value=value) for name, value in values.items()])
    return node


def _wait_for_frame(frames: Iterator[bytes]) -> None:
    end = time.monotonic() + FIRST_FRAME_S
    while not next(frames):
        assert time.monotonic() < end, 'no frame came to the page'


def _absolute(item: Endpoint) -> str:
    return item.name if item.name.startswith('/') else f'{NAMESPACE}/{item.name}'


def _own(kind: type) -> bool:
    return not kind.__module__.startswith(COMMON)


def _type(kind: type) -> str:
    package, folder = kind.__module__.split('.')[:2]
    return f'{package}/{folder}/{kind.__name__}'


def _qos(profile: QoSProfile) -> Qos:
    return Qos(profile.reliability == ReliabilityPolicy.RELIABLE,
               profile.durability == DurabilityPolicy.TRANSIENT_LOCAL, profile.depth)
