import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aioice.ice
import makers
import pytest
from ros_graph import ACTIVATE, ACTIVE, DEACTIVATE, INACTIVE, Graph, folder_of, wait_for
from sensor_msgs.msg import Image

from recognizer_ros.nodes import conversions, lifecycle, qos
from recognizer_ros.nodes.camera import Camera
from recognizer_ros.srv import Negotiate

sys.path.insert(0, str(Path(__file__).parents[1] / 'capture' / 'webrtc'))  # for clients.py

from clients import Client, Picture, clients, near

SIZE = {'input_width': 64, 'input_height': 48}
PUBLISH, VIEW, PATCH, DELETE = (
    getattr(Negotiate.Request, name) for name in ('PUBLISH', 'VIEW', 'PATCH', 'DELETE'))


@pytest.fixture(autouse=True)
def _loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aioice.ice, 'get_host_addresses', lambda **_: ['127.0.0.1'])


@pytest.fixture
def client() -> Iterator[Callable[[], Client]]:
    with clients() as make:
        yield make


def ask(graph: Graph, operation: int, **values: Any) -> Any:
    return graph.call(Negotiate, 'negotiate', Negotiate.Request(operation=operation, **values))


def publish(graph: Graph, client: Client, colour: tuple[int, int, int]) -> Any:
    reply = ask(graph, PUBLISH, body=client.offer(Picture(colour, 128, 96), 'sendonly'))
    assert reply.status == 201
    client.accept(reply.body)
    return reply


def test_a_senders_video_becomes_the_cameras_and_is_played_back(
        graph: Graph, client: Callable[[], Client]) -> None:
    graph.start(Camera, input='webrtc://', **SIZE)
    heard = graph.listen(Image, 'image_raw', qos.RECORDED)
    began_ns = graph.now_ns()
    sender, viewer = client(), client()
    reply = publish(graph, sender, makers.RED)
    message = heard.wait(5)
    assert near(conversions.image_to_array(message)[0], makers.RED)
    assert (message.width, message.height) == (64, 48)
    stamps = [conversions.nanoseconds(one.header.stamp) for one in list(heard)]
    assert began_ns < stamps[0]
    assert stamps == sorted(set(stamps))
    assert stamps[-1] < graph.now_ns()
    watched = ask(graph, VIEW, body=viewer.offer('video', 'recvonly'))
    viewer.accept(watched.body)
    wait_for(lambda: viewer.saw(makers.RED))
    told = graph.diagnosed('camera', 'frames come')
    assert {value.key.split()[0] for value in told.values} >= {'sender', 'viewer'}
    assert ask(graph, PATCH, session=reply.session, etag=reply.etag,
               body='a=candidate:1 1 udp 1 127.0.0.1 50000 typ host').status == 204
    assert ask(graph, DELETE, session=reply.session).status == 200
    assert graph.diagnosed('camera', 'nobody sends').level == lifecycle.OK
    assert ask(graph, DELETE, session=reply.session).status == 410


def test_viewers_see_whatever_the_camera_shows(graph: Graph, client: Callable[[], Client],
                                               tmp_path: Path) -> None:
    red = folder_of(tmp_path / 'red', [makers.flat(makers.RED, 64, 48)])
    graph.start(Camera, input=red, **SIZE)
    viewer, sender = client(), client()
    viewer.accept(ask(graph, VIEW, body=viewer.offer('video', 'recvonly')).body)
    wait_for(lambda: viewer.saw(makers.RED))
    refused = ask(graph, PUBLISH, body=client().offer(Picture(makers.RED, 64, 48), 'sendonly'))
    assert refused.status == 503
    assert 'webrtc://' in refused.body
    assert graph.set('camera', input='webrtc://').successful
    publish(graph, sender, makers.BLUE)
    wait_for(lambda: viewer.saw(makers.BLUE))
    assert graph.set('camera', input=red).successful
    wait_for(lambda: viewer.saw(makers.RED))
    wait_for(lambda: sender.pc.connectionState == 'closed')


def test_one_who_is_not_active_refuses_and_leaves_nothing(
        graph: Graph, client: Callable[[], Client]) -> None:
    graph.start(Camera, input='pattern://apple', **SIZE)
    viewer = client()
    offer = viewer.offer('video', 'recvonly')
    viewer.accept(ask(graph, VIEW, body=offer).body)
    wait_for(lambda: viewer.frames > 0)
    assert graph.change('camera', DEACTIVATE)
    assert not {thread.name for thread in threading.enumerate()} & {'viewers', 'feed'}
    assert sum(thread.name == 'webrtc' for thread in threading.enumerate()) == 1  # the client's
    refused = ask(graph, VIEW, body=offer)
    assert (refused.status, refused.session) == (503, '')
    assert 'not active' in refused.body
    assert graph.state('camera') == INACTIVE
    assert graph.change('camera', ACTIVATE)
    assert ask(graph, VIEW, body=client().offer('video', 'recvonly')).status == 201


def test_without_aiortc_the_camera_works_and_says_what_is_missing(
        graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'recognizer_ros.capture.webrtc.peers', None)
    heard = graph.listen(Image, 'image_raw', qos.RECORDED)
    graph.start(Camera, input='pattern://apple', **SIZE)
    heard.wait()
    refused = ask(graph, VIEW, body='v=0')
    assert refused.status == 503
    assert 'aiortc' in refused.body
    assert graph.set('camera', input='webrtc://').successful
    assert graph.diagnosed('camera', 'aiortc').level == lifecycle.ERROR
    assert graph.state('camera') == ACTIVE


def test_what_is_no_operation_or_no_offer_is_refused(graph: Graph) -> None:
    graph.start(Camera, input='pattern://apple', **SIZE)
    assert ask(graph, 9).status == 400
    assert ask(graph, VIEW, body='hello').status == 400
    assert ask(graph, DELETE, session='nobody').status == 404


def test_ports_that_are_none_keep_the_camera_inactive(graph: Graph) -> None:
    camera = graph.add(Camera, input='pattern://apple', udp_ports='none', **SIZE)
    assert 'udp_ports' in camera.failure
    assert graph.state('camera') == INACTIVE
