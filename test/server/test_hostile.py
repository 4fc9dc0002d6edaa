"""What a stranger, another web site or a broken client may try beyond test_guard, test_session,
test_rest and test_samples: refused, and nothing was done."""

import http.client
import io
import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fake_bridge import WEB, FakeBridge
from flask.testing import FlaskClient

from recognizer_ros.core.config import WebConfig
from recognizer_ros.server import current, guard, serve
from recognizer_ros.server.access import Scope
from recognizer_ros.server.app import create_app
from recognizer_ros.server.serve import Server
from recognizer_ros.server.state import Result

SCRIPT = '<script>alert(1)</script>'
IMAGE = '<img src=x onerror=alert(1)>.jpg'


@pytest.fixture(scope='module')
def robot() -> Iterator[tuple[FakeBridge, Server]]:
    bridge, config = FakeBridge(), WebConfig(port=0, upload_limit=1)
    server = Server(create_app(bridge, config, WEB), config)
    server.start()
    yield bridge, server
    server.stop()


def raw(server: Server, request: bytes) -> tuple[int, bytes]:
    """Send bytes as they are; return the status and all of the answer. 0: none."""
    address = urlsplit(server.url)
    with socket.create_connection((str(address.hostname), address.port or 0), 10) as sock:
        answer = b''
        try:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            while chunk := sock.recv(65536):
                answer += chunk
        except OSError:
            pass  # it may close before it has read all
    return int(answer[9:12] or b'0'), answer


def ask(server: Server, target: str, *headers: str, method: str = 'GET') -> tuple[int, bytes]:
    lines = [f'{method} {target} HTTP/1.1', 'Host: localhost', 'Connection: close', *headers]
    return raw(server, ('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1'))


# --- another web site ---

@pytest.mark.parametrize('path', ['/video.mjpeg', '/api/v1/events', '/api/v1/state', '/nothing'])
@pytest.mark.parametrize('dest', ['image', 'iframe', 'empty'])
def test_another_web_site_does_not_get_in(client: FlaskClient, path: str, dest: str) -> None:
    """Else its page could hold all places of the streams, which it cannot read."""
    for site in ('cross-site', 'same-site'):
        answer = client.get(path, headers={'Sec-Fetch-Site': site, 'Sec-Fetch-Dest': dest})
        assert answer.status_code == 403


def test_another_web_site_may_have_a_link_to_here(client: FlaskClient) -> None:
    headers = {'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'document'}
    assert client.get('/', headers=headers).status_code == 200
    assert client.put('/training/enabled', json=False, headers=headers).status_code == 403


def test_no_answer_lets_another_web_site_read_it(client: FlaskClient) -> None:
    for method in ('GET', 'OPTIONS'):
        answer = client.open('/api/v1/state', method=method, headers={
            'Origin': 'https://evil.example', 'Access-Control-Request-Method': 'PUT'})
        assert not [name for name, _ in answer.headers if name.startswith('Access-Control')]


# --- scripts in what people type ---

def test_a_script_is_nothing_but_text(client: FlaskClient, bridge: FakeBridge) -> None:
    client.put('/dataset/active_tags', json=SCRIPT)
    client.post('/dataset/upload', data={'file': (io.BytesIO(b'x'), IMAGE)})
    bridge.change(
        dataset=replace(bridge.state().dataset, classes=(SCRIPT,), class_samples=(1,)),
        classification=replace(bridge.state().classification, results=(Result(SCRIPT, 1.0),)))
    assert bridge.samples.added == [(b'x', (SCRIPT,), f'upload {IMAGE}')]
    assert client.get('/dataset/active_tags').get_json() == SCRIPT
    assert client.get('/api/v1/results').get_json()['results'][0]['label'] == SCRIPT
    answers = [client.get(path) for path in (
        '/dataset/classes', '/dataset/active_tags', '/training/stats', '/api/v1/state',
        '/api/v1/results', f'/{SCRIPT}')]
    answers.append(client.put('/training/enabled', json=SCRIPT))
    answers.append(client.get('/api/v1/samples', query_string={SCRIPT: '1'}))
    for answer in answers:  # no browser takes these for a page
        assert answer.mimetype in ('application/json', 'application/problem+json')
        assert answer.headers['X-Content-Type-Options'] == 'nosniff'
    assert SCRIPT not in client.get('/').text


# --- paths ---

@pytest.mark.parametrize('target', [
    '/static/../index.html', '/static/%2e%2e/index.html', '/static/..%2findex.html',
    '/static/..%5cindex.html', '/static/%2e%2e%2f%2e%2e%2fsetup.py',
    '/static/%2fetc%2fpasswd', '/static/..%252findex.html', '/static/main.js%00.css',
    '/static/', '/static', '/../../etc/passwd', '/%2e%2e/setup.py',
    '/api/v1/samples/..%2f..%2fetc%2fpasswd', '/api/v1/samples/%2e%2e/image',
    '/api/v1/uncertain/..%2f1/image', '/whip/..%2f..%2fdataset', '/whep/%00'])
def test_paths_lead_nowhere_else(robot: tuple[FakeBridge, Server], target: str) -> None:
    status, answer = ask(robot[1], target)
    assert status in (400, 403, 404)
    assert b'root:' not in answer
    assert b'<body' not in answer


@pytest.mark.parametrize('target', ['//evil.example/', '//evil.example/%2e%2e', '/\\evil.example',
                                    'http://evil.example/', '*', 'evil',
                                    '/static//etc/passwd'])
def test_nobody_is_sent_elsewhere(robot: tuple[FakeBridge, Server], target: str) -> None:
    status, answer = ask(robot[1], target)
    head = answer.split(b'\r\n\r\n')[0].lower()
    assert status >= 300
    assert b'root:' not in answer
    assert b'location: http://evil' not in head
    assert b'location: //evil' not in head


# --- too much of anything ---

def test_a_header_or_an_address_that_is_too_long(robot: tuple[FakeBridge, Server]) -> None:
    server = robot[1]
    assert ask(server, '/', f'X-Long: {"x" * 100_000}')[0] in (0, 413)
    assert ask(server, '/', *[f'X-{number}: {"x" * 100}' for number in range(1000)])[0] in (0, 413)
    assert ask(server, f'/alerts?since={"1" * 100_000}')[0] in (0, 414)
    assert ask(server, f'/alerts?since={"1" * 10_000}')[0] == 422
    assert ask(server, '/')[0] == 200  # it goes on


@pytest.mark.parametrize('headers', [
    ('Content-Length: -1',), ('Content-Length: x',), ('Content-Length: 99999999999999999999',),
    ('Transfer-Encoding: chunked',), ('Transfer-Encoding: chunked', 'Content-Length: 5'),
    ('Transfer-Encoding: x',)])
def test_a_body_of_an_unclear_length(robot: tuple[FakeBridge, Server], headers: tuple[str, ...]
                                     ) -> None:
    bridge, server = robot
    bridge.calls.clear()
    status, _ = ask(server, '/training/enabled', *headers, method='PUT')
    assert status in (400, 411, 413, 501)
    assert bridge.calls == []


@pytest.mark.parametrize('path', ['/dataset/upload', '/api/v1/classify'])
def test_a_form_of_many_parts(client: FlaskClient, bridge: FakeBridge, path: str) -> None:
    fields = {f'field {number}': 'x' for number in range(100)}
    answer = client.post(path, data={**fields, 'file': (io.BytesIO(b'x'), 'a.jpg')})
    assert answer.status_code == 413
    answer = client.post(path, data={'tags': 'x' * 100_000,
                                     'file': (io.BytesIO(b'x'), 'a.jpg')})
    assert answer.status_code == 413
    assert bridge.calls == []


@pytest.mark.parametrize('body', [
    b'multipart', b'--x\r\n\r\n', b'--x--', b'',
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="',
    b'--x\r\nContent-Disposition: form-data\r\n\r\nx\r\n--x--\r\n'])
def test_a_broken_form(client: FlaskClient, bridge: FakeBridge, body: bytes) -> None:
    for path in ('/dataset/upload', '/api/v1/classify'):
        answer = client.post(path, data=body, content_type='multipart/form-data; boundary=x')
        assert answer.status_code == 400
    assert bridge.calls == []


@pytest.mark.parametrize('body', [
    b'[' * 1_000_000, b'{"a":' * 150_000, b'{"operation": ' + b'[' * 900_000,
    b'1' * 1_000_000, b'"' + b'\\' * 999_999])
def test_json_that_is_too_deep_or_never_ends(client: FlaskClient, bridge: FakeBridge, body: bytes
                                             ) -> None:
    assert client.post('/api/v1/edits', data=body).status_code == 400
    assert bridge.calls == []


@pytest.mark.parametrize('tag', ['x' * 65, 'x' * 60_000, 'a\u202eb', 'a\x1b[31m', '\u200b'])
def test_tags_that_are_too_long_or_not_to_be_seen(client: FlaskClient, bridge: FakeBridge,
                                                  tag: str) -> None:
    tag = f'a{tag}b'
    id_ = 'ab' * 32
    for method, path, body in (
            ('PUT', '/dataset/active_tags', tag),
            ('POST', '/api/v1/edits', {'operation': 'add_tags', 'ids': [id_], 'tags': [tag]}),
            ('POST', '/api/v1/edits', {'operation': 'rename_class', 'from': 'a', 'to': tag}),
            ('POST', '/api/v1/uncertain/1', {'tags': [tag]})):
        answer = client.open(path, method=method, json=body)
        assert answer.status_code == 422, path
        assert len(answer.get_json(force=True)['detail']) < 200
    assert client.get('/api/v1/samples', query_string={'tag': tag}).status_code == 422
    assert bridge.calls == []


# --- too many, and silent ones ---

@pytest.fixture
def other_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on whoever connects is another machine."""
    monkeypatch.setattr(serve, 'is_loopback', lambda peer: False)


def get(port: int, context: ssl.SSLContext | None = None) -> int:
    with closing(http.client.HTTPSConnection('localhost', port, timeout=5, context=context)
                 if context else http.client.HTTPConnection('127.0.0.1', port, timeout=5)
                 ) as connection:
        connection.request('GET', '/')
        return connection.getresponse().status


@pytest.mark.usefixtures('other_machine')
def test_one_machine_does_not_take_all_connections() -> None:
    config = WebConfig(port=0, streams=2)  # twelve threads
    server = Server(create_app(FakeBridge(), config, WEB), config)
    server.start()
    try:
        address = ('127.0.0.1', urlsplit(server.url).port or 0)
        for _ in range(20):  # those that were closed do not count
            until(lambda: answers(address[1]))
        with ExitStack() as opened:
            for _ in range(20):
                opened.enter_context(socket.create_connection(address, 5))
            assert not answers(address[1])
        until(lambda: answers(address[1]))
    finally:
        server.stop()


def answers(port: int) -> bool:
    try:
        return get(port) == 200
    except (OSError, http.client.HTTPException):
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline


@pytest.mark.parametrize('said', [b'', b'GET / HTTP/1.0\r\n\r\n', b'\x16\x03\x01', b'\0' * 500])
def test_who_does_not_shake_hands_holds_nobody_up(
        tmp_path: Path, said: bytes, caplog: pytest.LogCaptureFixture) -> None:
    config = WebConfig(host='0.0.0.0', port=0, access=str(tmp_path))
    server = Server(create_app(FakeBridge(), config, WEB), config)
    server.start()
    try:
        port = urlsplit(server.url).port or 0
        context = ssl.create_default_context(cafile=str(tmp_path / 'tls-cert.pem'))
        with ExitStack() as opened:
            for _ in range(4):
                sock = opened.enter_context(socket.create_connection(('127.0.0.1', port), 5))
                sock.sendall(said)
            assert get(port, context) == 200  # cheroot itself would wait ten seconds for each
    finally:
        server.stop()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


# --- too often ---

def test_who_writes_too_often_is_made_to_wait(tmp_path: Path, bridge: FakeBridge,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, '_BURST', 20)
    monkeypatch.setattr(guard, '_WRITES_HZ', 0)
    app = create_app(bridge, WebConfig(host='0.0.0.0', access=str(tmp_path)), WEB)
    access = current.of(app).access
    assert access
    token = {'Authorization': f'Bearer {access.issue(Scope.TAG)}'}
    first, second = {'REMOTE_ADDR': '192.0.2.1'}, {'REMOTE_ADDR': '192.0.2.2'}
    with app.test_client() as client:
        def write(environment: dict[str, str]) -> int:
            answer = client.put('/dataset/active_tags', data='"mug"', headers=token,
                                environ_base=environment)
            if answer.status_code == 429:
                assert answer.headers['Retry-After'] == '1'
            return answer.status_code

        assert [write(first) for _ in range(22)] == [200] * 20 + [429] * 2
        assert write(second) == 200
        assert client.get('/api/v1/state', headers=token, environ_base=first).status_code == 200
