"""From an image's stamp to its classification, against a bare hop and the bare model, in one run.

Settings: ``images`` (photographs, one sub-folder a class; some are made where none is given),
``weights``, ``net``, ``size``, ``samples`` (stored for the trainer, 300), ``rate`` (Hz, 30),
``seconds`` (of each round, 10), ``rounds`` (in turns, 4), ``training`` (seconds beside the
trainer, 30; 0: without), ``backend`` (of the classifier, auto), ``patience`` (for the first model,
seconds), ``log`` (folder for the nodes' output; a temporary one).
"""

import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _camera import HEIGHT, WIDTH, Camera, enlarged, store
from _nodes import Client, NodeProcess, wait
from _photographs import photographs
from _place import Place, place
from _report import bar, machine, parse

from recognizer_ros.core.config import ClassifierConfig
from recognizer_ros.core.errors import DemoError
from recognizer_ros.demo.report import percentile
from recognizer_ros.inference.choose import Chooser
from recognizer_ros.inference.model import Model, load
from recognizer_ros.msg import TrainingStatus
from recognizer_ros.nodes import conversions
from recognizer_ros.registry.store import Registry

MORE_P50_MS, MORE_P99_MS, MIN_TRAINING_HZ = 5.0, 15.0, 20.0
_SETTLE_S, _ROUND_TRIP_S, _DIAGNOSED_S = 2.0, 1.0, 5.0
_UNANSWERED = ('dropped', 'missed', 'not answered', 'unreadable')
_STAGES = ('transport', 'convert', 'preprocess', 'infer', 'publish', 'total')


@dataclass(frozen=True)
class Settings:
    """See the module."""

    images: str = ''
    weights: str = 'none'
    net: str = 'resnet18'
    size: int = 224
    samples: int = 300
    rate: float = 30.0
    seconds: float = 10.0
    rounds: int = 4
    training: float = 30.0
    backend: str = 'auto'
    patience: float = 300.0
    log: str = ''


@dataclass
class Seen:
    """Answers to the frames of some time. :param ms: from the stamp to the answer."""

    sent: int = 0
    ms: list[float] = field(default_factory=list)
    seconds: float = 0.0

    def __add__(self, other: 'Seen') -> 'Seen':
        return Seen(self.sent + other.sent, self.ms + other.ms, self.seconds + other.seconds)

    def figures(self) -> dict[str, float]:
        """For the report."""
        return {'sent_count': self.sent, 'answered_count': len(self.ms),
                'hz': round(len(self.ms) / max(self.seconds, 1e-9), 2), **_spread(self.ms)}


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Make a model by the trainer, stop it, measure in turns; then once more beside it."""
    given = parse(Settings, settings)
    with place(given.log) as here:
        photos = photographs(given.images, here.folder / 'made')
        random.Random(0).shuffle(photos)
        store(here.data, photos, given.samples)
        with _Bench(given, here) as bench:
            return bench.run([enlarged(photo) for photo in photos[-3:]])


class _Bench:
    def __init__(self, given: Settings, here: Place) -> None:
        self.given, self.here = given, here
        self._sent = 0
        parameters = here.learning(given)
        parameters['classifier'] |= {'backend': given.backend}
        parameters['trainer'] |= {'patience': 1000, 'epochs': 10_000}  # it must not come to rest
        here.configure(parameters)

    def __enter__(self) -> '_Bench':
        here, hop = self.here, f'{self.here.namespace}_hop'
        self.hopping, self.client = Client(hop), Client(here.namespace)
        self.nodes = {
            'hop': NodeProcess('hop', here.parameters, hop, here.logs / 'hop.log',
                               (str(Path(__file__).parent / '_hop.py'),)),
            'classifier': here.start('classifier'), 'trainer': here.start('trainer')}
        return self

    def __exit__(self, *error: object) -> None:
        for node in self.nodes.values():
            node.stop()
        for client in (self.client, self.hopping):
            client.__exit__()

    def run(self, scenes: Sequence[Any]) -> dict[str, Any]:
        """Do it all. :raises DemoError: no model in time."""
        self._wait_for_model(scenes)
        self.nodes['trainer'].stop()
        model = self._model()
        hop, alone, bare_ms = Seen(), Seen(), list[float]()
        for _ in range(self.given.rounds):
            hop += self._watch(self.hopping, scenes, self.given.seconds)
            bare_ms += self._bare(model, scenes[0])
            alone += self._watch(self.client, scenes, self.given.seconds)
        stages = self.client.diagnosed('classifier')
        figures = {'hop': hop.figures(), 'model': _spread(bare_ms), 'classifier': alone.figures(),
                   'stages_ms': _stages(stages), 'backend': stages.get('backend')}
        more = {share: percentile(alone.ms, share) - percentile(hop.ms, share)
                - percentile(bare_ms, share) for share in (50, 99)}
        bars = {'more_than_hop_and_model_p50_ms': bar(more[50], MORE_P50_MS, at_least=False),
                'more_than_hop_and_model_p99_ms': bar(more[99], MORE_P99_MS, at_least=False)}
        if self.given.training:
            beside, lost = self._beside_the_trainer(scenes)
            figures['beside_the_trainer'] = beside.figures() | {
                'unanswered_count': {what: self.client.diagnosed('classifier').get(what)
                                     for what in _UNANSWERED}}
            bars['beside_the_trainer_hz'] = bar(len(beside.ms) / beside.seconds, MIN_TRAINING_HZ)
            bars['neither_answered_nor_counted'] = bar(lost, 0, at_least=False)
        return {'name': 'classify', 'machine': machine(), 'figures': figures, 'bars': bars}

    def _wait_for_model(self, scenes: Sequence[Any]) -> None:
        with Camera(self.client, self.given.rate) as camera:
            camera.point(scenes)
            if not wait(lambda: self._all_run() and self.client.last('classification'),
                        self.given.patience):
                raise DemoError(f'no model in {self.given.patience:.0f} s: give patience=SECONDS')

    def _all_run(self) -> bool:
        for node in self.nodes.values():
            node.check()
        return True

    def _model(self) -> Model:
        """The same version, by the same backend."""
        registry = Registry(self.here.data / 'models')
        version = registry.get(registry.live())
        return load(lambda: version.backbone, version.head_bytes(), version.bundle,
                    Chooser(ClassifierConfig(backend=self.given.backend)))

    def _watch(self, client: Client, scenes: Sequence[Any], seconds: float) -> Seen:
        """Show frames for some time; the first seconds do not count."""
        with Camera(client, self.given.rate) as camera:
            camera.point(scenes)
            time.sleep(_SETTLE_S)
            since_ns, began_s = client.now_ns(), time.monotonic()
            time.sleep(seconds)
            until_ns, took_s = client.now_ns(), time.monotonic() - began_s
        time.sleep(_ROUND_TRIP_S)
        self._sent += len(camera.stamps)
        found = []
        for heard in client.heard('classification', began_s):
            stamp_ns = conversions.nanoseconds(heard.message.header.stamp)
            if since_ns <= stamp_ns < until_ns:
                found.append((heard.at_ns - stamp_ns) / 1e6)
        return Seen(camera.sent(since_ns, until_ns), found, took_s)

    def _bare(self, model: Model, scene: Any) -> list[float]:
        """The network alone, at the camera's rate."""
        prepared = model.backend.prepare(scene[:HEIGHT, :WIDTH], 'bgr', model.bundle.preprocessing)
        found, end = [], time.monotonic() + self.given.seconds
        while (began := time.monotonic()) < end:
            model.backend.infer(prepared)
            took = time.monotonic() - began
            found.append(took * 1e3)
            time.sleep(max(0.0, 1 / self.given.rate - took))
        return found

    def _beside_the_trainer(self, scenes: Sequence[Any]) -> tuple[Seen, int]:
        """While it fine-tunes. Also, how many frames were neither answered nor counted."""
        began_s = time.monotonic()
        self.nodes['trainer'] = self.here.start('trainer')
        if not wait(lambda: self._all_run() and any(
                heard.message.state == TrainingStatus.STATE_FINETUNE
                for heard in self.client.heard('training', began_s)), self.given.patience):
            raise DemoError('the trainer does not fine-tune')
        self._sent, before = 0, self._counted()
        seen = self._watch(self.client, scenes, self.given.training)
        lost = self._sent - (self._counted() - before)
        self.nodes['trainer'].stop()
        return seen, abs(lost)

    def _counted(self) -> int:
        """Frames that the classifier says it has had or missed."""
        now_s = time.monotonic()  # what it says a second later is about all frames so far
        found = wait(lambda: self.client.diagnosed('classifier', now_s + 1), _DIAGNOSED_S) or {}
        return sum(int(found.get(what, 0)) for what in ('answered', *_UNANSWERED))


def _stages(values: dict[str, str]) -> dict[str, dict[str, float]]:
    return {stage: {f'p{share}': float(values[f'{stage} ms p{share}']) for share in (50, 99)}
            for stage in _STAGES if f'{stage} ms p50' in values}


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {f'p{share}_ms': round(percentile(values, share), 2) for share in (50, 95, 99)}
