import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import recognizer_ros
from recognizer_ros.core.errors import DataLockedError
from recognizer_ros.core.folder_lock import FolderLock

HOLD = """
import pathlib, signal, sys
sys.path.insert(0, sys.argv[2])
from recognizer_ros.core.folder_lock import FolderLock
lock = FolderLock(pathlib.Path(sys.argv[1]))
print('held', flush=True)
signal.pause()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator['subprocess.Popen[str]']:
    """Another process that holds the folder."""
    assert recognizer_ros.__file__
    sources = Path(recognizer_ros.__file__).parents[1]
    with subprocess.Popen([sys.executable, '-c', HOLD, str(tmp_path), str(sources)],
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == 'held\n'
        yield process
        process.kill()


def test_a_second_holder_is_refused_with_the_first_ones_pid(
        tmp_path: Path, holder: 'subprocess.Popen[str]') -> None:
    with pytest.raises(DataLockedError, match=f'in use by process {holder.pid}:'):
        FolderLock(tmp_path)


@pytest.mark.parametrize('how', [signal.SIGTERM, signal.SIGKILL])
def test_a_process_that_dies_lets_go(tmp_path: Path, holder: 'subprocess.Popen[str]',
                                     how: signal.Signals) -> None:
    holder.send_signal(how)
    holder.wait(20)
    with FolderLock(tmp_path), pytest.raises(DataLockedError, match=f'process {os.getpid()}:'):
        FolderLock(tmp_path)


def test_close_lets_go_and_may_be_called_again(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    lock.close()
    lock.close()
    FolderLock(tmp_path).close()


def test_folders_do_not_stand_in_each_others_way(tmp_path: Path) -> None:
    (tmp_path / 'a').mkdir()
    (tmp_path / 'b').mkdir()
    with FolderLock(tmp_path / 'a'), FolderLock(tmp_path / 'b'):
        pass
