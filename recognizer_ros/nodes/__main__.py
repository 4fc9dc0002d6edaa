"""``python3 -m recognizer_ros.nodes camera --ros-args …``: run one node."""

import sys
from importlib import import_module

from ..core.config import NODES


def main() -> int:
    """Run the node that the first argument names."""
    name = sys.argv[1] if len(sys.argv) > 1 else ''
    if name not in NODES:
        print('error: name a node: ' + ', '.join(NODES), file=sys.stderr)
        return 2
    return int(import_module(f'recognizer_ros.nodes.{name}').main())


if __name__ == '__main__':
    sys.exit(main())
