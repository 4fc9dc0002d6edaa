from pathlib import Path

import makers
import pytest
from robots import NAMES, OTHER_NAMES, Robot
from ros_graph import ACTIVATE, DEACTIVATE, Graph, wait_for
from std_srvs.srv import SetBool
from vision_msgs.msg import LabelInfo, VisionInfo

from recognizer_ros.nodes import conversions, lifecycle, qos


@pytest.fixture
def robot(graph: Graph, tmp_path: Path) -> Robot:
    return Robot(graph, tmp_path)


def test_each_image_is_answered_with_its_own_header(robot: Robot) -> None:
    robot.model(1)
    for number, (name, colour) in enumerate(makers.COLOURS.items(), 1):
        answer = robot.answer(colour, number * 10**9 + number)
        assert (answer.header.stamp.sec, answer.header.stamp.nanosec) == (number, number)
        assert answer.header.frame_id == 'camera'
        assert answer.results[0].class_id == name
        scores = [item.score for item in answer.results]
        assert scores == sorted(scores, reverse=True)
        assert 0.9 < scores[0] <= 1
    assert len(robot.answers) == 3


def test_images_without_a_model_are_not_answered_and_that_is_told(robot: Robot) -> None:
    robot.show(makers.RED)
    told = robot.graph.diagnosed('classifier', 'no model yet')
    assert told.level == lifecycle.WARN
    robot.model(1)
    robot.answer(makers.GREEN)
    assert [item.results[0].class_id for item in robot.answers] == ['green']
    assert robot.graph.diagnosed('classifier', 'classifying').level == lifecycle.OK


def test_who_comes_late_is_told_labels_and_version(robot: Robot) -> None:
    robot.model(4)
    robot.answer(makers.RED)
    late = robot.graph.listen(LabelInfo, 'label_info', qos.LATCHED)
    late_version = robot.graph.listen(VisionInfo, 'vision_info', qos.LATCHED)
    assert [(item.class_id, item.class_name) for item in late.wait().class_map] == [
        (0, 'red'), (1, 'green'), (2, 'blue')]
    info = late_version.wait()
    assert (info.database_version, info.database_location) == (4, 'label_info')
    assert info.method.startswith('resnet18 (onnxruntime')


@pytest.mark.parametrize('gain', [1.0, 2.0], ids=['another head', 'another backbone'])
def test_models_change_while_frames_flow(robot: Robot, gain: float) -> None:
    robot.model(1)
    robot.answer(makers.RED)
    robot.announce(makers.model(robot.folder, OTHER_NAMES, 2, gain=gain))
    wait_for(lambda: robot.answer(makers.RED) and robot.version == 2)
    last = robot.answer(makers.BLUE)
    assert last.results[0].class_id == 'blau'
    wait_for(lambda: len(robot.labels) == 2)
    announced = [{item.class_name for item in info.class_map} for info in robot.labels]
    assert announced == [set(NAMES), set(OTHER_NAMES)]
    wait_for(lambda: [info.database_version for info in robot.vision] == [1, 2])
    of_version = []
    for answer in robot.answers:
        names = {item.class_id for item in answer.results}
        assert names
        holding = [number for number, labels in enumerate(announced) if names <= labels]
        assert len(holding) == 1, f'labels of no version, or of two: {names}'
        of_version += holding
    assert of_version == sorted(of_version)
    assert set(of_version) == {0, 1}


def test_it_can_be_switched_off_and_on(robot: Robot) -> None:
    robot.model(1)
    robot.answer(makers.RED)
    assert robot.graph.call(SetBool, 'classifier/set_enabled', SetBool.Request(data=False)).success
    assert robot.node.get_parameter('enabled').value is False
    count = len(robot.answers)
    robot.show(makers.GREEN)
    assert robot.graph.diagnosed('classifier', 'switched off').level == lifecycle.OK
    assert len(robot.answers) == count
    assert robot.graph.call(SetBool, 'classifier/set_enabled', SetBool.Request(data=True)).success
    assert robot.answer(makers.BLUE).results[0].class_id == 'blue'


def test_threshold_and_number_of_results_change_while_running(robot: Robot) -> None:
    robot.model(1)
    yellow = (0, 255, 255)
    robot.graph.set('classifier', threshold=0.0)
    assert [item.class_id for item in robot.answer(yellow).results][2] == 'blue'
    robot.graph.set('classifier', threshold=0.25)
    assert {item.class_id for item in robot.answer(yellow).results} == {'red', 'green'}
    robot.graph.set('classifier', top_k=1)
    assert len(robot.answer(yellow).results) == 1
    robot.graph.set('classifier', threshold=0.75)
    assert list(robot.answer(yellow).results) == []


def test_a_changed_threshold_is_told_with_the_labels_also_to_who_comes_late(robot: Robot) -> None:
    robot.graph.set('classifier', threshold=0.25)  # without a model there are no labels
    robot.model(1)
    robot.answer(makers.RED)
    robot.graph.set('classifier', top_k=1)  # not of interest
    robot.graph.set('classifier', threshold=0.75)
    wait_for(lambda: len(robot.labels) >= 2)
    late = robot.graph.listen(LabelInfo, 'label_info', qos.LATCHED).wait()
    assert [info.threshold for info in robot.labels] == [0.25, 0.75]
    assert late.threshold == 0.75
    assert [item.class_name for item in late.class_map] == list(NAMES)


def test_an_image_that_cannot_be_used_is_told_and_the_next_is_answered(robot: Robot) -> None:
    robot.model(1)
    message = conversions.array_to_image(makers.flat(makers.RED), 1, 'camera')
    message.encoding = '32FC1'
    robot._images.publish(message)
    assert robot.graph.diagnosed('classifier', "'32FC1'").level == lifecycle.ERROR
    assert robot.answer(makers.RED).results[0].class_id == 'red'


def test_the_latched_model_is_taken_again_after_a_pause(robot: Robot) -> None:
    robot.model(1)
    assert robot.graph.change('classifier', DEACTIVATE)
    assert robot.graph.change('classifier', ACTIVATE)
    wait_for(lambda: robot.version == 1)
    assert robot.answer(makers.GREEN).results[0].class_id == 'green'
