"""From the release of Record to a model that knows the burst, on real nodes over DDS.

Settings: ``images`` (photographs, one sub-folder a class; some are made where none is given),
``weights``, ``net``, ``size``, ``samples`` (stored before, 2000), ``releases`` (24), ``frames``
(of a burst, 15), ``pause`` (between an answer and the next burst, seconds), ``patience`` (for the
first model and all features, seconds), ``background`` (1: the trainer steps back, as it does
unless told otherwise), ``log`` (folder for the nodes' output; a temporary one).
"""

import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from _camera import Camera, enlarged, store
from _nodes import Client, NodeProcess, wait
from _photographs import labels_of, photographs
from _place import place
from _report import bar, machine, parse, spread

from recognizer_ros.core.errors import DemoError
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.demo.report import percentile
from recognizer_ros.msg import DatasetStatus
from recognizer_ros.nodes import state_messages

MAX_MODEL_S, MAX_ANSWER_S = 0.8, 1.0
RATE_HZ, SHOWN = 15.0, 3
NODES = ('recorder', 'trainer', 'classifier')
_STORED_S, _LEARNED_S, _SWAPPED_S = 1.5, 60.0, 10.0


@dataclass(frozen=True)
class Settings:
    """See the module."""

    images: str = ''
    weights: str = 'none'
    net: str = 'resnet18'
    size: int = 224
    samples: int = 2000
    releases: int = 24
    frames: int = 15
    pause: float = 1.0
    patience: float = 1500.0
    background: int = 1
    log: str = ''


@dataclass(frozen=True)
class Release:
    """One release of Record. Seconds from it; ``None``: it did not come to pass.

    :param state: of the trainer then. :param cold: samples whose features by the live backbone
        were not known then. :param lost: frames of the burst that were not stored.
    :param stored_s: the recorder tells of the whole burst. :param judged_s: the trainer has
        decided on the head. :param model_s: ModelUpdate. :param swapped_s: the classifier has it.
    :param answer_s: its first answer. :param refused: why the head did not go live.
    """

    state: str
    cold: int
    lost: int
    stored_s: float
    judged_s: float | None
    model_s: float | None = None
    swapped_s: float | None = None
    answer_s: float | None = None
    refused: str = ''


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Store samples, wait for the first model, and release Record many times."""
    given = parse(Settings, settings)
    with place(given.log) as here:
        photos = photographs(given.images, here.folder / 'made')
        random.Random(0).shuffle(photos)
        known, unseen = photos[:given.samples], photos[given.samples:]
        store(here.data, known, given.samples)
        parameters = here.learning(given)
        parameters['trainer']['background'] = bool(given.background)
        here.configure(parameters)
        with here.running(*NODES) as nodes, Client(here.namespace) as client, \
                Camera(client, RATE_HZ) as camera:
            bench = _Bench(given, client, camera, nodes, here.data)
            return bench.run(_by_label(known), _by_label(unseen))


def _arrived(message: DatasetStatus, before: int) -> int:
    """Frames of the burst that were stored, or are like one that is stored already."""
    return int(message.burst_samples + message.duplicates - before)


def _by_label(photos: Sequence[Sample]) -> dict[str, list[Sample]]:
    return {label: [photo for photo in photos if photo.tags == (label,)]
            for label in labels_of(photos)}


class _Bench:
    def __init__(self, given: Settings, client: Client, camera: Camera,
                 nodes: dict[str, NodeProcess], data: Path) -> None:
        self.given, self.client, self.camera, self.data = given, client, camera, data
        self.nodes, self.log = nodes, nodes['trainer'].log
        self.rng = random.Random(3)
        self.began_s = time.monotonic()

    def run(self, known: dict[str, list[Sample]], unseen: dict[str, list[Sample]]
            ) -> dict[str, Any]:
        """Do it all. :raises DemoError: no model in time."""
        self.camera.point([enlarged(next(iter(known.values()))[0])])
        if not wait(self._warm, self.given.patience):
            raise DemoError(f'no model, or not all features, in {self.given.patience:.0f} s: '
                            'give patience=SECONDS')
        setup_s = time.monotonic() - self.began_s
        releases = []
        for number in range(self.given.releases):
            label = sorted(known)[number % len(known)]
            photos = unseen.get(label) or known[label]
            releases.append(self._release(label, [photos[(number + place) % len(photos)]
                                                  for place in range(SHOWN)]))
            print(f'{number + 1}: {releases[-1]}', file=sys.stderr, flush=True)
        return _result(releases, setup_s, self._versions())

    def _warm(self) -> bool:
        for node in self.nodes.values():
            node.check()
        return self.client.ready() and self._cold() == 0

    def _cold(self) -> int:
        """Samples without features by the live backbone."""
        model, status = self.client.last('model'), self.client.last('dataset')
        if not model or not status:
            return self.given.samples
        rows = 0
        for path in (self.data / 'cache').glob(f'{model.backbone_sha256[:32]}-*.db'):
            with closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True)) as db:
                rows += db.execute('SELECT count(*) FROM rows').fetchone()[0]
        return max(0, int(status.samples) - rows)

    def _versions(self) -> Counter[str]:
        return Counter('finetune' if heard.message.model.stage else 'head'
                       for heard in self.client.heard('model', self.began_s))

    def _release(self, label: str, photos: list[Sample]) -> Release:
        """Record a burst of new frames, release, and follow it until it is known."""
        client, camera = self.client, self.camera
        before = client.last('dataset').duplicates
        camera.point([enlarged(photo) for photo in photos])
        time.sleep(self.given.pause * self.rng.uniform(0.5, 1.5))  # any moment of the training
        pressed_ns = client.hold((label,))
        if not wait(lambda: camera.sent(pressed_ns) >= self.given.frames, _LEARNED_S):
            raise DemoError('the camera of the bench stands still')
        state, cold = client.last('training'), self._cold()
        released_s, released_ns = time.monotonic(), client.hold(())
        sent = camera.sent(pressed_ns, released_ns)
        status = wait(lambda: self._stored(released_s, sent, before), _LEARNED_S)
        if not status:
            raise DemoError('the recorder does not tell what it has stored')
        revision = status.message.revision
        end_s = time.monotonic() + _LEARNED_S
        wait(lambda: self._model(released_s, revision) or self.log.head_on(revision), _LEARNED_S)
        judged = self.log.head_on(revision)
        # A head that was judged good enough still has to be written.
        wait(lambda: self._model(released_s, revision) or (judged and self._refused(judged.said)),
             max(0.0, end_s - time.monotonic()))
        seen = {'state': state_messages.training(state).state if state else 'none', 'cold': cold,
                'lost': sent - _arrived(status.message, before),
                'stored_s': status.at_s - released_s,
                'judged_s': judged.read_s - released_s if judged else None}
        model = self._model(released_s, revision)
        if not model:
            return Release(**seen, refused=judged.said if judged else 'nothing was learned')
        version = model.message.model.version
        return Release(**seen, model_s=model.at_s - released_s,
                       **self._followed(version, model.at_s, released_s))

    def _stored(self, since_s: float, sent: int, before: int) -> Any:
        """The recorder's first word that all frames are stored that have come to it.

        :param before: duplicates it had counted before the burst.
        """
        self.log.refresh()  # so that what it tells is read in time
        words = [heard for heard in self.client.heard('dataset', since_s)
                 if not heard.message.recording and not heard.message.pending]
        most = max((_arrived(heard.message, before) for heard in words), default=0)
        if most < sent and time.monotonic() - since_s < _STORED_S:
            return None
        return next((heard for heard in words if _arrived(heard.message, before) == most), None)

    def _model(self, since_s: float, revision: int) -> Any:
        """The first model that was made of the whole burst."""
        return next((heard for heard in self.client.heard('model', since_s)
                     if heard.message.model.dataset_revision >= revision), None)

    def _refused(self, said: str) -> bool:
        """The trainer's words say that the live version scored higher."""
        return said.endswith(': worse')

    def _followed(self, version: int, model_s: float, released_s: float
                  ) -> dict[str, float | None]:
        """When the classifier took the version, and answered by it."""
        def swapped() -> Any:
            return next((heard for heard in self.client.heard('vision_info', released_s)
                         if heard.message.database_version >= version), None)

        taken = wait(swapped, _SWAPPED_S)
        if not taken:
            return {'swapped_s': None, 'answer_s': None}
        answer = wait(lambda: next(iter(self.client.heard('classification', taken.at_s)), None),
                      _SWAPPED_S)
        return {'swapped_s': taken.at_s - released_s,
                'answer_s': answer.at_s - released_s if answer else None}


def _result(releases: Sequence[Release], setup_s: float, versions: Counter[str]
            ) -> dict[str, Any]:
    learned = [one for one in releases if one.model_s is not None]
    answered = [one.answer_s for one in learned if one.answer_s is not None]
    # One that never came counts as long as it was waited for.
    models = [one.model_s for one in learned if one.model_s is not None] + [
        _LEARNED_S for one in releases if one.model_s is None and one.judged_s is None]
    answers = answered + [_LEARNED_S] * (len(models) - len(answered))
    figures: dict[str, Any] = {
        'releases_count': len(releases),
        'not_promoted_count': sum(one.model_s is None and one.judged_s is not None
                                  for one in releases),
        'not_promoted': [one.refused for one in releases if one.refused][:5],
        'lost_frames_count': sum(one.lost for one in releases), 'setup_s': round(setup_s, 1),
        'versions_count': dict(versions),
        'release_to_model_s': _seconds(models), 'release_to_answer_s': _seconds(answers),
        'of_these': {
            'stored_s': _seconds([one.stored_s for one in releases]),
            'stored_to_judged_s': _seconds([one.judged_s - one.stored_s for one in releases
                                           if one.judged_s is not None]),
            'judged_to_model_s': _seconds([one.model_s - one.judged_s for one in learned
                                          if one.model_s and one.judged_s]),
            'model_to_swapped_s': _seconds([one.swapped_s - one.model_s for one in learned
                                           if one.model_s and one.swapped_s])},
        'judged_s_by_state': {state: _seconds([
            one.judged_s for one in releases if one.state == state and one.judged_s is not None])
            for state in sorted({one.state for one in releases})},
        'features_missing_at_release_count': sum(one.cold > 0 for one in releases)}
    bars = {'release_to_model_p95_s': bar(percentile(models or [_LEARNED_S], 95), MAX_MODEL_S,
                                          at_least=False),
            'release_to_answer_p95_s': bar(percentile(answers or [_LEARNED_S], 95), MAX_ANSWER_S,
                                           at_least=False)}
    return {'name': 'release', 'machine': machine(), 'figures': figures, 'bars': bars}


def _seconds(values: Sequence[float]) -> dict[str, float]:
    return spread(values, digits=3)
