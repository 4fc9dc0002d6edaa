import errno
import hashlib
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import makers
import numpy as np
import pytest

from recognizer_ros.core.bundle import BACKBONE
from recognizer_ros.core.errors import ModelError, NodeUnavailableError
from recognizer_ros.inference import model_cache
from recognizer_ros.inference.model_cache import ModelCache, Network, Patience, Piece

CHUNK = 100
QUICK = Patience(quiet_s=0.05, pause_s=0.001, longest_s=0.01)
PATIENT = Patience(quiet_s=20, pause_s=0.001, longest_s=0.01)
LIMIT = 10_000


def never() -> bool:
    return False


def content(seed: int, size: int = 950) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def network(data: bytes, version: int = 7) -> Network:
    return Network(version, len(data), hashlib.sha256(data).hexdigest())


@dataclass
class Trainer:
    """Gives a file in pieces. :ivar faults: raised or returned in place of the answers at these
    offsets, once each. :ivar asked: offsets, in order."""

    data: bytes
    faults: dict[int, list[Exception | Piece]] = field(default_factory=dict)
    asked: list[int] = field(default_factory=list)
    before: Callable[[int], None] = lambda _: None

    def __call__(self, offset: int) -> Piece:
        self.asked.append(offset)
        self.before(offset)
        if faults := self.faults.get(offset):
            fault = faults.pop()
            if isinstance(fault, Piece):
                return fault
            raise fault
        return Piece(network(self.data), self.data[offset:offset + CHUNK])


@dataclass
class Cache:
    folder: Path
    limit: int = LIMIT

    def get(self, trainer: Trainer, wanted: Network | None = None,
            is_late: Callable[[], bool] = never, patience: Patience = QUICK) -> bytes:
        cache = ModelCache(self.folder, self.limit, patience)
        cache.sweep(wanted or network(trainer.data))
        path = cache.get(wanted or network(trainer.data), trainer, is_late)
        assert path.name == f'{(wanted or network(trainer.data)).sha256}.onnx'
        return path.read_bytes()

    def names(self) -> set[str]:
        return set(os.listdir(self.folder)) if self.folder.is_dir() else set()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / 'cache' / 'models')


def gone(times: int = 1) -> list[Exception | Piece]:
    return [NodeUnavailableError('no trainer answers')] * times


def test_pieces_make_the_file_and_the_second_time_nobody_is_asked(cache: Cache) -> None:
    trainer = Trainer(content(1))
    assert cache.get(trainer) == trainer.data
    assert trainer.asked == list(range(0, 950, CHUNK))
    assert cache.get(trainer) == trainer.data
    assert len(trainer.asked) == 10
    assert cache.names() == {network(trainer.data).sha256 + '.onnx'}


def test_a_trainer_that_comes_back_in_time_goes_on_where_it_left_off(cache: Cache) -> None:
    trainer = Trainer(content(1), {0: gone(2), 500: gone(2)})
    assert cache.get(trainer, patience=PATIENT) == trainer.data
    assert trainer.asked == [0, 0, *range(0, 500, CHUNK), 500, 500, *range(500, 950, CHUNK)]


def test_what_has_come_of_a_cut_transfer_serves_the_next_attempt(cache: Cache) -> None:
    trainer = Trainer(content(1), {300: gone(10_000)})
    with pytest.raises(ModelError, match=r'model version 7: not a byte of it in 0 s '
                                         r'\(no trainer answers\)'):
        cache.get(trainer)
    assert cache.names() == {network(trainer.data).sha256 + '.part'}
    again = Trainer(trainer.data)
    assert cache.get(again) == trainer.data
    assert again.asked == list(range(300, 950, CHUNK))
    assert cache.names() == {network(trainer.data).sha256 + '.onnx'}


def test_patience_begins_anew_with_each_byte(cache: Cache,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    monkeypatch.setattr(model_cache, 'time', SimpleNamespace(
        monotonic=lambda: float(next(clock)), sleep=lambda _: None))
    trainer = Trainer(content(1), {offset: gone(3) for offset in range(0, 950, CHUNK)})
    patience = Patience(quiet_s=50, pause_s=1, longest_s=5)
    assert cache.get(trainer, patience=patience) == trainer.data
    assert next(clock) > 2 * patience.quiet_s


def test_a_file_that_another_has_finished_or_removed_is_not_taken(tmp_path: Path) -> None:
    path = makers.photo(tmp_path / 'x.part', b'')
    with path.open('ab') as ours:
        assert model_cache._lock(ours.fileno(), path)
        path.rename(tmp_path / 'x.onnx')
        assert not model_cache._lock(ours.fileno(), path)
        makers.photo(path, b'')
        assert not model_cache._lock(ours.fileno(), path)


def test_without_any_byte_nothing_is_left(cache: Cache) -> None:
    with pytest.raises(ModelError, match='not a byte of it'):
        cache.get(Trainer(content(1), {0: gone(10_000)}))
    assert cache.names() == set()


def test_what_is_left_of_another_network_is_removed(cache: Cache) -> None:
    with pytest.raises(ModelError):
        cache.get(Trainer(content(1), {300: gone(10_000)}))
    cache.get(Trainer(content(2)))
    assert cache.names() == {network(content(2)).sha256 + '.onnx'}


def test_a_spoilt_beginning_is_fetched_anew_once(cache: Cache) -> None:
    trainer = Trainer(content(1))
    part = makers.photo(cache.folder / f'{network(trainer.data).sha256}.part', b'x' * 300)
    assert cache.get(trainer) == trainer.data
    assert trainer.asked == [*range(300, 950, CHUNK), *range(0, 950, CHUNK)]
    assert not part.exists()


def test_a_transfer_that_nobody_wants_any_more_ends_at_once(cache: Cache) -> None:
    trainer, late = Trainer(content(1)), threading.Event()
    trainer.before = lambda offset: late.set() if offset == 300 else None
    with pytest.raises(ModelError, match='model version 7: no longer wanted'):
        cache.get(trainer, is_late=late.is_set, patience=PATIENT)
    assert trainer.asked == [0, 100, 200, 300]


def test_waiting_for_a_trainer_ends_at_once_too(cache: Cache) -> None:
    late = threading.Event()
    trainer = Trainer(content(1), {0: gone(10_000)})
    trainer.before = lambda _: late.set() if len(trainer.asked) == 5 else None
    with pytest.raises(ModelError, match='no longer wanted'):
        cache.get(trainer, is_late=late.is_set, patience=PATIENT)
    assert len(trainer.asked) == 5
    assert cache.names() == set()


OTHER = network(content(2))


@pytest.mark.parametrize('piece', [
    Piece(OTHER, b'x'), Piece(network(content(1), 8), b'x'), Piece(network(content(1)), b''),
    Piece(network(content(1)), b'x' * 651)],
    ids=['another file', 'another version', 'nothing', 'too much'])
def test_an_answer_that_contradicts_the_announcement_is_refused(cache: Cache,
                                                                piece: Piece) -> None:
    with pytest.raises(ModelError, match='model version 7: the trainer has other bytes than'):
        cache.get(Trainer(content(1), {300: [piece]}))
    assert cache.names() == set()


def test_other_bytes_than_announced_are_refused(cache: Cache) -> None:
    bad = Piece(network(content(1)), b'x' * CHUNK)
    with pytest.raises(ModelError, match='model version 7: what was fetched is damaged'):
        cache.get(Trainer(content(1), {300: [bad]}))
    assert cache.names() == set()


def test_a_kept_file_that_was_damaged_is_fetched_again(cache: Cache) -> None:
    trainer = Trainer(content(1))
    cache.get(trainer)
    path = next(cache.folder.iterdir())
    path.write_bytes(b'?' + trainer.data[1:])
    assert cache.get(trainer) == trainer.data
    assert len(trainer.asked) == 20


def test_what_was_used_least_recently_goes_first(cache: Cache) -> None:
    cache.limit = 3 * 950
    for seed in (1, 2, 3):
        cache.get(Trainer(content(seed)))
        os.utime(cache.folder / f'{network(content(seed)).sha256}.onnx', (seed, seed))
    cache.get(Trainer(content(1)))  # used again
    cache.get(Trainer(content(4)))
    assert cache.names() == {f'{network(content(seed)).sha256}.onnx' for seed in (1, 3, 4)}
    cache.limit = 1000
    cache.get(Trainer(content(5)))
    assert cache.names() == {f'{network(content(5)).sha256}.onnx'}


def test_what_does_not_fit_is_refused_unasked(cache: Cache) -> None:
    trainer = Trainer(content(1))
    cache.limit = 949
    with pytest.raises(ModelError, match=r'model version 7: .* more than cache_limit allows'):
        cache.get(trainer)
    assert (trainer.asked, cache.names()) == ([], set())


@pytest.mark.parametrize(('name', 'number', 'said'), [
    ('write', errno.ENOSPC, 'the disk of .* is full: free some room'),
    ('fsync', errno.EDQUOT, 'the disk of .* is full'),
    ('write', errno.EIO, r'cannot write to .* \(Input/output error\): make it writable, or set')])
def test_trouble_with_the_disk_leaves_nothing(cache: Cache, monkeypatch: pytest.MonkeyPatch,
                                              name: str, number: int, said: str) -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, name, fail)
        with pytest.raises(ModelError, match=f'model version 7: {said}'):
            cache.get(Trainer(content(1)))
    assert cache.names() == set()
    assert cache.get(Trainer(content(1))) == content(1)


def test_a_folder_that_cannot_be_made_is_told_with_the_way_out(tmp_path: Path) -> None:
    makers.photo(tmp_path / 'file', b'')
    with pytest.raises(ModelError, match=r'model version 7: cannot write to .*file/models .*set '
                                         'cache to another folder'):
        Cache(tmp_path / 'file' / 'models').get(Trainer(content(1)))


def test_progress_is_told(cache: Cache) -> None:
    data, told = content(1, 3 << 20), []
    kept = ModelCache(cache.folder, 1 << 30, PATIENT)

    def read(offset: int) -> Piece:
        told.append(kept.progress)
        return Piece(network(data), data[offset:offset + (1 << 20)])

    kept.get(network(data), read, never)
    assert told == [f'fetching model version 7: {done} of 3 MiB' for done in range(3)]
    assert kept.progress == ''


def test_two_classifiers_of_a_machine_fetch_a_network_once(cache: Cache) -> None:
    trainer, begun, go_on = Trainer(content(1)), threading.Event(), threading.Event()

    def halt(offset: int) -> None:
        if offset == 300:
            begun.set()
            assert go_on.wait(20)

    trainer.before, found = halt, []
    first, second = (threading.Thread(target=lambda: found.append(
        cache.get(trainer, patience=PATIENT))) for _ in range(2))
    first.start()
    assert begun.wait(20)
    second.start()
    with pytest.raises(ModelError, match=r'not a byte .*another classifier was fetching it'):
        cache.get(trainer)  # one of little patience
    assert cache.names() == {network(trainer.data).sha256 + '.part'}
    cache.get(Trainer(content(2)))  # of no concern to the first
    go_on.set()
    first.join(20)
    second.join(20)
    assert found == [trainer.data] * 2
    assert trainer.asked == list(range(0, 950, CHUNK))


def test_what_a_killed_classifier_has_fetched_serves_the_next(cache: Cache) -> None:
    trainer = Trainer(content(1))
    makers.photo(cache.folder / f'{network(trainer.data).sha256}.part', trainer.data[:300])
    assert cache.get(trainer) == trainer.data
    assert trainer.asked == list(range(300, 950, CHUNK))


@pytest.mark.parametrize('spoilt', [
    {'version': 0}, {'version': '1'}, {'version': 2**32}, {'size': -1}, {'size': 1.5},
    {'created_ns': None}, {'sha256': {BACKBONE: '../../etc/passwd'}},
    {'sha256': {BACKBONE: 'F' * 64}}, {'sha256': {BACKBONE: '0' * 64 + '\n'}}])
def test_a_description_that_names_no_network_is_refused(spoilt: dict[str, object]) -> None:
    bundle = makers.bundle()
    assert Network.of(bundle) == Network(1, 1, '0' * 64)
    with pytest.raises(ModelError, match='model bundle is damaged'):
        Network.of(replace(bundle, **spoilt))


@pytest.fixture(autouse=True)
def _no_files_left_open(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = len(os.listdir('/proc/self/fd'))
    yield
    assert len(os.listdir('/proc/self/fd')) <= before
