from pathlib import Path

import makers
import pytest

from recognizer_ros.core.errors import DatasetError
from recognizer_ros.dataset.transfer.ranges import Range, RangeTagger, read_ranges

S = 10**9


def test_ranges_come_in_order_of_time(tmp_path: Path) -> None:
    path = makers.photo(tmp_path / 'ranges.csv',
                        b'tags,end,start\r\nmug; Red,20.5,10\r\npen,10,0\r\n')
    assert read_ranges(path) == [Range(0, 10, ('pen',)), Range(10, 20.5, ('mug', 'red'))]


def test_the_end_is_outside() -> None:
    tagger = RangeTagger([Range(0, 10, ('pen',)), Range(10, 20, ('mug',))], begin_ns=5 * S)
    found = [tagger.at(0, at_s * S) for at_s in (4, 5, 14, 15, 24, 25)]
    assert [press.tags[0] if press else '' for press in found] == [
        '', 'pen', 'pen', 'mug', 'mug', '']


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r'ranges.csv cannot be read: No such file'):
        read_ranges(tmp_path / 'ranges.csv')


@pytest.mark.parametrize(('text', 'message'), [
    ('start,stop,tags\n', "no column 'end'"),
    ('start,end,tags\n', 'has no rows'),
    ('start,end,tags\n1,x,mug\n', "line 2 of .*ranges.csv: 'x' is no time: give seconds"),
    ('start,end,tags\n1,nan,mug\n', "'nan' is no time"),
    ('start,end,tags\n-1,2,mug\n', "'-1' is no time"),
    ('start,end,tags\n2,2,mug\n', 'the end must be after the start'),
    ('start,end,tags\n2,1700000000,mug\n', 'must both count from the beginning'),
    ('start,end,tags\n1,2,\n', 'line 2 of .*: no tags'),
    ('start,end,tags\n5,9,a\n1,6,b\n', 'line 2 of .* overlaps another row'),
])
def test_wrong_ranges_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        read_ranges(makers.photo(tmp_path / 'ranges.csv', text.encode()))
