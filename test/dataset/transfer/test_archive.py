import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import makers
import pytest

from recognizer_ros.core.errors import DatasetError, ImageError
from recognizer_ros.dataset import images
from recognizer_ros.dataset.browse import Listed
from recognizer_ros.dataset.transfer import archive
from recognizer_ros.dataset.transfer.importer import Imported

Take = Callable[..., Imported]
Held = Callable[..., list[Listed]]

JPEGS = [makers.jpeg(makers.noise(seed)) for seed in range(10)]


def write(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, 'w', method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return path


@pytest.mark.parametrize('method', [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize('wrapper', ['', 'my photos/', './'])
def test_an_archive_is_as_the_folder(take: Take, held: Held, tmp_path: Path, method: int,
                                     wrapper: str) -> None:
    path = write(tmp_path / 'in.zip', {
        f'{wrapper}mug/0.jpg': JPEGS[0], f'{wrapper}mug/kitchen/1.jpg': JPEGS[1],
        f'{wrapper}pen/2.jpg': JPEGS[2], '__MACOSX/mug/._0.jpg': b'what macOS adds',
        f'{wrapper}.DS_Store': b'likewise'}, method)
    done = take(path)
    assert (done.samples, done.bursts, done.unusable) == (3, 3, 0)
    assert [item.tags for item in held()] == [('mug',), ('mug',), ('pen',)]


def test_a_single_class_is_no_wrapper(take: Take, held: Held, tmp_path: Path) -> None:
    take(write(tmp_path / 'in.zip', {'mug/0.jpg': JPEGS[0], 'mug/left/1.jpg': JPEGS[1]}))
    assert {item.tags for item in held()} == {('mug',)}


def test_the_original_folder_and_a_table_may_be_in_an_archive(take: Take, held: Held,
                                                             tmp_path: Path) -> None:
    take(write(tmp_path / 'seed.zip', {'data/tags.json': b'{"0.jpg": ["mug"]}',
                                       'data/images/0.jpg': JPEGS[0]}), into='seed')
    take(write(tmp_path / 'table.zip', {'samples.csv': b'path,tags\n0.jpg,mug;red\n',
                                        '0.jpg': JPEGS[0]}), into='table')
    assert [item.tags for item in held('seed')] == [('mug',)]
    assert [item.tags for item in held('table')] == [('mug', 'red')]


def test_windows_separators_are_understood(take: Take, held: Held, tmp_path: Path) -> None:
    take(write(tmp_path / 'in.zip', {'mug\\0.jpg': JPEGS[0], 'pen\\1.jpg': JPEGS[1]}))
    assert [item.tags for item in held()] == [('mug',), ('pen',)]


@pytest.mark.parametrize('name', [
    '/mug/1.jpg', '../mug/1.jpg', 'mug/../../1.jpg', 'C:/mug/1.jpg', 'C:\\mug\\1.jpg',
    '..\\mug\\1.jpg', 'mug/a\n.jpg', 'mug/\x1b[2J.jpg', 'mug/0.jpg'])
def test_members_with_hostile_names_are_left_out(
        take: Take, held: Held, tmp_path: Path, name: str,
        caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / 'in.zip'
    with zipfile.ZipFile(path, 'w') as file:
        file.writestr('mug/0.jpg', JPEGS[0])
        if name == 'mug/0.jpg':
            with pytest.warns(UserWarning, match='Duplicate name'):
                file.writestr(name, JPEGS[1])
        else:
            file.writestr(name, JPEGS[1])
    assert take(path).samples == 1
    assert len(held()) == 1
    assert 'left out' in caplog.text
    assert {item.name for item in tmp_path.iterdir()} == {'in.zip', 'data'}


def test_a_member_that_is_too_large_is_not_unpacked(take: Take, tmp_path: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, 'MAX_BYTES', 2**20)
    done = take(write(tmp_path / 'in.zip', {'mug/0.jpg': JPEGS[0], 'mug/big.jpg': bytes(2**21)},
                      zipfile.ZIP_DEFLATED))
    assert (done.samples, done.unusable) == (1, 1)


def test_a_member_that_lies_about_its_size_is_cut_off(tmp_path: Path) -> None:
    path = write(tmp_path / 'in.zip', {'mug/0.jpg': bytes(2**24)}, zipfile.ZIP_DEFLATED)
    data = path.read_bytes().replace(struct.pack('<I', 2**24), struct.pack('<I', 1000))
    path.write_bytes(data)
    with archive.open_zip(path) as tree:
        assert tree.size('mug/0.jpg') == 1000
        with pytest.raises(ImageError, match='damaged in the archive'):
            tree.read('mug/0.jpg')


def test_a_bomb_is_refused(take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, '_MAX_UNPACKED', 2**20)
    path = write(tmp_path / 'in.zip', {f'mug/{number}.jpg': bytes(2**20) for number in range(20)},
                 zipfile.ZIP_DEFLATED)
    with pytest.raises(DatasetError, match=r'would unpack to \d+ times its size'):
        take(path)


def test_too_many_members_are_refused(take: Take, tmp_path: Path,
                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, 'MAX_MEMBERS', 3)
    with pytest.raises(DatasetError, match='holds more than 3 files: unpack it'):
        take(write(tmp_path / 'in.zip', {f'mug/{number}.jpg': b'' for number in range(4)}))


def test_a_table_of_contents_that_is_too_large_is_not_read(
        take: Take, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, '_MAX_LISTING', 100_000)
    with pytest.raises(DatasetError, match='is not a zip archive, or damaged'):
        take(write(tmp_path / 'in.zip', {f'mug/{number}.jpg': b'' for number in range(2000)}))


def test_an_encrypted_archive_is_refused(take: Take, tmp_path: Path) -> None:
    path = write(tmp_path / 'in.zip', {'mug/0.jpg': JPEGS[0]})
    data = bytearray(path.read_bytes())
    data[data.index(b'PK\x01\x02') + 8] |= 1
    data[6] |= 1
    path.write_bytes(data)
    with pytest.raises(DatasetError, match='is encrypted: unpack it and import the folder'):
        take(path)


@pytest.mark.parametrize('method', [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_a_limit_are_refused(take: Take, tmp_path: Path,
                                                         method: int) -> None:
    with pytest.raises(DatasetError, match='method other than "deflate"'):
        take(write(tmp_path / 'in.zip', {'mug/0.jpg': JPEGS[0]}, method))


def test_damaged_members_among_good_ones_are_skipped(take: Take, tmp_path: Path) -> None:
    path = write(tmp_path / 'in.zip', {f'mug/{number}.jpg': data
                                       for number, data in enumerate(JPEGS)})
    data = bytearray(path.read_bytes())
    place = data.index(JPEGS[3]) + 300
    data[place:place + 50] = bytes(50)
    path.write_bytes(data)
    done = take(path)
    assert (done.samples, done.unusable) == (9, 1)
    assert done.skipped[0].startswith('mug/3.jpg in ')


@pytest.mark.parametrize('data', [b'', b'text', b'PK\x03\x04', b'PK\x05\x06' + bytes(18)])
def test_what_is_no_archive_is_refused(take: Take, tmp_path: Path, data: bytes) -> None:
    path = makers.photo(tmp_path / 'in.zip', data)
    with pytest.raises(DatasetError, match=r'in.zip (is not a zip archive|holds no photographs)'):
        take(path)
    assert not (tmp_path / 'data').exists()


def test_an_archive_cut_at_any_place_is_refused_or_read(tmp_path: Path) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, 'w') as file:
        file.writestr('mug/0.jpg', JPEGS[0])
    data = whole.getvalue()
    for length in range(0, len(data), 97):
        path = makers.photo(tmp_path / 'in.zip', data[:length])
        with pytest.raises(DatasetError), archive.open_zip(path):
            pass
