"""Who is answered: this machine, and no other web site."""

import re

import pytest
from fake_bridge import WEB, FakeBridge
from flask.testing import FlaskClient

OWN = 'localhost:8050'


def put(client: FlaskClient, **headers: str) -> int:
    names = {name.replace('_', '-'): value for name, value in headers.items()}
    return client.put('/training/enabled', json=False, headers={'Host': OWN, **names}).status_code


@pytest.mark.parametrize('host', ['localhost', 'LOCALHOST:1', 'localhost:8050', '127.0.0.1',
                                  '127.0.0.1:8050', '[::1]', '[::1]:8050'])
def test_loopback_hosts(client: FlaskClient, host: str) -> None:
    assert client.get('/api/v1/state', headers={'Host': host}).status_code == 200


@pytest.mark.parametrize('host', [
    'evil.example', 'evil.example:8050', 'localhost.evil.example', '127.0.0.1.evil.example',
    '192.168.1.7:8050', '0.0.0.0', '[fe80::1]', '::1', 'localhost:8050@evil.example',
    'localhost:x', 'evil.example:localhost', ''])
def test_other_hosts_are_refused(client: FlaskClient, host: str) -> None:
    for path in ('/', '/api/v1/state', '/static/main.js', '/video.mjpeg'):
        response = client.get(path, headers={'Host': host})
        assert response.status_code == 403
        assert response.mimetype == 'application/problem+json'


@pytest.mark.parametrize('headers', [
    {},
    {'Origin': 'http://localhost:8050'},
    {'Origin': 'http://localhost:8050', 'Sec_Fetch_Site': 'same-origin'},
    {'Sec_Fetch_Site': 'none'},
])
def test_own_writes(client: FlaskClient, headers: dict[str, str]) -> None:
    assert put(client, **headers) == 200


@pytest.mark.parametrize('headers', [
    {'Origin': 'http://evil.example'},
    {'Origin': 'null'},
    {'Origin': ''},
    {'Origin': 'http://localhost:8051'},
    {'Origin': 'https://localhost:8050'},
    {'Origin': 'http://127.0.0.1:8050'},
    {'Sec_Fetch_Site': 'cross-site'},
    {'Sec_Fetch_Site': 'same-site'},
    {'Origin': 'http://localhost:8050', 'Sec_Fetch_Site': 'cross-site'},
])
def test_writes_of_other_sites_are_refused(client: FlaskClient, bridge: FakeBridge,
                                           headers: dict[str, str]) -> None:
    assert put(client, **headers) == 403
    assert bridge.calls == []


@pytest.mark.parametrize('method', ['PUT', 'POST', 'DELETE', 'PATCH'])
def test_every_kind_of_write_is_guarded(client: FlaskClient, method: str) -> None:
    response = client.open('/dataset/upload', method=method,
                           headers={'Origin': 'http://evil.example'})
    assert response.status_code == 403


def test_bodies_without_a_length_are_refused(client: FlaskClient) -> None:
    assert put(client, Transfer_Encoding='chunked') == 411


@pytest.mark.parametrize('path', ['/', '/static/main.js', '/api/v1/state', '/nothing'])
def test_headers(client: FlaskClient, path: str) -> None:
    with client.get(path) as response:
        headers = response.headers
    policy = headers['Content-Security-Policy']
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert 'unsafe' not in policy
    assert headers['X-Content-Type-Options'] == 'nosniff'
    assert headers['X-Frame-Options'] == 'DENY'
    assert headers['Referrer-Policy'] == 'no-referrer'
    assert headers['Cross-Origin-Resource-Policy'] == 'same-origin'


@pytest.mark.parametrize(('path', 'kind'), [
    ('/', 'text/html'), ('/static/main.js', 'text/javascript'), ('/static/theme.css', 'text/css'),
    ('/static/icon.svg', 'image/svg+xml')])
def test_files_have_their_type_and_are_checked_again(client: FlaskClient, path: str, kind: str
                                                     ) -> None:
    with client.get(path) as response:
        assert response.status_code == 200
        assert response.mimetype == kind
        assert 'no-cache' in response.headers['Cache-Control']


def test_the_title_is_text(client: FlaskClient) -> None:
    page = client.get('/').text
    assert '<title>Bench &lt;3</title>' in page


def test_the_page_needs_nothing_from_elsewhere() -> None:
    for path in [WEB / 'index.html', *(WEB / 'static').iterdir()]:
        text = path.read_text().replace('http://www.w3.org/2000/svg', '')
        assert not re.search(r'https?://|@import|src="//', text), path.name


def test_the_page_has_nothing_inline() -> None:
    page = (WEB / 'index.html').read_text()
    assert not re.search(r'<script(?![^>]* src=)|<style|\sstyle=|\son\w+=', page)
    for path in (WEB / 'static').glob('*.js'):
        assert not re.search(r'innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(',
                             path.read_text()), path.name
