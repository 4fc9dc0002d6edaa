"""The original's REST, with good and bad values."""

import io
import json

import pytest
from fake_bridge import FakeBridge
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from recognizer_ros.core.errors import (
    DatasetError,
    DiskFullError,
    ImageError,
    NodeUnavailableError,
    SourceError,
)
from recognizer_ros.server.state import State, Training

SWITCHES = ('/dataset/recording', '/training/enabled', '/classification/enabled')
NUMBERS = ('/classification/confidence_threshold', '/classification/output_smoothing')
PUTS = (*SWITCHES, *NUMBERS, '/dataset/active_tags')


def check_problem(response: TestResponse, status: int) -> str:
    """Return the detail of a problem document."""
    assert response.status_code == status
    assert response.mimetype == 'application/problem+json'
    body = response.get_json(force=True)
    assert body['status'] == status
    assert body['title']
    assert body['detail']
    return str(body['detail'])


def upload(client: FlaskClient, *files: bytes, **form: str) -> TestResponse:
    fields = {'file': [(io.BytesIO(data), 'shot.jpg') for data in files], **form}
    return client.post('/dataset/upload', data=fields)


@pytest.mark.parametrize(('path', 'value'), [
    ('/dataset/classes', ['mug', 'red mug', 'stapler']),
    ('/dataset/active_tags', 'mug'),
    ('/dataset/recording', False),
    ('/training/enabled', True),
    ('/classification/enabled', True),
    ('/classification/confidence_threshold', 0.01),
    ('/classification/output_smoothing', 0.0),
])
def test_get(client: FlaskClient, path: str, value: object) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.get_json() == value


@pytest.mark.parametrize(('path', 'value', 'call'), [
    ('/dataset/active_tags', ' Red  Mug; stapler,,stapler', ('tags', ('red mug', 'stapler'))),
    ('/dataset/active_tags', '', ('tags', ())),
    ('/dataset/recording', True, ('recording', True, None)),
    ('/dataset/recording?lease=1.5', True, ('recording', True, 1.5)),
    ('/dataset/recording', False, ('recording', False, None)),
    ('/training/enabled', False, ('training', False)),
    ('/classification/enabled', False, ('classification', False)),
    ('/classification/confidence_threshold', 0.5, ('threshold', 0.5)),
    ('/classification/confidence_threshold', 1, ('threshold', 1.0)),
    ('/classification/output_smoothing', 12, ('smoothing', 12.0)),
])
def test_put(client: FlaskClient, bridge: FakeBridge, path: str, value: object,
             call: tuple[object, ...]) -> None:
    response = client.put(path, json=value)
    assert response.status_code == 200
    assert response.data == b''
    assert bridge.calls == [call]


def test_put_is_read_back(client: FlaskClient) -> None:
    client.put('/dataset/active_tags', json='stapler, Tape')
    assert client.get('/dataset/active_tags').get_json() == 'stapler,tape'


@pytest.mark.parametrize(('path', 'value'), [
    *[(path, value) for path in SWITCHES for value in (1, 0, 'true', None, [True], {})],
    *[(path, value) for path in NUMBERS for value in (True, '0.5', None, [0.5], -0.1, 10**400)],
    ('/classification/confidence_threshold', 1.01),
    ('/classification/output_smoothing', 100.5),
    *[('/dataset/active_tags', value) for value in (1, None, ['mug'], 'x' * 65, 'a\x00b',
                                                    ','.join(map(str, range(17))))],
    *[(f'/dataset/recording?lease={lease}', True) for lease in ('0.1', '121', 'nan', 'x', '')],
])
def test_put_of_a_wrong_value_changes_nothing(client: FlaskClient, bridge: FakeBridge, path: str,
                                              value: object) -> None:
    check_problem(client.put(path, data=json.dumps(value)), 422)
    assert bridge.calls == []


@pytest.mark.parametrize('path', PUTS)
@pytest.mark.parametrize('data', [b'', b'{', b'true false', b'NaN', b'\xff\xfe\xfd',
                                  b'[' * 60_000])
def test_put_of_malformed_json(client: FlaskClient, bridge: FakeBridge, path: str,
                               data: bytes) -> None:
    check_problem(client.put(path, data=data), 400)
    assert bridge.calls == []


@pytest.mark.parametrize('path', PUTS)
def test_put_when_the_node_does_not_answer(client: FlaskClient, bridge: FakeBridge, path: str
                                           ) -> None:
    bridge.failure = NodeUnavailableError('trainer does not answer: is it running?')
    value = False if path in SWITCHES else 0.5 if path in NUMBERS else 'mug'
    assert 'trainer' in check_problem(client.put(path, json=value), 503)


def test_recording_needs_tags(client: FlaskClient, bridge: FakeBridge) -> None:
    bridge.change(tags=())
    detail = check_problem(client.put('/dataset/recording', json=True), 422)
    assert 'set tags first' in detail
    assert bridge.recordings == []


def test_releasing_needs_no_tags(client: FlaskClient, bridge: FakeBridge) -> None:
    bridge.change(tags=())
    assert client.put('/dataset/recording', json=False).status_code == 200
    assert bridge.recordings == [(False, None)]


def test_upload_takes_the_active_tags(client: FlaskClient, bridge: FakeBridge) -> None:
    response = upload(client, b'pixels')
    assert response.status_code == 200
    assert response.get_json() == {'id': 'ab' * 32}
    assert bridge.samples.added == [(b'pixels', ('mug',), 'upload shot.jpg')]


def test_upload_with_tags_of_its_own(client: FlaskClient, bridge: FakeBridge) -> None:
    assert upload(client, b'pixels', tags='Tape; red mug').status_code == 200
    assert upload(client, b'pixels', tags='').status_code == 200
    assert [tags for _, tags, _ in bridge.samples.added] == [('tape', 'red mug'), ()]


def test_upload_of_a_file_with_a_hostile_name(client: FlaskClient, bridge: FakeBridge) -> None:
    client.post('/dataset/upload', data={'file': (io.BytesIO(b'x'), 'a\x1b[31m' + 'n' * 300)})
    source = bridge.samples.added[0][2]
    assert source.isprintable()
    assert len(source) < 100


@pytest.mark.parametrize('files', [(), (b'one', b'two')])
def test_upload_of_none_or_two(client: FlaskClient, bridge: FakeBridge, files: tuple[bytes, ...]
                               ) -> None:
    check_problem(upload(client, *files), 400)
    assert bridge.samples.added == []


def test_upload_with_bad_tags(client: FlaskClient, bridge: FakeBridge) -> None:
    check_problem(upload(client, b'pixels', tags='x' * 65), 422)
    assert bridge.samples.added == []


@pytest.mark.parametrize(('failure', 'status'), [
    (ImageError('shot.jpg is not an image'), 422),
    (NodeUnavailableError('recorder does not answer'), 503),
    (DiskFullError('12 MiB are left on the disk: make room'), 507),
    (DatasetError('it could not be stored'), 409),
    (SourceError('something else'), 500),
])
def test_upload_that_fails(client: FlaskClient, bridge: FakeBridge, failure: ImageError,
                           status: int) -> None:
    bridge.failure = failure
    assert check_problem(upload(client, b'pixels'), status) == str(failure)


def test_too_large_bodies(client: FlaskClient, bridge: FakeBridge) -> None:
    check_problem(client.post('/dataset/upload', data=b'x' * (2**20 + 1),
                              content_type='multipart/form-data; boundary=x'), 413)
    check_problem(client.put('/dataset/active_tags', data=b'"' + b'x' * 70_000 + b'"'), 413)
    assert bridge.calls == []


def test_stats(client: FlaskClient) -> None:
    assert client.get('/training/stats').get_json() == {
        'epoch': 3, 'epoch_images': 96, 'loss': 0.25, 'accuracy': 87.5, 'num_images': 412,
        'num_tags': 412, 'classes': ['mug', 'red mug', 'stapler'],
        'class_distribution': [204, 121, 87]}


def test_stats_that_are_not_known(client: FlaskClient, bridge: FakeBridge) -> None:
    bridge.change(training=Training())
    stats = client.get('/training/stats').get_json()
    assert stats['loss'] == stats['accuracy'] == 0.0


def test_alerts(client: FlaskClient) -> None:
    alerts = client.get('/alerts').get_json()
    assert [alert['id'] for alert in alerts] == [1, 2]
    assert alerts[0] == {'id': 1, 'time': 1000, 'level': 'info', 'category': 'trainer',
                         'message': 'Version 5 is live.', 'duration': 4000}


def test_alerts_since(client: FlaskClient) -> None:
    assert [alert['id'] for alert in client.get('/alerts?since=1000').get_json()] == [2]
    assert client.get('/alerts?since=2000').get_json() == []


@pytest.mark.parametrize('since', ['x', '-1', '1.5', '', '9' * 19, '²'])
def test_alerts_since_nonsense(client: FlaskClient, since: str) -> None:
    check_problem(client.get('/alerts', query_string={'since': since}), 422)


def test_unknown_path(client: FlaskClient) -> None:
    check_problem(client.get('/dataset/nothing'), 404)
    check_problem(client.get('/static/nothing.js'), 404)
    check_problem(client.get('/static/../index.html'), 404)


@pytest.mark.parametrize(('method', 'path', 'allowed'), [
    ('POST', '/dataset/recording', 'PUT'),
    ('PUT', '/training/stats', 'GET'),
    ('GET', '/dataset/upload', 'POST'),
    ('DELETE', '/', 'GET'),
])
def test_wrong_method(client: FlaskClient, method: str, path: str, allowed: str) -> None:
    response = client.open(path, method=method)
    check_problem(response, 405)
    assert allowed in response.headers['Allow']


def test_a_bug_is_told_without_its_details(client: FlaskClient, bridge: FakeBridge) -> None:
    def broken() -> State:
        raise RuntimeError('secret')

    bridge.state = broken  # type: ignore[method-assign]
    assert 'secret' not in check_problem(client.get('/dataset/classes'), 500)
