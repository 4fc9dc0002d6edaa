import resource
import threading
import time
from dataclasses import replace
from pathlib import Path

import bombs
import makers
import pytest

from recognizer_ros.core.bundle import Bundle
from recognizer_ros.core.errors import ModelError
from recognizer_ros.inference.trial import Trial


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trial, 'cpu_s', 2)


def never() -> bool:
    return False


def stored(folder: Path, data: bytes) -> tuple[Path, Bundle]:
    version = makers.stored(folder, data, b'', makers.bundle(version=5))
    return version.backbone, version.bundle


def test_a_network_that_works_passes_and_is_tried_once(tmp_path: Path) -> None:
    file, bundle = stored(tmp_path, makers.colour_net())
    trial = Trial()
    trial.check(file, bundle, never)
    file.unlink()
    trial.check(file, bundle, never)
    other = replace(bundle, preprocessing=replace(bundle.preprocessing, width=9))
    with pytest.raises(ModelError, match='model version 5: '):
        trial.check(file, other, never)


@pytest.mark.parametrize(('data', 'said'), [
    (bombs.endless(), 'the network does not end within 2 s'),
    (bombs.huge(), 'the model refuses an input|ONNX Runtime cannot load the model'),
    (bombs.external('weights.bin'), 'the network keeps weights in other files'),
    (bombs.external('/etc/hostname'), 'the network keeps weights in other files'),
    (bombs.unknown_operator(), 'ONNX Runtime cannot load the model: .*Teleport'),
    (b'no network', 'ONNX Runtime cannot load the model'),
    (makers.colour_net(size=(16, 16)), r'the model refuses an input of shape \(1, 3, 6, 8\)')],
    ids=['endless', 'huge', 'external', 'a file of the system', 'unknown operator', 'text',
         'input shape'])
def test_what_does_not_work_is_refused_in_one_line(tmp_path: Path, data: bytes, said: str) -> None:
    makers.photo(tmp_path / 'weights.bin', b'\x00' * 64)
    trial = Trial()
    with pytest.raises(ModelError, match=f'^model version 5: ({said})') as raised:
        trial.check(*stored(tmp_path, data), never)
    assert '\n' not in str(raised.value)


def test_a_network_that_takes_gibibytes_costs_this_process_nothing(tmp_path: Path) -> None:
    file, bundle = stored(tmp_path, bombs.huge())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError):
        Trial().check(file, bundle, never)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10


def test_a_crash_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('recognizer_ros.inference.trial._CODE',
                        'import os; os.kill(os.getpid(), 11)')
    with pytest.raises(ModelError, match='model version 5: the network ends the process that '
                                         'runs it, SIGSEGV'):
        Trial().check(*stored(tmp_path, makers.colour_net()), never)


def test_a_pickle_is_not_loaded(tmp_path: Path) -> None:
    target = tmp_path / 'made by a pickle'
    with pytest.raises(ModelError, match='ONNX Runtime cannot load the model'):
        Trial().check(*stored(tmp_path, bombs.pickled(target)), never)
    assert not target.exists()


def test_it_ends_at_once_when_nobody_wants_it_any_more(tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trial, 'cpu_s', 60)
    late = threading.Timer(0.3, lambda: None)
    late.start()
    began = time.monotonic()
    with pytest.raises(ModelError, match='model version 5: no longer wanted'):
        Trial().check(*stored(tmp_path, bombs.endless()), late.finished.is_set)
    assert time.monotonic() - began < 20


def test_it_ends_by_the_clock_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trial, 'cpu_s', 60)
    monkeypatch.setattr(Trial, 'wall_s', 0.5)
    with pytest.raises(ModelError, match='the network does not end within'):
        Trial().check(*stored(tmp_path, bombs.endless()), never)


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    file, bundle = stored(tmp_path, makers.colour_net())
    file.unlink()
    with pytest.raises(ModelError, match=r'model version 5: .*No such file'):
        Trial().check(file, bundle, never)
