"""``recognizer models``. Each wrong input: status 1, and one line that helps."""

import json
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import makers
import numpy as np
import onnxruntime
import pytest

from recognizer_ros.cli import main
from recognizer_ros.core.bundle import BACKBONE, HEAD, WEIGHTS
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend
from recognizer_ros.registry.store import Registry

LABELS = ('red', 'green', 'blue')
SCORES = [0.5, makers.NAN, 0.75]


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """The command takes SIGTERM for itself."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three versions whose networks differ; the third is live, the second was before."""
    registry = Registry(tmp_path / 'data' / 'models', writer=True)
    for number, score in enumerate(SCORES, 1):
        scores = makers.scores(LABELS, score, samples=8)
        version = registry.add(replace(makers.bundle(LABELS), scores=scores), {
            BACKBONE: makers.colour_net(gain=number), WEIGHTS: b'weights',
            HEAD: makers.colour_head().to_bytes()})
        registry.activate(version.bundle.version)
    registry.close()
    return tmp_path / 'data'


class Command:
    """Runs actions on a data folder, as typed."""

    def __init__(self, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self._capsys = data, capsys

    def __call__(self, action: str, *more: object) -> str:
        """What a command says that must go well."""
        status, shown = self._run(action, *more)
        assert (status, shown.err) == (0, '')
        return str(shown.out)

    def refused(self, action: str, *more: object) -> str:
        """The one line of a command that must fail."""
        status, shown = self._run(action, *more)
        assert (status, shown.out, shown.err.count('\n')) == (1, '', 1)
        return str(shown.err)

    def _run(self, action: str, *more: object) -> tuple[int, Any]:
        self._capsys.readouterr()
        status = main(['models', action, '--data', str(self.data), *map(str, more)])
        return status, self._capsys.readouterr()


@pytest.fixture
def models(data: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(data, capsys)


def test_versions_are_listed_newest_first_and_the_live_one_is_marked(models: Command) -> None:
    lines = models('list').splitlines()
    assert [line[:6].split() for line in lines] == [['*', '3'], ['2'], ['1']]
    assert 'resnet18 head' in lines[0]
    assert 'score 0.750 on 8  red, green, blue' in lines[0]


def test_the_list_as_json(models: Command) -> None:
    found = json.loads(models('list', '--json'))
    assert (found['live'], found['previous']) == (3, 2)
    assert [item['version'] for item in found['models']] == [3, 2, 1]
    assert [item['score'] for item in found['models']] == [0.75, None, 0.5]
    assert found['models'][0]['labels'] == list(LABELS)
    assert found['models'][0]['label_mode'] == 'single'


def test_another_version_is_made_live_and_the_one_before_again(models: Command) -> None:
    assert models('activate', 1) == 'model version 1 is live\n'
    assert models('activate', 0) == 'model version 3 is live\n'
    assert json.loads(models('list', '--json'))['previous'] == 1


def test_while_a_trainer_holds_the_folder_no_version_is_made_live(models: Command) -> None:
    trainer = Registry(models.data / 'models', writer=True)
    assert 'is in use by process' in models.refused('activate', 1)
    assert json.loads(models('list', '--json'))['live'] == 3
    trainer.close()


@pytest.mark.parametrize(('more', 'version'), [((), 3), (('--version', 0), 3),
                                               (('--version', 1), 1)])
def test_a_version_is_written_as_one_file(models: Command, tmp_path: Path,
                                          more: tuple[object, ...], version: int) -> None:
    file = tmp_path / 'robot.onnx'
    file.write_bytes(b'an older one')
    assert f'model version {version} written to {file}' in models('export', *more, file)
    session = onnxruntime.InferenceSession(file.read_bytes(),
                                           providers=['CPUExecutionProvider'])
    facts = session.get_modelmeta().custom_metadata_map
    assert (facts['version'], json.loads(facts['labels'])) == (str(version), list(LABELS))
    image = np.zeros((1, 3, makers.SMALL.height, makers.SMALL.width), np.float32)
    image[:, 1] = 0.2
    expected = np.exp([0, 2 * version, 0]) / np.exp([0, 2 * version, 0]).sum()
    np.testing.assert_allclose(OnnxRuntimeBackend(file, 1).infer(image)[0], expected, atol=1e-5)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ['robot.onnx']


def test_a_version_that_is_not_there_is_refused(models: Command, tmp_path: Path) -> None:
    for action in (('activate', 9), ('export', '--version', 9, tmp_path / 'x.onnx')):
        assert 'there is no model version 9: known are 1, 2, 3' in models.refused(*action)
    assert not (tmp_path / 'x.onnx').exists()


@pytest.mark.parametrize('part', [BACKBONE, HEAD])
def test_a_damaged_version_is_not_exported(models: Command, tmp_path: Path, part: str) -> None:
    path = models.data / 'models' / '0003' / part
    path.write_bytes(path.read_bytes()[:-1])
    assert f'{part} of model version 3 is damaged' in models.refused('export', tmp_path / 'x.onnx')
    path.unlink()
    assert f'cannot read {path}' in models.refused('export', tmp_path / 'x.onnx')
    assert not (tmp_path / 'x.onnx').exists()


def test_a_file_that_cannot_be_written_is_named(models: Command, tmp_path: Path) -> None:
    assert 'cannot write to' in models.refused('export', tmp_path / 'none' / 'x.onnx')
    assert 'cannot write to' in models.refused('export', tmp_path)


def test_an_export_without_the_library_names_it(models: Command, tmp_path: Path,
                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'recognizer_ros.inference.onnx_file', None)
    assert 'pip install onnx' in models.refused('export', tmp_path / 'x.onnx')


@pytest.mark.parametrize('action', [('list',), ('activate', 1), ('export', 'x.onnx')])
def test_a_folder_without_models_says_how_to_make_one(
        tmp_path: Path, capsys: pytest.CaptureFixture[str], action: tuple[object, ...]) -> None:
    empty = Command(tmp_path / 'none', capsys)
    assert 'has no model yet: train one with `recognizer train' in empty.refused(*action)
    assert not (tmp_path / 'none').exists()
