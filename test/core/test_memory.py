import os
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
