"""What WebRTC peers ask for on the page's server reaches the camera node."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
import rclpy
from ros_graph import DEACTIVATE, NAMESPACE, Graph, wait_for

from recognizer_ros.core.errors import NodeUnavailableError
from recognizer_ros.core.negotiation import Operation, Reply, Request
from recognizer_ros.nodes import signalling
from recognizer_ros.nodes.web import Web
from recognizer_ros.srv import Negotiate

OFFER = 'v=0\r\n' + 'a=ü\r\n' * 30_000


def ask(web: Web, request: Request) -> Reply:
    """The answer, once the two nodes have found each other."""
    answers: list[Reply] = []

    def answered() -> bool:
        with suppress(NodeUnavailableError):
            answers.append(web.bridge.negotiate(request))
        return bool(answers)

    wait_for(answered)
    return answers[0]


@pytest.mark.parametrize(('wanted', 'constant'), [
    (Request(Operation.PUBLISH, body=OFFER, take_over=True), Negotiate.Request.PUBLISH),
    (Request(Operation.VIEW, body=OFFER), Negotiate.Request.VIEW),
    (Request(Operation.PATCH, 'abc', 'a=candidate', etag='*'), Negotiate.Request.PATCH),
    (Request(Operation.DELETE, 'abc'), Negotiate.Request.DELETE)])
def test_everything_is_passed_on(graph: Graph, wanted: Request, constant: int) -> None:
    asked: list[Any] = []

    def answer(request: Any, response: Any) -> Any:
        asked.append(request)
        response.status, response.session, response.body, response.etag = 201, 's', OFFER, 'e'
        return response

    graph.tester.create_service(Negotiate, 'negotiate', answer)
    web = graph.start(Web, port=0)
    assert ask(web, wanted) == Reply(201, 's', OFFER, 'e')
    request = asked[-1]
    assert (request.operation, request.session, request.body, request.take_over, request.etag) == (
        constant, wanted.session, wanted.body, wanted.take_over, wanted.etag)


def test_no_camera(graph: Graph) -> None:
    web = graph.start(Web, port=0)
    with pytest.raises(NodeUnavailableError, match='the camera does not answer'):
        web.bridge.negotiate(Request(Operation.VIEW, body=OFFER))


@pytest.fixture
def deaf(graph: Graph) -> Iterator[Web]:
    """A page whose camera node hears but never answers."""
    camera = rclpy.create_node('deaf', namespace=NAMESPACE, context=graph.context)  # never spun
    camera.create_service(Negotiate, 'negotiate', lambda _, response: response)
    web = graph.start(Web, port=0)
    wait_for(lambda: web.count_services(f'{NAMESPACE}/negotiate'))
    yield web
    camera.destroy_node()


def test_a_camera_that_does_not_answer_in_time(deaf: Web, monkeypatch: pytest.MonkeyPatch
                                               ) -> None:
    monkeypatch.setattr(signalling, '_TIMEOUT_S', 0.2)
    with pytest.raises(NodeUnavailableError, match='the camera did not answer within'):
        deaf.bridge.negotiate(Request(Operation.VIEW))


def test_the_page_stops_at_once_all_the_same(deaf: Web, graph: Graph,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signalling, '_TIMEOUT_S', 3600.0)
    with ThreadPoolExecutor() as pool:
        asking = pool.submit(deaf.bridge.negotiate, Request(Operation.VIEW))
        wait_for(lambda: deaf.bridge._signalling._waiting)
        assert graph.change('web', DEACTIVATE)
        assert isinstance(asking.exception(timeout=10), NodeUnavailableError)
