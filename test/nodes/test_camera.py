import socket
import time
from pathlib import Path
from typing import Any

import makers
import numpy as np
from ros_graph import ACTIVE, Graph, Heard, folder_of, wait_for
from sensor_msgs.msg import CompressedImage, Image

from recognizer_ros.dataset.images import decode
from recognizer_ros.nodes import conversions, lifecycle, qos
from recognizer_ros.nodes.camera import Camera

SIZE = {'input_width': 32, 'input_height': 24, 'input_rate': 60.0}


def mean(message: Image) -> tuple[int, ...]:
    """Mean colour; B, G, R."""
    pixels, order = conversions.image_to_array(message)
    assert order == 'bgr'
    return tuple(np.round(pixels.mean(axis=(0, 1))).astype(int).tolist())


def start(graph: Graph, source: str, **values: Any) -> tuple[Camera, Heard]:
    """A camera, and what it sends."""
    heard = graph.listen(Image, 'image_raw', qos.RECORDED)
    return graph.start(Camera, input=source, **{**SIZE, **values}), heard


def test_frames_come_with_stamp_and_frame(graph: Graph) -> None:
    began_ns = graph.now_ns()
    _, heard = start(graph, 'pattern://apple?seed=1', frame_id='head')
    heard.wait(4)
    stamps = [conversions.nanoseconds(message.header.stamp) for message in list(heard)]
    assert began_ns < stamps[0]
    assert stamps == sorted(set(stamps))
    assert stamps[-1] < graph.now_ns()
    first = heard[0]
    assert (first.header.frame_id, first.width, first.height, first.encoding) == (
        'head', 32, 24, 'bgr8')
    assert conversions.image_to_array(first)[0].std() > 0


def test_jpeg_is_made_only_while_somebody_wants_it(graph: Graph) -> None:
    camera, heard = start(graph, 'pattern://apple')
    heard.wait()
    assert camera._jpeg.get_subscription_count() == 0
    seen = graph.listen(CompressedImage, 'image_raw/compressed', qos.IMAGE)
    message = seen.wait(2)
    image = decode(bytes(message.data))
    assert image.shape == (24, 32, 3)
    assert message.header.frame_id == 'camera'
    graph.deaf(seen)
    wait_for(lambda: camera._jpeg.get_subscription_count() == 0)
    count = len(heard)
    heard.wait(count + 2)


def test_after_the_answer_no_frame_shows_the_old_source(graph: Graph, tmp_path: Path) -> None:
    red = folder_of(tmp_path / 'red', [makers.flat(makers.RED)])
    blue = folder_of(tmp_path / 'blue', [makers.flat(makers.BLUE)])
    _, heard = start(graph, red)
    heard.wait(3)
    for turn, (source, colour) in enumerate([(blue, makers.BLUE), (red, makers.RED)] * 3):
        assert graph.set('camera', input=source).successful
        answered_ns = graph.now_ns()

        def later(since_ns: int = answered_ns) -> list[Image]:
            return [message for message in list(heard)
                    if conversions.nanoseconds(message.header.stamp) >= since_ns]

        wait_for(lambda found=later: len(found()) >= 3)
        assert {mean(message) for message in later()} == {colour}, turn


def test_a_source_that_is_none_is_refused_and_the_old_one_goes_on(graph: Graph,
                                                                  tmp_path: Path) -> None:
    camera, heard = start(graph, folder_of(tmp_path / 'red', [makers.flat(makers.RED)]))
    heard.wait()
    answer = graph.set('camera', input='pattern://unicorn')
    assert not answer.successful
    assert 'unicorn' in answer.reason
    assert camera.config.input.startswith('folder://')
    heard.wait(len(heard) + 3)
    assert mean(heard[-1]) == makers.RED


def test_a_missing_folder_is_an_error_in_the_diagnostics_until_it_is_there(
        graph: Graph, tmp_path: Path) -> None:
    _, heard = start(graph, f'folder://{tmp_path / "later"}')
    told = graph.diagnosed('camera', str(tmp_path / 'later'))
    assert told.level == lifecycle.ERROR
    assert graph.state('camera') == ACTIVE
    folder_of(tmp_path / 'later', [makers.flat(makers.GREEN)])
    assert mean(heard.wait()) == makers.GREEN
    assert graph.diagnosed('camera', 'frames come').level == lifecycle.OK


def test_jpeg_quality_changes_while_running(graph: Graph, tmp_path: Path) -> None:
    start(graph, folder_of(tmp_path / 'noise', [makers.noise(1)]), jpeg_quality=95)
    seen = graph.listen(CompressedImage, 'image_raw/compressed', qos.IMAGE)
    fine = len(seen.wait().data)
    assert graph.set('camera', jpeg_quality=5).successful
    wait_for(lambda: len(seen[-1].data) < fine / 2)


def test_a_server_that_refuses_is_told_without_its_password(graph: Graph) -> None:
    with socket.create_server(('127.0.0.1', 0)) as server:
        port = server.getsockname()[1]
    start(graph, f'rtsp://robot:hunter2@127.0.0.1:{port}/cam')
    told = graph.diagnosed('camera', f'rtsp://robot:***@127.0.0.1:{port}/cam is refused: start')
    values = {item.key: item.value for item in told.values}
    assert told.level == lifecycle.ERROR
    assert values['state'] == 'failed'
    assert int(values['failures']) >= 1
    assert values['last failure'] == told.message
    assert float(values['next try s']) <= 12
    assert 'hunter2' not in str(told)
    assert graph.state('camera') == ACTIVE


def test_publishing_a_large_image_costs_little(graph: Graph) -> None:
    """Of the time of one thread, which others on the machine do not lengthen much."""
    heard = graph.listen(Image, 'large', qos.IMAGE)
    publisher = graph.tester.create_publisher(Image, 'large', qos.IMAGE)
    wait_for(lambda: publisher.get_subscription_count() == 1)
    pixels, costs_s = makers.noise(1, 1280, 720), []
    for _ in range(15):
        began_s = time.thread_time()
        publisher.publish(conversions.array_to_image(pixels, 1, 'camera'))
        costs_s.append(time.thread_time() - began_s)
    assert sorted(costs_s)[7] < 0.005
    heard.wait()
