"""Models swapped while frames flow: how long no answer comes, and whether labels are the model's.

Settings: ``net``, ``size``, ``backbones`` (11, all but the first a full swap), ``heads`` (of each,
3; all but the first are head swaps), ``rate`` (Hz, 30), ``between`` (seconds between swaps, 1.5),
``backend`` (auto), ``log`` (folder for the node's output; a temporary one).
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from _camera import HEIGHT, WIDTH, Camera
from _models import make_versions
from _nodes import Client, wait
from _place import place
from _report import bar, machine, parse

from recognizer_ros.core.errors import DemoError
from recognizer_ros.demo.report import percentile
from recognizer_ros.nodes import models
from recognizer_ros.registry.store import Version

MAX_HEAD_GAP_MS, MAX_FULL_GAP_MS = 100.0, 150.0
_SWAPPED_S, _AFTER_S, _END_S = 60.0, 0.5, 3.0
_UNANSWERED = ('dropped', 'missed', 'not answered', 'unreadable')


@dataclass(frozen=True)
class Settings:
    """See the module."""

    net: str = 'resnet18'
    size: int = 224
    backbones: int = 11
    heads: int = 3
    rate: float = 30.0
    between: float = 1.5
    backend: str = 'auto'
    log: str = ''


@dataclass(frozen=True)
class Swap:
    """One swap. :param gap_ms: longest time without an answer while it went on.
    :param took_s: from the announcement to the model in use."""

    full: bool
    gap_ms: float
    took_s: float


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Make versions, and announce one after the other to a classifier that is at work."""
    given = parse(Settings, settings)
    with place(given.log) as here:
        versions = list(make_versions(here.folder / 'models', given.net, given.size,
                                      given.backbones, given.heads))
        here.configure({'classifier': {'backend': given.backend,
                                       'cache': str(here.folder / 'cache')}})
        with here.running('classifier'), Client(here.namespace) as client, \
                Camera(client, given.rate) as camera:
            return _Bench(given, client, camera).run(versions)


class _Bench:
    def __init__(self, given: Settings, client: Client, camera: Camera) -> None:
        self.given, self.client, self.camera = given, client, camera

    def run(self, versions: Sequence[Version]) -> dict[str, Any]:
        """Swap through all versions. :raises DemoError: one was not taken."""
        if not wait(lambda: self.client.diagnosed('classifier'), _SWAPPED_S):
            raise DemoError('the classifier does not start')
        self._swap(versions[0])
        self.camera.point([np.random.default_rng(0).integers(
            0, 256, (HEIGHT + 40, WIDTH + 40, 3), np.uint8)])
        wait(lambda: self.client.last('classification'), _SWAPPED_S)
        swaps = []
        for number, version in enumerate(versions[1:], 1):
            time.sleep(self.given.between)
            began_s = time.monotonic()
            self._swap(version)
            took_s = time.monotonic() - began_s
            time.sleep(_AFTER_S)
            swaps.append(Swap(number % self.given.heads == 0, self._gap_ms(began_s), took_s))
            print(f'{number}: {swaps[-1]}', file=sys.stderr, flush=True)
        self.camera.point([])
        time.sleep(_END_S)  # until it has told all
        return self._result(swaps)

    def _swap(self, version: Version) -> None:
        number = version.bundle.version
        self.client.announce(models.update(version, self.client.now_ns()))
        if number > 1 and not wait(lambda: self._in_use() >= number, _SWAPPED_S):
            raise DemoError(f'version {number} was not taken')

    def _in_use(self) -> int:
        told = self.client.last('vision_info')
        return int(told.database_version) if told else 0

    def _gap_ms(self, since_s: float) -> float:
        times = [heard.at_s for heard in self.client.heard('classification', since_s)]
        return max(later - sooner for sooner, later in pairwise((since_s, *times))) * 1e3

    def _result(self, swaps: Sequence[Swap]) -> dict[str, Any]:
        told = self.client.diagnosed('classifier')
        unanswered = {what: int(told.get(what, 0)) for what in _UNANSWERED}
        answers = self.client.heard('classification')
        gaps = {full: [swap.gap_ms for swap in swaps if swap.full is full]
                for full in (False, True)}
        took = {full: [swap.took_s for swap in swaps if swap.full is full]
                for full in (False, True)}
        figures = {
            'sent_count': len(self.camera.stamps), 'answered_count': len(answers),
            'unanswered_count': unanswered, 'head_swaps_count': len(gaps[False]),
            'full_swaps_count': len(gaps[True]), 'backend': told.get('backend'),
            'head_gap_p50_ms': round(percentile(gaps[False], 50), 1),
            'full_gap_p50_ms': round(percentile(gaps[True], 50), 1),
            'head_swap_p50_s': round(percentile(took[False], 50), 3),
            'full_swap_p50_s': round(percentile(took[True], 50), 3)}
        lost = len(self.camera.stamps) - len(answers) - sum(unanswered.values())
        bars = {
            'head_gap_worst_ms': bar(max(gaps[False], default=0), MAX_HEAD_GAP_MS, at_least=False),
            'full_gap_worst_ms': bar(max(gaps[True], default=0), MAX_FULL_GAP_MS, at_least=False),
            'neither_answered_nor_counted': bar(abs(lost), 0, at_least=False),
            'wrong_labels': bar(self._wrong(answers), 0, at_least=False)}
        return {'name': 'swap', 'machine': machine(), 'figures': figures, 'bars': bars}

    def _wrong(self, answers: Sequence[Any]) -> int:
        """Answers whose labels are of several versions, of an older one than the answer before,
        or of one that was not told to be in use."""
        told = {heard.message.database_version for heard in self.client.heard('vision_info')}
        wrong, last = 0, 0
        for heard in answers:
            versions = {int(item.class_id.split()[0]) for item in heard.message.results}
            good = len(versions) == 1 and versions <= told and min(versions) >= last
            wrong += not good
            last = max(versions, default=last)
        return wrong
