from pathlib import Path

import makers
import pytest

from recognizer_ros.core.errors import DatasetError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import schema
from recognizer_ros.dataset.edits import SetTags
from recognizer_ros.dataset.reader import revision, snapshot, stats
from recognizer_ros.dataset.store import SampleStore


def test_where_there_is_no_data_set(tmp_path: Path) -> None:
    assert revision(tmp_path) == 0
    for read in (snapshot, stats):
        with pytest.raises(DatasetError, match='holds no data set: record something, or import'):
            read(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_index_that_is_just_being_made_is_none_yet(tmp_path: Path) -> None:
    (tmp_path / schema.FILE).touch()
    assert revision(tmp_path) == 0
    with pytest.raises(DatasetError, match='holds no data set'):
        snapshot(tmp_path)


def test_an_empty_data_set(store: SampleStore) -> None:
    found = snapshot(store.root)
    assert (found.revision, found.samples, found.labels, found.warning) == (0, (), (), '')
    assert not found.multi_label


def test_samples_come_oldest_first_with_their_tags_and_files(store: SampleStore) -> None:
    burst = store.begin_burst('test', ('pen', 'mug'))
    new = [makers.sample(seed, ('pen', 'mug'), burst, stamp_ns)
           for seed, stamp_ns in enumerate((30, 10, 20))]
    store.add(new)
    found = snapshot(store.root)
    assert [item.stamp_ns for item in found.samples] == [10, 20, 30]
    assert [item.path.read_bytes() for item in found.samples] == [
        new[1].data, new[2].data, new[0].data]
    assert {item.tags for item in found.samples} == {('mug', 'pen')}
    assert found.labels == ('mug', 'pen')
    assert found.multi_label
    assert (found.revision, revision(store.root)) == (1, 1)


def test_a_snapshot_stays_as_it_was(store: SampleStore) -> None:
    makers.record(store, ('mug',), range(2))
    found = snapshot(store.root)
    makers.record(store, ('pen',), range(2, 4))
    assert (found.revision, len(found.samples), found.labels) == (1, 2, ('mug',))
    assert snapshot(store.root).revision == revision(store.root) == 2


def test_a_class_with_one_burst_shares_it_by_time_and_says_so(store: SampleStore) -> None:
    makers.record(store, ('mug',), range(20))
    makers.record(store, ('mug',), range(20, 30))
    lone = makers.record(store, ('pen',), range(30, 50))
    found = snapshot(store.root)
    parts = [item.split for item in found.samples if item.burst == lone]
    assert parts == [Split.TRAIN] * 15 + [Split.GAP] + [Split.VALIDATION] * 4
    assert found.counts(Split.TRAIN) == {'mug': 20, 'pen': 15}
    assert found.counts(Split.VALIDATION) == {'mug': 10, 'pen': 4}
    assert 'single burst' in found.warning
    assert found.warning.endswith(': pen')


def test_a_shared_burst_is_cut_by_stamp_in_whatever_order_it_comes(store: SampleStore) -> None:
    burst = store.begin_burst('test', ('mug',))
    for seed in (5, 19, 3, 18, 17, 0, 1, 4, 2, 16, 15, 14, 6, 7, 8, 13, 12, 9, 10, 11):
        store.add([makers.sample(seed, ('mug',), burst)])
        found = snapshot(store.root)
        parts = [item.split for item in found.samples]
        assert parts == sorted(parts, key=[Split.TRAIN, Split.GAP, Split.VALIDATION].index)
        assert len(found.part(Split.VALIDATION)) == store.stats().validation_samples
    assert parts == [Split.TRAIN] * 15 + [Split.GAP] + [Split.VALIDATION] * 4


def test_a_shared_burst_whose_samples_have_one_stamp_is_cut_in_the_order_they_came(
        store: SampleStore) -> None:
    burst = store.begin_burst('test', ('mug',))
    store.add([makers.sample(seed, ('mug',), burst, 5) for seed in range(20)])
    assert [item.split for item in snapshot(store.root).samples] == [
        Split.TRAIN] * 15 + [Split.GAP] + [Split.VALIDATION] * 4
    assert store.stats().validation_samples == 4


def test_no_warning_and_no_gap_once_every_class_has_two_bursts(store: SampleStore) -> None:
    for first, tag in enumerate(('mug', 'pen', 'mug', 'pen')):
        makers.record(store, (tag,), range(10 * first, 10 * first + 10))
    found = snapshot(store.root)
    assert found.warning == ''
    assert found.part(Split.GAP) == ()
    assert found.counts(Split.VALIDATION) == {'mug': 10, 'pen': 10}


def test_all_classes_of_a_lone_burst_are_named(store: SampleStore) -> None:
    makers.record(store, ('pen', 'mug'), range(10))
    found = snapshot(store.root)
    assert found.warning.endswith(': mug, pen')
    assert found.counts(Split.VALIDATION) == {'mug': 2, 'pen': 2}


def test_one_sample_put_right_leaves_nearly_all_to_train_on(store: SampleStore) -> None:
    pens = makers.record(store, ('pen',), range(60))
    makers.record(store, ('mug',), range(60, 120))
    store.edit(SetTags((makers.name(70),), ('pen',)))
    found = snapshot(store.root)
    assert found.counts(Split.TRAIN) == {'pen': 46, 'mug': 44}
    assert found.counts(Split.VALIDATION) == {'pen': 12, 'mug': 12}
    assert [item.split for item in found.samples if item.burst == pens] == [
        Split.TRAIN] * 45 + [Split.GAP] * 3 + [Split.VALIDATION] * 12
    assert store.stats().validation_samples == 24
    assert 'single burst (or nearly so)' in found.warning
    assert found.warning.endswith(': mug, pen')


def test_a_burst_is_shared_until_a_tenth_of_its_class_is_elsewhere(store: SampleStore) -> None:
    makers.record(store, ('mug',), range(18))
    makers.record(store, ('mug',), range(18, 20))
    assert snapshot(store.root).counts(Split.VALIDATION) == {'mug': 4 + 2}
    assert snapshot(store.root).warning
    store.add([makers.sample(20, ('mug',), 2)])
    assert snapshot(store.root).counts(Split.TRAIN) == {'mug': 18}
    assert snapshot(store.root).counts(Split.VALIDATION) == {'mug': 3}
    assert snapshot(store.root).warning == ''
    assert store.stats().validation_samples == 3


def test_a_large_burst_that_a_person_has_pinned_is_not_warned_of(store: SampleStore) -> None:
    """As after the import of a data set that has a split of its own."""
    for split, seeds in ((Split.TRAIN, range(27)), (Split.VALIDATION, range(27, 30))):
        burst = store.begin_burst('import', ('mug',), split)
        store.add([makers.sample(seed, ('mug',), burst) for seed in seeds])
    assert snapshot(store.root).warning == ''
    assert snapshot(store.root).counts(Split.VALIDATION) == {'mug': 3}


def test_a_damaged_index_cannot_be_read(store: SampleStore) -> None:
    makers.record(store, ('mug',), range(1))
    store.close()
    makers.photo(store.root / schema.FILE, b'no database at all ' * 100)
    for read in (snapshot, stats, revision):
        with pytest.raises(DatasetError, match=r'samples\.db cannot be read'):
            read(store.root)


def test_reading_does_not_wait_for_the_writer(store: SampleStore) -> None:
    makers.record(store, ('mug',), range(1))
    with store._index.transaction():
        store._index.db.execute('DELETE FROM tags')
        assert len(snapshot(store.root).samples) == 1
    assert snapshot(store.root).samples == ()


def test_an_index_damaged_inside_cannot_be_read(store: SampleStore) -> None:
    makers.record(store, ('mug',), range(1))
    store.close()
    with (store.root / schema.FILE).open('r+b') as file:
        file.seek(4096)
        file.write(b'\x00\xff' * 20_000)
        file.truncate()
    for read in (snapshot, stats, revision):
        with pytest.raises(DatasetError, match=r'samples\.db cannot be read'):
            read(store.root)
