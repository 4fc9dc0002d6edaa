"""What the package logs is heard on the graph under the node's name, with its severity."""

import logging
from collections.abc import Iterator

import pytest
from rcl_interfaces.msg import Log
from rclpy.qos import QoSProfile
from ros_graph import Graph, wait_for

from recognizer_ros.nodes import logs


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[Graph]:
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    with Graph() as made:
        yield made


@pytest.mark.parametrize(('level', 'expected'), [
    (logging.INFO, Log.INFO), (logging.WARNING, Log.WARN), (logging.ERROR, Log.ERROR)])
def test_a_line_reaches_rosout(graph: Graph, level: int, expected: int) -> None:
    heard = graph.listen(Log, '/rosout', QoSProfile(depth=100))
    wait_for(lambda: graph.tester.count_publishers('/rosout'))
    text = f'line {level}'

    def lines() -> list[Log]:
        logging.getLogger('recognizer_ros.any').log(level, text)
        return [line for line in list(heard) if line.msg == text]

    before = logging.getLogger().handlers[:]
    with logs.of_node(graph.tester):
        wait_for(lines)
    assert {(line.name, line.level) for line in lines()} == {('robot.tester', expected)}
    assert logging.getLogger().handlers == before
