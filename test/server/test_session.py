"""The page open to other machines: nobody is answered without a token."""

import json
from pathlib import Path
from typing import Any

import pytest
from fake_bridge import WEB, FakeBridge
from flask import Flask
from flask.testing import FlaskClient

from recognizer_ros.core.config import WebConfig
from recognizer_ros.server import current
from recognizer_ros.server.access import Access, Scope
from recognizer_ros.server.app import create_app

HOST = '192.168.1.7:8050'
BASE = {'base_url': f'https://{HOST}'}
SESSION = '/api/v1/session'
WRITES = {
    Scope.TAG: (('PUT', '/dataset/active_tags', '"mug"'), ('PUT', '/dataset/recording', 'false'),
                ('POST', '/api/v1/undo', '{}'),
                ('POST', '/api/v1/edits', json.dumps({'operation': 'delete', 'ids': []}))),
    Scope.ADMIN: (('PUT', '/training/enabled', 'false'), ('PUT', '/api/v1/models/live', '5'),
                  ('PUT', '/classification/confidence_threshold', '0.5'),
                  ('POST', '/api/v1/edits', json.dumps({'operation': 'purge', 'ids': []})))}


@pytest.fixture
def app(bridge: FakeBridge, tmp_path: Path) -> Flask:
    return create_app(bridge, WebConfig(host='0.0.0.0', access=str(tmp_path / 'access')), WEB)


@pytest.fixture
def access(app: Flask) -> Access:
    found = current.of(app).access
    assert found
    return found


def ask(client: FlaskClient, method: str, path: str, data: str = '', token: str = '',
        **headers: str) -> Any:
    """Answer to a program with this token, or to a page of this robot."""
    if token:
        headers['Authorization'] = f'Bearer {token}'
    return client.open(path, method=method, data=data, headers=headers, **BASE)


def by_page(client: FlaskClient, method: str, path: str, data: str = '') -> Any:
    return ask(client, method, path, data, Origin=f'https://{HOST}')


def test_the_empty_page_is_all_that_a_stranger_gets(client: FlaskClient, app: Flask,
                                                    bridge: FakeBridge) -> None:
    assert ask(client, 'GET', '/').status_code == 200
    with ask(client, 'GET', '/static/main.js') as script:
        assert script.status_code == 200
    assert ask(client, 'GET', SESSION).get_json() == {'needed': True, 'scope': None}
    paths = {rule.rule for rule in app.url_map.iter_rules()} - {
        '/', '/static/<path:filename>', SESSION}
    for path in paths:
        for method in ('GET', 'PUT', 'POST', 'DELETE', 'PATCH'):
            answer = ask(client, method, path.replace('<session>', 'x').replace('<sample>', 'x'))
            assert answer.status_code in (401, 405), (method, path)
            assert answer.status_code != 401 or answer.mimetype == 'application/problem+json'
    assert ask(client, 'GET', '/nothing').status_code in (401, 404)
    assert bridge.calls == []


@pytest.mark.parametrize('scope', Scope)
def test_each_scope_allows_so_much(client: FlaskClient, access: Access, scope: Scope) -> None:
    token = access.issue(scope)
    assert ask(client, 'GET', '/api/v1/state', token=token).status_code == 200
    assert ask(client, 'GET', SESSION, token=token).get_json()['scope'] == scope.name.lower()
    for needed, writes in WRITES.items():
        for method, path, data in writes:
            answer = ask(client, method, path, data, token)
            if scope < needed:
                assert answer.status_code == 403, path
                assert f'to {scope.name.lower()}' in answer.get_json(force=True)['detail']
            else:
                assert answer.status_code in (200, 422), path  # none of the ids is one


def test_a_token_becomes_a_cookie_that_scripts_cannot_read(client: FlaskClient, access: Access
                                                           ) -> None:
    token = access.issue(Scope.TAG)
    answer = by_page(client, 'POST', SESSION, json.dumps(token))
    assert answer.status_code == 200
    said = answer.headers['Set-Cookie']
    assert said.startswith('__Host-recognizer-8050=')
    assert {'Secure', 'HttpOnly', 'SameSite=Strict', 'Path=/'} <= set(said.split('; '))
    assert token not in said
    assert by_page(client, 'GET', SESSION).get_json() == {'needed': True, 'scope': 'tag'}
    assert by_page(client, 'PUT', '/dataset/active_tags', '"mug"').status_code == 200
    assert by_page(client, 'PUT', '/training/enabled', 'false').status_code == 403
    assert by_page(client, 'DELETE', SESSION).status_code == 200
    assert by_page(client, 'GET', '/api/v1/state').status_code == 401


def test_a_cookie_without_an_origin_or_of_another_one_changes_nothing(
        client: FlaskClient, access: Access, bridge: FakeBridge) -> None:
    by_page(client, 'POST', SESSION, json.dumps(access.issue(Scope.ADMIN)))
    for headers in ({}, {'Origin': 'https://evil.example'}, {'Origin': 'null'},
                    {'Origin': f'https://{HOST}', 'Sec-Fetch-Site': 'cross-site'},
                    {'Origin': f'http://{HOST}'}):
        answer = ask(client, 'PUT', '/training/enabled', 'false', **headers)
        assert answer.status_code == 403
    assert bridge.calls == []


def test_a_forged_cookie_is_none(client: FlaskClient, access: Access) -> None:
    token = access.find(access.issue(Scope.ADMIN))
    assert token
    for value in (token.id, f'{token.id}.x.y', 'eyJ0b2tlbiI6ImFiIn0.aaaa.bbbb'):
        client.set_cookie('__Host-recognizer-8050', value, domain='192.168.1.7', secure=True)
        assert by_page(client, 'GET', '/api/v1/state').status_code == 401


def test_what_was_revoked_opens_nothing_any_more(client: FlaskClient, access: Access) -> None:
    token = access.issue(Scope.TAG)
    by_page(client, 'POST', SESSION, json.dumps(token))
    assert by_page(client, 'GET', '/api/v1/state').status_code == 200
    access.revoke(access.tokens[0].id)
    assert by_page(client, 'GET', '/api/v1/state').status_code == 401
    assert ask(client, 'GET', '/api/v1/state', token=token).status_code == 401


def test_streams_of_a_revoked_token_end(client: FlaskClient, access: Access, bridge: FakeBridge
                                        ) -> None:
    token = access.issue(Scope.VIEW)
    answer = ask(client, 'GET', '/api/v1/events', token=token)
    chunks = answer.iter_encoded()
    assert b'retry' in next(chunks)
    assert b'"online": true' in next(chunks)
    access.revoke(access.tokens[0].id)
    bridge.change(tags=('pen',))
    assert list(chunks) == []
    answer.close()


def test_guessing_is_slowed_down(client: FlaskClient, access: Access) -> None:
    for _ in range(10):
        assert ask(client, 'GET', '/api/v1/state', token='guess').status_code == 401
    answer = ask(client, 'GET', '/api/v1/state', token='guess')
    assert answer.status_code == 429
    assert answer.headers['Retry-After'] == '60'
    assert by_page(client, 'POST', SESSION, '"guess"').status_code == 429


def test_each_write_is_in_the_audit_log(client: FlaskClient, access: Access) -> None:
    token = access.issue(Scope.ADMIN)
    known = access.find(token)
    assert known
    for _ in range(3):
        ask(client, 'PUT', '/training/enabled', 'false', token)
    ask(client, 'PUT', '/training/enabled', 'false')
    ask(client, 'GET', '/api/v1/state', token=token)
    path = access.folder / 'audit.log'
    first, second = map(json.loads, path.read_text().splitlines())
    assert (first['token'], first['method'], first['path'], first['status']) == (
        f'{known.id} admin', 'PUT', '/training/enabled', 200)
    assert (second['token'], second['status'], second['alike_before']) == ('', 401, 2)
    assert token not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_on_this_machine_alone_nothing_is_asked(bridge: FakeBridge, tmp_path: Path) -> None:
    app = create_app(bridge, WebConfig(access=str(tmp_path / 'access')), WEB)
    with app.test_client() as client:
        assert client.get(SESSION).get_json() == {'needed': False, 'scope': 'admin'}
        assert client.post(SESSION, json='x').status_code == 200
        assert client.put('/training/enabled', json=False).status_code == 200
    assert not (tmp_path / 'access').exists()
