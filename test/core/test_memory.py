import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recognizer_ros.core import memory


def resident() -> int:
    """Bytes."""
    return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE')


@pytest.mark.skipif(not Path('/proc/self/statm').exists(), reason='Linux alone tells')
def test_freed_memory_goes_back_to_the_system() -> None:
    """Small pieces, of which the last stays: the rest lies below it, where free() leaves it."""
    pieces = [bytes(2000) for _ in range(50_000)]
    full, kept = resident(), pieces[-1]
    del pieces
    memory.give_back()
    assert full - resident() > 50 * 2**20
    assert len(kept) == 2000


_HEAPS = """
import ctypes, sys, threading
from recognizer_ros.core import memory
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.fopen.restype, libc.malloc_info.argtypes = ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p]
libc.fclose.argtypes = [ctypes.c_void_p]
if sys.argv[2] == 'shared':
    memory.share_one_heap()
threads = [threading.Thread(target=lambda: (libc.malloc(1000), gate.wait())) for _ in range(3)]
gate = threading.Barrier(len(threads))
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
out = libc.fopen(sys.argv[1].encode(), b'w')
libc.malloc_info(0, out)
libc.fclose(out)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), 'malloc_info'), reason='glibc alone has these')
@pytest.mark.parametrize(('how', 'at_least', 'at_most'), [('shared', 1, 1), ('apart', 2, 99)])
def test_threads_share_one_heap(tmp_path: Path, how: str, at_least: int, at_most: int) -> None:
    told = tmp_path / 'heaps.xml'
    subprocess.run([sys.executable, '-c', _HEAPS, str(told), how], check=True, timeout=60)
    assert at_least <= told.read_text().count('<heap nr=') <= at_most
