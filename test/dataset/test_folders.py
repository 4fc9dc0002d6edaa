from collections.abc import Iterator
from pathlib import Path

import makers
import pytest

from recognizer_ros.core.errors import DatasetError, LabelError
from recognizer_ros.dataset.folders import import_folder, photos
from recognizer_ros.dataset.reader import snapshot
from recognizer_ros.dataset.store import SampleStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SampleStore]:
    with SampleStore(tmp_path / 'data') as store:
        yield store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, three photographs, and things that are none."""
    root = tmp_path / 'photos'
    makers.photo(root / 'Coffee Mug' / 'b.JPG', makers.jpeg(makers.noise(1)))
    makers.photo(root / 'Coffee Mug' / 'a.png', makers.picture(makers.noise(2), 'PNG'))
    makers.photo(root / 'pen' / 'c.webp', makers.picture(makers.noise(3), 'WEBP'))
    makers.photo(root / 'pen' / 'notes.txt', b'text')
    makers.photo(root / 'pen' / '._c.jpg', b'what some systems leave')
    makers.photo(root / '.thumbs' / 'd.jpg', makers.jpeg(makers.noise(4)))
    makers.photo(root / 'beside.jpg', makers.jpeg(makers.noise(5)))
    return root


def test_photos_are_listed_in_order_with_the_class_of_their_folder(folder: Path) -> None:
    assert [(item.path.name, item.label) for item in photos(folder)] == [
        ('a.png', 'coffee mug'), ('b.JPG', 'coffee mug'), ('c.webp', 'pen')]


def test_a_folder_that_is_missing_or_a_file_is_refused(tmp_path: Path) -> None:
    makers.photo(tmp_path / 'file', b'')
    for name in ('missing', 'file'):
        with pytest.raises(DatasetError, match=f'{name} is not a folder'):
            photos(tmp_path / name)


def test_a_folder_without_photographs_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'mug').mkdir()
    with pytest.raises(DatasetError, match='holds no photographs: put JPEG, PNG or WebP'):
        photos(tmp_path)


@pytest.mark.parametrize('name', ['a;b', 'x' * 65, ' '])
def test_a_folder_whose_name_can_be_no_class_is_refused(tmp_path: Path, name: str) -> None:
    makers.photo(tmp_path / name / 'a.jpg', makers.jpeg(makers.noise(1)))
    with pytest.raises(LabelError):
        photos(tmp_path)


def test_each_class_becomes_a_burst(store: SampleStore, folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    done = import_folder(store, folder, 1000, lambda *step: seen.append(step))
    assert (done.samples, done.duplicates, done.classes, done.skipped) == (3, 0, 2, ())
    assert seen == [(3, 3)]
    found = snapshot(store.root).samples
    assert [(item.tags, item.stamp_ns) for item in found] == [
        (('coffee mug',), 1000), (('coffee mug',), 1001), (('pen',), 1002)]
    assert found[0].burst == found[1].burst != found[2].burst
    assert found[1].path.read_bytes() == (folder / 'Coffee Mug' / 'b.JPG').read_bytes()


def test_unusable_files_among_good_ones_are_skipped_and_named(store: SampleStore,
                                                              folder: Path) -> None:
    bad = [makers.photo(folder / 'aaa' / 'text.jpg', b'text'),
           makers.photo(folder / 'pen' / 'cut.jpg', makers.jpeg(makers.noise(6))[:200]),
           makers.photo(folder / 'pen' / 'zero.png', b'')]
    (folder / 'pen' / 'folder.jpg').mkdir()
    done = import_folder(store, folder, 1)
    assert done.samples == 3
    assert set(done.skipped) == {*map(str, bad), str(folder / 'pen' / 'folder.jpg')}
    assert store.stats().classes == ('coffee mug', 'pen')


def test_nothing_usable_at_all_is_an_error(store: SampleStore, tmp_path: Path) -> None:
    makers.photo(tmp_path / 'in' / 'mug' / 'a.jpg', b'')
    makers.photo(tmp_path / 'in' / 'mug' / 'b.jpg', b'text')
    with pytest.raises(DatasetError, match=r'none of the 2 files in .* is a usable image'):
        import_folder(store, tmp_path / 'in', 1)
    assert store.stats().samples == 0


def test_imported_again_nothing_doubles(store: SampleStore, folder: Path) -> None:
    import_folder(store, folder, 1)
    before = store.stats()
    done = import_folder(store, folder, 2)
    assert (done.samples, done.duplicates) == (0, 3)
    after = store.stats()
    assert (after.samples, after.bursts, after.class_samples) == (
        before.samples, before.bursts, before.class_samples)


def test_progress_covers_folders_larger_than_a_group(store: SampleStore, tmp_path: Path) -> None:
    for number in range(40):
        makers.photo(tmp_path / 'in' / 'mug' / f'{number:02}.jpg',
                     makers.jpeg(makers.noise(number)))
    seen: list[tuple[int, int]] = []
    done = import_folder(store, tmp_path / 'in', 1, lambda *step: seen.append(step))
    assert (done.samples, done.classes) == (40, 1)
    assert seen == [(32, 40), (40, 40)]
    assert store.stats().bursts == 1
