"""Training takes what cores the other nodes leave."""

import contextlib
import os
from pathlib import Path

_AUTOGROUP = Path('/proc/self/autogroup')
_LOWEST = '19'


def step_back() -> None:
    """Let everything else go first: for this thread and those that it starts.

    A low niceness is not enough: whoever wakes up would still wait for its slice to end, and a
    classifier wakes up for each layer.
    """
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    # Linux shares cores among sessions first, where autogroups are on (sched(7)), and a thread's
    # class counts only within its session. One that is ours alone steps back as a whole.
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # off, or not Linux
            _AUTOGROUP.write_text(_LOWEST)
