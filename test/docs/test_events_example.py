"""The example of docs/events.md does what the page says."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import makers
import pytest
import rclpy
from rclpy.context import Context
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Bool

from recognizer_ros.core import config as configs
from recognizer_ros.core.config import ClassifierConfig
from recognizer_ros.msg import LabelEvent
from recognizer_ros.nodes.spinning import Spinner

DOCS = Path(__file__).parents[2] / 'docs'
EXAMPLE = DOCS / 'examples/stop_on_label.py'
DOMAIN, NAMESPACE = 86, f'/robot_{os.getpid()}'
DEADLINE_S = 60.0
Say = Callable[[int, str], None]


@pytest.fixture
def example() -> Iterator['subprocess.Popen[str]']:
    """The file, started as the page says."""
    process = subprocess.Popen(
        [sys.executable, str(EXAMPLE), '--ros-args', '-p', 'label:=mug', '-r',
         f'__ns:={NAMESPACE}'], text=True, stderr=subprocess.PIPE,
        env={**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN),
             'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'})
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def robot(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Say, list[bool]]]:
    """Says events; writes down whether it must stop."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    context, heard = Context(), []
    rclpy.init(context=context, domain_id=DOMAIN)
    node = rclpy.create_node('robot', namespace=NAMESPACE, context=context)
    events = node.create_publisher(LabelEvent, 'events', 10)
    node.create_subscription(Bool, 'stop', lambda message: heard.append(message.data), QoSProfile(
        depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    spinner = Spinner(context, node)

    def say(event: int, label: str) -> None:
        makers.wait_for(events.get_subscription_count, DEADLINE_S)
        count = len(heard)
        events.publish(LabelEvent(event=event, label=label))
        makers.wait_for(lambda: len(heard) > count, DEADLINE_S)

    try:
        yield say, heard
    finally:
        spinner.close()
        node.destroy_node()
        context.try_shutdown()


def test_the_robot_stops_while_the_label_is_in_view(
        robot: tuple[Say, list[bool]], example: 'subprocess.Popen[str]') -> None:
    say, heard = robot
    makers.wait_for(lambda: heard or example.poll() is not None, DEADLINE_S)
    assert heard == [False]
    say(LabelEvent.ENTERED, 'plate')
    assert heard[-1] is False
    say(LabelEvent.ENTERED, 'mug')
    assert heard[-1] is True
    say(LabelEvent.LEFT, 'plate')
    assert heard[-1] is True
    say(LabelEvent.LEFT, 'mug')
    assert heard[-1] is False
    example.send_signal(signal.SIGINT)
    _, errors = example.communicate(timeout=DEADLINE_S)
    assert (example.returncode, errors) == (0, '')


def test_the_page_tells_all_parameters_and_their_defaults() -> None:
    page = (DOCS / 'events.md').read_text(encoding='utf-8')
    names = [name for name in configs.settings(ClassifierConfig) if name.startswith('events_')]
    assert names
    for name in names:
        value = configs.default_of(ClassifierConfig, name)
        assert f'| `{name}` | {f"`{value}`" if value != "" else "empty"} |' in page
