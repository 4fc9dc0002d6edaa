"""REST of what is stored, with good and bad values."""

import json
from typing import Any

import pytest
from fake_bridge import FakeBridge, FakeSamples
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from recognizer_ros.core.errors import (
    ConflictError,
    DatasetError,
    DiskFullError,
    LabelError,
    NodeUnavailableError,
    NotFoundError,
    RecognizerError,
)
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.browse import Query, State
from recognizer_ros.dataset.edits import (
    AddTags,
    Delete,
    Purge,
    Quarantine,
    RemoveTags,
    RenameClass,
    Restore,
    SetSplit,
    SetTags,
)

ID, OTHER = 'ab' * 32, 'cd' * 32
S = 10**9


def check_problem(response: TestResponse, status: int) -> str:
    """Return the detail of a problem document."""
    assert response.status_code == status, response.data
    assert response.mimetype == 'application/problem+json'
    return str(response.get_json(force=True)['detail'])


def test_a_page(client: FlaskClient) -> None:
    answer = client.get('/api/v1/samples').get_json()
    assert (answer['total'], answer['revision'], len(answer['samples'])) == (412, 17, 1)
    sample = answer['samples'][0]
    assert sample.pop('stamp').startswith('2023-11-1')
    assert sample == {
        'id': ID, 'tags': ['mug', 'red mug'], 'stamp_ns': 1_700_000_000_123_456_789, 'burst': 3,
        'source': 'image_raw', 'split': 'validation', 'split_pinned': True, 'width': 640,
        'height': 480, 'quarantined': '', 'deleted': False}


@pytest.mark.parametrize(('query', 'expected'), [
    ('', Query()),
    ('tag=Mug&tag=tape&burst=3', Query(('mug', 'tape'), 3)),
    ('split=gap&state=deleted', Query(split=Split.GAP, state=State.DELETED)),
    ('split=train&state=quarantined', Query(split=Split.TRAIN, state=State.QUARANTINED)),
    ('offset=200&limit=1000', Query(offset=200, limit=1000)),
    ('since=1700000000.123456789&until=1970-01-01T01:00:00%2B00:00',
     Query(since_ns=1_700_000_000_123_456_789, until_ns=3600 * S)),
    ('since=2023-11-14T22:13:20.5Z', Query(since_ns=1_700_000_000_500_000_000)),
])
def test_filters(client: FlaskClient, bridge: FakeBridge, query: str, expected: Query) -> None:
    assert client.get(f'/api/v1/samples?{query}').status_code == 200
    assert bridge.calls == [('page', expected)]


@pytest.mark.parametrize('query', [
    'limit=0', 'limit=1001', 'limit=x', 'limit=1.5', 'limit=nan', 'offset=-1',
    'offset=4294967296', 'burst=0', 'burst=', 'split=left', 'state=gone', 'since=yesterday',
    'since=-1', 'since=1e30', 'since=nan', 'until=9999-01-01', f'tag={"x" * 65}', 'tag=a%00b',
    'label=mug'])
def test_filters_that_make_no_sense(client: FlaskClient, bridge: FakeBridge, query: str) -> None:
    check_problem(client.get(f'/api/v1/samples?{query}'), 422)
    assert bridge.calls == []


def test_a_sample(client: FlaskClient, bridge: FakeBridge) -> None:
    assert client.get(f'/api/v1/samples/{ID}').get_json()['id'] == ID
    assert bridge.calls == [('find', ID)]


@pytest.mark.parametrize(('query', 'size'), [('', 0), ('?size=128', 128), ('?size=4096', 4096)])
def test_an_image(client: FlaskClient, bridge: FakeBridge, query: str, size: int) -> None:
    answer = client.get(f'/api/v1/samples/{ID}/image{query}')
    assert (answer.status_code, answer.mimetype, answer.data) == (200, 'image/jpeg', b'pixels')
    assert bridge.calls == [('image', ID, size)]


@pytest.mark.parametrize('size', ['15', '4097', 'nan', 'x', ''])
def test_an_image_of_a_size_that_makes_no_sense(client: FlaskClient, bridge: FakeBridge,
                                                size: str) -> None:
    check_problem(client.get(f'/api/v1/samples/{ID}/image?size={size}'), 422)
    assert bridge.calls == []


@pytest.mark.parametrize('name', ['1', ID[:-1], ID.upper(), f'{ID}0', '..%2fsamples.db', '%00'])
@pytest.mark.parametrize('rest', ['', '/image'])
def test_what_is_no_id_is_not_found(client: FlaskClient, bridge: FakeBridge, name: str,
                                    rest: str) -> None:
    check_problem(client.get(f'/api/v1/samples/{name}{rest}'), 404)
    assert bridge.calls == []


@pytest.mark.parametrize(('body', 'expected'), [
    ({'operation': 'set_tags', 'ids': [ID], 'tags': [' Red  Mug']}, SetTags((ID,), ('red mug',))),
    ({'operation': 'set_tags', 'ids': [ID], 'tags': []}, SetTags((ID,), ())),
    ({'operation': 'add_tags', 'ids': [ID, OTHER, ID], 'tags': ['a', 'b']},
     AddTags((ID, OTHER), ('a', 'b'))),
    ({'operation': 'remove_tags', 'ids': [ID], 'tags': ['a']}, RemoveTags((ID,), ('a',))),
    ({'operation': 'rename_class', 'from': 'Mug', 'to': 'Cup'}, RenameClass('mug', 'cup')),
    ({'operation': 'delete', 'ids': [ID]}, Delete((ID,))),
    ({'operation': 'restore', 'ids': [ID]}, Restore((ID,))),
    ({'operation': 'purge', 'ids': []}, Purge(())),
    ({'operation': 'quarantine', 'ids': [ID], 'reason': ' too\ndark \ud800'},
     Quarantine((ID,), 'too dark')),
    ({'operation': 'set_split', 'ids': [ID], 'split': 'validation'},
     SetSplit((ID,), Split.VALIDATION)),
])
@pytest.mark.parametrize('revision', [None, 17])
def test_edits(client: FlaskClient, bridge: FakeBridge, body: dict[str, Any], expected: object,
               revision: int | None) -> None:
    more = {} if revision is None else {'expected_revision': revision}
    answer = client.post('/api/v1/edits', json={**body, **more})
    assert answer.status_code == 200
    assert answer.get_json() == {'changed': 2, 'revision': 18, 'description': 'done'}
    assert bridge.calls == [(expected, revision or 0)]


@pytest.mark.parametrize('body', [
    None, [], 'delete', {}, {'operation': 'drop'}, {'operation': ['delete'], 'ids': [ID]},
    {'operation': 'delete'}, {'operation': 'delete', 'ids': []},
    {'operation': 'delete', 'ids': ID}, {'operation': 'delete', 'ids': ['../../etc/passwd']},
    {'operation': 'delete', 'ids': [ID.upper()]}, {'operation': 'delete', 'ids': [1]},
    {'operation': 'delete', 'ids': [ID], 'tags': ['a']},
    {'operation': 'purge'}, {'operation': 'set_tags', 'ids': [ID]},
    {'operation': 'add_tags', 'ids': [ID], 'tags': []},
    {'operation': 'add_tags', 'ids': [ID], 'tags': 'mug'},
    {'operation': 'add_tags', 'ids': [ID], 'tags': ['a;b']},
    {'operation': 'add_tags', 'ids': [ID], 'tags': ['\ud800']},
    {'operation': 'rename_class', 'from': 'mug'},
    {'operation': 'rename_class', 'from': 'mug', 'to': ''},
    {'operation': 'rename_class', 'from': 'mug', 'to': 'Mug'},
    {'operation': 'set_split', 'ids': [ID]}, {'operation': 'set_split', 'ids': [ID], 'split': 1},
    {'operation': 'quarantine', 'ids': [ID]},
    {'operation': 'quarantine', 'ids': [ID], 'reason': '\x00 '},
    {'operation': 'set_split', 'ids': [ID], 'split': 'gap'},
    *[{'operation': 'delete', 'ids': [ID], 'expected_revision': value}
      for value in (-1, 1.0, '1', True, None, 2**63)],
])
def test_edits_that_make_no_sense(client: FlaskClient, bridge: FakeBridge, body: object) -> None:
    check_problem(client.post('/api/v1/edits', data=json.dumps(body)), 422)
    assert bridge.calls == []


def test_an_edit_of_more_samples_than_one_may_have(client: FlaskClient, bridge: FakeBridge
                                                   ) -> None:
    client.application.config['MAX_CONTENT_LENGTH'] = 2**24
    ids = [f'{number:064x}' for number in range(100_001)]
    body = {'operation': 'delete', 'ids': ids}
    assert '100000' in check_problem(client.post('/api/v1/edits', json=body), 422)
    assert bridge.calls == []
    body['ids'] = ids[:-1]
    assert client.post('/api/v1/edits', json=body).status_code == 200
    check_problem(client.post('/api/v1/edits', data=b' ' * (8 * 2**20 + 1)), 413)


@pytest.mark.parametrize('name', ['undo', 'redo'])
@pytest.mark.parametrize(('body', 'revision'), [({}, 0), ({'expected_revision': 17}, 17)])
def test_undo_and_redo(client: FlaskClient, bridge: FakeBridge, name: str, body: object,
                       revision: int) -> None:
    answer = client.post(f'/api/v1/{name}', json=body)
    assert answer.get_json() == {'changed': 1, 'revision': 19, 'description': 'undone'}
    assert bridge.calls == [(name, revision)]


@pytest.mark.parametrize('path', ['undo', 'redo', 'edits'])
@pytest.mark.parametrize(('data', 'status'), [
    (b'', 400), (b'{', 400), (b'1', 422), (b'{"again": true}', 422)])
def test_bodies_that_are_none(client: FlaskClient, bridge: FakeBridge, path: str, data: bytes,
                              status: int) -> None:
    check_problem(client.post(f'/api/v1/{path}', data=data), status)
    assert bridge.calls == []


REQUESTS = (('GET', 'samples', None), ('GET', f'samples/{ID}', None),
            ('GET', f'samples/{ID}/image', None),
            ('POST', 'edits', {'operation': 'delete', 'ids': [ID]}), ('POST', 'undo', {}),
            ('POST', 'redo', {}))


@pytest.mark.parametrize(('failure', 'status'), [
    (NotFoundError('no sample like that'), 404), (ConflictError('somebody else was faster'), 409),
    (DatasetError('nothing to undo'), 409), (NodeUnavailableError('the recorder is not'), 503),
    (DiskFullError('no room'), 507), (LabelError('no tag'), 422)])
@pytest.mark.parametrize(('method', 'path', 'body'), REQUESTS)
def test_what_the_recorder_refuses(client: FlaskClient, bridge: FakeBridge, method: str, path: str,
                                   body: object, failure: RecognizerError, status: int) -> None:
    bridge.failure = failure
    answer = client.open(f'/api/v1/{path}', method=method, data=json.dumps(body))
    assert check_problem(answer, status) == str(failure)


@pytest.mark.parametrize(('method', 'path', 'body'), REQUESTS)
def test_the_guard_stands_before_all_of_it(client: FlaskClient, bridge: FakeBridge, method: str,
                                           path: str, body: object) -> None:
    def ask(headers: dict[str, str]) -> int:
        return client.open(f'/api/v1/{path}', method=method, data=json.dumps(body),
                           headers=headers).status_code

    assert ask({'Host': 'evil.example'}) == 403
    if method == 'POST':
        assert ask({'Origin': 'http://evil.example'}) == 403
        assert ask({'Sec-Fetch-Site': 'cross-site'}) == 403
    assert bridge.calls == []


def test_the_stamp_can_be_given_back_as_a_filter(client: FlaskClient, bridge: FakeBridge) -> None:
    stamp = client.get(f'/api/v1/samples/{ID}').get_json()['stamp']
    client.get('/api/v1/samples', query_string={'since': stamp})
    assert bridge.calls[-1] == ('page', Query(
        since_ns=FakeSamples.SAMPLE.stamp_ns // 10**6 * 10**6))
