"""WHIP (RFC 9725) and WHEP over HTTP: each status with its reason, without a browser."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from fake_bridge import WEB, FakeBridge, no_camera

from recognizer_ros.core.config import WebConfig
from recognizer_ros.core.negotiation import Operation, Reply, Request
from recognizer_ros.server.app import create_app
from recognizer_ros.server.serve import Server

OFFER, FRAGMENT, ANSWER = 'v=0\r\noffer\r\n', 'a=candidate:1 ü\r\n', 'v=0\r\nanswer\r\n'
SDP = {'Content-Type': 'application/sdp'}
TRICKLE = {'Content-Type': 'application/trickle-ice-sdpfrag'}
ENDPOINTS = ('/whip', '/whep')
SESSIONS = ('/whip/abc-_9', '/whep/abc-_9')
LIMIT = 256_000


@dataclass
class Camera:
    """Answers as it is told and remembers what it was asked."""

    answer: Reply = field(default=Reply(201, 'abc-_9', ANSWER, 'ice1'))
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.answer


@pytest.fixture(scope='module')
def robot() -> Iterator[tuple[FakeBridge, Server]]:
    bridge, config = FakeBridge(), WebConfig(port=0, upload_limit=1)
    server = Server(create_app(bridge, config, WEB), config)
    server.start()
    yield bridge, server
    server.stop()


@pytest.fixture
def camera(robot: tuple[FakeBridge, Server]) -> Camera:
    robot[0].peers = camera = Camera()
    return camera


@dataclass(frozen=True)
class Heard:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def detail(self) -> str:
        assert self.headers['Content-Type'] == 'application/problem+json'
        problem = json.loads(self.text)
        assert problem['status'] == self.status
        return str(problem['detail'])


class Client:
    """One connection, kept open."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self.connection = connection

    def __call__(self, method: str, path: str, body: str | bytes | None = None,
                 headers: dict[str, str] | None = None) -> Heard:
        data = body.encode() if isinstance(body, str) else body
        self.connection.request(method, path, data, headers or {})
        return self.reply()

    def reply(self) -> Heard:
        response = self.connection.getresponse()
        return Heard(response.status, response.headers, response.read().decode())


@pytest.fixture
def client(robot: tuple[FakeBridge, Server], camera: Camera) -> Iterator[Client]:
    address = urlsplit(robot[1].url)
    with closing(http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
                 ) as connection:
        yield Client(connection)


@pytest.mark.parametrize(('path', 'operation'), [('/whip', Operation.PUBLISH),
                                                 ('/whep', Operation.VIEW)])
def test_201_an_offer_is_answered(client: Client, camera: Camera, path: str,
                                  operation: Operation) -> None:
    reply = client('POST', path, OFFER, SDP)
    assert (reply.status, reply.text) == (201, ANSWER)
    assert reply.headers['Content-Type'] == 'application/sdp'
    assert reply.headers['Location'] == f'{path}/abc-_9'
    assert reply.headers['ETag'] == '"ice1"'
    assert reply.headers['Accept-Patch'] == 'application/trickle-ice-sdpfrag'
    assert reply.headers['Cache-Control'] == 'no-store'
    assert camera.asked == [Request(operation, body=OFFER)]


def test_the_type_may_name_its_charset(client: Client) -> None:
    assert client('POST', '/whip', OFFER, {'Content-Type': 'Application/SDP; charset=utf-8'}
                  ).status == 201


@pytest.mark.parametrize(('query', 'take_over'), [('', False), ('?take_over=0', False),
                                                  ('?take_over=1', True)])
def test_409_unless_it_takes_over(client: Client, camera: Camera, query: str, take_over: bool
                                  ) -> None:
    camera.answer = Reply(409, body='another page sends')
    reply = client('POST', f'/whip{query}', OFFER, SDP)
    assert (reply.status, reply.detail) == (409, 'another page sends')
    assert int(reply.headers['Retry-After']) > 0
    assert camera.asked[-1].take_over is take_over


def test_422_take_over_is_yes_or_no(client: Client, camera: Camera) -> None:
    reply = client('POST', '/whip?take_over=please', OFFER, SDP)
    assert reply.status == 422
    assert 'take_over' in reply.detail
    assert camera.asked == []


@pytest.mark.parametrize(('given', 'etag'), [
    ('"ice1"', 'ice1'), ('*', '*'), ('"*"', '*'), ('ice1', 'ice1'), (' "ice1" ', 'ice1'),
    (None, ''), ('W/"ice1"', 'W/"ice1"'), ('"ice1", "ice2"', '"ice1", "ice2"')])
@pytest.mark.parametrize('path', SESSIONS)
def test_204_candidates_are_passed_on(client: Client, camera: Camera, path: str,
                                      given: str | None, etag: str) -> None:
    camera.answer = Reply(204, 'abc-_9', etag='ice1')
    reply = client('PATCH', path, FRAGMENT, TRICKLE | ({'If-Match': given} if given else {}))
    assert (reply.status, reply.text) == (204, '')
    assert 'ETag' not in reply.headers
    assert 'Content-Type' not in reply.headers
    assert camera.asked == [Request(Operation.PATCH, 'abc-_9', FRAGMENT, etag=etag)]


def test_200_a_restart_has_a_new_etag(client: Client, camera: Camera) -> None:
    camera.answer = Reply(200, 'abc-_9', 'a=ice-ufrag:new\r\n', 'ice2')
    reply = client('PATCH', '/whip/abc-_9', FRAGMENT, TRICKLE | {'If-Match': '*'})
    assert (reply.status, reply.text) == (200, 'a=ice-ufrag:new\r\n')
    assert reply.headers['Content-Type'] == 'application/trickle-ice-sdpfrag'
    assert reply.headers['ETag'] == '"ice2"'


@pytest.mark.parametrize('path', SESSIONS)
def test_200_a_session_is_ended(client: Client, camera: Camera, path: str) -> None:
    camera.answer = Reply(200)
    reply = client('DELETE', path, headers={'If-Match': '"stale"'})
    assert (reply.status, reply.text) == (200, '')
    assert camera.asked == [Request(Operation.DELETE, 'abc-_9')]


@pytest.mark.parametrize(('method', 'path', 'status'), [
    ('POST', '/whip', 400), ('POST', '/whip', 422), ('POST', '/whep', 503),
    ('PATCH', '/whip/abc', 404), ('PATCH', '/whep/abc', 412), ('PATCH', '/whip/abc', 428),
    ('DELETE', '/whip/abc', 404)])
def test_refusals_of_the_camera_go_through(client: Client, camera: Camera, method: str,
                                           path: str, status: int) -> None:
    camera.answer = Reply(status, body='the camera says no')
    reply = client(method, path, OFFER, SDP if method == 'POST' else TRICKLE)
    assert (reply.status, reply.detail) == (status, 'the camera says no')
    assert 'Location' not in reply.headers
    assert ('Retry-After' in reply.headers) is (status == 503)


def test_503_while_there_is_no_camera(client: Client, robot: tuple[FakeBridge, Server]) -> None:
    robot[0].peers = no_camera
    for method, path, headers in (('POST', '/whip', SDP), ('POST', '/whep', SDP),
                                  ('PATCH', '/whip/abc', TRICKLE), ('DELETE', '/whip/abc', {})):
        reply = client(method, path, OFFER, headers)
        assert reply.status == 503
        assert 'the camera does not answer' in reply.detail
        assert int(reply.headers['Retry-After']) > 0


@pytest.mark.parametrize('kind', ['application/json', 'text/plain', 'application/sdpx', '',
                                  'multipart/form-data; boundary=x', TRICKLE['Content-Type']])
@pytest.mark.parametrize('path', ENDPOINTS)
def test_415_other_types(client: Client, camera: Camera, path: str, kind: str) -> None:
    reply = client('POST', path, OFFER, {'Content-Type': kind})
    assert reply.status == 415
    assert reply.detail.startswith('send application/sdp')
    assert camera.asked == []


def test_415_a_fragment_is_not_an_offer(client: Client, camera: Camera) -> None:
    reply = client('PATCH', '/whip/abc', FRAGMENT, SDP)
    assert reply.status == 415
    assert reply.detail.startswith('send application/trickle-ice-sdpfrag')
    assert camera.asked == []


@pytest.mark.parametrize('headers', [{}, {'Transfer-Encoding': 'chunked'}])
@pytest.mark.parametrize(('method', 'path', 'kind'), [
    ('POST', '/whip', SDP), ('POST', '/whep', SDP), ('PATCH', '/whip/abc', TRICKLE)])
def test_411_no_length(client: Client, camera: Camera, method: str, path: str,
                       kind: dict[str, str], headers: dict[str, str]) -> None:
    client.connection.putrequest(method, path)
    for name, value in (kind | headers).items():
        client.connection.putheader(name, value)
    client.connection.endheaders(b'0\r\n\r\n' if headers else None)
    reply = client.reply()
    assert reply.status == 411
    assert 'Content-Length' in reply.detail
    assert camera.asked == []


@pytest.mark.parametrize(('method', 'path', 'headers'), [
    ('POST', '/whip', SDP), ('POST', '/whep', SDP), ('PATCH', '/whep/abc', TRICKLE)])
def test_413_too_large(client: Client, camera: Camera, method: str, path: str,
                       headers: dict[str, str]) -> None:
    for size in (LIMIT + 1, 2**20 + 1, 2**40):
        client.connection.putrequest(method, path)
        for name, value in headers.items():
            client.connection.putheader(name, value)
        client.connection.putheader('Content-Length', str(size))
        client.connection.endheaders()
        assert client.reply().status == 413  # and not one byte is waited for
        client.connection.close()
    assert client(method, path, 'a' * (LIMIT + 1), headers).status == 413
    assert camera.asked == []
    assert client(method, path, 'a' * LIMIT, headers).status == 201
    assert len(camera.asked[0].body) == LIMIT


@pytest.mark.parametrize('body', [b'', b'v=0\0', b'v=0\xff'])
@pytest.mark.parametrize(('method', 'path', 'headers'), [
    ('POST', '/whip', SDP), ('POST', '/whep', SDP), ('PATCH', '/whip/abc', TRICKLE)])
def test_400_not_a_text(client: Client, camera: Camera, method: str, path: str,
                        headers: dict[str, str], body: bytes) -> None:
    reply = client(method, path, body, headers)
    assert reply.status == 400
    assert reply.detail.startswith('the body is')
    assert camera.asked == []


@pytest.mark.parametrize('session', ['a.b', 'a%20b', '%00', 'x' * 129, '%C3%A4', 'a%2Fb'])
@pytest.mark.parametrize('method', ['GET', 'PATCH', 'DELETE'])
def test_404_what_cannot_be_a_session(client: Client, camera: Camera, method: str,
                                      session: str) -> None:
    reply = client(method, f'/whip/{session}', FRAGMENT, TRICKLE)
    assert reply.status == 404
    assert reply.detail
    assert camera.asked == []


@pytest.mark.parametrize(('path', 'methods', 'allowed'), [
    *((path, ('PUT', 'PATCH', 'DELETE'), 'GET HEAD OPTIONS POST') for path in ENDPOINTS),
    *((path, ('PUT', 'POST'), 'DELETE GET HEAD OPTIONS PATCH') for path in SESSIONS)])
def test_405_other_methods(client: Client, camera: Camera, path: str, methods: tuple[str, ...],
                           allowed: str) -> None:
    for method in methods:
        reply = client(method, path, OFFER, SDP)
        assert reply.status == 405
        assert ' '.join(sorted(reply.headers['Allow'].split(', '))) == allowed
        assert reply.detail
    assert camera.asked == []


@pytest.mark.parametrize('path', [*ENDPOINTS, *SESSIONS])
@pytest.mark.parametrize('method', ['GET', 'HEAD'])
def test_get_has_no_content(client: Client, camera: Camera, method: str, path: str) -> None:
    reply = client(method, path)
    assert 200 <= reply.status < 300
    assert reply.text == ''
    # By this players know a WHEP endpoint (section 4.2 of the draft).
    assert (reply.headers['Content-Type'] == 'application/sdp') is (path in ENDPOINTS)
    assert camera.asked == []


@pytest.mark.parametrize('path', [*ENDPOINTS, *SESSIONS])
def test_options(client: Client, path: str) -> None:
    reply = client('OPTIONS', path)
    assert reply.status == 200
    assert reply.headers['Accept-Post'] == ('application/sdp' if path in ENDPOINTS else None)
    assert reply.headers['Accept-Patch'] == (
        None if path in ENDPOINTS else 'application/trickle-ice-sdpfrag')
    # Other web sites may not ask.
    assert not any(name.startswith('Access-Control') for name in reply.headers)


@pytest.mark.parametrize(('method', 'path'), [
    ('POST', '/whip'), ('POST', '/whep'), ('PATCH', '/whip/abc'), ('DELETE', '/whep/abc')])
def test_403_other_web_sites(client: Client, camera: Camera, method: str, path: str) -> None:
    reply = client(method, path, OFFER, SDP | {'Origin': 'http://evil.example'})
    assert reply.status == 403
    assert camera.asked == []


def test_a_connection_lives_on_after_refusals(client: Client, camera: Camera) -> None:
    for body, headers in (('x' * (LIMIT + 1), SDP), ('', SDP), (OFFER, TRICKLE)):
        assert 400 <= client('POST', '/whip', body, headers).status < 500
    assert client('POST', '/whip', OFFER, SDP).status == 201
    assert len(camera.asked) == 1
