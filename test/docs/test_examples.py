"""The example nodes of the pages, as processes, do what the pages say."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import makers
import pytest
import rclpy
from geometry_msgs.msg import Twist, Vector3
from rclpy.context import Context
from rclpy.node import Node
from sensor_msgs.msg import Joy

from recognizer_ros.core.lease import TagsMessage, TagTimeline
from recognizer_ros.msg import LabelEvent, Tags
from recognizer_ros.nodes import conversions
from recognizer_ros.nodes.spinning import Spinner

DOCS = Path(__file__).parents[2] / 'docs'
DOMAIN, NAMESPACE = 85, f'/robot_{os.getpid()}'
DEADLINE_S = 60.0
Start = Callable[..., 'subprocess.Popen[str]']


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts an example as its page says."""
    running: list[subprocess.Popen[str]] = []

    def run(name: str, *parameters: str) -> 'subprocess.Popen[str]':
        given = [text for item in parameters for text in ('-p', item)]
        running.append(subprocess.Popen(
            [sys.executable, str(DOCS / 'examples' / name), '--ros-args', *given, '-r',
             f'__ns:={NAMESPACE}'], text=True, stderr=subprocess.PIPE,
            env={**os.environ, 'ROS_DOMAIN_ID': str(DOMAIN),
                 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}))
        return running[-1]

    yield run
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def robot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """Somebody who talks with the examples."""
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    context = Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    node = rclpy.create_node('robot', namespace=NAMESPACE, context=context)
    spinner = Spinner(context, node)
    try:
        yield node
    finally:
        spinner.close()
        node.destroy_node()
        context.try_shutdown()


def hear(robot: Node, kind: type, topic: str) -> list[Any]:
    heard: list[Any] = []
    subscription = robot.create_subscription(kind, topic, heard.append, 10)
    makers.wait_for(lambda: robot.count_publishers(topic), DEADLINE_S)
    assert subscription
    return heard


def speak(robot: Node, kind: type, topic: str) -> Any:
    publisher = robot.create_publisher(kind, topic, 10)
    makers.wait_for(publisher.get_subscription_count, DEADLINE_S)
    return publisher


def ask(publisher: Any, message: Any, heard: list[Any]) -> Any:
    """What was said after a message."""
    count = len(heard)
    publisher.publish(message)
    makers.wait_for(lambda: len(heard) > count, DEADLINE_S)
    return heard[-1]


def as_value(message: Tags) -> TagsMessage:
    lease = message.lease
    return TagsMessage(conversions.nanoseconds(message.stamp), message.sender,
                       tuple(message.tags), message.recording,
                       lease.sec * 10**9 + lease.nanosec)


def end(process: 'subprocess.Popen[str]') -> None:
    """Ctrl-C, once it rests: rclpy may fail when the signal comes between two of its waits."""
    spent = [-1, -2, -3]

    def rests() -> bool:
        times = Path(f'/proc/{process.pid}/stat').read_text().rpartition(')')[2].split()[11:13]
        spent[:] = [*spent[1:], sum(map(int, times))]
        return len(set(spent)) == 1

    makers.wait_for(rests, DEADLINE_S)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, errors
    assert 'Traceback' not in errors


def test_a_joystick_records_while_its_button_is_held(robot: Node, start: Start) -> None:
    process = start('joystick.py', 'tags:=[mug, plate]')
    heard = hear(robot, Tags, 'tags')
    joy = speak(robot, Joy, 'joy')
    held, let_go, following = ([1, 0], [0, 0], [0, 1])

    first = ask(joy, Joy(buttons=held), heard)
    assert (first.recording, list(first.tags), first.sender) == (True, ['mug'], 'joystick')
    again = ask(joy, Joy(buttons=held), heard)
    renewed_ns = conversions.nanoseconds(again.stamp) - conversions.nanoseconds(first.stamp)
    assert renewed_ns > 0
    assert (again.lease.sec, again.lease.nanosec) == (0, 500_000_000)
    assert not ask(joy, Joy(buttons=let_go), heard).recording

    for buttons in (following, following, let_go):  # one press, however often it is told
        joy.publish(Joy(buttons=buttons))
    assert list(ask(joy, Joy(buttons=held), heard).tags) == ['plate']
    assert list(ask(joy, Joy(buttons=[1, 1]), heard).tags) == ['plate']  # not while recording
    assert list(ask(joy, Joy(buttons=let_go), heard).tags) == ['plate']
    timeline = TagTimeline()
    assert all(timeline.apply(as_value(message)) for message in heard)  # by the recorder's rules
    end(process)


def test_a_robot_stops_while_the_label_is_in_view(robot: Node, start: Start) -> None:
    process = start('stop_on_event.py', 'label:=mug')
    heard = hear(robot, Twist, 'cmd_vel')
    wanted, events = speak(robot, Twist, 'cmd_vel_wanted'), speak(robot, LabelEvent, 'events')
    forward, still = Twist(linear=Vector3(x=0.5)), Twist()

    assert ask(wanted, forward, heard) == forward
    assert ask(events, LabelEvent(event=LabelEvent.ENTERED, label='mug'), heard) == still
    assert ask(wanted, forward, heard) == still
    events.publish(LabelEvent(event=LabelEvent.LEFT, label='plate'))
    assert ask(wanted, forward, heard) == still
    events.publish(LabelEvent(event=LabelEvent.LEFT, label='mug'))
    makers.wait_for(lambda: ask(wanted, forward, heard) == forward, DEADLINE_S)
    end(process)
