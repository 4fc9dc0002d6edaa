"""The server on a real socket."""

import gc
import http.client
import json
import socket
import ssl
import time
import weakref
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from fake_bridge import WEB, FakeBridge

from recognizer_ros.core.config import WebConfig
from recognizer_ros.core.errors import ConfigError, PortInUseError
from recognizer_ros.server.app import create_app
from recognizer_ros.server.certificate import own_pair
from recognizer_ros.server.serve import Server

BIG = b'\xff\xd8' + bytes(2**20)
STOP_S = 4.0
"""Promised are about 2 s; the machine of a test may be slow."""


def make(bridge: FakeBridge | None = None, **settings: Any) -> Server:
    config = WebConfig(**{'port': 0, 'streams': 2, 'upload_limit': 1, **settings})
    return Server(create_app(bridge or FakeBridge(), config, WEB), config)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def connected(server: Server) -> Iterator[http.client.HTTPConnection]:
    address = urlsplit(server.url)
    with closing(http.client.HTTPConnection(str(address.hostname), address.port, timeout=10)
                 ) as connection:
        yield connection


def test_serves_the_page() -> None:
    with running(make()) as server, connected(server) as connection:
        connection.request('GET', '/')
        response = connection.getresponse()
        assert response.status == 200
        assert b'<title>Recognizer</title>' in response.read()


@pytest.mark.parametrize('host', ['localhost', '127.0.0.1', '127.0.0.2'])
def test_loopback_addresses(host: str) -> None:
    with running(make(host=host)) as server:
        assert server.url.startswith('http://127.0.0.')
        assert not server.url.endswith(':0/')


@pytest.mark.parametrize('host', ['0.0.0.0', '::'])
def test_other_addresses_ask_for_a_token_over_https(host: str, tmp_path: Path) -> None:
    with running(make(host=host, access=str(tmp_path))) as server:
        assert server.url.startswith('https://')
    with pytest.raises(ConfigError, match='host is empty'):
        make(host='', access=str(tmp_path))


def test_port_in_use() -> None:
    with running(make()) as first:
        port = urlsplit(first.url).port
        assert port
        second = make(port=port)
        with pytest.raises(PortInUseError, match=f'port {port} is in use: .*choose another port$'):
            second.start()
        second.stop()


def test_a_port_is_free_again_after_stop() -> None:
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
    for _ in range(2):
        server = make(port=port)
        server.start()
        with connected(server) as connection:
            connection.request('GET', '/api/v1/events')
            assert connection.getresponse().readline()
            server.stop()
        server.stop()


def test_nothing_is_left_of_a_server() -> None:
    server = make()
    with running(server):
        left = weakref.ref(server._server)
    del server
    gc.collect()
    assert left() is None


def test_stop_without_start() -> None:
    make().stop()


def test_stop_ends_open_streams() -> None:
    bridge = FakeBridge(frames=(BIG,))
    server = make(bridge)
    server.start()
    with connected(server) as events, connected(server) as video:
        events.request('GET', '/api/v1/events')
        video.request('GET', '/video.mjpeg')
        assert events.getresponse().readline()
        assert video.getresponse().read(100)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < STOP_S
    assert bridge.viewers == 0


def test_stop_with_a_viewer_that_does_not_read() -> None:
    bridge = FakeBridge(frames=(BIG * 32,))  # more than fits into the buffers between the two
    server = make(bridge)
    server.start()
    address = urlsplit(server.url)
    with socket.create_connection((str(address.hostname), address.port), timeout=10) as viewer:
        viewer.sendall(b'GET /video.mjpeg HTTP/1.1\r\nHost: localhost\r\n\r\n')
        received = b''
        while b'\xff\xd8' not in received:
            received += viewer.recv(1000)
        began = time.monotonic()
        server.stop()
        assert time.monotonic() - began < STOP_S
    assert bridge.viewers == 0


def test_a_closed_page_gives_its_place_back() -> None:
    bridge = FakeBridge(frames=(BIG,))
    with running(make(bridge)) as server:
        for _ in range(5):
            with connected(server) as viewer:
                viewer.request('GET', '/video.mjpeg')
                response = viewer.getresponse()
                assert response.status == 200
                assert response.read(100)
                response.close()
            assert bridge.until(lambda: bridge.viewers == 0)


def test_calls_are_answered_while_all_streams_are_taken() -> None:
    with running(make(FakeBridge(frames=(BIG,)))) as server:
        opened = []
        for path in ('/video.mjpeg', '/api/v1/events') * 2:
            with_stream = connected(server)
            connection = with_stream.__enter__()
            opened.append(with_stream)
            connection.request('GET', path)
            assert connection.getresponse().status == 200
        with connected(server) as connection:
            connection.request('GET', '/video.mjpeg')
            response = connection.getresponse()
            assert response.status == 503
            response.read()
            connection.request('PUT', '/training/enabled', 'false')
            assert connection.getresponse().status == 200
        for stream in opened:
            stream.__exit__(None, None, None)


def test_a_too_large_upload_is_refused_unread() -> None:
    with running(make()) as server, connected(server) as connection:
        connection.putrequest('POST', '/dataset/upload')
        connection.putheader('Content-Length', str(10 * 2**30))
        connection.endheaders()
        response = connection.getresponse()
        assert response.status == 413
        assert json.loads(response.read())['detail'] == 'send at most 1 MiB'


def test_upload() -> None:
    bridge = FakeBridge()
    form = (b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
            + BIG[:800_000] + b'\r\n--x--\r\n')
    with running(make(bridge)) as server, connected(server) as connection:
        connection.request('POST', '/dataset/upload', form,
                           {'Content-Type': 'multipart/form-data; boundary=x'})
        assert connection.getresponse().status == 200
    assert bridge.samples.added == [(BIG[:800_000], ('mug',), 'upload a.jpg')]


def make_certificate(folder: Path) -> tuple[str, str]:
    key, cert = own_pair(folder)
    return str(key), str(cert)


def test_https(tmp_path: Path) -> None:
    key, cert = make_certificate(tmp_path)
    with running(make(ssl_key=key, ssl_cert=cert)) as server:
        address = urlsplit(server.url)
        assert address.scheme == 'https'
        context = ssl.create_default_context(cafile=cert)
        with closing(http.client.HTTPSConnection('127.0.0.1', address.port, timeout=10,
                                                 context=context)) as connection:
            own = f'https://127.0.0.1:{address.port}'
            connection.request('PUT', '/training/enabled', 'false', {'Origin': own})
            assert connection.getresponse().status == 200


def test_certificates_that_cannot_be_used(tmp_path: Path) -> None:
    key, cert = make_certificate(tmp_path)
    missing = str(tmp_path / 'missing.pem')
    with pytest.raises(ConfigError, match=r'ssl_cert: .*missing\.pem'):
        make(ssl_key=key, ssl_cert=missing)
    with pytest.raises(ConfigError, match=r'ssl_key: .*missing\.pem'):
        make(ssl_key=missing, ssl_cert=cert)
    with pytest.raises(ConfigError, match='ssl_cert is missing'):
        make(ssl_key=key)
    with pytest.raises(ConfigError, match='cannot be used'):
        make(ssl_key=cert, ssl_cert=key)


def test_an_encrypted_key_is_refused_without_asking(tmp_path: Path) -> None:
    key, cert = make_certificate(tmp_path)
    locked = tmp_path / 'locked.pem'
    locked.write_bytes(serialization.load_pem_private_key(
        Path(key).read_bytes(), None).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b'secret')))
    with pytest.raises(ConfigError, match='cannot be used'):
        make(ssl_key=str(locked), ssl_cert=cert)
