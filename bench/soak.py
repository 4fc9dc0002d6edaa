"""Memory of the classifier over many frames, as fast as it answers, with models swapped meanwhile.

Of each third of the run the median counts: while a model is swapped there are two of them.

Settings: ``frames`` (108000: an hour at 30 Hz), ``size`` (64), ``net``, ``swap_every`` (frames
between two models, by turns another head and another backbone; 2000), ``overlay`` (1: somebody
looks at image_overlay too), ``log`` (folder for the node's output; a temporary one).
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from sensor_msgs.msg import Image

sys.path.insert(0, str(Path(__file__).parent))
from _camera import HEIGHT, WIDTH
from _held import Held
from _models import make_versions
from _nodes import Client, NodeProcess, wait
from _place import place
from _report import bar, machine, parse

from recognizer_ros.core.errors import DemoError
from recognizer_ros.nodes import conversions, models, qos
from recognizer_ros.registry.store import Version

MAX_GROWTH = 0.02
WARM_UP = 0.1
_SAMPLES = 200
_START_S, _ANSWER_S = 60.0, 5.0


@dataclass(frozen=True)
class Settings:
    """See the module."""

    frames: int = 108_000
    size: int = 64
    net: str = 'resnet18'
    swap_every: int = 2000
    overlay: int = 1
    log: str = ''


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Show one frame after the other, each when the one before is answered."""
    given = parse(Settings, settings)
    with place(given.log) as here:
        versions = list(make_versions(here.folder / 'models', given.net, given.size, 2, 2))
        here.configure({'classifier': {'cache': str(here.folder / 'cache')}})
        with here.running('classifier') as nodes, Client(here.namespace) as client:
            return _soak(given, nodes['classifier'], client, versions)


def _soak(given: Settings, node: NodeProcess, client: Client, versions: Sequence[Version]
          ) -> dict[str, Any]:
    if given.overlay:
        client.node.create_subscription(Image, 'image_overlay', lambda _: None, qos.IMAGE)
    frames = np.random.default_rng(0).integers(0, 256, (4, HEIGHT, WIDTH, 3), np.uint8)
    turns = cycle(versions)
    client.announce(models.update(next(turns), client.now_ns()))
    if not wait(lambda: client.diagnosed('classifier').get('version') == '1' or _ask(
            client, frames[0]), _START_S):
        raise DemoError('the classifier does not start')
    resident, again, began = list[int](), 0, time.monotonic()
    for number in range(given.frames):
        if number % given.swap_every == given.swap_every - 1:
            client.announce(models.update(next(turns), client.now_ns()))
        again += not _ask(client, frames[number % len(frames)])
        if number % max(1, given.frames // _SAMPLES) == 0:
            node.check()
            resident.append(Held.by(node.process.pid).resident)
    seconds = time.monotonic() - began
    settled = resident[int(len(resident) * WARM_UP):]
    third = max(1, len(settled) // 3)
    first, last = (median(part) for part in (settled[:third], settled[-third:]))
    figures = {
        'frames_count': given.frames, 'run_s': round(seconds), 'hz': round(
            given.frames / seconds, 1), 'not_answered_count': again,
        'swaps_count': given.frames // given.swap_every,
        'resident_start_mib': round(resident[0] / 2**20, 1),
        'resident_first_third_mib': round(first / 2**20, 1),
        'resident_last_third_mib': round(last / 2**20, 1),
        'resident_most_mib': round(max(resident) / 2**20, 1)}
    return {'name': 'soak', 'machine': machine(), 'figures': figures, 'bars': {
        'growth': bar(last / first - 1, MAX_GROWTH, at_least=False)}}


def _ask(client: Client, pixels: Any) -> bool:
    """Show a frame; return whether it was answered in time."""
    stamp = conversions.to_time(client.now_ns())
    client.show(pixels, conversions.nanoseconds(stamp))
    return bool(client.answered(stamp, _ANSWER_S))
