"""Where the nodes of a bench run: a graph and a folder of its own."""

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _nodes import NodeProcess

from recognizer_ros.core.options import by_node
from recognizer_ros.demo.stack import write_parameters

_NAMED_WEIGHTS = ('none', 'imagenet')


@dataclass(frozen=True)
class Place:
    """:param logs: folder for the nodes' output."""

    folder: Path
    logs: Path
    namespace: str

    @property
    def parameters(self) -> Path:
        """The file that the nodes read."""
        return self.folder / 'parameters.json'

    def configure(self, parameters: dict[str, Any]) -> None:
        """Write that file. :param parameters: by node and name."""
        write_parameters(self.parameters, parameters)

    @property
    def data(self) -> Path:
        """The data folder of the nodes that learn."""
        return self.folder / 'data'

    def learning(self, given: Any) -> dict[str, dict[str, Any]]:
        """Parameters by node. :param given: has the settings ``net``, ``weights`` and ``size``."""
        weights = given.weights if given.weights in _NAMED_WEIGHTS else str(
            Path(given.weights).absolute())
        return by_node({'data': str(self.data), 'net': given.net, 'net_width': given.size,
                        'net_height': given.size, 'weights': weights})

    def start(self, node: str, log: str = '') -> NodeProcess:
        """Start a node. :param log: another name for its log than its own."""
        return NodeProcess(node, self.parameters, self.namespace,
                           self.logs / f'{log or node}.log')

    @contextlib.contextmanager
    def running(self, *nodes: str) -> Iterator[dict[str, NodeProcess]]:
        """Run nodes."""
        started: dict[str, NodeProcess] = {}
        try:
            for node in nodes:
                started[node] = self.start(node)
            yield started
        finally:
            for process in started.values():
                process.stop()


@contextlib.contextmanager
def place(log: str) -> Iterator[Place]:
    """Make one, and remove what is in its folder afterwards.

    :param log: folder for the nodes' output; empty: the place's own.
    """
    os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
    with tempfile.TemporaryDirectory(prefix='recognizer-bench-') as name:
        yield Place(Path(name), Path(log or name), f'bench_{os.getpid()}')


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.create_server(('127.0.0.1', 0)) as taken:
        return int(taken.getsockname()[1])
