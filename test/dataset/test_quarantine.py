"""Samples that cannot be used are set aside, and come back."""

import makers
import pytest

from recognizer_ros.core.errors import ConflictError, DatasetError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import browse
from recognizer_ros.dataset.browse import Query, State
from recognizer_ros.dataset.edits import MAX_REASON, Delete, Quarantine, Restore, SetTags
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.reader import snapshot, stats
from recognizer_ros.dataset.store import SampleStore

ZERO, ONE, TWO = makers.names(range(3))
DARK = 'too dark'


@pytest.fixture
def store(store: SampleStore) -> SampleStore:
    """Three mugs in burst 1; two pens in burst 2."""
    makers.record(store, ('mug',), range(3))
    makers.record(store, ('pen',), range(3, 5))
    return store


def aside(store: SampleStore) -> dict[str, str]:
    """What is set aside, and why."""
    listed = browse.page(store.root, Query(state=State.QUARANTINED)).samples
    return {item.sha256: item.quarantined for item in listed}


def test_what_is_set_aside_is_out_of_use_and_says_why(store: SampleStore) -> None:
    before = store.revision()
    done = store.edit(Quarantine((ZERO, ONE), DARK))
    assert (done.changed, done.revision) == (2, store.revision())
    assert done.revision > before
    assert done.description == '2 samples set aside: too dark'
    assert aside(store) == {ZERO: DARK, ONE: DARK}
    assert [item.sha256 for item in snapshot(store.root).samples if 'mug' in item.tags] == [TWO]
    found = store.stats()
    assert (found.class_samples, found.quarantined) == ((1, 2), 2)
    assert found == stats(store.root)


def test_what_is_restored_is_used_again(store: SampleStore) -> None:
    before = snapshot(store.root).samples
    store.edit(Quarantine((ZERO, ONE), DARK))
    done = store.edit(Restore((ZERO, ONE, TWO)))
    assert (done.changed, done.description) == (2, '2 samples restored')
    assert done.revision == store.revision()
    assert (aside(store), snapshot(store.root).samples) == ({}, before)
    assert store.stats() == stats(store.root)


def test_what_was_deleted_and_set_aside_is_restored_at_once(store: SampleStore) -> None:
    store.edit(Delete((ZERO,)))
    store.edit(Quarantine((ZERO,), DARK))
    assert store.edit(Restore((ZERO,))).changed == 1
    assert ZERO in {item.sha256 for item in snapshot(store.root).samples}
    assert store.stats() == stats(store.root)


def test_the_first_reason_stays(store: SampleStore) -> None:
    store.edit(Quarantine((ZERO,), DARK))
    assert store.edit(Quarantine((ZERO, ONE), 'another')).changed == 1
    before = store.revision()
    again = store.edit(Quarantine((ZERO, ONE), 'a third'))
    assert (again.changed, again.revision, store.revision()) == (0, before, before)
    assert aside(store) == {ZERO: DARK, ONE: 'another'}


def test_undo_is_about_what_a_person_did(store: SampleStore) -> None:
    store.edit(SetTags((ZERO,), ('cup',)))
    store.undo()
    seen = store.revision()
    store.edit(Quarantine((ZERO,), DARK))
    assert store.redo(seen).description == '1 sample tagged cup'
    assert store.undo().description == '1 sample tagged cup'
    assert aside(store) == {ZERO: DARK}
    with pytest.raises(DatasetError, match='nothing to undo'):
        store.undo()


def test_a_person_may_edit_what_was_set_aside_meanwhile_but_not_the_other_way(
        store: SampleStore) -> None:
    seen = store.revision()
    store.edit(Quarantine((ZERO,), DARK))
    store.edit(SetTags((ZERO,), ('cup',)), seen)
    with pytest.raises(ConflictError):
        store.edit(Quarantine((ZERO,), DARK), seen)


@pytest.mark.parametrize(('given', 'kept'), [
    (' line one\nline\ttwo\x00 ', 'line one line two'), ('\u202eevil\ud800', 'evil'),
    ('x' * 1000, 'x' * MAX_REASON)], ids=['lines', 'not shown', 'long'])
def test_a_reason_is_one_short_line(store: SampleStore, given: str, kept: str) -> None:
    store.edit(Quarantine((ZERO,), given))
    assert aside(store) == {ZERO: kept}


@pytest.mark.parametrize(('edit', 'said'), [
    (Quarantine((ZERO, 'f' * 64), DARK), '1 of the samples are not known'),
    (Quarantine((), DARK), 'no samples given'),
    (Quarantine((ZERO,), ' \n'), 'no reason given: say why'),
], ids=['unknown', 'none', 'no reason'])
def test_it_is_refused_and_nothing_changes(store: SampleStore, edit: Quarantine,
                                           said: str) -> None:
    before = store.stats()
    with pytest.raises(DatasetError, match=said):
        store.edit(edit)
    assert (store.stats(), aside(store)) == (before, {})


def test_the_same_photograph_stored_again_repairs_the_file(store: SampleStore) -> None:
    path = image_path(store.root, ZERO)
    whole = path.read_bytes()
    path.write_bytes(b'rubbish')
    store.edit(Quarantine((ZERO,), 'damaged'))
    burst = makers.record(store, ('mug',), [0])
    assert path.read_bytes() == whole
    assert (aside(store), burst) == ({}, 3)
    assert store.stats() == stats(store.root)


def test_a_shared_burst_is_shared_anew(store: SampleStore) -> None:
    makers.record(store, ('cup',), range(10, 30))

    def parts() -> list[int]:
        found = snapshot(store.root)
        return [sum('cup' in item.tags for item in found.part(split)) for split in Split]

    before = parts()
    store.edit(Quarantine(makers.names(range(10, 20)), DARK))
    assert sum(parts()) == 10
    assert all(parts())
    assert store.stats() == stats(store.root)
    store.edit(Restore(makers.names(range(10, 20))))
    assert parts() == before
