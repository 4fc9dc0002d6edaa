"""Nodes that are switched off and on, and nodes that are killed.

First each node is deactivated and activated again and again: what it holds while it is inactive
(threads, open files, memory) after the last time is compared with what it held after the first
ones. While the camera is inactive its source must be closed. Then each node is killed
(``kill -9``) in mid-work: ``back_s`` is the time until it does again what it is there for.

Settings: ``cycles`` (50), ``kills`` (10), ``log`` (folder for the nodes' output; a temporary one).
"""

import contextlib
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState

sys.path.insert(0, str(Path(__file__).parent))
from _held import Held
from _models import make_versions
from _nodes import Client, NodeProcess, wait
from _place import Place, free_port, place
from _report import bar, machine, parse

from recognizer_ros.core.config import NODES
from recognizer_ros.core.errors import DemoError
from recognizer_ros.demo.stack import Stack
from recognizer_ros.registry.store import Registry

MAX_BACK_S, MAX_GROWTH = 5.0, 0.02
_SETTLED = 10
_START_S, _PATIENCE_S, _STEP_S = 60.0, 30.0, 10.0
_SECONDS, _RATE = 4, 15


@dataclass(frozen=True)
class Settings:
    """See the module."""

    cycles: int = 50
    kills: int = 10
    log: str = ''


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Run all nodes."""
    given = parse(Settings, settings)
    port, figures, bars = free_port(), dict[str, Any](), dict[str, Any]()
    with place(given.log) as here:
        _prepare(here, port)
        with Client(here.namespace) as client:
            work = _Work(client, port)
            with here.running(*NODES) as nodes:
                work.wait_for_all()
                for node, process in nodes.items() if given.cycles else ():
                    _cycle(client, node, process, here.folder, given.cycles, figures, bars)
            if given.kills:
                with Stack(here.parameters, here.namespace, here.logs / 'stack.log'):
                    work.wait_for_all()
                    for node in NODES:
                        found = [work.back_after_kill(node) for _ in range(given.kills)]
                        figures[f'{node}_back_s'] = [round(one, 2) for one in found]
                        bars[f'{node}_back_worst_s'] = bar(max(found), MAX_BACK_S, False)
    return {'name': 'lifecycle', 'machine': machine(), 'figures': figures, 'bars': bars}


def _prepare(here: Place, port: int) -> None:
    """A film to look at, a model to answer with, and the nodes' parameters."""
    with av.open(str(here.folder / 'film.mkv'), 'w') as film:
        stream = film.add_stream('mjpeg', rate=_RATE)
        stream.width, stream.height, stream.pix_fmt = 320, 240, 'yuvj420p'
        for pixels in np.random.default_rng(0).integers(
                0, 256, (_SECONDS * _RATE, 240, 320, 3), np.uint8):
            film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, 'rgb24')))
        film.mux(stream.encode())
    data = {'data': str(here.data)}
    version, *_ = make_versions(here.data / 'models', 'resnet18', 64, 1, 1)
    with contextlib.closing(Registry(here.data / 'models', writer=True)) as registry:
        registry.activate(version.bundle.version)
    here.configure({
        'camera': {'input': f'file://{here.folder}/film.mkv', 'input_rate': float(_RATE)},
        'recorder': data, 'web': {'port': port},
        'trainer': {**data, 'net_width': 64, 'net_height': 64, 'weights': 'none'}})


def _cycle(client: Client, node: str, process: NodeProcess, folder: Path, cycles: int,
           figures: dict[str, Any], bars: dict[str, Any]) -> None:
    """Switch a node off and on."""
    service = client.node.create_client(ChangeState, f'{node}/change_state')
    pid, film = process.process.pid, f'{folder}/film.mkv'
    before, left_open = Held.by(pid), 0
    for number in range(cycles):
        _change(service, Transition.TRANSITION_DEACTIVATE)
        links = [os.readlink(link) for link in Path(f'/proc/{pid}/fd').iterdir()
                 if link.is_symlink()]
        left_open += film in links
        if number == min(_SETTLED, cycles - 1):
            before = Held.by(pid)
        _change(service, Transition.TRANSITION_ACTIVATE)
    _change(service, Transition.TRANSITION_DEACTIVATE)
    wait(lambda: Held.by(pid).threads <= before.threads, _STEP_S)
    after = Held.by(pid)
    _change(service, Transition.TRANSITION_ACTIVATE)
    client.node.destroy_client(service)
    figures[f'{node}_resident_mib'] = [round(held.resident / 2**20, 1) for held in (before, after)]
    for name in ('threads', 'files'):
        more = getattr(after, name) - getattr(before, name)
        bars[f'{node}_{name}_more'] = bar(more, 0, False)
    bars[f'{node}_growth'] = bar(after.resident / before.resident - 1, MAX_GROWTH, False)
    if node == 'camera':
        bars['camera_source_left_open'] = bar(left_open, 0, False)


def _change(service: Any, transition: int) -> None:
    """:raises DemoError: it does not work."""
    service.wait_for_service(_STEP_S)
    future = service.call_async(ChangeState.Request(transition=Transition(id=transition)))
    if not wait(future.done, _PATIENCE_S) or not future.result().success:
        raise DemoError(f'{service.srv_name}: transition {transition} does not work')


class _Work:
    """How one sees that a node does what it is there for."""

    def __init__(self, client: Client, port: int) -> None:
        self._client, self._url = client, f'http://127.0.0.1:{port}/api/v1/results'
        self._done: dict[str, Callable[[float], Any]] = {
            'camera': lambda since: client.last('classification', since),
            'classifier': lambda since: client.last('classification', since),
            'recorder': lambda since: client.last('dataset', since),
            'trainer': lambda since: client.last('training', since),
            'web': self._page}

    def wait_for_all(self) -> None:
        """:raises DemoError: they do not work."""
        began = time.monotonic()
        for node, done in self._done.items():
            if not wait(lambda done=done: done(began), _START_S):
                raise DemoError(f'the {node} does not come up')

    def back_after_kill(self, node: str) -> float:
        """Kill it; return the seconds until it works again. :raises DemoError: it does not."""
        pid, = self._pids(node)
        os.kill(pid, signal.SIGKILL)
        wait(lambda: pid not in self._pids(node), _STEP_S)
        killed_s = time.monotonic()
        if not wait(lambda: self._done[node](killed_s), _PATIENCE_S):
            raise DemoError(f'the {node} does not come back')
        return time.monotonic() - killed_s

    def _pids(self, node: str) -> list[int]:
        """Its processes, without the shell that starts it again."""
        found = []
        for path in Path('/proc').glob('[0-9]*/cmdline'):
            with contextlib.suppress(OSError):
                words = path.read_bytes().split(b'\0')
                if (words[1:4] == [b'-m', b'recognizer_ros.nodes', node.encode()]
                        and f'__ns:=/{self._client.node.get_namespace()[1:]}'.encode() in words):
                    found.append(int(path.parent.name))
        return found

    def _page(self, _: float) -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(self._url, timeout=2) as answer:
            return bool(b'"label"' in answer.read())
        return False
