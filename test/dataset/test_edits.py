import time
from collections.abc import Callable
from unittest import mock

import makers
import pytest

from recognizer_ros.core.errors import ConflictError, DatasetError, LabelError, RecognizerError
from recognizer_ros.core.labels import MAX_LABELS
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.browse import find
from recognizer_ros.dataset.edits import (
    MAX_IDS,
    AddTags,
    Delete,
    Edit,
    Purge,
    RemoveTags,
    RenameClass,
    Restore,
    SetSplit,
    SetTags,
)
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.reader import snapshot, stats
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.store import SampleStore

ZERO, ONE, TWO = makers.names(range(3))
UNKNOWN = 'f' * 64


@pytest.fixture
def store(store: SampleStore) -> SampleStore:
    """Three mugs in burst 1; three things that are mug and pen in burst 2."""
    makers.record(store, ('mug',), range(3))
    makers.record(store, ('mug', 'pen'), range(3, 6))
    return store


def tags(store: SampleStore, name: str = ZERO) -> tuple[str, ...]:
    return find(store.root, name).tags


@pytest.mark.parametrize(('edit', 'expected', 'said'), [
    (SetTags((ZERO,), ('Cup', 'can')), ('can', 'cup'), '1 sample tagged cup, can'),
    (SetTags((ZERO,), ()), (), '1 sample tagged nothing'),
    (AddTags((ZERO,), ('Pen',)), ('mug', 'pen'), 'pen added to 1 sample'),
    (RemoveTags((ZERO,), ('mug', 'pen')), (), 'mug, pen removed from 1 sample'),
    (RenameClass('MUG', 'Cup'), ('cup',), 'mug renamed to cup in 6 samples'),
], ids=lambda value: type(value).__name__)
def test_edits_of_tags(store: SampleStore, edit: Edit, expected: tuple[str, ...],
                       said: str) -> None:
    before = store.revision()
    done = store.edit(edit)
    assert tags(store) == expected
    assert done.description == said
    assert done.revision == store.revision() > before
    assert store.stats() == stats(store.root)


def test_only_the_samples_named_are_changed(store: SampleStore) -> None:
    assert store.edit(SetTags((ONE, TWO, ONE), ('cup',))).changed == 2
    assert [tags(store, name) for name in (ZERO, ONE, TWO)] == [('mug',), ('cup',), ('cup',)]


def test_a_class_renamed_to_one_that_exists_is_merged_with_it(store: SampleStore) -> None:
    assert store.edit(RenameClass('pen', 'mug')).changed == 3
    assert (store.stats().classes, store.stats().class_samples) == (('mug',), (6,))
    assert not store.stats().multi_label


def test_a_class_is_renamed_in_deleted_samples_too(store: SampleStore) -> None:
    store.edit(Delete((ZERO,)))
    store.edit(RenameClass('mug', 'cup'))
    store.edit(Restore((ZERO,)))
    assert tags(store) == ('cup',)


def test_deleted_samples_are_out_of_use_until_they_are_restored(store: SampleStore) -> None:
    before = {item.sha256: item.tags for item in snapshot(store.root).samples}
    assert store.edit(Delete((ZERO, ONE))).changed == 2
    assert {item.sha256 for item in snapshot(store.root).samples}.isdisjoint({ZERO, ONE})
    assert store.stats().samples == 4
    assert image_path(store.root, ZERO).exists()
    assert store.edit(Delete((ZERO, TWO))).changed == 1
    assert store.edit(Restore((ZERO, ONE, TWO))).changed == 3
    assert {item.sha256: item.tags for item in snapshot(store.root).samples} == before


def test_purged_samples_are_gone(store: SampleStore) -> None:
    store.edit(Delete((ZERO, ONE, TWO)))
    assert store.edit(Purge((ZERO,))).changed == 1
    assert not image_path(store.root, ZERO).exists()
    with pytest.raises(DatasetError, match='no sample'):
        find(store.root, ZERO)
    done = store.edit(Purge())
    assert (done.changed, done.description) == (2, '2 samples purged')
    assert not any(image_path(store.root, name).exists() for name in (ONE, TWO))
    assert store.edit(Purge()).changed == 0


def test_only_deleted_samples_are_purged(store: SampleStore) -> None:
    store.edit(Delete((ZERO,)))
    with pytest.raises(DatasetError, match='only deleted samples can be purged: delete them'):
        store.edit(Purge((ZERO, ONE)))
    assert image_path(store.root, ZERO).exists()


def test_a_purged_image_can_be_stored_anew(store: SampleStore) -> None:
    store.edit(Delete((ZERO,)))
    store.edit(Purge())
    burst = makers.record(store, ('cup',), [0])
    assert (tags(store), find(store.root, ZERO).burst) == (('cup',), burst)


def test_purging_what_was_set_aside_is_counted(store: SampleStore) -> None:
    image_path(store.root, ZERO).unlink()
    store.close()
    with SampleStore(store.root) as again:
        assert again.stats().quarantined == 1
        again.edit(Delete((ZERO,)))
        again.edit(Purge())
        assert again.stats().quarantined == 0
        assert again.stats() == stats(store.root)


def test_a_purge_that_dies_half_way_leaves_nothing_behind(
        store: SampleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    burst = store.begin_burst('test', ('cup',))
    with mock.patch('os.fsync'):
        stored = store.add([NewSample(b'%d' % number, ('cup',), number, burst, 'test', 1, 1)
                            for number in range(600)])
    store.edit(Delete(tuple(answer.sha256 for answer in stored)))

    class PowerCut(BaseException):
        pass

    def dies(*_: object) -> None:
        raise PowerCut

    with monkeypatch.context() as patch:
        patch.setattr('recognizer_ros.dataset.image_files.remove', dies)
        with pytest.raises(PowerCut):
            store.edit(Purge())
    store.close()
    with SampleStore(store.root) as again:
        again.edit(Purge())
    assert makers.files(store) == set(makers.names(range(6)))


def test_a_split_is_set_for_whole_bursts_and_for_good(store: SampleStore) -> None:
    done = store.edit(SetSplit((ZERO,), Split.VALIDATION))
    assert (done.changed, done.description) == (3, '1 burst put into validation')
    assert {find(store.root, name).split for name in (ZERO, ONE, TWO)} == {Split.VALIDATION}
    assert find(store.root, TWO).pinned
    assert store.edit(SetSplit((ONE,), Split.VALIDATION)).changed == 0
    store.edit(Delete(makers.names(range(3, 6))))  # now it is the only one of its class
    assert {item.split for item in snapshot(store.root).samples} == {Split.VALIDATION}


def test_a_pinned_burst_is_not_shared(store: SampleStore) -> None:
    makers.record(store, ('cup',), range(10, 30))
    name = makers.name(12)
    assert len(snapshot(store.root).part(Split.GAP)) == 1
    store.edit(SetSplit((name,), Split.TRAIN))
    assert snapshot(store.root).part(Split.GAP) == ()
    assert store.stats().validation_samples == len(snapshot(store.root).part(Split.VALIDATION))
    store.undo()
    assert len(snapshot(store.root).part(Split.GAP)) == 1


def test_a_class_that_loses_its_held_out_burst_gets_another(store: SampleStore) -> None:
    first = 10
    for _ in range(3):
        makers.record(store, ('cup',), range(first, first + 5))
        first += 5
    held = [item.sha256 for item in snapshot(store.root).part(Split.VALIDATION)
            if 'cup' in item.tags]
    store.edit(Delete(tuple(held)))
    counts = snapshot(store.root)
    assert counts.counts(Split.TRAIN)['cup'] == counts.counts(Split.VALIDATION)['cup'] == 5
    store.undo()
    assert {item.sha256 for item in snapshot(store.root).part(Split.VALIDATION)
            if 'cup' in item.tags} == set(held)


def test_the_last_few_samples_of_a_class_are_for_training(store: SampleStore) -> None:
    makers.record(store, ('cup',), range(10, 13))
    makers.record(store, ('cup',), range(13, 16))
    store.edit(Delete(makers.names(range(10, 13))))
    assert snapshot(store.root).counts(Split.TRAIN)['cup'] == 3


MANY = tuple(f'tag {number}' for number in range(MAX_LABELS))
NONE = tuple[str, ...]()


@pytest.mark.parametrize(('edit', 'error', 'said'), [
    (SetTags((ZERO, UNKNOWN), ('cup',)), DatasetError, f"1 of the samples .* '{UNKNOWN}': list"),
    (Delete((UNKNOWN, 'e' * 64)), DatasetError, "2 of the samples are not known, such as 'eee"),
    (Restore((UNKNOWN,)), DatasetError, 'not known'),
    (Purge((UNKNOWN,)), DatasetError, 'not known'),
    (SetSplit((UNKNOWN,), Split.TRAIN), DatasetError, 'not known'),
    (Delete(NONE), DatasetError, 'no samples given: name at least one'),
    (AddTags((ZERO,), ('', ' ')), DatasetError, 'no tags given: name at least one'),
    (RemoveTags((ZERO,), NONE), DatasetError, 'no tags given'),
    (SetTags((ZERO,), ('a;b',)), LabelError, 'separator'),
    (SetTags((ZERO,), (*MANY, 'one')), LabelError, '17 tags are too many: give at most 16'),
    (AddTags((ZERO, ONE), MANY), LabelError, '17 tags are too many'),
    (RenameClass('mug', ' Mug'), DatasetError, 'give the name of the class and another, new'),
    (RenameClass('', 'cup'), DatasetError, 'give the name of the class'),
    (RenameClass('cup', 'can'), DatasetError, "no sample has the class 'cup'"),
    (SetSplit((ZERO,), Split.GAP), DatasetError, 'train or validation only'),
    (Delete((ZERO,) * (MAX_IDS + 1)), DatasetError, '100001 samples at once are too many'),
], ids=lambda value: type(value).__name__ if not isinstance(value, str) else value[:12])
def test_an_edit_that_makes_no_sense_is_refused_and_changes_nothing(
        store: SampleStore, edit: Edit, error: type[RecognizerError], said: str) -> None:
    before, listed = store.stats(), snapshot(store.root)
    with pytest.raises(error, match=said):
        store.edit(edit)
    assert (store.stats(), snapshot(store.root), stats(store.root)) == (before, listed, before)
    with pytest.raises(DatasetError, match='nothing to undo'):
        store.undo()


@pytest.mark.parametrize('edit', [
    SetTags((ZERO,), ('mug',)), AddTags((ZERO,), ('mug',)), RemoveTags((ZERO,), ('pen',)),
    Restore((ZERO,))], ids=lambda edit: type(edit).__name__)
def test_an_edit_that_changes_nothing_is_none(store: SampleStore, edit: Edit) -> None:
    before = store.stats()
    done = store.edit(edit)
    assert (done.changed, done.revision, store.stats()) == (0, before.revision, before)
    with pytest.raises(DatasetError, match='nothing to undo'):
        store.undo()


FIRST = [SetTags((ZERO,), ('mug', 'cup')), Delete((ONE, ZERO)), RenameClass('mug', 'cup'),
         SetSplit((TWO,), Split.VALIDATION)]
SECOND = [AddTags((ZERO, TWO), ('can',)), SetTags((ZERO,), ('can',)), Restore((ZERO,)),
          Delete((ZERO,)), SetSplit((ZERO,), Split.TRAIN), RenameClass('mug', 'can')]


@pytest.mark.parametrize(('first', 'second'), [
    (first, second) for first in FIRST for second in SECOND
    if {type(first), type(second)} != {RenameClass}], ids=lambda edit: type(edit).__name__)
def test_nobody_overwrites_an_edit_unseen(store: SampleStore, first: Edit,
                                          second: Edit) -> None:
    seen = store.revision()
    assert store.edit(first, seen).revision > seen
    before, listed = store.stats(), snapshot(store.root)
    with pytest.raises(ConflictError, match=r'somebody else has changed .* meanwhile: look at'):
        store.edit(second, seen)
    assert (store.stats(), snapshot(store.root)) == (before, listed)
    store.edit(second, before.revision)


def test_edits_of_other_samples_do_not_conflict(store: SampleStore) -> None:
    seen = store.revision()
    store.edit(SetTags((ZERO,), ('cup',)), seen)
    store.edit(SetTags((ONE,), ('can',)), seen)
    makers.record(store, ('mug',), range(10, 12))
    store.edit(RenameClass('pen', 'pencil'), seen)
    assert (tags(store), tags(store, ONE)) == (('cup',), ('can',))


@pytest.mark.parametrize('second', [Purge(), Purge((ZERO, ONE))])
def test_what_was_deleted_meanwhile_is_not_purged_unseen(store: SampleStore,
                                                         second: Purge) -> None:
    seen = store.edit(Delete((ZERO,))).revision
    store.edit(Delete((ONE,)))
    with pytest.raises(ConflictError, match='somebody else has changed 1 of these'):
        store.edit(second, seen)
    assert image_path(store.root, ZERO).exists()


def test_an_undone_edit_counts_as_one(store: SampleStore) -> None:
    seen = store.edit(SetTags((ZERO,), ('cup',))).revision
    store.undo()
    with pytest.raises(ConflictError):
        store.edit(AddTags((ZERO,), ('can',)), seen)


def timed(what: str, work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    took_s = time.perf_counter() - start
    print(f'{what}: {took_s:.3f} s')
    return took_s


def test_ten_thousand_samples_are_relabelled_at_once(store: SampleStore) -> None:
    names = makers.fill(store, 10_000, 1000)
    listed = snapshot(store.root).samples
    took_s = [timed('relabel 10,000', lambda: store.edit(SetTags(names, ('cup', 'can'))))]
    assert store.stats().class_samples == (10_000, 10_000, 6, 3)
    assert store.stats() == stats(store.root)
    took_s += [timed('undo', store.undo)]
    assert snapshot(store.root).samples == listed
    took_s += [timed('rename the class', lambda: store.edit(RenameClass('mug', 'jug')))]
    assert store.stats().class_samples == (10_006, 3)
    assert max(took_s) < 10, 'ten times what it should take'
