"""``get_model`` of the file that is put together when it is asked for."""

import hashlib
import json
from pathlib import Path
from threading import Event
from typing import Any

import makers
import numpy as np
import onnxruntime
import pytest
from ros_graph import Graph, wait_done

from recognizer_ros.core.bundle import BACKBONE, HEAD, WEIGHTS
from recognizer_ros.nodes import model_files
from recognizer_ros.nodes.model_files import WHOLE
from recognizer_ros.nodes.trainer import Trainer
from recognizer_ros.registry.store import Registry, Version
from recognizer_ros.srv import GetModel, ListModels

LABELS = ('red', 'green', 'blue')
PIECE = 200


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The versions that were put together."""
    numbers: list[int] = []
    really = model_files._whole

    def counted(version: Version) -> Any:
        numbers.append(version.bundle.version)
        return really(version)

    monkeypatch.setattr(model_files, '_whole', counted)
    return numbers


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two versions; the second is live."""
    registry = Registry(tmp_path / 'models', writer=True)
    for number in (1, 2):
        version = registry.add(makers.bundle(LABELS), {
            BACKBONE: makers.colour_net(gain=number), WEIGHTS: b'weights',
            HEAD: makers.colour_head().to_bytes()})
        registry.activate(version.bundle.version)
    registry.close()
    return tmp_path


@pytest.fixture
def trainer(graph: Graph, data: Path) -> Graph:
    graph.start(Trainer, data=str(data), enabled=False, net='resnet18', weights='none',
                net_width=32, net_height=32, augmentation=False, workers=1)
    return graph


def ask(graph: Graph, version: int, offset: int = 0, length: int = PIECE) -> Any:
    return graph.call(GetModel, 'get_model', GetModel.Request(
        version=version, file=WHOLE, offset=offset, length=length))


def fetch(graph: Graph, version: int) -> tuple[Any, bytes]:
    """The last answer, and the bytes of all."""
    data = b''
    while (piece := ask(graph, version, len(data))).data:
        assert piece.success, piece.message
        data += bytes(piece.data)
    return piece, data


def test_pieces_make_one_file_that_answers_by_itself(trainer: Graph, made: list[int]) -> None:
    end, data = fetch(trainer, 0)  # the live one
    assert (end.success, end.version, end.size) == (True, 2, len(data))
    assert hashlib.sha256(data).hexdigest() == end.sha256
    session = onnxruntime.InferenceSession(data, providers=['CPUExecutionProvider'])
    assert json.loads(session.get_modelmeta().custom_metadata_map['labels']) == list(LABELS)
    image = np.zeros((1, 3, makers.SMALL.height, makers.SMALL.width), np.float32)
    image[:, 2] = 0.5
    assert session.run(None, {'input': image})[0][0].argmax() == 2
    assert made == [2], 'once for all pieces'


def test_only_the_last_one_is_kept(trainer: Graph, made: list[int]) -> None:
    files = [fetch(trainer, version)[1] for version in (1, 2, 1)]
    assert files[0] == files[2] != files[1]
    assert made == [1, 2, 1]


def test_an_offset_behind_the_end_gives_nothing(trainer: Graph) -> None:
    answer = ask(trainer, 1, 2**64 - 1)
    assert (answer.success, bytes(answer.data)) == (True, b'')


def test_a_damaged_version_is_refused_and_tried_again(trainer: Graph, data: Path) -> None:
    head = data / 'models' / '0001' / HEAD
    whole = head.read_bytes()
    head.write_bytes(whole[:-1])
    answer = ask(trainer, 1)
    assert (answer.success, bytes(answer.data)) == (False, b'')
    assert f'{HEAD} of model version 1 is damaged' in answer.message
    head.write_bytes(whole)
    assert ask(trainer, 1).success


def test_other_services_answer_meanwhile_and_another_version_must_wait(
        trainer: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, really = Event(), Event(), model_files._whole

    def slow(version: Version) -> Any:
        begun.set()
        assert go_on.wait(60)
        return really(version)

    monkeypatch.setattr(model_files, '_whole', slow)
    client = trainer.tester.create_client(GetModel, 'get_model')
    assert client.wait_for_service(30)
    waiting = [client.call_async(GetModel.Request(version=1, file=WHOLE)) for _ in range(2)]
    assert begun.wait(30)
    assert trainer.call(ListModels, 'list_models', ListModels.Request()).live_version == 2
    other = ask(trainer, 2)
    assert (other.success, 'try again' in other.message) == (False, True)
    go_on.set()
    for answer in waiting:
        assert wait_done(answer).success
