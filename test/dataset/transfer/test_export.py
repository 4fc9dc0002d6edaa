import csv
import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import makers
import pytest

from recognizer_ros.core.errors import DatasetError, DiskFullError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.browse import Listed, Query
from recognizer_ros.dataset.edits import Delete, SetSplit
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.reader import snapshot
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.dataset.transfer import export, sinks
from recognizer_ros.dataset.transfer.export import Kind
from recognizer_ros.dataset.transfer.importer import Imported
from recognizer_ros.dataset.transfer.source import Options

Take = Callable[..., Imported]
Held = Callable[..., list[Listed]]

KINDS = [(kind, suffix) for kind in Kind for suffix in ('', '.zip')]


@pytest.fixture(scope='module')
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bursts of each kind: alone and shared, several of a class, chosen, small, some deleted."""
    root = tmp_path_factory.mktemp('made')
    with SampleStore(root) as store:
        seed = 0
        for tag, sizes in {'mug': (20,), 'pen': (6, 5, 7), 'a/b': (4, 4), '..': (3, 9),
                           'tüte %2f': (1,), '😀' * 64: (2,), 'con.': (1, 1)}.items():
            for size in sizes:
                burst = store.begin_burst('image_raw', (tag,))
                store.add([makers.sample(seed + number, (tag,), burst, 10**18 + 7 * seed + number,
                                         'robot 1') for number in range(size)])
                seed += size
        found = snapshot(store.root).samples
        store.edit(SetSplit((found[22].sha256,), Split.VALIDATION))
        store.edit(SetSplit((found[0].sha256,), Split.TRAIN))
        store.edit(SetSplit((found[-1].sha256,), Split.VALIDATION))
        store.edit(Delete((found[3].sha256, found[30].sha256)))
        burst = store.begin_burst('image_raw', ('lamp',))
        store.add([makers.sample(200 + number, ('lamp',), burst, 5 * 10**17 + number)
                   for number in range(30)])
    return root


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    """A data set to work with."""
    return Path(shutil.copytree(made, tmp_path / 'data'))


@pytest.fixture
def several_tags(data: Path) -> Path:
    """With samples of two tags or none as well."""
    with SampleStore(data) as store:
        for number, tags in enumerate([('mug', 'red'), ('mug', 'pen', 'red'), ()]):
            burst = store.begin_burst('upload', tags)
            store.add([makers.sample(300 + number, tags, burst, source='upload')])
    return data


@pytest.mark.parametrize(('kind', 'suffix'), KINDS)
def test_a_round_trip_brings_everything_back(take: Take, held: Held, tmp_path: Path, data: Path,
                                             kind: Kind, suffix: str) -> None:
    before = held()
    assert {item.split for item in before} == set(Split)
    assert {item.pinned for item in before} == {True, False}
    done = export.run(data, tmp_path / f'out{suffix}', kind)
    assert (done.samples, done.damaged, done.classes) == (len(before), 0, 8)
    again = take(tmp_path / f'out{suffix}', into='back')
    assert (again.samples, again.duplicates, again.unusable) == (len(before), 0, 0)
    assert held('back') == before


@pytest.mark.parametrize('kind', [Kind.SEED, Kind.CSV])
def test_several_tags_come_back_where_the_kind_holds_them(
        take: Take, held: Held, tmp_path: Path, several_tags: Path, kind: Kind) -> None:
    export.run(several_tags, tmp_path / 'out', kind)
    take(tmp_path / 'out', into='back')
    assert held('back') == held()


def test_folders_refuse_several_tags(tmp_path: Path, several_tags: Path) -> None:
    with pytest.raises(DatasetError, match='3 samples have several tags or none, which folders '
                                           'cannot hold: export as seed or csv'):
        export.run(several_tags, tmp_path / 'out', Kind.FOLDER)
    assert not (tmp_path / 'out').exists()


def test_folders_are_as_other_programs_want_them(tmp_path: Path, data: Path) -> None:
    export.run(data, tmp_path / 'out', Kind.FOLDER)
    found = {item.sha256: item for item in snapshot(data).samples}
    top = {Split.TRAIN: 'train', Split.VALIDATION: 'val', Split.GAP: 'gap'}
    files = list((tmp_path / 'out').glob('*/*/*.jpg'))
    assert len(files) == len(found)
    for file in files:
        sample = found[file.stem]
        assert file.read_bytes() == sample.path.read_bytes()
        assert file.parts[-3] == top[sample.split]
    classes = {file.parts[-2] for file in files}
    assert classes >= {'mug', 'pen', 'a%2Fb', '%2E%2E', 'tüte %252f', 'con%2E'}
    assert len(classes) == 8


def test_folders_without_the_manifest_are_still_a_data_set(take: Take, tmp_path: Path,
                                                           data: Path) -> None:
    export.run(data, tmp_path / 'out', Kind.FOLDER)
    (tmp_path / 'out' / 'samples.csv').unlink()
    parts = Counter(item.split for item in snapshot(data).samples)
    assert take(tmp_path / 'out', into='back').samples == len(snapshot(data).samples) - parts[
        Split.GAP]
    back = Counter(item.split for item in snapshot(tmp_path / 'back').samples)
    assert back == {part: count for part, count in parts.items() if part != Split.GAP}


def test_the_manifest_is_a_plain_table(tmp_path: Path, several_tags: Path, held: Held) -> None:
    export.run(several_tags, tmp_path / 'out', Kind.CSV)
    with (tmp_path / 'out' / 'samples.csv').open(newline='', encoding='utf-8') as file:
        rows = list(csv.DictReader(file))
    known = {item.sha256: item for item in held()}
    assert len(rows) == len(known)
    for row in rows:
        sample = known[Path(row['path']).stem]
        assert (tmp_path / 'out' / row['path']).is_file()
        assert (row['tags'].split(';') if row['tags'] else []) == list(sample.tags)
        assert (int(row['stamp_ns']), row['source']) == (sample.stamp_ns, sample.source)


def test_a_choice_may_be_exported(take: Take, held: Held, tmp_path: Path, data: Path) -> None:
    done = export.run(data, tmp_path / 'out', Kind.CSV, Query(tags=('pen',), limit=1, offset=5))
    assert (done.samples, done.classes) == (17, 1)
    take(tmp_path / 'out', into='back')
    wanted = [item.sha256 for item in held() if item.tags == ('pen',)]
    assert [item.sha256 for item in held('back')] == wanted


@pytest.mark.parametrize('split', Split)
def test_a_part_of_a_shared_burst_can_be_imported(take: Take, tmp_path: Path, data: Path,
                                                  split: Split) -> None:
    done = export.run(data, tmp_path / 'out', Kind.CSV, Query(tags=('lamp',), split=split))
    assert done.samples
    assert take(tmp_path / 'out', into='back').samples == done.samples


def test_equal_data_makes_equal_archives(tmp_path: Path, data: Path) -> None:
    for name in ('one.zip', 'two.zip'):
        export.run(data, tmp_path / name, Kind.SEED)
    assert (tmp_path / 'one.zip').read_bytes() == (tmp_path / 'two.zip').read_bytes()
    with zipfile.ZipFile(tmp_path / 'one.zip') as file:
        assert len(json.loads(file.read('tags.json'))) == len(snapshot(data).samples)


def test_progress_rises_to_the_end(tmp_path: Path, data: Path) -> None:
    seen: list[tuple[int, int]] = []
    export.run(data, tmp_path / 'out', Kind.CSV,
               progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (len(snapshot(data).samples),) * 2
    assert len(seen) > 1


@pytest.mark.parametrize('suffix', ['', '.zip'])
def test_images_that_are_damaged_are_left_out_and_named(tmp_path: Path, data: Path, take: Take,
                                                        suffix: str) -> None:
    found = snapshot(data).samples
    found[0].path.unlink()
    found[1].path.write_bytes(found[2].path.read_bytes())
    done = export.run(data, tmp_path / f'out{suffix}', Kind.SEED)
    assert (done.samples, done.damaged) == (len(found) - 2, 2)
    assert set(done.skipped) == {found[0].sha256, found[1].sha256}
    assert take(tmp_path / f'out{suffix}', into='back').unusable == 0


def test_nothing_to_export_is_an_error(tmp_path: Path, data: Path) -> None:
    with pytest.raises(DatasetError, match='holds no data set'):
        export.run(tmp_path / 'nothing', tmp_path / 'out', Kind.CSV)
    with pytest.raises(DatasetError, match='holds no samples to export'):
        export.run(data, tmp_path / 'out', Kind.CSV, Query(tags=('unknown',)))
    for sample in snapshot(data).samples:
        sample.path.unlink()
    with pytest.raises(DatasetError, match=r'none of the .* images in .* can be read'):
        export.run(data, tmp_path / 'out', Kind.CSV)
    assert not (tmp_path / 'out').exists()


def test_an_empty_folder_is_filled_and_nothing_else(tmp_path: Path, data: Path) -> None:
    full = makers.photo(tmp_path / 'full' / 'mine.txt', b'mine').parent
    archive = makers.photo(tmp_path / 'mine.zip', b'mine')
    (tmp_path / 'empty').mkdir()
    export.run(data, tmp_path / 'empty', Kind.CSV)
    export.run(data, tmp_path / 'new' / 'deep' / 'out.ZIP', Kind.CSV)
    with pytest.raises(DatasetError, match='full is not an empty folder: choose another'):
        export.run(data, full, Kind.CSV)
    with pytest.raises(DatasetError, match=r'mine.zip exists: choose another name'):
        export.run(data, archive, Kind.CSV)
    with pytest.raises(DatasetError, match=r'mine.txt is not an empty folder'):
        export.run(data, full / 'mine.txt', Kind.CSV)
    assert archive.read_bytes() == b'mine'
    assert zipfile.is_zipfile(tmp_path / 'new' / 'deep' / 'out.ZIP')


@pytest.mark.parametrize('name', ['out', 'out.zip'])
def test_what_breaks_leaves_nothing_behind(tmp_path: Path, data: Path, name: str) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    before = set(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        export.run(data, tmp_path / name, Kind.CSV, progress=stop)
    assert set(tmp_path.iterdir()) == before


def test_a_disk_without_room_is_seen_first(tmp_path: Path, data: Path,
                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, '_SPARE', 2**62)
    with pytest.raises(DiskFullError, match='free some room, or choose another disk'):
        export.run(data, tmp_path / 'out', Kind.CSV)
    assert not (tmp_path / 'out').exists()


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path, data: Path) -> None:
    makers.photo(tmp_path / 'file', b'')
    with pytest.raises(DatasetError, match='cannot write to'):
        export.run(data, tmp_path / 'file' / 'out', Kind.CSV)


def test_recording_may_go_on_meanwhile(tmp_path: Path, data: Path, held: Held,
                                       take: Take) -> None:
    before = held()
    with SampleStore(data) as store:
        burst = store.begin_burst('image_raw', ('mug',))

        def record(done: int, total: int) -> None:
            store.add([makers.sample(500 + done, ('mug',), burst)])

        export.run(data, tmp_path / 'out', Kind.CSV, progress=record)
    assert take(tmp_path / 'out', into='back').samples == len(before)


def test_images_are_copies(tmp_path: Path, data: Path) -> None:
    """An edit of the export must not reach the data set."""
    export.run(data, tmp_path / 'out', Kind.CSV)
    for file in (tmp_path / 'out').rglob('*.jpg'):
        stored = image_path(data, file.stem)
        assert file.stat().st_ino != stored.stat().st_ino


def test_what_was_put_into_an_export_is_told(
        take: Take, tmp_path: Path, data: Path, caplog: pytest.LogCaptureFixture) -> None:
    export.run(data, tmp_path / 'out', Kind.CSV)
    makers.photo(tmp_path / 'out' / 'mug' / 'new.jpg', makers.jpeg(makers.noise(999)))
    gone = next((tmp_path / 'out').glob('images/*/*.jpg'))
    gone.unlink()
    done = take(tmp_path / 'out', into='back')
    assert (done.samples, done.unusable) == (len(snapshot(data).samples) - 1, 1)
    assert '1 images' in caplog.text
    assert 'samples.csv does not name them' in caplog.text


def test_into_a_data_set_that_has_them_nothing_doubles(take: Take, held: Held, tmp_path: Path,
                                                       data: Path) -> None:
    before = held()
    export.run(data, tmp_path / 'out', Kind.CSV)
    done = take(tmp_path / 'out')
    assert (done.samples, done.duplicates) == (0, len(before))
    assert [replace(item, burst=0) for item in held()] == [
        replace(item, burst=0) for item in before]


def test_the_table_alone_finds_its_images_elsewhere(take: Take, tmp_path: Path,
                                                    data: Path) -> None:
    export.run(data, tmp_path / 'out', Kind.CSV)
    moved = tmp_path / 'table.csv'
    (tmp_path / 'out' / 'samples.csv').rename(moved)
    done = take(moved, Options(images=tmp_path / 'out'), into='back')
    assert done.samples == len(snapshot(data).samples)
