"""``/api/v1/uncertain``."""

import cv2
import numpy as np
import pytest
from fake_bridge import FakeBridge
from flask.testing import FlaskClient

from recognizer_ros.core.errors import DiskFullError, NodeUnavailableError, RecognizerError
from recognizer_ros.server import guard
from recognizer_ros.server.access import Scope

PATH = '/api/v1/uncertain'


def test_frames_newest_first(client: FlaskClient) -> None:
    newest, oldest = client.get(PATH).get_json()['frames']
    assert newest.pop('stamp').startswith('2023-11-1')
    assert newest == {'id': 12, 'unknown': False, 'model_version': 6, 'results': [
        {'label': 'mug', 'score': 0.48}, {'label': 'red mug', 'score': 0.41},
        {'label': 'stapler', 'score': 0.11}]}
    assert (oldest['id'], oldest['unknown'], oldest['model_version']) == (11, True, 5)


@pytest.mark.parametrize(('query', 'width'), [('', 320), ('?size=160', 160), ('?size=999', 320)])
def test_the_image_of_a_frame(client: FlaskClient, bridge: FakeBridge, query: str, width: int
                              ) -> None:
    answer = client.get(f'{PATH}/12/image{query}')
    assert (answer.status_code, answer.mimetype) == (200, 'image/jpeg')
    image = cv2.imdecode(np.frombuffer(answer.data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape[1] == width
    assert (answer.data == bridge.answers.jpegs[12]) == (width == 320)


def test_a_tagged_frame_is_stored_and_only_then_forgotten(client: FlaskClient, bridge: FakeBridge
                                                          ) -> None:
    answer = client.post(f'{PATH}/12', json={'tags': ['Red Mug', 'red  mug', 'new']})
    assert (answer.status_code, answer.get_json()) == (200, {'id': 'ab' * 32})
    tags = ('red mug', 'new')
    assert bridge.samples.added == [(bridge.answers.jpegs[12], tags, 'uncertain')]
    assert bridge.samples.stamps_ns == [1_700_000_002_500_000_000]
    assert bridge.calls == [('uncertain image', 12), ('sample', tags, 'uncertain'),
                            ('forget', 12)]
    assert [frame['id'] for frame in client.get(PATH).get_json()['frames']] == [11]


def test_what_cannot_be_stored_is_not_forgotten(client: FlaskClient, bridge: FakeBridge,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> str:
        raise DiskFullError('too little room is left on the disk')

    monkeypatch.setattr(bridge.samples, 'add', full)
    assert client.post(f'{PATH}/12', json={'tags': ['mug']}).status_code == 507
    assert bridge.calls == [('uncertain image', 12)]


def test_a_frame_is_forgotten(client: FlaskClient, bridge: FakeBridge) -> None:
    for _ in range(2):  # it may be gone already
        answer = client.delete(f'{PATH}/12')
        assert (answer.status_code, answer.data) == (200, b'')
    assert [frame.id for frame in bridge.answers.frames] == [11]
    assert bridge.samples.added == []


@pytest.mark.parametrize('body', [
    b'{"tags": []}', b'{"tags": [" "]}', b'{"tags": "mug"}', b'{"tags": [1]}', b'{}', b'["mug"]',
    b'{"tags": ["mug"], "split": "train"}', b'{"tags": ["a\\u0000b"]}', b'null'])
def test_tags_that_are_none(client: FlaskClient, bridge: FakeBridge, body: bytes) -> None:
    answer = client.post(f'{PATH}/12', data=body)
    assert answer.status_code == 422
    assert bridge.calls == []


@pytest.mark.parametrize('frame', ['0', '-1', '4294967296', 'x', '1.0', '13'])
def test_frames_that_are_not_there(client: FlaskClient, bridge: FakeBridge, frame: str) -> None:
    for answer in (client.get(f'{PATH}/{frame}/image'),
                   client.post(f'{PATH}/{frame}', json={'tags': ['mug']})):
        assert answer.status_code == 404
        assert answer.mimetype == 'application/problem+json'
    assert bridge.samples.added == []


def test_who_tags_may_deal_with_frames_and_who_looks_may_ask() -> None:
    assert guard.needed('uncertain.store', 'POST') is Scope.TAG
    assert guard.needed('uncertain.forget', 'DELETE') is Scope.TAG
    assert guard.needed('uncertain.frames', 'GET') is Scope.VIEW
    assert guard.needed('classify.classify', 'POST') is Scope.VIEW


def test_without_a_classifier(client: FlaskClient, bridge: FakeBridge) -> None:
    failure: RecognizerError = NodeUnavailableError('the classifier does not answer')
    bridge.failure = failure
    for answer in (client.get(PATH), client.get(f'{PATH}/12/image'), client.delete(f'{PATH}/12'),
                   client.post(f'{PATH}/12', json={'tags': ['mug']})):
        assert answer.status_code == 503
        assert answer.get_json(force=True)['detail'] == str(failure)
