import os
from collections.abc import Callable
from pathlib import Path

import makers
import pytest

from recognizer_ros.core.errors import DatasetError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.browse import Listed
from recognizer_ros.dataset.transfer.importer import Imported
from recognizer_ros.dataset.transfer.source import Options

Take = Callable[..., Imported]
Held = Callable[..., list[Listed]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images 0.jpg to 5.jpg."""
    for seed in range(6):
        makers.photo(tmp_path / 'in' / f'{seed}.jpg', makers.jpeg(makers.noise(seed)))
    return tmp_path / 'in'


@pytest.fixture
def table(folder: Path) -> Callable[[str], Path]:
    return lambda text: makers.photo(folder / 'list.csv', text.encode())


def test_all_columns_count(take: Take, held: Held, table: Callable[[str], Path]) -> None:
    done = take(table('path,tags,burst,split,stamp_ns,source,weather\n'
                      '0.jpg,mug;red,a,train,30,robot 7,sunny\n'
                      '1.jpg,mug,b,VAL,20,,rain\n'
                      '2.jpg,,a,train,10,robot 7,\n'))
    assert (done.samples, done.classes, done.bursts) == (3, 2, 2)
    assert [(item.tags, item.burst, item.split, item.pinned, item.stamp_ns, item.source)
            for item in held()] == [
        ((), 1, Split.TRAIN, True, 10, 'robot 7'),
        (('mug',), 2, Split.VALIDATION, True, 20, 'import:list'),
        (('mug', 'red'), 1, Split.TRAIN, True, 30, 'robot 7')]


@pytest.mark.parametrize('text', [
    '\ufeffpath,tags\n0.jpg,mug\n1.jpg,"mug,red"\n',
    'path,tags\r\n0.jpg,mug\r\n1.jpg,mug;red\r\n',
    'Tags , PATH\n Mug ,0.jpg\n"mug;red",./1.jpg\n',
    '"path","tags"\n"0.jpg","mug"\n\n,\n"1.jpg","mug; RED ;mug"',
])
def test_what_spreadsheets_make_of_it_is_read(take: Take, held: Held, text: str,
                                              table: Callable[[str], Path]) -> None:
    take(table(text))
    assert [item.tags for item in held()] == [('mug',), ('mug', 'red')]


def test_without_bursts_a_folder_with_equal_tags_is_one(take: Take, held: Held, folder: Path,
                                                        table: Callable[[str], Path]) -> None:
    makers.photo(folder / 'more' / 'a.jpg', makers.jpeg(makers.noise(9)))
    take(table('path,tags\n0.jpg,mug\n1.jpg,pen\n2.jpg,mug\nmore/a.jpg,mug\n'))
    assert [item.burst for item in held()] == [1, 2, 1, 3]


def test_a_burst_in_two_splits_becomes_two(take: Take, held: Held,
                                           table: Callable[[str], Path]) -> None:
    take(table('path,tags,burst,split\n0.jpg,mug,a,train\n1.jpg,mug,a,test\n2.jpg,mug,a,train\n'))
    assert [(item.burst, item.split) for item in held()] == [
        (1, Split.TRAIN), (2, Split.VALIDATION), (1, Split.TRAIN)]


@pytest.mark.parametrize(('text', 'message'), [
    ('', "list.csv in .* has no column 'path'"),
    ('file,label\n0.jpg,mug\n', "no column 'path': .* has 'file, label'"),
    ('path;tags\n0.jpg;mug\n', "no column 'path'.*separated by commas"),
    ('path,tags,tags\n0.jpg,a,b\n', "has the column 'tags' twice"),
    ('path,tags\n', 'has no rows below its header'),
    ('path,tags\n0.jpg,mug,red\n', r'line 2 of list.csv in .* has 3 values.*double quotes'),
    ('path,tags\n0.jpg,mug\n,pen\n', 'line 3 of .*: no path'),
    ('path,tags,split\n0.jpg,mug,holdout\n', "line 2 of .*: unknown split 'holdout': use"),
    ('path,tags,split\n0.jpg,mug,gap\n', "line 2 of .*: split 'gap' cannot be chosen"),
    ('path,tags,stamp_ns\n0.jpg,mug,1.5e9\n', 'line 2 of .*: stamp_ns must be nanoseconds'),
    ('path,tags,stamp_ns\n0.jpg,mug,9223372036854775808\n', 'stamp_ns must be nanoseconds'),
    ('path,tags,pinned\n0.jpg,mug,yes\n', 'pinned must be 0 or 1'),
    ('path,tags,pinned\n0.jpg,mug,0\n', 'pinned is 0 but there is no burst'),
    ('path,tags\n0.jpg,' + 'x' * 65 + '\n', 'line 2 of .* is too long'),
    ('path,tags,source\n0.jpg,mug,' + 'x' * 300 + '\n', 'source must be at most 256'),
    ('path,tags\n0.jpg,"mug\n1.jpg,pen\n', 'is not a CSV after line 1'),
    ('path,tags\n0.jpg,"mug"s\n', 'is not a CSV after line 1'),
    ('path,tags\n0.jpg,' + 'x' * 200_000 + '\n', 'is not a CSV after line 1'),
])
def test_a_wrong_table_is_refused_before_anything_is_stored(
        take: Take, tmp_path: Path, table: Callable[[str], Path], text: str,
        message: str) -> None:
    with pytest.raises(DatasetError, match=message) as error:
        take(table(text))
    assert '\n' not in str(error.value)
    assert not (tmp_path / 'data').exists()


def test_a_wrong_row_at_the_end_stores_nothing_either(take: Take, tmp_path: Path,
                                                      table: Callable[[str], Path]) -> None:
    with pytest.raises(DatasetError, match='line 7 of'):
        take(table('path,tags\n' + '0.jpg,mug\n' * 5 + '1.jpg\n'))
    assert not (tmp_path / 'data').exists()


def test_another_encoding_is_refused(take: Take, folder: Path) -> None:
    makers.photo(folder / 'list.csv', 'path,tags\n0.jpg,Tüte\n'.encode('latin-1'))
    with pytest.raises(DatasetError, match=r'list.csv .* is not UTF-8 text: save it as UTF-8'):
        take(folder / 'list.csv')


def test_images_outside_the_folder_are_out_of_reach(take: Take, held: Held, tmp_path: Path,
                                                    folder: Path,
                                                    table: Callable[[str], Path]) -> None:
    """Absolute paths count where they stay inside."""
    secret = makers.photo(tmp_path / 'secret.jpg', makers.jpeg(makers.noise(50)))
    done = take(table(f'path,tags\n../secret.jpg,a\n{secret},a\nx/../../secret.jpg,a\n'
                      f'a\0b,a\n{folder}/0.jpg,mug\n'))
    assert done.samples == 1
    assert done.unusable == 4
    assert [item.tags for item in held()] == [('mug',)]


def test_images_may_lie_elsewhere_when_said(take: Take, held: Held, tmp_path: Path,
                                            folder: Path) -> None:
    lists = makers.photo(tmp_path / 'lists' / 'a.csv', b'path,tags\n0.jpg,mug\n')
    with pytest.raises(DatasetError, match=r'none of the 1 images is usable.*paths start from'):
        take(lists)
    assert take(lists, Options(images=folder)).samples == 1
    assert held()[0].tags == ('mug',)


def test_missing_and_odd_files_are_skipped(take: Take, folder: Path,
                                           table: Callable[[str], Path]) -> None:
    os.mkfifo(folder / 'pipe.jpg')
    (folder / 'sub').mkdir()
    done = take(table('path,tags\npipe.jpg,a\nsub,a\nmissing.jpg,a\nlist.csv,a\n0.jpg,a\n'))
    assert (done.samples, done.unusable) == (1, 4)
