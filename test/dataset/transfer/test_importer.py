import threading
from collections.abc import Iterator
from pathlib import Path

import makers
import pytest

from recognizer_ros.core.errors import DiskFullError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.reader import snapshot
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.dataset.transfer import importer
from recognizer_ros.dataset.transfer.source import Candidate, Source

PICTURES = [makers.jpeg(makers.noise(seed)) for seed in range(120)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SampleStore]:
    with SampleStore(tmp_path / 'data') as store:
        yield store


def candidate(number: int, group: object = 'all', tags: tuple[str, ...] = ('mug',),
              split: Split | None = None, pinned: bool = False) -> Candidate:
    return Candidate(f'{number}.jpg', lambda: PICTURES[number], tags, group, split=split,
                     pinned=pinned)


def source(*candidates: Candidate) -> Source:
    return Source('some', 'test', len(candidates), 'look again', candidates)


def test_progress_rises_to_the_end(store: SampleStore) -> None:
    seen: list[tuple[int, int]] = []
    importer.run(store, source(*map(candidate, range(120))), 1,
                 lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert len(seen) > 2
    assert seen[-1] == (120, 120)
    assert store.stats().bursts == 1


def test_order_and_stamps_are_those_of_the_source(store: SampleStore) -> None:
    importer.run(store, source(*map(candidate, reversed(range(60)))), 500)
    found = snapshot(store.root).samples
    assert [item.path.read_bytes() for item in found] == PICTURES[59::-1]
    assert [item.stamp_ns for item in found] == list(range(500, 560))


def test_groups_may_come_mixed(store: SampleStore) -> None:
    done = importer.run(store, source(*(candidate(number, number % 3) for number in range(30))), 1)
    assert done.bursts == 3
    bursts = [item.burst for item in snapshot(store.root).samples]
    assert bursts == bursts[:3] * 10


def test_a_chosen_split_stays(store: SampleStore) -> None:
    importer.run(store, source(*(
        candidate(number, number, split=Split.VALIDATION, pinned=number > 3)
        for number in range(6))), 1)
    assert {item.split for item in snapshot(store.root).samples} == {Split.VALIDATION}


def test_imported_again_nothing_doubles(store: SampleStore) -> None:
    importer.run(store, source(*map(candidate, range(20))), 1)
    before = store.stats()
    done = importer.run(store, source(*map(candidate, range(20))), 100)
    after = store.stats()
    assert (done.samples, done.duplicates) == (0, 20)
    assert (after.samples, after.bursts, after.class_samples) == (
        before.samples, before.bursts, before.class_samples)


def test_an_image_there_twice_keeps_its_first_tags_and_somebody_knows(
        store: SampleStore, caplog: pytest.LogCaptureFixture) -> None:
    done = importer.run(store, source(
        candidate(1, 'a', ('glass',)), candidate(1, 'b', ('metal',)),
        candidate(2, 'b', ('metal',)), candidate(2, 'b', ('metal',))), 1)
    assert (done.samples, done.duplicates) == (2, 2)
    assert [item.tags for item in snapshot(store.root).samples] == [('glass',), ('metal',)]
    assert caplog.messages == ['1.jpg left out: the same image came before, tagged glass']


def test_reading_ahead_is_bounded(store: SampleStore) -> None:
    gate = threading.Event()
    given = []

    def slow() -> bytes:
        assert gate.wait(20)
        return PICTURES[0]

    def candidates() -> Iterator[Candidate]:
        for number in range(1000):
            given.append(number)
            yield Candidate('big', slow, ('mug',), 0, size=64 * 2**20)

    runner = threading.Thread(target=importer.run, args=(
        store, Source('some', 'test', 1000, '', candidates()), 1))
    runner.start()
    makers.wait_for(lambda: len(given) == 5)  # four are held, the fifth waits outside
    gate.set()
    runner.join(20)
    assert len(given) == 1000


def test_what_was_stored_before_a_full_disk_stays(store: SampleStore) -> None:
    def candidates() -> Iterator[Candidate]:
        for number in range(120):
            if number == 115:
                store.reserve_bytes = 2**62
            yield candidate(number)

    with pytest.raises(DiskFullError, match='free some room'):
        importer.run(store, Source('some', 'test', 120, '', candidates()), 1)
    stored = store.stats().samples
    assert 0 < stored < 120
    assert not [thread for thread in threading.enumerate() if thread.name.startswith('import')]


def test_only_so_many_unusable_files_are_named(store: SampleStore) -> None:
    bad = [Candidate(f'bad {number}', lambda: b'text', ('mug',), 0) for number in range(150)]
    done = importer.run(store, source(*bad, candidate(1)), 1)
    assert (done.samples, done.unusable, len(done.skipped)) == (1, 150, 100)
