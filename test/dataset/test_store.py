import os
from contextlib import closing
from pathlib import Path

import makers
import pytest

from recognizer_ros.core.errors import (
    DiskFullError,
)
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import schema
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.reader import snapshot, stats
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.store import SampleStore


def rows(store: SampleStore) -> set[str]:
    with closing(schema.open_reader(store.root)) as db:
        return {row[0] for row in db.execute('SELECT sha256 FROM samples')}


def test_a_new_folder_is_empty(store: SampleStore) -> None:
    found = store.stats()
    assert (found.revision, found.samples, found.bursts, found.classes) == (0, 0, 0, ())
    assert store.revision() == 0


def test_what_is_stored_is_counted(store: SampleStore) -> None:
    makers.record(store, ('mug',), range(3))
    makers.record(store, ('pen',), range(3, 5))
    burst = makers.record(store, ('mug', 'pen'), range(5, 6))
    found = store.stats()
    assert (found.revision, found.samples, found.bursts) == (3, 6, 3)
    assert found.classes == ('mug', 'pen')
    assert found.class_samples == (4, 3)
    assert found.class_bursts == (2, 2)
    assert found.multi_label
    assert (store.samples_in(burst), store.samples_in(burst + 1)) == (1, 0)


def test_images_are_stored_byte_for_byte(store: SampleStore) -> None:
    sample = makers.sample(0, ('mug',), store.begin_burst('test', ('mug',)))
    stored, = store.add([sample])
    assert not stored.duplicate
    assert image_path(store.root, stored.sha256).read_bytes() == sample.data


def test_counts_are_the_same_after_a_restart_and_for_a_reader(store: SampleStore) -> None:
    makers.record(store, ('mug',), range(12))
    makers.record(store, ('mug',), range(12, 20))
    makers.record(store, ('pen', 'mug'), range(20, 26))
    makers.record(store, ('cup',), range(26, 27))
    before = store.stats()
    assert stats(store.root) == before
    store.close()
    with SampleStore(store.root) as again:
        assert again.stats() == before
        assert again.begin_burst('test', ('mug',)) == 5


def test_validation_samples_are_those_that_a_snapshot_holds_out(store: SampleStore) -> None:
    first = 0
    for tags, count in [(('mug',), 12), (('pen',), 9), (('mug',), 5), (('cup', 'mug'), 20),
                        (('mug', 'pen'), 4), (('pen',), 2)]:
        makers.record(store, tags, range(first, first + count))
        first += count
        held = len(snapshot(store.root).part(Split.VALIDATION))
        assert store.stats().validation_samples == held
    assert held > 0


def test_nothing_moves_the_split_of_an_earlier_burst(store: SampleStore) -> None:
    makers.record(store, ('mug',), range(10))
    makers.record(store, ('mug',), range(10, 20))
    before = {item.sha256: item.split for item in snapshot(store.root).samples}
    assert set(before.values()) == {Split.TRAIN, Split.VALIDATION}
    makers.record(store, ('pen', 'mug'), range(20, 30))
    makers.record(store, ('pen',), range(30, 40))
    after = {item.sha256: item.split for item in snapshot(store.root).samples}
    assert {name: after[name] for name in before} == before


def test_the_same_bytes_again_get_the_new_tags(store: SampleStore) -> None:
    makers.record(store, ('mug',), range(3))
    burst = store.begin_burst('upload', ('cup',))
    stored, = store.add([makers.sample(1, ('cup',), burst, source='upload')])
    assert stored.duplicate
    found = store.stats()
    assert (found.samples, found.classes, found.class_samples) == (3, ('cup', 'mug'), (1, 2))
    assert (found.bursts, found.revision) == (1, 2)
    assert found == stats(store.root)


def test_the_same_bytes_twice_in_one_call_are_one_sample(store: SampleStore) -> None:
    burst = store.begin_burst('test', ('mug',))
    stored = store.add([makers.sample(0, ('mug',), burst, 1),
                        makers.sample(0, ('mug',), burst, 2)])
    assert [answer.duplicate for answer in stored] == [False, True]
    assert store.stats() == stats(store.root)
    assert store.stats().samples == 1


def test_duplicates_beside_new_samples_are_counted_right(store: SampleStore) -> None:
    burst = makers.record(store, ('mug',), range(2))
    store.add([makers.sample(seed, ('mug',), burst) for seed in (0, 2, 1, 3)])
    assert store.samples_in(burst) == 4
    assert store.stats() == stats(store.root)


def test_the_same_again_with_the_same_tags_changes_nothing(store: SampleStore) -> None:
    burst = makers.record(store, ('mug',), range(3))
    before = store.stats()
    assert all(answer.duplicate for answer in store.add(
        [makers.sample(seed, ('mug',), burst) for seed in range(3)]))
    assert store.add([]) == []
    assert store.stats() == before == stats(store.root)


def test_samples_without_tags_are_stored_and_not_trained_on(store: SampleStore) -> None:
    makers.record(store, (), range(2))
    assert (store.stats().samples, store.stats().classes) == (2, ())
    assert snapshot(store.root).samples == ()


def test_nothing_is_stored_when_the_reserve_would_be_touched(store: SampleStore) -> None:
    burst = makers.record(store, ('mug',), range(1))
    before, bytes_before = store.stats(), makers.files(store)
    store.reserve_bytes = 2**62
    with pytest.raises(DiskFullError, match=f'the disk of {store.root} has less than'):
        store.add([makers.sample(1, ('mug',), burst)])
    assert (store.stats(), makers.files(store)) == (before, bytes_before)
    store.reserve_bytes = 0
    store.add([makers.sample(1, ('mug',), burst)])
    assert store.stats().samples == 2


def test_a_row_is_never_without_its_file(store: SampleStore,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    burst = makers.record(store, ('mug',), range(2))
    before = store.stats()
    left = [2]

    def fail_third(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, 'No space left on device')
        return Path(os.replace(self, target) or target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, 'replace', fail_third)
        with pytest.raises(DiskFullError, match='is full: free some room'):
            store.add([makers.sample(seed, ('mug',), burst) for seed in range(2, 6)])
    assert rows(store) <= makers.files(store)
    assert store.stats() == before == stats(store.root)
    assert not list(store.root.rglob('*.tmp'))
    store.add([makers.sample(seed, ('mug',), burst) for seed in range(2, 6)])
    assert rows(store) == makers.files(store)


def test_a_full_disk_while_the_index_is_written_changes_nothing(store: SampleStore) -> None:
    burst = makers.record(store, ('mug',), range(1))
    before = store.stats()
    pages = store._index.db.execute('PRAGMA page_count').fetchone()[0]
    store._index.db.execute(f'PRAGMA max_page_count={pages}')
    many = [NewSample(makers.jpeg(makers.noise(9))[:-2] + number.to_bytes(2, 'big'),
                      ('mug',), number, burst, 'x' * 500, 32, 24) for number in range(40)]
    with pytest.raises(DiskFullError, match='is full: free some room'):
        store.add(many)
    assert store.stats() == before == stats(store.root)
    store._index.db.execute('PRAGMA max_page_count=1000000')
    store.add(many)
    assert store.stats().samples == 41
