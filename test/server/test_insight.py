"""How training went, mistakes and advice over REST."""

import pytest
from fake_bridge import FakeBridge, FakeSamples
from flask.testing import FlaskClient

from recognizer_ros.core.errors import ModelError, NodeUnavailableError

ID = FakeSamples.SAMPLE.sha256
PATHS = ('/api/v1/training/curves', '/api/v1/review', '/api/v1/advice')


def test_curves_have_null_for_what_is_not_known(client: FlaskClient) -> None:
    head, epoch, *others = client.get('/api/v1/training/curves').get_json()['points']
    assert len(others) == 10
    assert (head['stage'], head['epoch'], head['loss'], head['train_accuracy']) == (
        'head', 0, None, None)
    assert head['stamp'].startswith('2023-11-14T')
    assert epoch == {'stamp': epoch['stamp'], 'stage': 'finetune', 'epoch': 1,
                     'dataset_revision': 7, 'loss': 1.0, 'train_accuracy': 0.5,
                     'accuracy': 0.62, 'macro_f1': 0.6}


def test_the_table_alone(client: FlaskClient, bridge: FakeBridge) -> None:
    assert client.get('/api/v1/review').get_json() == {
        'labels': ['mug', 'red mug', 'stapler'],
        'confusion': [[31, 9, 0], [2, 22, 0], [0, 1, 18]], 'dataset_revision': 17,
        'model_version': 6, 'samples': [], 'total': 0}
    assert bridge.calls == [('review', '', '', 0, 100)]


def test_a_cell_and_its_page(client: FlaskClient, bridge: FakeBridge) -> None:
    answer = client.get('/api/v1/review?truth=mug&answer=red+mug').get_json()
    assert (answer['samples'], answer['total']) == ([{'id': ID, 'score': 0.93}], 9)
    answer = client.get('/api/v1/review?truth=mug&answer=red+mug&offset=5&limit=4').get_json()
    assert (answer['samples'], answer['total']) == ([], 9)
    assert bridge.calls[-1] == ('review', 'mug', 'red mug', 5, 4)


@pytest.mark.parametrize('query', ['truth=mug', 'answer=mug', 'truth=mug&answer=mug&limit=0',
                                   'truth=&answer=&limit=1001', 'offset=-1', 'offset=1.5',
                                   'limit=many'])
def test_what_makes_no_sense_is_refused(client: FlaskClient, bridge: FakeBridge, query: str
                                        ) -> None:
    assert client.get(f'/api/v1/review?{query}').status_code == 422
    assert bridge.calls == []


def test_advice_says_what_speaks_for_it(client: FlaskClient) -> None:
    answer = client.get('/api/v1/advice').get_json()
    assert (answer['dataset_revision'], answer['model_version']) == (17, 6)
    bursts, wrong = answer['advice']
    assert (bursts['kind'], bursts['labels'], bursts['samples'], bursts['suggestions']) == (
        'few_bursts', ['stapler'], [], [])
    assert wrong == {
        'kind': 'wrong_tags', 'weight': 0.6, 'labels': ['mug', 'red mug'],
        'text': 'Look at this image.',
        'evidence': 'For 1 of 412 images another tag seems to fit better.',
        'method': 'confident learning (Northcutt et al., 2021)', 'samples': [ID],
        'suggestions': ['red mug']}


@pytest.mark.parametrize('path', PATHS)
@pytest.mark.parametrize(('failure', 'status'), [
    (ModelError('nothing was learned yet'), 409),
    (NodeUnavailableError('the trainer does not answer'), 503)])
def test_refusals_are_told(client: FlaskClient, bridge: FakeBridge, path: str, failure: ModelError,
                           status: int) -> None:
    bridge.failure = failure
    answer = client.get(path)
    assert (answer.status_code, answer.content_type) == (status, 'application/problem+json')
    assert answer.get_json()['detail'] == str(failure)
