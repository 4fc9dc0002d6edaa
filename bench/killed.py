"""The trainer when it is killed: ``kill -9`` at random moments of both stages.

Settings: ``kills`` (30), ``seed`` (0), ``images`` (photographs, one sub-folder a class; some are
made where none is given), ``weights``, ``net``, ``size``, ``samples`` (stored at first, 180),
``background`` (1: the trainer steps back, as it does unless told otherwise), ``log`` (folder for
the trainer's output; a temporary one).
"""

import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count, cycle
from pathlib import Path
from typing import Any

import cv2

sys.path.insert(0, str(Path(__file__).parent))
from _nodes import Client, NodeProcess, wait
from _photographs import photographs
from _place import Place, place
from _report import bar, machine, parse

from recognizer_ros.dataset.images import decode, encode_jpeg
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.demo.report import percentile
from recognizer_ros.msg import DatasetStatus, TrainingStatus
from recognizer_ros.nodes import qos
from recognizer_ros.registry.store import Registry
from recognizer_ros.srv import ListModels

MAX_SERVED_S = 2.0
PER_BURST, NEW_CLASS_EVERY = 30, 5
_HEAD_S, _TUNE_S = 1.5, 6.0
_WAIT_S = 120.0
_STAGES = {TrainingStatus.STATE_HEAD: 'head', TrainingStatus.STATE_FINETUNE: 'finetune',
           TrainingStatus.STATE_EXPORT: 'export', TrainingStatus.STATE_DONE: 'done'}


@dataclass(frozen=True)
class Settings:
    """See the module."""

    kills: int = 30
    seed: int = 0
    images: str = ''
    weights: str = 'none'
    net: str = 'resnet18'
    size: int = 64
    samples: int = 180
    background: int = 1
    log: str = ''


@dataclass
class Survival:
    """What was seen over all kills. :param wrong: how often each promise was broken."""

    killed_in: Counter[str] = field(default_factory=Counter)
    served_s: list[float] = field(default_factory=list)
    at_work_s: list[float] = field(default_factory=list)
    versions: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def blame(self, what: str, said: object) -> None:
        """Note a broken promise, unless nothing is said."""
        if said:
            self.wrong[what] += 1
            self.problems.append(f'{what} after kill {sum(self.killed_in.values())}: {said}')


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Kill, start again and compare, many times."""
    given = parse(Settings, settings)
    with place(given.log) as here:
        found = survive(given, here)
    began = time.monotonic()
    subprocess.run([sys.executable, '-c', 'import recognizer_ros.nodes.trainer'], check=True)
    import_s = time.monotonic() - began
    worst = max(found.served_s, default=_WAIT_S)
    figures = {
        'kills_count': sum(found.killed_in.values()), 'killed_in_count': dict(found.killed_in),
        'start_to_served_p50_s': round(percentile(found.served_s, 50), 2),
        'start_to_served_p95_s': round(percentile(found.served_s, 95), 2),
        'start_to_served_worst_s': round(worst, 2),
        'start_to_work_worst_s': round(max(found.at_work_s, default=_WAIT_S), 2),
        'import_s': round(import_s, 2), 'versions_count': dict(found.versions),
        'problems': found.problems[:5]}
    bars = {name: bar(found.wrong[name], 0, at_least=False)
            for name in ('lost_versions', 'half_written', 'not_served', 'not_resumed')}
    bars['start_to_served_worst_s'] = bar(worst, MAX_SERVED_S, at_least=False)
    return {'name': 'killed', 'machine': machine(), 'figures': figures, 'bars': bars}


def survive(given: Settings, here: Place) -> Survival:
    """Start a trainer and kill it, ``kills`` times; the last one that starts is let live."""
    parameters = here.learning(given)
    parameters['trainer'] |= {'background': bool(given.background), 'keep_versions': 1000}
    here.configure(parameters)
    with SampleStore(here.data) as store, Client(here.namespace) as client:
        data = Data(store, client, photographs(given.images, here.folder / 'made'), given)
        bench = _Bench(client, data, random.Random(given.seed))
        for number in range(given.kills + 1):
            life = here.start('trainer', f'trainer-{number}')
            try:
                bench.watch(life, number, last=number == given.kills)
            finally:
                life.kill()
    return bench.found


class Data:
    """Stores bursts, and tells the trainer of them as the recorder does."""

    def __init__(self, store: SampleStore, client: Client, photos: list[Sample],
                 given: Settings) -> None:
        self.store, self._size = store, given.size
        self._rng = random.Random(given.seed)
        self._rng.shuffle(photos)
        self._photos, self._new = cycle(photos), count(1)
        self._told = client.node.create_publisher(DatasetStatus, 'dataset', qos.LATCHED)
        for _ in range(max(2, given.samples // PER_BURST)):
            self.add()

    def add(self, new_class: bool = False) -> int:
        """Store a burst, all of a class that nobody knows or of several; return the revision."""
        label = f'new {next(self._new)}' if new_class else ''
        chosen = [next(self._photos) for _ in range(PER_BURST)]
        for tag in sorted({label or photo.tags[0] for photo in chosen}):
            burst = self.store.begin_burst('bench', (tag,))
            self.store.add([self._sample(photo, tag, burst) for photo in chosen
                            if tag in (label, photo.tags[0])])
        revision = self.store.revision()
        self._told.publish(DatasetStatus(revision=revision, burst=burst))
        return revision

    def _sample(self, photo: Sample, tag: str, burst: int) -> NewSample:
        """A part of a photograph, like no other."""
        image = decode(photo.path.read_bytes())
        height, width = image.shape[:2]
        top, left = self._rng.randrange(height // 4), self._rng.randrange(width // 4)
        part = cv2.resize(image[top:top + height * 3 // 4, left:left + width * 3 // 4],
                          (2 * self._size, 2 * self._size))
        return NewSample(encode_jpeg(part, 95), (tag,), time.time_ns(), burst, 'bench',
                         2 * self._size, 2 * self._size)


class _Bench:
    def __init__(self, client: Client, data: Data, rng: random.Random) -> None:
        self.client, self.data, self.rng = client, data, rng
        self.registry = Registry(data.store.root / 'models')
        self.found = Survival()
        self.known: dict[int, float] = {}
        """Score of each version that was ever listed."""
        self.announced = 0

    def watch(self, life: NodeProcess, number: int, last: bool) -> None:
        """See that all is as it was, and kill it at some moment."""
        began, live = time.monotonic(), self.registry.live()
        if number:
            self._served(began, live)
        at_work = wait(lambda: life.check() or self._at_work(began), _WAIT_S)
        self.found.blame('not_resumed', not at_work and f'no stage within {_WAIT_S:.0f} s')
        if at_work and number:
            self.found.at_work_s.append(time.monotonic() - began)
        self._compare(began)
        revision = self.data.store.revision()
        if last or number % NEW_CLASS_EVERY == 0:  # such a head is promoted always
            revision = self.data.add(new_class=True)
            self.found.blame('not_resumed', not wait(lambda: self._learned(began, revision),
                                                     _WAIT_S) and 'no version of new data')
        if last:
            return
        if self.rng.random() < 0.5:
            revision = self.data.add()
            time.sleep(self.rng.uniform(0, _HEAD_S))
        else:
            wait(lambda: self._settled(life, began, revision), _WAIT_S)
            time.sleep(self.rng.uniform(0, _TUNE_S))
        self._kill(life, began, revision)

    def _served(self, began: float, live: int) -> None:
        """The live version is announced again."""
        self.found.blame('lost_versions', live < self.announced
                         and f'{live} is live, {self.announced} was')
        if not live:
            return
        heard = wait(lambda: self.client.heard('model', began), _WAIT_S)
        if not heard:
            self.found.blame('not_served', f'version {live} within {_WAIT_S:.0f} s')
            return
        self.found.served_s.append(heard[0].at_s - began)
        version = heard[0].message.model.version
        self.found.blame('lost_versions', version < live and f'{version} is served, not {live}')

    def _at_work(self, began: float) -> bool:
        status = self.client.last('training', began)
        return status is not None and status.state in _STAGES

    def _learned(self, began: float, revision: int) -> bool:
        return any(heard.message.model.dataset_revision >= revision
                   for heard in self.client.heard('model', began))

    def _settled(self, life: NodeProcess, began: float, revision: int) -> bool:
        """The head of these data is fitted, whether it went live or not."""
        return self._learned(began, revision) or life.log.head_on(revision) is not None

    def _compare(self, began: float) -> None:
        """All versions are still there, whole, with the scores that they had."""
        root = self.registry.root
        left = [path.name for path in root.glob('.new-*')
                if path.stat().st_mtime < time.time() - (time.monotonic() - began)]
        broken = [number for number in self.registry.numbers()
                  if not (root / f'{number:04d}' / 'bundle.json').is_file()]
        broken += [version.bundle.version for version in self.registry.versions()
                   if version.bundle.version not in self.known and not version.is_whole()]
        self.found.blame('half_written', left + broken)
        answer = self.client.ask(ListModels, 'list_models')
        if not answer or not answer.success:
            self.found.blame('not_served', 'list_models')
            return
        listed = {item.version: item.metrics.accuracy for item in answer.models}
        self.found.blame('lost_versions', [version for version, score in self.known.items()
                                           if listed.get(version) != score])
        self.known.update(listed)

    def _kill(self, life: NodeProcess, began: float, revision: int) -> None:
        """Kill it, and see from what it leaves in which stage it was."""
        life.kill()
        status = self.client.last('training', began)
        stage = _STAGES.get(status.state if status else TrainingStatus.STATE_OFF, 'other')
        if not self._settled(life, began, revision):
            stage = 'head'
        if list(self.registry.root.glob('.new-*')):
            stage = 'storing'
        self.found.killed_in[stage] += 1
        for heard in self.client.heard('model', began):
            if heard.message.model.version > self.announced:
                self.announced = heard.message.model.version
                self.found.versions['finetune' if heard.message.model.stage else 'head'] += 1
