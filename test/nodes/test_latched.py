from collections.abc import Iterator

import pytest
from rclpy.qos import QoSProfile
from ros_graph import Graph, wait_for
from std_msgs.msg import String

from recognizer_ros.nodes import qos
from recognizer_ros.nodes.latched import Latched

VOLATILE = QoSProfile(depth=10)
"""The middleware itself keeps nothing for such a subscription: as if it had been lost."""


@pytest.fixture
def graph() -> Iterator[Graph]:
    with Graph() as made:
        yield made


def test_whoever_comes_later_hears_the_last_message(graph: Graph) -> None:
    topic = Latched(graph.tester, String, 'state')
    first = graph.listen(String, 'state', qos.LATCHED)
    topic.publish(String(data='old'))
    topic.publish(String(data='new'))
    wait_for(lambda: first and first[-1].data == 'new')
    late = graph.listen(String, 'state', VOLATILE)
    wait_for(lambda: late)
    assert {message.data for message in late} == {'new'}
    even_later = graph.listen(String, 'state', VOLATILE)
    wait_for(lambda: even_later)
    assert {message.data for message in even_later} == {'new'}


def test_nothing_is_said_before_there_is_something_to_say(graph: Graph) -> None:
    topic = Latched(graph.tester, String, 'state')
    heard = graph.listen(String, 'state', VOLATILE)
    wait_for(lambda: graph.tester.count_subscribers('state'))
    topic.publish(String(data='first'))
    wait_for(lambda: heard)
    assert heard[0].data == 'first'
