"""``/api/v1/models``."""

import pytest
from fake_bridge import FakeBridge
from flask.testing import FlaskClient

from recognizer_ros.core.errors import ModelError, NodeUnavailableError

LIVE = '/api/v1/models/live'


def test_versions_with_scores(client: FlaskClient) -> None:
    answer = client.get('/api/v1/models').get_json()
    assert answer['live_version'] == 6
    assert [(one['version'], one['stage'], one['live']) for one in answer['models']] == [
        (6, 'head', True), (5, 'finetune', False), (4, 'head', False)]
    newest = answer['models'][0]
    assert newest['created'].startswith('2023-11-14T')
    scores = newest['scores']
    assert (scores['headline'], scores['accuracy'], scores['samples']) == (0.75, 0.75, 60)
    assert scores['mean_average_precision'] is None  # not known
    assert [item['change'] for item in scores['per_class']] == [0.05, -0.1, None]
    assert scores['confusion'] == [[16, 4, 0], [2, 18, 0], [0, 4, 16]]
    assert newest['labels'] == ['mug', 'red mug', 'stapler']


@pytest.mark.parametrize(('version', 'live'), [(4, 4), (0, 5), (5.0, 5)])
def test_a_version_is_made_live(client: FlaskClient, bridge: FakeBridge, version: float, live: int
                                ) -> None:
    answer = client.put(LIVE, json=version)
    assert (answer.status_code, answer.data) == (200, b'')
    assert bridge.calls == [('activate', version)]
    assert client.get('/api/v1/models').get_json()['live_version'] == live


@pytest.mark.parametrize('value', [b'-1', b'1.5', b'true', b'"5"', b'null', b'[5]', b'4294967296',
                                   b'1e999'])
def test_what_is_no_version(client: FlaskClient, bridge: FakeBridge, value: bytes) -> None:
    answer = client.put(LIVE, data=value)
    assert answer.status_code == 422
    assert bridge.calls == []


@pytest.mark.parametrize(('failure', 'status'), [
    (ModelError('there is no model version 9'), 409),
    (NodeUnavailableError('the trainer does not answer'), 503)])
def test_refusals_are_told(client: FlaskClient, bridge: FakeBridge, failure: ModelError,
                           status: int) -> None:
    bridge.failure = failure
    for answer in (client.get('/api/v1/models'), client.put(LIVE, json=9)):
        assert answer.status_code == status
        assert answer.get_json(force=True)['detail'] == str(failure)


def test_another_web_site_changes_nothing(client: FlaskClient, bridge: FakeBridge) -> None:
    answer = client.put(LIVE, json=5, headers={'Origin': 'http://evil.example'})
    assert answer.status_code == 403
    assert bridge.calls == []
