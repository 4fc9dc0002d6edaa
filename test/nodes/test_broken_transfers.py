"""Whatever happens while a network comes from another machine, the model in use goes on."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import bombs
import makers
import pytest
from fake_trainer import FakeTrainer
from robots import OTHER_NAMES
from ros_graph import Graph, wait_for
from update_bench import Bench, goes_on, message, refused, started

from recognizer_ros.inference.model_cache import Patience
from recognizer_ros.msg import ModelUpdate
from recognizer_ros.nodes.model_fetch import ModelFetch

PATIENT = Patience(quiet_s=60, pause_s=0.01, longest_s=0.05)
ELSEWHERE = 'file:///on/another/machine/backbone.onnx'
HALF = 100  # of about 200 bytes


@pytest.fixture(scope='module')
def bench(shared: Graph, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with started(shared, tmp_path_factory.mktemp('robot')) as bench:
        yield bench


@pytest.fixture
def trainer(bench: Bench) -> Iterator[FakeTrainer]:
    """One whose files this machine cannot see."""
    with FakeTrainer(bench.graph) as trainer:
        wait_for(bench.node._fetch._client.service_is_ready)
        yield trainer


def far(bench: Bench, trainer: FakeTrainer, net: bytes | None = None) -> ModelUpdate:
    """A version that only the trainer has."""
    number = next(bench.numbers)
    version = makers.model(bench.folder, OTHER_NAMES, number, gain=number + 10.0)
    if net:
        version = makers.stored(version.folder, net, version.head_bytes(), version.bundle)
    said = message(version)
    trainer.offer(version)
    said.uri = ELSEWHERE
    version.backbone.unlink()
    return said


def test_a_version_of_another_machine_is_taken_and_kept(bench: Bench,
                                                        trainer: FakeTrainer) -> None:
    bench.begin()
    said = far(bench, trainer)
    bench.say(said)
    wait_for(lambda: bench.see() == 'rot')
    assert bench.cache / 'models' / f'{said.sha256}.onnx' in bench.cache.rglob('*')
    assert trainer.asked == list(range(0, said.size, ModelFetch.chunk))
    assert bench.errors() == set()


REMOTE: dict[str, tuple[Callable[[FakeTrainer], None], str]] = {
    'other bytes': (lambda trainer: trainer.spoil(), r'what was fetched is damaged'),
    'another file': (lambda trainer: trainer.grow(), 'the trainer has other bytes than were'),
    'no such version': (lambda trainer: trainer.forget(),
                        r'not a byte .*the trainer says: there is no model version'),
}


@pytest.mark.parametrize('kind', REMOTE)
def test_a_trainer_that_has_something_else_is_refused(bench: Bench, trainer: FakeTrainer,
                                                      kind: str) -> None:
    bench.begin()
    change, reason = REMOTE[kind]
    said = far(bench, trainer)
    change(trainer)
    refused(bench, said, reason)
    goes_on(bench)


def test_a_bomb_of_another_machine_is_not_kept(bench: Bench, trainer: FakeTrainer) -> None:
    bench.begin()
    refused(bench, far(bench, trainer, bombs.endless()), 'the network does not end within')
    goes_on(bench)


def test_no_permission_for_the_cache(bench: Bench, trainer: FakeTrainer,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    bench.begin()
    # Not even the superuser may make a folder there.
    monkeypatch.setattr(bench.node._fetch._cache, '_folder', Path('/sys/kernel/models'))
    refused(bench, far(bench, trainer),
            r'cannot write to /sys/kernel/models \(.*\): make it writable, or set cache to')
    monkeypatch.undo()
    goes_on(bench)


def test_a_full_disk(bench: Bench, trainer: FakeTrainer, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.begin()

    def full(_: int) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', full)
        refused(bench, far(bench, trainer), 'the disk of .*cache/models is full: free some room')
    goes_on(bench)


def test_a_cut_transfer_is_refused_in_time_and_resumed_when_the_trainer_comes_back(
        bench: Bench) -> None:
    bench.begin()
    with FakeTrainer(bench.graph) as trainer:
        wait_for(bench.node._fetch._client.service_is_ready)
        said = far(bench, trainer)
        trainer.hang_at(HALF)
        bench.say(said)
        wait_for(trainer.hangs.is_set)
        assert bench.node._fetch.progress == (
            f'fetching model version {said.model.version}: 0 of 1 MiB')
        files = dict(trainer.files)
    told = bench.complaint()
    assert re.match(rf'model version {said.model.version}: not a byte of it in .* s \((no trainer '
                    'answers|the trainer has left off)', told), told
    part = bench.cache / 'models' / f'{said.sha256}.part'
    assert part.stat().st_size == HALF
    with FakeTrainer(bench.graph, files) as trainer:
        wait_for(bench.node._fetch._client.service_is_ready)
        bench.say(said)  # as it does when it comes back
        wait_for(lambda: bench.see() == 'rot')
        assert trainer.asked == list(range(HALF, said.size, ModelFetch.chunk))
    assert not part.exists()
    assert len(bench.answers) == bench.shown


def test_a_trainer_that_comes_back_at_once_is_not_complained_about(
        bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.begin()
    monkeypatch.setattr(bench.node._fetch._cache, '_patience', PATIENT)
    with FakeTrainer(bench.graph) as trainer:
        wait_for(bench.node._fetch._client.service_is_ready)
        said = far(bench, trainer)
        trainer.hang_at(HALF)
        bench.say(said)
        wait_for(trainer.hangs.is_set)
        files = dict(trainer.files)
    wait_for(lambda: 'no trainer answers' in bench.node._fetch.progress and bench.see() == 'red')
    with FakeTrainer(bench.graph, files) as trainer:
        bench.say(said)
        wait_for(lambda: bench.see() == 'rot')
        assert trainer.asked == list(range(HALF, said.size, ModelFetch.chunk))
    assert bench.errors() == set()


def test_a_slow_transfer_gives_way_to_a_newer_version(bench: Bench, trainer: FakeTrainer,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    bench.begin()
    monkeypatch.setattr(bench.node._fetch._cache, '_patience', PATIENT)
    before = bench.files()
    trainer.hang_at(HALF)
    bench.say(far(bench, trainer))
    wait_for(trainer.hangs.is_set)
    assert bench.see() == 'red'
    newer = bench.made()
    bench.announce(newer)
    wait_for(lambda: bench.see() == 'rot')
    assert bench.version == newer.bundle.version
    assert bench.errors() == set()
    assert bench.files() == before
    assert len(bench.answers) == bench.shown


def test_of_two_at_once_only_the_newest_is_loaded(bench: Bench, trainer: FakeTrainer) -> None:
    bench.begin()
    loading, skipped, newest = (far(bench, trainer) for _ in range(3))
    trainer.hang_at(0)
    bench.say(loading)
    wait_for(trainer.hangs.is_set)
    # In one go: the first is not even begun when the second one comes.
    bench.node._on_model(skipped)
    bench.node._on_model(newest)
    trainer.go_on()
    wait_for(lambda: bench.see() == 'rot')
    assert bench.version == newest.model.version
    wait_for(lambda: bench.vision[-1].database_version == newest.model.version)
    assert not {info.database_version for info in bench.vision} & {
        loading.model.version, skipped.model.version}
    assert bench.errors() == set()
    names = {path.name for path in bench.cache.rglob('*.*')}
    assert f'{newest.sha256}.onnx' in names
    assert not {name for name in names if name.startswith((loading.sha256, skipped.sha256))}
