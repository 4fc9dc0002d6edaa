from collections.abc import Callable, Iterator
from contextlib import contextmanager

import makers
import pytest

from recognizer_ros.core.errors import ConflictError, DatasetError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import journal
from recognizer_ros.dataset.browse import Query, State, find, history, page
from recognizer_ros.dataset.edits import (
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
from recognizer_ros.dataset.reader import stats
from recognizer_ros.dataset.store import SampleStore

ZERO, ONE, TWO = makers.names(range(3))


@pytest.fixture
def store(store: SampleStore) -> SampleStore:
    """Two bursts of mugs, one of pens; one mug is deleted."""
    makers.record(store, ('mug',), range(10))
    makers.record(store, ('mug',), range(10, 20))
    makers.record(store, ('pen',), range(20, 30))
    store.edit(Delete((makers.name(9),)))
    return store


def state(store: SampleStore) -> object:
    """All that an edit may change."""
    return {item.sha256: item for wanted in (State.NORMAL, State.DELETED)
            for item in page(store.root, Query(state=wanted)).samples}


@contextmanager
def restarted(store: SampleStore) -> Iterator[SampleStore]:
    store.close()
    with SampleStore(store.root) as again:
        yield again


EDITS = [
    SetTags((ZERO, ONE), ('cup', 'can')), SetTags((ZERO,), ()), AddTags((ZERO, TWO), ('pen',)),
    RemoveTags((ZERO, ONE), ('can', 'mug')), RenameClass('mug', 'cup'), RenameClass('mug', 'pen'),
    Delete(makers.names(range(10, 20))), Restore((makers.name(9),)),
    SetSplit((ZERO,), Split.VALIDATION), SetSplit((makers.name(25),), Split.VALIDATION)]


@pytest.mark.parametrize('edit', EDITS, ids=lambda edit: type(edit).__name__)
def test_undo_brings_back_exactly_what_was_and_redo_what_was_made_of_it(store: SampleStore,
                                                                        edit: Edit) -> None:
    before = state(store)
    made = store.edit(edit)
    after = state(store)
    assert after != before
    undone = store.undo()
    assert state(store) == before
    assert (undone.changed, undone.description) == (made.changed, made.description)
    assert undone.revision > made.revision
    with restarted(store) as again:
        assert state(again) == before
        redone = again.redo()
        assert state(again) == after
        assert redone.revision > undone.revision
        assert again.stats() == stats(store.root)
    with restarted(store) as again:
        again.undo()
        assert state(again) == before
        assert again.stats() == stats(store.root)


def test_many_edits_are_undone_one_after_the_other(store: SampleStore) -> None:
    seen = [state(store)]
    for edit in (*EDITS[:5], RenameClass('cup', 'pen'), *EDITS[6:]):
        store.edit(edit)
        seen.append(state(store))
    for expected in reversed(seen[:-1]):
        store.undo()
        assert state(store) == expected
    for expected in seen[1:]:
        store.redo()
        assert state(store) == expected
    with pytest.raises(DatasetError, match='nothing to do again'):
        store.redo()


def test_samples_stored_again_get_their_old_tags_back(store: SampleStore) -> None:
    before = state(store)
    store.edit(Delete((ZERO,)))
    makers.record(store, ('cup',), [0, 1])
    assert find(store.root, ZERO).tags == ('cup',)
    assert not find(store.root, ZERO).deleted
    assert store.undo().description == '2 stored again'
    store.undo()
    assert state(store) == before


def test_recording_goes_on_between_an_edit_and_its_undo(store: SampleStore) -> None:
    store.edit(RenameClass('mug', 'cup'))
    burst = makers.record(store, ('cup',), range(40, 43))
    store.undo()
    assert store.stats().class_samples == (3, 19, 10)
    assert store.samples_in(burst) == 3
    store.redo()
    assert store.stats().class_samples == (22, 10)


def test_a_new_edit_ends_what_can_be_done_again(store: SampleStore) -> None:
    store.edit(SetTags((ZERO,), ('cup',)))
    store.undo()
    store.edit(SetTags((ONE,), ('can',)))
    with pytest.raises(DatasetError, match='nothing to do again'):
        store.redo()
    assert find(store.root, ZERO).tags == ('mug',)
    assert [entry.description for entry in history(store.root)] == [
        '1 sample tagged can', '1 sample deleted']


def test_old_edits_are_forgotten(store: SampleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, 'KEPT', 3)
    for number in range(5):
        store.edit(SetTags((ZERO,), (f'cup {number}',)))
    assert len(history(store.root)) == 3
    for _ in range(3):
        store.undo()
    with pytest.raises(DatasetError, match='nothing to undo'):
        store.undo()
    assert find(store.root, ZERO).tags == ('cup 1',)
    assert store._index.db.execute('SELECT count(*) FROM sample_changes').fetchone()[0] == 3


def test_large_edits_are_forgotten_before_they_fill_the_disk(
        store: SampleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, '_SMALL', 5)
    monkeypatch.setattr(journal, 'KEPT_CHANGES', 25)
    names = makers.names(range(10))

    def kept() -> list[int]:
        return [entry.changed for entry in history(store.root)]

    for number in range(4):
        store.edit(SetTags(names, (f'cup {number}',)))
    assert kept() == [10, 10]
    store.edit(SetTags(names[:3], ('can',)))
    assert kept() == [3, 10, 10]
    store.edit(SetTags(names[:6], ('tin',)))
    assert kept() == [6, 3, 10]
    monkeypatch.setattr(journal, 'KEPT_CHANGES', 8)
    store.edit(SetTags(names, ('pot',)))
    assert kept() == [10], 'the last one can always be undone'
    assert store._index.db.execute('SELECT count(*) FROM sample_changes').fetchone()[0] == 10
    store.undo()
    assert find(store.root, ZERO).tags == ('tin',)


def test_edits_of_many_bursts_are_forgotten_as_well(store: SampleStore,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, '_SMALL', 1)
    monkeypatch.setattr(journal, 'KEPT_CHANGES', 4)
    for split in (Split.TRAIN, Split.VALIDATION, Split.TRAIN):
        store.edit(SetSplit((ZERO, makers.name(10), makers.name(20)), split))
    assert len(history(store.root)) == 1


def test_what_was_purged_cannot_come_back(store: SampleStore) -> None:
    store.edit(SetTags((ZERO, ONE), ('cup',)))
    store.edit(SetTags((ZERO,), ('can',)))
    store.edit(Delete((ZERO,)))
    store.edit(Purge((ZERO,)))
    # Two of the three edits were of this sample alone, so they are gone as well.
    assert store.undo().description == '2 samples tagged cup'
    assert find(store.root, ONE).tags == ('mug',)
    assert store.redo().changed == 1
    assert find(store.root, ONE).tags == ('cup',)
    assert store.stats() == stats(store.root)


def test_when_all_is_purged_nothing_is_left_to_undo(store: SampleStore) -> None:
    store.edit(Purge())
    with pytest.raises(DatasetError, match='nothing to undo'):
        store.undo()


@pytest.mark.parametrize('meanwhile', [
    lambda store: store.edit(SetTags((ONE,), ('can',))), lambda store: store.undo(),
    lambda store: (store.undo(), store.redo()), lambda store: makers.record(store, ('x',), [0])],
    ids=['edit', 'undo', 'undo and redo', 'stored again'])
def test_nobody_undoes_the_edit_of_another_unseen(store: SampleStore,
                                                  meanwhile: Callable[[SampleStore], object]
                                                  ) -> None:
    seen = store.edit(SetTags((ZERO,), ('cup',))).revision
    meanwhile(store)
    before = state(store)
    with pytest.raises(ConflictError, match='somebody else has made or undone an edit meanwhile'):
        store.undo(seen)
    assert state(store) == before
    store.undo(store.revision())


def test_nobody_redoes_unseen(store: SampleStore) -> None:
    store.edit(SetTags((ZERO,), ('cup',)))
    store.edit(SetTags((ONE,), ('can',)))
    store.undo()
    seen = store.revision()
    store.undo()
    with pytest.raises(ConflictError):
        store.redo(seen)
    assert store.redo(store.revision()).description == '1 sample tagged cup'


def test_recording_is_no_conflict_for_undo(store: SampleStore) -> None:
    seen = store.edit(SetTags((ZERO,), ('cup',))).revision
    makers.record(store, ('mug',), range(40, 42))
    assert store.undo(seen).changed == 1


def test_history_tells_all_edits_newest_first(store: SampleStore) -> None:
    store.edit(SetTags((ZERO, ONE), ('cup',)))
    store.edit(SetSplit((ZERO,), Split.VALIDATION))
    store.undo()
    found = history(store.root)
    assert [(entry.description, entry.changed, entry.undone) for entry in found] == [
        ('1 burst put into validation', 9, True), ('2 samples tagged cup', 2, False),
        ('1 sample deleted', 1, False)]
    assert found[0].revision == store.revision()
    assert found[0].edit > found[1].edit > found[2].edit
    assert found[0].time_ns >= found[1].time_ns > 1_700_000_000 * 10**9
    assert history(store.root, 1) == found[:1]
