"""Whatever an update is like, the model in use goes on."""

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bombs
import makers
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from fake_trainer import FakeTrainer
from rclpy.qos import QoSProfile
from robots import NAMES, OTHER_NAMES, Robot, update
from ros_graph import NAMESPACE, Graph, wait_for

from recognizer_ros.core.bundle import BACKBONE, HEAD
from recognizer_ros.inference.model_cache import Patience
from recognizer_ros.inference.trial import Trial
from recognizer_ros.msg import ModelUpdate
from recognizer_ros.nodes import lifecycle
from recognizer_ros.nodes.model_fetch import ModelFetch
from recognizer_ros.registry.store import Version

QUIET_S = 0.3
QUICK = Patience(quiet_s=QUIET_S, pause_s=0.01, longest_s=0.05)
PATIENT = Patience(quiet_s=60, pause_s=0.01, longest_s=0.05)
ELSEWHERE = 'file:///on/another/machine/backbone.onnx'
HALF = 100


class Bench(Robot):
    """A robot that counts its versions: each has a later stamp, and lives in a folder of its own.
    """

    def __init__(self, graph: Graph, folder: Path) -> None:
        super().__init__(graph, folder)
        self.numbers = itertools.count(1)
        self.shown = 0
        self._told = graph.listen(DiagnosticArray, '/diagnostics', QoSProfile(depth=100))

    def made(self, labels: tuple[str, ...] = OTHER_NAMES, gain: float = 2.0) -> Version:
        return makers.model(self.folder, labels, next(self.numbers), gain=gain)

    def with_net(self, net: bytes) -> Version:
        """A version of another network, whose checksums hold."""
        version = self.made()
        return makers.stored(version.folder, net, version.head_bytes(), version.bundle)

    def use(self, labels: tuple[str, ...], gain: float = 1.0) -> Version:
        """Announce a good version, and wait for it while frames flow."""
        version = self.made(labels, gain)
        self.announce(version)
        wait_for(lambda: self.see() and self.version == version.bundle.version)
        return version

    def announce(self, version: Version) -> None:
        self.say(message(version))

    def see(self) -> str:
        """Show something red; what it is called."""
        self.shown += 1
        return str(self.answer(makers.RED).results[0].class_id)

    def errors(self) -> set[str]:
        """What diagnostics have complained about."""
        return {status.message for array in list(self._told) for status in array.status
                if (status.name, status.level) == (f'{NAMESPACE[1:]}/classifier', lifecycle.ERROR)}

    def files(self) -> set[str]:
        return {str(path) for path in self.cache.rglob('*') if path.is_file()}

    def begin(self) -> Version:
        """Use a version that says red, and forget what was."""
        version = self.use(NAMES)
        wait_for(lambda: self._levels()[-1:] == [lifecycle.OK])
        self._told.clear()
        return version

    def _levels(self) -> list[bytes]:
        return [status.level for array in list(self._told) for status in array.status
                if status.name == f'{NAMESPACE[1:]}/classifier']


def message(version: Version) -> ModelUpdate:
    """The announcement; the later the version, the later it went live."""
    return update(version, version.bundle.version * 10**9)


@pytest.fixture(scope='module')
def bench(shared: Graph, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelFetch, 'patience', QUICK)
        patch.setattr(ModelFetch, 'chunk', 20)
        patch.setattr(Trial, 'cpu_s', 1)
        bench = Bench(shared, tmp_path_factory.mktemp('robot'))
        bench.model(next(bench.numbers))
        yield bench


@pytest.fixture
def trainer(bench: Bench) -> Iterator[FakeTrainer]:
    """One whose files this machine cannot see."""
    with FakeTrainer(bench.graph) as trainer:
        wait_for(bench.node._fetch._client.service_is_ready)
        yield trainer


Builder = Callable[[Bench, Version], ModelUpdate]


def of_bytes(change: Callable[[bytes], bytes]) -> Builder:
    """Other bytes than announced."""
    def build(bench: Bench, _: Version) -> ModelUpdate:
        version = bench.made()
        version.backbone.write_bytes(change(version.backbone.read_bytes()))
        return message(version)
    return build


def of_net(net: bytes) -> Builder:
    """Another network, as announced."""
    return lambda bench, _: message(bench.with_net(net))


def of_head(head: bytes) -> Builder:
    """Another head, as announced."""
    def build(bench: Bench, _: Version) -> ModelUpdate:
        version = bench.made()
        return message(makers.stored(version.folder, version.backbone.read_bytes(), head,
                                     version.bundle))
    return build


def of_bundle(**values: Any) -> Builder:
    """Another description."""
    def build(bench: Bench, _: Version) -> ModelUpdate:
        version = bench.made()
        return message(replace(version, bundle=replace(version.bundle, **values)))
    return build


def flipped(data: bytes) -> bytes:
    return data[:60] + bytes([data[60] ^ 4]) + data[61:]


def wrong_checksum(bench: Bench, _: Version) -> ModelUpdate:
    version = bench.made()
    sha256 = {**version.bundle.sha256, BACKBONE: 'a' * 64}
    return message(replace(version, bundle=replace(version.bundle, sha256=sha256)))


def older(bench: Bench, in_use: Version) -> ModelUpdate:
    return update(bench.made(), in_use.bundle.version * 10**9 - 1)


def same_number(_: Bench, in_use: Version) -> ModelUpdate:
    sha256 = {**in_use.bundle.sha256, HEAD: 'f' * 64}
    return message(replace(in_use, bundle=replace(in_use.bundle, sha256=sha256)))


def absent(bench: Bench, _: Version) -> ModelUpdate:
    version = bench.made()
    said = message(version)
    version.backbone.unlink()
    return said


def of_text(text: str) -> Builder:
    """No description at all."""
    def build(bench: Bench, _: Version) -> ModelUpdate:
        said = message(bench.made())
        said.bundle = text
        return said
    return build


NAN_HEAD = makers.colour_head(weights=makers.NAN * makers.colour_head().weight).to_bytes()
NOT_HERE = r'not a byte of it in .* s \(no trainer answers: is its node running\?\)'
LOCAL: dict[str, tuple[Builder, str]] = {
    'truncated': (of_bytes(lambda data: data[:-10]), NOT_HERE + '.*is damaged'),
    'bit-flipped': (of_bytes(flipped), NOT_HERE + '.*is damaged'),
    'wrong sha256': (wrong_checksum, NOT_HERE + '.*is damaged'),
    'NaN in the head': (of_head(NAN_HEAD), 'the head holds numbers that are not finite'),
    'NaN in the backbone': (of_net(makers.colour_net(gain=makers.NAN)),
                            'answers on the test frame differ|not finite'),
    'wrong input shape': (of_net(makers.colour_net(size=(16, 16))),
                          'the model refuses an input of shape'),
    'wrong class count': (of_bundle(labels=('a', 'b'), probe=(0.5, 0.5)),
                          r'a head of shape \(3, 3\) for 2 labels'),
    'labels missing': (of_bundle(labels=()), r'model bundle is damaged \(no labels\)'),
    'external data': (of_net(bombs.external('weights.bin')), 'keeps weights in other files'),
    'unknown operator': (of_net(bombs.unknown_operator()), 'Teleport'),
    'a bomb that never ends': (of_net(bombs.endless()), 'the network does not end within 1 s'),
    'a bomb of 400 GB': (of_net(bombs.huge()), 'refuses an input|cannot load the model'),
    'wrong expected output': (of_bundle(probe=(0.1, 0.1, 0.8)), 'answers on the test'),
    'older version': (older, r'went live before version \d+, which is in use'),
    'same version, other bytes': (same_number, 'claims to be the version in use but has other'),
    'absent file': (absent, NOT_HERE + '.*No such file'),
    'pickle in disguise': (of_net(bombs.pickled(Path('made-by-a-pickle'))),
                           'ONNX Runtime cannot load the model'),
    'no head': (of_head(b''), 'the file of the head is damaged'),
    'no description': (of_text('{'), 'model bundle is damaged'),
    'a path for a sha256': (of_bundle(sha256={BACKBONE: '../../x', HEAD: 'x'}),
                            'bundle is damaged'),
}


def refused(bench: Bench, said: ModelUpdate, reason: str) -> None:
    """Say it; the model in use answers each frame meanwhile, and one complaint is heard."""
    before = bench.files()
    bench.say(said)
    wait_for(lambda: bench.see() == 'red' and bench.errors())
    assert bench.see() == 'red'
    assert len(bench.errors()) == 1
    told, = bench.errors()
    number = said.model.version
    assert told.startswith(f'model version {number}: '), told
    assert '\n' not in told
    makers_match(reason, told)
    assert bench.files() == before
    assert len(bench.answers) == bench.shown


def makers_match(pattern: str, text: str) -> None:
    with pytest.raises(AssertionError, match=pattern):
        raise AssertionError(text)


def goes_on(bench: Bench) -> None:
    """A good update is taken, and nothing is complained about any more."""
    bench.use(OTHER_NAMES, gain=3.0)
    assert bench.see() == 'rot'
    assert len(bench.answers) == bench.shown


@pytest.mark.parametrize('kind', LOCAL)
def test_a_broken_update_is_refused(bench: Bench, kind: str, tmp_path: Path,
                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where relative paths would lead to
    makers.photo(tmp_path / 'weights.bin', b'\x00' * 64)
    build, reason = LOCAL[kind]
    in_use = bench.begin()
    refused(bench, build(bench, in_use), reason)
    assert os.listdir(tmp_path) == ['weights.bin']
    goes_on(bench)


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
    wait_for(lambda: bench.see() == 'red' and bench.errors())
    told, = bench.errors()
    makers_match(rf'model version {said.model.version}: not a byte of it in .* s \((no trainer '
                 'answers|the trainer has left off)', told)
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
    newer = far(bench, trainer)
    bench.say(newer)
    wait_for(lambda: bench.see() == 'rot')
    assert bench.version == newer.model.version
    assert bench.errors() == set()
    assert bench.files() - before == {str(bench.cache / 'models' / f'{newer.sha256}.onnx')}
    assert len(bench.answers) == bench.shown


def test_of_two_at_once_only_the_newest_is_loaded(bench: Bench, trainer: FakeTrainer) -> None:
    bench.begin()
    loading, skipped, newest = (far(bench, trainer) for _ in range(3))
    trainer.hang_at(0)
    bench.say(loading)
    wait_for(trainer.hangs.is_set)
    trainer.asked.clear()
    trainer.versions.clear()
    # In one go: the first is not even begun when the second one comes.
    bench.node._on_model(skipped)
    bench.node._on_model(newest)
    wait_for(lambda: bench.see() == 'rot')
    assert bench.version == newest.model.version
    assert newest.model.version in trainer.versions
    assert bench.errors() == set()
    names = {path.name for path in bench.cache.rglob('*.*')}
    assert f'{newest.sha256}.onnx' in names
    assert not {name for name in names if name.startswith((loading.sha256, skipped.sha256))}
