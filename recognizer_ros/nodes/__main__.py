"""``python3 -m recognizer_ros.nodes camera --ros-args …``: run one node."""

import os
import signal
import sys
from importlib import import_module
from typing import NoReturn

from ..core import memory


def main(name: str) -> NoReturn:
    """Run the node of that name and end the process."""
    # Until the node has its own handlers nothing is open, so the process may end on the spot. The
    # imports take seconds; interrupted they would end with a traceback.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    if name == 'classifier':  # before its libraries start threads
        memory.share_one_heap()
    status = _run(name)
    # The node has closed what it had. Python's own end takes PyTorch's threads and memory down
    # bit by bit, for seconds, and meanwhile dies of a second signal.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _run(name: str) -> int:
    from ..core.config import NODES

    if name not in NODES:
        print('error: name a node: ' + ', '.join(NODES), file=sys.stderr)
        return 2
    return int(import_module(f'recognizer_ros.nodes.{name}').main())


if __name__ == '__main__':
    main(sys.argv[1] if len(sys.argv) > 1 else '')
