"""Model versions on the page, with a real trainer behind."""

from pathlib import Path
from typing import Any

import pytest
from robots import stored
from ros_graph import Graph, http, wait_for

from recognizer_ros.core.bundle import HEAD
from recognizer_ros.nodes.trainer import Trainer
from recognizer_ros.nodes.web import Web


@pytest.fixture
def url(graph: Graph, tmp_path: Path) -> str:
    """Of a page whose trainer has two versions, the second live, and is switched off."""
    stored(tmp_path, 2)
    graph.start(Trainer, data=str(tmp_path), enabled=False, net='resnet18', weights='none',
                net_width=32, net_height=32)
    web = graph.start(Web, port=0)
    made = f'{web.url}api/v1/models'
    wait_for(lambda: http(made)[0] == 200)
    return made


def live(url: str) -> Any:
    return http(url)[1]['live_version']


def test_versions_are_those_of_the_registry(url: str, tmp_path: Path) -> None:
    status, answer = http(url)
    assert (status, answer['live_version']) == (200, 2)
    assert [(one['version'], one['live'], one['labels'], one['stage']) for one in
            answer['models']] == [(2, True, ['red', 'green'], 'head'),
                                  (1, False, ['red', 'green'], 'head')]
    assert (tmp_path / 'models').is_dir()


def test_back_and_forth(url: str) -> None:
    assert http(f'{url}/live', 'PUT', 0)[0] == 200  # 0: the one before
    assert live(url) == 1
    assert http(f'{url}/live', 'PUT', 2)[0] == 200
    assert live(url) == 2


def test_a_version_that_is_not_there_or_is_damaged(url: str, tmp_path: Path) -> None:
    status, answer = http(f'{url}/live', 'PUT', 9)
    assert status == 409
    assert 'no model version 9: known are 1, 2' in answer['detail']
    [head] = (tmp_path / 'models').glob(f'*1/{HEAD}')
    head.write_bytes(b'?')
    status, answer = http(f'{url}/live', 'PUT', 1)
    assert status == 409
    assert 'damaged' in answer['detail']
    assert live(url) == 2


def test_without_a_trainer(graph: Graph) -> None:
    web = graph.start(Web, port=0)
    status, answer = http(f'{web.url}api/v1/models')
    assert status == 503
    assert 'the trainer does not answer' in answer['detail']
