import errno
import hashlib
import os
from pathlib import Path

import pytest

from recognizer_ros.core.errors import DatasetError, DiskFullError, LabelError
from recognizer_ros.core.files import disk_errors, sha256_file, sync_folder, write_durably


def test_a_file_is_written_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / 'file'
    write_durably(path, b'old and long')
    write_durably(path, b'new')
    sync_folder(tmp_path)
    assert path.read_bytes() == b'new'
    assert os.listdir(tmp_path) == ['file']


@pytest.mark.parametrize('fails', ['os.fsync', 'pathlib.Path.replace'])
def test_a_failure_leaves_what_was_there_and_nothing_else(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    path = tmp_path / 'file'
    path.write_bytes(b'old')

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(fails, fail)
    with pytest.raises(OSError, match='No space left'):
        write_durably(path, b'new')
    assert os.listdir(tmp_path) == ['file']
    assert path.read_bytes() == b'old'


@pytest.mark.parametrize('number', [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_a_disk_full_error(number: int) -> None:
    with pytest.raises(DiskFullError, match='the disk of there is full'), \
            disk_errors(Path('there')):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize('number', [errno.EACCES, errno.EROFS, errno.EIO])
def test_other_errors_name_the_folder_and_the_cause(number: int) -> None:
    with pytest.raises(DatasetError, match='cannot write to there') as raised, \
            disk_errors(Path('there')):
        raise OSError(number, os.strerror(number))
    assert os.strerror(number) in str(raised.value)


def test_our_own_errors_pass_through() -> None:
    with pytest.raises(LabelError), disk_errors(Path('there')):
        raise LabelError('too long')


def test_the_checksum_of_a_file_longer_than_a_block(tmp_path: Path) -> None:
    data = bytes(range(256)) * 8193
    (tmp_path / 'file').write_bytes(data)
    assert sha256_file(tmp_path / 'file') == hashlib.sha256(data).hexdigest()
