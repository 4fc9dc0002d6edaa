"""Opening a data folder: after a crash, of another version, damaged, in use."""

import os
import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import makers
import pytest

from recognizer_ros.core.errors import (
    DataLockedError,
    DatasetError,
    DataVersionError,
)
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import schema
from recognizer_ros.dataset.edits import Restore
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.reader import snapshot, stats
from recognizer_ros.dataset.store import SampleStore


def test_samples_whose_files_are_gone_are_set_aside_until_they_are_back(
        store: SampleStore) -> None:
    first = makers.record(store, ('mug',), range(8))
    makers.record(store, ('mug',), range(8, 16))
    before = store.stats()
    for seed in (0, 9):
        image_path(store.root, makers.name(seed)).unlink()
    store.close()
    with SampleStore(store.root) as again:
        found = again.stats()
        assert (found.samples, found.quarantined) == (14, 2)
        assert found.revision > before.revision
        assert found == stats(store.root)
        again.add([makers.sample(0, ('mug',), first)])  # as it was: only its file is new
        assert (again.stats().samples, again.stats().quarantined) == (15, 1)
        assert again.stats() == stats(store.root)
        assert again.stats().revision > found.revision
    makers.photo(image_path(store.root, makers.name(9)), makers.sample(9, (), 1).data)
    with SampleStore(store.root) as again:
        assert replace(again.stats(), revision=before.revision) == before


def test_the_only_burst_that_is_left_of_a_class_is_shared_from_the_start(
        store: SampleStore) -> None:
    makers.record(store, ('mug',), range(10))
    makers.record(store, ('mug',), range(10, 20))
    for seed in range(10):
        image_path(store.root, makers.name(seed)).unlink()
    store.close()
    with SampleStore(store.root) as again:
        parts = Counter(item.split for item in snapshot(store.root).samples)
        assert parts == {Split.TRAIN: 7, Split.GAP: 1, Split.VALIDATION: 2}
        assert again.stats().validation_samples == 2


def test_what_a_crash_has_left_is_swept(store: SampleStore) -> None:
    makers.record(store, ('mug',), range(2))
    before = store.stats()
    store.close()
    makers.photo(image_path(store.root, 'ab' * 32), b'an image whose row was never written')
    half = makers.photo(store.root / 'images' / 'ab' / f'.{"ab" * 32}.jpg.17.tmp', b'half')
    notes = makers.photo(store.root / 'images' / 'notes.txt', b'of a person')
    with SampleStore(store.root) as again:
        assert again.stats() == before
    assert makers.files(store) - {notes.stem} == set(makers.names(range(2)))
    assert not half.exists()
    assert notes.exists()


def test_so_many_strange_images_are_no_crash_and_left_alone(
        store: SampleStore, caplog: pytest.LogCaptureFixture) -> None:
    store.close()
    for number in range(300):
        makers.photo(image_path(store.root, f'{number:064x}'), b'of another index')
    SampleStore(store.root).close()
    assert len(makers.files(store)) == 300
    assert 'holds 300 images that its index does not know' in caplog.text


def test_a_second_writer_is_refused(store: SampleStore) -> None:
    with pytest.raises(DataLockedError, match=f'in use by process {os.getpid()}'):
        SampleStore(store.root)


def test_closing_lets_the_next_writer_in(store: SampleStore) -> None:
    store.close()
    SampleStore(store.root).close()


def rewrite(change: str) -> Callable[[Path], None]:
    def apply(root: Path) -> None:
        with closing(sqlite3.connect(root / schema.FILE)) as db:
            db.executescript(change)
    return apply


def overwrite(data: bytes, start: int = 0) -> Callable[[Path], None]:
    def apply(root: Path) -> None:
        for left in root.glob(f'{schema.FILE}-*'):
            left.unlink()
        with (root / schema.FILE).open('r+b') as file:
            file.seek(start)
            file.write(data)
            file.truncate()
    return apply


@pytest.mark.parametrize(('damage', 'error', 'said'), [
    (rewrite('PRAGMA user_version=9'), DataVersionError,
     f'has data format 9, this program reads {schema.VERSION}'),
    (rewrite('PRAGMA user_version=0'), DataVersionError, 'has data format 0'),
    (overwrite(b'this is no database, but long enough to look like one ' * 50), DatasetError,
     r'samples\.db cannot be opened \(.*\): restore it from a backup'),
    (overwrite(b'\x00\xff' * 20_000, start=4096), DatasetError, r'samples\.db cannot be'),
], ids=['newer version', 'no version', 'garbage', 'damaged inside'])
def test_an_index_that_cannot_be_used_is_refused_and_left_alone(
        store: SampleStore, damage: Callable[[Path], None], error: type[Exception],
        said: str) -> None:
    makers.record(store, ('mug',), range(1))
    store.close()
    damage(store.root)
    before = (store.root / schema.FILE).read_bytes()
    for _ in range(2):  # the folder's lock was let go
        with pytest.raises(error, match=said):
            SampleStore(store.root)
    assert (store.root / schema.FILE).read_bytes() == before


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    makers.photo(tmp_path / 'data', b'a file')
    with pytest.raises(DatasetError, match=f'cannot write to {tmp_path}/data: Not a directory'):
        SampleStore(tmp_path / 'data')


@pytest.mark.skipif(os.geteuid() == 0, reason='root may write anywhere')
def test_a_folder_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with pytest.raises(DatasetError, match='Permission denied; make it writable'):
        SampleStore(tmp_path / 'data')


def test_a_folder_that_vanishes_is_reported(store: SampleStore, tmp_path: Path) -> None:
    burst = makers.record(store, ('mug',), range(1))
    store.root.rename(tmp_path / 'elsewhere')
    with pytest.raises(DatasetError, match='cannot write'):
        store.add([makers.sample(1, ('mug',), burst)])
    assert store.free_bytes() == 0


def version_1(root: Path) -> None:
    """An index as the first version of this program made it: two bursts of mug, one of pen."""
    with closing(sqlite3.connect(root / schema.FILE, isolation_level=None)) as db:
        db.executescript(f'{schema._STEPS[0]} PRAGMA user_version=1;')
        db.execute("INSERT INTO labels VALUES (1, 'mug'), (2, 'pen')")
        db.execute("INSERT INTO bursts VALUES (1, 'cam', 0), (2, 'cam', 1), (3, 'upload', 0)")
        for seed in range(30):
            sample = makers.sample(seed, (), seed // 10 + 1)
            makers.photo(image_path(root, makers.name(seed)), sample.data)
            db.execute('INSERT INTO samples VALUES (?, ?, ?, ?, ?, 32, 24, NULL, ?)',
                       (seed + 1, makers.name(seed), sample.stamp_ns, sample.burst, 'cam',
                        5 if seed == 12 else None))
            db.execute('INSERT INTO tags VALUES (?, ?)', (seed + 1, 2 if seed >= 20 else 1))
        db.execute('UPDATE state SET value = 33')


def test_an_index_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    version_1(tmp_path)
    with pytest.raises(DataVersionError, match='start the recorder on it once'):
        snapshot(tmp_path)
    with SampleStore(tmp_path) as store:
        found = snapshot(tmp_path)
        assert [(item.sha256, item.stamp_ns, item.burst, item.tags) for item in found.samples] == [
            (makers.name(seed), seed + 1, seed // 10 + 1, ('pen',) if seed >= 20 else ('mug',))
            for seed in range(30) if seed != 12]
        assert Counter(item.split for item in found.samples if item.burst == 3) == {
            Split.TRAIN: 7, Split.GAP: 1, Split.VALIDATION: 2}
        assert found.revision == store.revision() == 33
        assert store.stats() == stats(tmp_path)
        assert (store.stats().samples, store.stats().validation_samples) == (29, 11)
        store.edit(Restore((makers.name(12),)))
        assert store.stats().class_samples == (20, 10)
        store.undo()
        assert store.stats().class_samples == (19, 10)
