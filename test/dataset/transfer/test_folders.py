from collections import Counter
from collections.abc import Callable
from pathlib import Path

import makers
import pytest

from recognizer_ros.core.errors import DatasetError, LabelError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.browse import Listed
from recognizer_ros.dataset.transfer.folders import photos
from recognizer_ros.dataset.transfer.importer import Imported

Take = Callable[..., Imported]
Held = Callable[..., list[Listed]]


def jpeg(path: Path, seed: int) -> Path:
    return makers.photo(path, makers.jpeg(makers.noise(seed)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, three photographs, and things that are none."""
    root = tmp_path / 'photos'
    jpeg(root / 'Coffee Mug' / 'b.JPG', 1)
    makers.photo(root / 'Coffee Mug' / 'a.png', makers.picture(makers.noise(2), 'PNG'))
    makers.photo(root / 'pen' / 'c.webp', makers.picture(makers.noise(3), 'WEBP'))
    makers.photo(root / 'pen' / 'notes.txt', b'text')
    makers.photo(root / 'pen' / '._c.jpg', b'what some systems leave')
    jpeg(root / '.thumbs' / 'd.jpg', 4)
    jpeg(root / 'beside.jpg', 5)
    return root


def test_photos_are_listed_in_order_with_the_class_of_their_folder(folder: Path) -> None:
    assert [(item.path, item.label) for item in photos(folder)] == [
        (folder / 'Coffee Mug' / 'a.png', 'coffee mug'),
        (folder / 'Coffee Mug' / 'b.JPG', 'coffee mug'), (folder / 'pen' / 'c.webp', 'pen')]


@pytest.mark.parametrize('name', ['missing', 'file'])
def test_a_folder_that_is_missing_or_a_file_is_refused(tmp_path: Path, name: str) -> None:
    makers.photo(tmp_path / 'file', b'')
    with pytest.raises(DatasetError, match=f'{name} is not a folder'):
        photos(tmp_path / name)


def test_a_folder_without_photographs_is_refused(tmp_path: Path) -> None:
    (tmp_path / 'mug').mkdir()
    with pytest.raises(DatasetError, match='holds no photographs: put JPEG, PNG or WebP'):
        photos(tmp_path)


@pytest.mark.parametrize('name', ['a;b', 'x' * 65, ' '])
def test_a_folder_whose_name_can_be_no_class_is_refused(tmp_path: Path, name: str) -> None:
    jpeg(tmp_path / name / 'a.jpg', 1)
    with pytest.raises(LabelError, match='the folder'):
        photos(tmp_path)


def test_each_class_becomes_a_burst(take: Take, held: Held, folder: Path) -> None:
    done = take(folder)
    assert (done.samples, done.duplicates, done.classes, done.bursts, done.skipped) == (
        3, 0, 2, 2, ())
    found = held()
    assert [(item.tags, item.stamp_ns, item.burst, item.source) for item in found] == [
        (('coffee mug',), 1000, 1, 'import:photos'), (('coffee mug',), 1001, 1, 'import:photos'),
        (('pen',), 1002, 2, 'import:photos')]


def test_each_folder_below_a_class_becomes_a_burst_of_its_own(take: Take, held: Held,
                                                              tmp_path: Path) -> None:
    root = tmp_path / 'photos'
    for seed, place in enumerate(['', 'kitchen/', 'kitchen/evening/', 'office/']):
        jpeg(root / 'mug' / f'{place}a.jpg', 2 * seed)
        jpeg(root / 'mug' / f'{place}b.jpg', 2 * seed + 1)
    assert take(root).classes == 1
    assert Counter(item.burst for item in held()) == {1: 2, 2: 2, 3: 2, 4: 2}


@pytest.mark.parametrize(('train', 'validation'), [
    ('train', 'val'), ('Train', 'valid'), ('training', 'validation'), ('train', 'test')])
def test_folders_of_splits_are_kept(take: Take, held: Held, tmp_path: Path, train: str,
                                    validation: str) -> None:
    root = tmp_path / 'photos'
    for seed, place in enumerate([f'{validation}/mug', f'{train}/mug', f'{train}/pen/red']):
        jpeg(root / place / 'a.jpg', seed)
    assert take(root).classes == 2
    assert {(item.tags[0], item.split, item.pinned) for item in held()} == {
        ('mug', Split.VALIDATION, True), ('mug', Split.TRAIN, True), ('pen', Split.TRAIN, True)}
    assert [item.label for item in photos(root)].count('mug') == 2


def test_what_lay_between_the_splits_is_left_out_and_said(
        take: Take, held: Held, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for seed, place in enumerate(['train', 'gap', 'val']):
        jpeg(tmp_path / 'photos' / place / 'mug' / 'a.jpg', seed)
    assert take(tmp_path / 'photos').samples == 2
    assert {item.split for item in held()} == {Split.TRAIN, Split.VALIDATION}
    assert '1 images of the folder gap' in caplog.text


def test_toy_trains_are_a_class(take: Take, held: Held, tmp_path: Path) -> None:
    jpeg(tmp_path / 'photos' / 'train' / 'a.jpg', 1)
    jpeg(tmp_path / 'photos' / 'train' / 'red' / 'b.jpg', 2)
    take(tmp_path / 'photos')
    assert {item.tags for item in held()} == {('train',)}


def test_links_are_followed_but_not_in_circles(take: Take, tmp_path: Path) -> None:
    jpeg(tmp_path / 'elsewhere' / 'a.jpg', 1)
    jpeg(tmp_path / 'photos' / 'mug' / 'b.jpg', 2)
    (tmp_path / 'photos' / 'mug' / 'linked').symlink_to(tmp_path / 'elsewhere')
    (tmp_path / 'photos' / 'mug' / 'again').symlink_to(tmp_path / 'photos' / 'mug')
    assert take(tmp_path / 'photos').samples == 2


def test_unusable_files_among_good_ones_are_skipped_and_named(take: Take, held: Held,
                                                              folder: Path) -> None:
    for name in ('aaa/text.jpg', 'pen/cut.jpg', 'pen/zero.png'):
        makers.photo(folder / name, makers.jpeg(makers.noise(6))[:200] * ('cut' in name))
    (folder / 'pen' / 'gone.jpg').symlink_to('nowhere')
    done = take(folder)
    assert (done.samples, done.unusable, done.classes) == (3, 4, 2)
    assert [name.split(' in ')[0] for name in done.skipped] == [
        'aaa/text.jpg', 'pen/cut.jpg', 'pen/gone.jpg', 'pen/zero.png']
    assert len(held()) == 3


def test_nothing_usable_at_all_is_an_error(take: Take, tmp_path: Path) -> None:
    makers.photo(tmp_path / 'in' / 'mug' / 'a.jpg', b'')
    makers.photo(tmp_path / 'in' / 'mug' / 'b.jpg', b'text')
    with pytest.raises(DatasetError, match=r'in: none of the 2 images is usable, such as mug/a'):
        take(tmp_path / 'in')


def test_a_data_set_itself_is_no_folder_of_classes(take: Take, folder: Path,
                                                   tmp_path: Path) -> None:
    take(folder)
    with pytest.raises(DatasetError, match='data is a data set of this program: export it'):
        take(tmp_path / 'data', into='other')


@pytest.mark.parametrize('name', ['missing', 'notes.txt', 'photo.jpg'])
def test_what_cannot_be_imported_is_refused_with_what_can(take: Take, tmp_path: Path,
                                                          name: str) -> None:
    jpeg(tmp_path / 'photo.jpg', 1)
    makers.photo(tmp_path / 'notes.txt', b'text')
    with pytest.raises(DatasetError, match=f'{name} .*: give a folder with one sub-folder a '
                                           r'class, .*\(images/ and tags.json\).*CSV.*rosbag2'):
        take(tmp_path / name)
