"""``/api/v1/classify``."""

import io

import pytest
from fake_bridge import FakeBridge
from flask.testing import FlaskClient

from recognizer_ros.core.errors import (
    ImageError,
    ModelError,
    NodeUnavailableError,
    RecognizerError,
)

PATH = '/api/v1/classify'


@pytest.mark.parametrize('kind', ['image/png', 'application/octet-stream',
                                  'application/x-www-form-urlencoded', None])
def test_bytes_are_classified_whatever_they_are_called(
        client: FlaskClient, bridge: FakeBridge, kind: str | None) -> None:
    answer = client.post(PATH, data=b'pixels', content_type=kind)
    assert answer.status_code == 200
    assert answer.get_json() == {
        'results': [{'label': 'mug', 'score': 0.9}, {'label': 'stapler', 'score': 0.1}],
        'unknown': False, 'model_version': 6}
    assert bridge.calls == [('classify', b'pixels')]
    assert bridge.samples.added == []


def test_a_form_with_a_file(client: FlaskClient, bridge: FakeBridge) -> None:
    answer = client.post(PATH, data={'file': (io.BytesIO(b'pixels'), 'shot.jpg')})
    assert answer.status_code == 200
    assert bridge.calls == [('classify', b'pixels')]


@pytest.mark.parametrize('form', [
    {'image': (io.BytesIO(b'pixels'), 'shot.jpg')}, {'file': 'text'},
    {'file': [(io.BytesIO(b'a'), 'a.jpg'), (io.BytesIO(b'b'), 'b.jpg')]}])
def test_a_form_without_one_file(client: FlaskClient, bridge: FakeBridge,
                                 form: dict[str, object]) -> None:
    answer = client.post(PATH, data=form, content_type='multipart/form-data')
    assert answer.status_code == 400
    assert 'file' in answer.get_json(force=True)['detail']
    assert bridge.calls == []


@pytest.mark.parametrize(('failure', 'status'), [
    (ImageError('the file is damaged'), 422), (ModelError('there is no model yet'), 409),
    (NodeUnavailableError('too many images at a time: try again'), 503)])
def test_refusals_are_told(client: FlaskClient, bridge: FakeBridge, failure: RecognizerError,
                           status: int) -> None:
    bridge.failure = failure
    answer = client.post(PATH, data=b'pixels')
    assert answer.status_code == status
    assert answer.get_json(force=True)['detail'] == str(failure)


def test_a_file_over_the_limit(client: FlaskClient, bridge: FakeBridge) -> None:
    assert client.post(PATH, data=bytes(2**20 + 1)).status_code == 413
    assert bridge.calls == []
