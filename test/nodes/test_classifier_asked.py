"""What the classifier says when asked: single images, and frames that it was not sure of."""

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import makers
import numpy as np
import pytest
from robots import NAMES, Robot
from ros_graph import ACTIVATE, DEACTIVATE, Graph, http, wait_for

from recognizer_ros.dataset import images
from recognizer_ros.msg import ErrorCode
from recognizer_ros.nodes.recorder import Recorder
from recognizer_ros.nodes.web import Web
from recognizer_ros.srv import ClassifyImage, ListUncertain

YELLOW, CYAN = (0, 255, 255), (255, 255, 0)
"""What a model of red, green and blue cannot decide on."""


@pytest.fixture
def robot(graph: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Robot:
    monkeypatch.setattr('recognizer_ros.inference.uncertain.GAP_S', 0.2)
    return Robot(graph, tmp_path, smoothing=9.0, threshold=0.99)


def classify(robot: Robot, data: bytes) -> Any:
    request = ClassifyImage.Request()
    request.image.data = data
    return robot.graph.call(ClassifyImage, 'classify_image', request)


def uncertain(robot: Robot, **fields: Any) -> Any:
    return robot.graph.call(ListUncertain, 'list_uncertain', ListUncertain.Request(**fields))


def show_unsure(robot: Robot, *colours: tuple[int, int, int]) -> None:
    """Show colours in a row, and each until it is kept: there is at most one in a while."""
    for count, colour in enumerate(colours, 1 + len(uncertain(robot).frames)):
        def is_kept(colour: Any = colour, count: int = count) -> bool:
            robot.answer(colour, count * 10**9)
            return len(uncertain(robot).frames) >= count
        wait_for(is_kept)


def test_an_image_is_classified_without_smoothing_and_threshold(robot: Robot) -> None:
    robot.model(3)
    robot.answer(makers.RED)
    for kind in ('JPEG', 'PNG', 'WEBP'):
        answer = classify(robot, makers.picture(makers.flat(makers.BLUE), kind))
        assert (answer.success, answer.message, answer.unknown, answer.model_version) == (
            True, '', False, 3)
        assert answer.labels[0] == 'blue'
        assert sorted(answer.labels) == sorted(NAMES)
        assert list(answer.scores) == sorted(answer.scores, reverse=True)
        assert answer.scores[0] > 0.99
        assert sum(answer.scores) == pytest.approx(1)
    assert len(robot.answers) == 1, 'the live answers know nothing of it'


def test_what_cannot_be_classified_is_refused(robot: Robot) -> None:
    red = makers.jpeg(makers.flat(makers.RED))
    answer = classify(robot, red)
    assert (answer.success, answer.error.value) == (False, ErrorCode.FAILED)
    assert 'no model yet' in answer.message
    robot.model(1)
    for bad in (b'', b'GIF89a', red[:len(red) // 2], makers.jpeg(makers.noise(1, 4, 4))):
        answer = classify(robot, bad)
        assert (answer.success, answer.error.value) == (False, ErrorCode.INVALID)
        assert answer.message
        assert len(answer.labels) == 0
    assert classify(robot, red).success
    robot.graph.change('classifier', DEACTIVATE)
    answer = classify(robot, red)
    assert (answer.success, answer.error.value) == (False, ErrorCode.UNAVAILABLE)
    assert 'not active' in answer.message


def test_too_many_at_a_time_are_refused_and_the_live_answers_go_on(
        robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    robot.model(1)
    accept, held = images.accept, makers.flat(makers.GREEN)
    gate = threading.Event()

    def slow(data: bytes) -> Any:
        assert gate.wait(60)
        return accept(data)

    monkeypatch.setattr(images, 'accept', slow)
    client = robot.graph.tester.create_client(ClassifyImage, 'classify_image')
    assert client.wait_for_service(60)
    request = ClassifyImage.Request()
    request.image.data = makers.jpeg(held)
    asked = [client.call_async(request) for _ in range(6)]
    wait_for(lambda: sum(one.done() for one in asked) == 2)
    for one in asked:
        if one.done():
            assert one.result().error.value == ErrorCode.UNAVAILABLE
            assert 'too many' in one.result().message
    assert robot.answer(makers.RED).header.frame_id == 'camera'
    gate.set()
    wait_for(lambda: all(one.done() for one in asked))
    assert sum(one.result().success for one in asked) == 4
    assert classify(robot, makers.jpeg(held)).success, 'there is room again'


def test_frames_that_the_model_is_not_sure_of_can_be_looked_at(robot: Robot) -> None:
    robot.model(1)
    robot.answer(makers.RED)
    show_unsure(robot, YELLOW, CYAN)
    newest, oldest = uncertain(robot).frames
    assert (oldest.header.stamp.sec, oldest.header.frame_id, oldest.model_version) == (
        1, 'camera', 1)
    assert {oldest.labels[0], oldest.labels[1]} == {'red', 'green'}
    assert list(oldest.scores) == pytest.approx([0.5, 0.5, 0], abs=0.01)
    assert newest.id > oldest.id
    answer = uncertain(robot, image_of=oldest.id)
    assert (answer.success, answer.image.header) == (True, oldest.header)
    seen = images.decode(bytes(answer.image.data))
    assert seen.shape == (24, 32, 3)
    assert np.abs(seen.astype(int) - makers.flat(YELLOW)).max() < 9
    assert len(uncertain(robot).image.data) == 0


def test_what_was_dismissed_is_gone(robot: Robot) -> None:
    robot.model(1)
    show_unsure(robot, YELLOW)
    (frame,) = uncertain(robot).frames
    answer = uncertain(robot, dismiss=[frame.id, 4_000_000_000])
    assert (answer.success, len(answer.frames)) == (True, 0)
    answer = uncertain(robot, image_of=frame.id)
    assert not answer.success
    assert f'frame {frame.id} is gone' in answer.message


def test_they_outlive_their_model_but_not_the_activity_of_the_node(robot: Robot) -> None:
    robot.model(1)
    show_unsure(robot, YELLOW)
    robot.model(2, ('rot', 'grün', 'blau'))
    show_unsure(robot, CYAN)
    assert [(one.model_version, one.labels[0] in NAMES) for one in uncertain(robot).frames] == [
        (2, False), (1, True)]
    robot.graph.change('classifier', DEACTIVATE)
    robot.graph.change('classifier', ACTIVATE)
    assert len(uncertain(robot).frames) == 0


def test_none_are_kept_where_nobody_wants_them(robot: Robot) -> None:
    robot.model(1)
    show_unsure(robot, YELLOW)
    robot.graph.set('classifier', keep_uncertain=0)
    assert len(uncertain(robot).frames) == 0
    robot.answer(CYAN)
    robot.graph.set('classifier', keep_uncertain=24)
    show_unsure(robot, CYAN)
    assert len(uncertain(robot).frames) == 1


def test_from_the_camera_into_the_data_set_by_rest(robot: Robot, tmp_path: Path) -> None:
    robot.graph.start(Recorder, data=str(tmp_path / 'data'))
    api = robot.graph.start(Web, port=0).url + 'api/v1'
    robot.model(1)
    show_unsure(robot, YELLOW, CYAN)
    wait_for(lambda: http(f'{api}/uncertain')[0] == 200)
    newest, oldest = http(f'{api}/uncertain')[1]['frames']
    wait_for(lambda: http(f'{api}/samples')[0] == 200)
    status, stored = http(f'{api}/uncertain/{oldest["id"]}', 'POST', {'tags': ['yellow']})
    assert status == 200
    status, sample = http(f'{api}/samples/{stored["id"]}')
    assert (sample['tags'], sample['source'], sample['stamp_ns']) == (
        ['yellow'], 'uncertain', 10**9)
    assert [one['id'] for one in http(f'{api}/uncertain')[1]['frames']] == [newest['id']]
    assert http(f'{api}/uncertain/{oldest["id"]}', 'POST', {'tags': ['yellow']})[0] == 404
    assert http(f'{api}/uncertain/{newest["id"]}', 'DELETE')[0] == 200
    assert http(f'{api}/uncertain')[1]['frames'] == []


def test_an_image_is_classified_by_rest(robot: Robot) -> None:
    url = robot.graph.start(Web, port=0).url + 'api/v1/classify'
    ok, png = cv2.imencode('.png', makers.flat(makers.GREEN))
    assert ok
    wait_for(lambda: post(url, png.tobytes())[0] == 409)
    robot.model(1)
    status, answer = post(url, png.tobytes())
    assert status == 200
    assert (answer['results'][0]['label'], answer['unknown'], answer['model_version']) == (
        'green', False, 1)
    status, answer = post(url, b'no image')
    assert status == 422
    assert answer['detail']


def test_without_a_classifier(graph: Graph) -> None:
    api = graph.start(Web, port=0).url + 'api/v1'
    for status, answer in (http(f'{api}/uncertain'), post(f'{api}/classify', b'image')):
        assert status == 503
        assert 'the classifier does not answer' in answer['detail']


def post(url: str, body: bytes) -> tuple[int, Any]:
    """Status and JSON of an answer to bytes."""
    request = urllib.request.Request(url, body, {'Content-Type': 'image/png'}, method='POST')
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())
