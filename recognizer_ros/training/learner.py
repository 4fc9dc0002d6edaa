"""Turns a data set into model versions: first a head on frozen features, then the whole net.

No thread and no clock of its own: :mod:`recognizer_ros.training.worker` runs it in the background,
``recognizer train`` in the foreground.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import torch

from ..core.bundle import Bundle
from ..core.config import TrainerConfig
from ..core.labels import LabelMode
from ..core.predictions import probabilities
from ..core.preprocessing import Preprocessing
from ..core.scores import Scores
from ..core.split import Split
from ..dataset.reader import Snapshot, snapshot
from ..inference.scoring import score
from ..registry.promotion import Decision, decide
from ..registry.store import Registry, Version
from . import head, nets
from .batches import Batches
from .candidate import backbone_sha256, held_out, net_scores, truth, weights_of
from .export import OnnxExporter
from .finetune import FineTune, Step
from .live import Live
from .nets import Net
from .pixels import PixelCache
from .progress import Phase, Progress
from .weights import load_initial

_REST_S = 2.0
_log = logging.getLogger(__name__)


class Listener(Protocol):
    """Who wants to know; called in the learner's thread, often, so it must be quick."""

    def progress(self, progress: Progress) -> None:
        """Something changed."""

    def promoted(self, version: Version) -> None:
        """A version has gone live."""


class Learner:
    """One trainer. Not for several threads at once.

    :raises NetError: the network is unknown or cannot take images of this size.
    """

    def __init__(self, config: TrainerConfig, registry: Registry, listener: Listener) -> None:
        self._config, self._registry, self._listener = config, registry, listener
        self._how = Preprocessing(config.net_width, config.net_height)
        self._device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
        torch.manual_seed(config.seed)
        self._frozen = nets.build(config.net, 2, config.net_width, config.net_height)
        self._pixels = PixelCache(self._how, config.workers)
        self._batches = Batches(self._pixels, self._how, self._device)
        self.live = Live(registry)
        self._progress = Progress(net=config.net, epochs=config.epochs,
                                  live_version=self.live.number)
        self._exporter: OnnxExporter | None = None
        self._data: Snapshot | None = None
        self._taken = self._seen = 0
        self._seen_s = self._logged_s = 0.0
        self._labels: tuple[str, ...] = ()
        self._mode: LabelMode = 'single'
        self._head_due, self._restarted = False, True
        self._pretrained = config.weights != 'none'
        self._tuner: FineTune | None = None
        self._epoch = self._idle_epochs = 0
        self._best = -1.0

    def close(self) -> None:
        """End the decoding threads."""
        self._pixels.close()

    def prepare(self) -> None:
        """Load weights and trace the network, so that the first version need not wait for it.

        :raises WeightsError: :raises ExportError: as their modules say.
        """
        if self._exporter:
            return
        self._report(Phase.WAITING, message=f'loading {self._config.net}')
        if not self.live.load_into(self._frozen):
            self._pretrained = load_initial(self._frozen, self._config.weights)
        self._frozen.to(self._device)
        self._features = head.FeatureCache()
        self._exporter = OnnxExporter(self._frozen)

    def begin(self, config: TrainerConfig) -> None:
        """Start a new run with other epochs or label mode; the data is read again."""
        self._config = config
        self._data = None
        self._labels = ()
        self._progress = replace(self._progress, epochs=config.epochs)

    def step(self, stop: Callable[[], bool], newest: Callable[[], int],
             stages: tuple[Phase, ...] = (Phase.HEAD, Phase.FINETUNE)) -> bool:
        """Do one stage of work; return whether there is more to do now.

        :param stop: asked between batches: leave off, as if the stage had not begun.
        :param newest: revision of the data set that may be used.
        :raises RecognizerError: what went wrong; calling again tries again.
        """
        self.prepare()
        if self.live.refresh():
            self._adopt()
        if not newest():
            self._report(Phase.WAITING, message='waits for recorded images with tags')
            return False
        if self._data is None or newest() != self._taken:
            idle = self._tuner is None or self._rested()
            self._take_data(newest(), fit_head=idle or self._news(newest()))
        if not self._labels:
            return False
        if self._head_due and Phase.HEAD in stages:
            self._head_stage(stop)
            return True
        done = self._tuner is not None and 0 < self._config.epochs <= self._epoch
        if Phase.FINETUNE not in stages or done or self._rested():
            self._report(Phase.DONE, message='waits for new data')
            return False
        self._epoch_stage(stop, newest)
        return True

    def _rested(self) -> bool:
        return self._idle_epochs >= self._config.patience

    def _adopt(self) -> None:
        """Go on from a version that a person activated."""
        if self.live.load_into(self._frozen):
            self._frozen.to(self._device)
            self._features = head.FeatureCache()
        self._data, self._tuner = None, None
        self._labels = ()

    def _take_data(self, revision: int, fit_head: bool) -> None:
        """Read the data set; start a new run when labels or label mode changed."""
        data = snapshot(Path(self._config.data))
        self._taken = revision
        train = data.counts(Split.TRAIN)
        asked = self._config.label_mode
        mode: LabelMode = 'multi' if asked == 'multi' or (asked == 'auto' and data.multi_label
                                                          ) else 'single'
        known = [label for label in self.live.labels if train[label]]
        labels = (*known, *sorted(set(train) - set(known)))
        self._progress = replace(
            self._progress, dataset_revision=data.revision, label_mode=mode, classes=labels,
            class_samples=tuple(train[label] for label in labels))
        self._data = data
        problem = _unlearnable(data, labels, mode)
        if problem:
            self._labels, self._tuner = (), None
            self._report(Phase.WAITING, message=problem)
            return
        if (labels, mode) != (self._labels, self._mode):
            self._tuner = None
        served = self._restarted and self.live.made_for(data.revision, labels, mode)
        self._head_due = self._head_due or ((fit_head or not self._tuner) and not served)
        self._restarted = False
        self._labels, self._mode = labels, mode
        self._idle_epochs, self._best = 0, -1.0

    def _head_stage(self, stop: Callable[[], bool]) -> None:
        assert self._data
        self._head_due = False
        if not self._frozen.has_linear_head:
            return
        self._report(Phase.HEAD, message='fitting a head on frozen features')
        train, rows = self._features.get(
            self._frozen, self._batches, self._batches.usable(self._data.part(Split.TRAIN)), stop)
        held, held_rows = self._features.get(
            self._frozen, self._batches, held_out(self._data, self._batches), stop)
        if stop() or {tag for sample in train for tag in sample.tags} != set(self._labels):
            self._head_due = stop()
            return
        fitted = head.fit(rows, train, self._labels, self._mode)
        answers = (fitted(held_rows) if held
                   else torch.zeros(0, len(self._labels)).numpy())
        scores = score(probabilities(answers, self._mode), truth(held, self._labels), self._labels,
                       self._mode, self._data.warning)
        decision = self._decide(scores, strict=False)
        if decision.promote:
            net = self._frozen.copy()
            net.replace_head(torch.from_numpy(fitted.weight), torch.from_numpy(fitted.bias))
            self._publish(net, 'head', scores, decision)
            self._frozen = net

    def _epoch_stage(self, stop: Callable[[], bool], newest: Callable[[], int]) -> None:
        """Train one epoch; it counts, and is scored, only when it was whole."""
        assert self._data
        tuner = self._tuner or self._new_tuner()
        train = self._batches.usable(self._data.part(Split.TRAIN))
        began = time.monotonic()
        for done in tuner.epoch(train):
            self._report_step(done, len(train), time.monotonic() - began)
            if stop():
                return
            if self._news(newest()):
                self._take_data(newest(), fit_head=True)
                if not self._tuner:
                    return
                self._head_stage(stop)
        self._epoch += 1
        net = tuner.averaged
        scores = net_scores(net, self._labels, self._mode, self._data, self._batches, stop)
        if scores is None:
            return
        self._idle_epochs = 0 if scores.headline > self._best else self._idle_epochs + 1
        self._best = max(self._best, scores.headline)
        decision = self._decide(scores, strict=True)
        if decision.promote:
            net = net.copy()
            self._publish(net, 'finetune', scores, decision)
            self._frozen = net
            self._features = head.FeatureCache()

    def _news(self, newest: int) -> bool:
        """Whether an epoch under way should stop to look at new data: at once for a new class, for
        more of the same only when the recording has come to rest."""
        if newest == self._taken:
            return False
        if newest != self._seen:
            self._seen, self._seen_s = newest, time.monotonic()
            train = snapshot(Path(self._config.data)).counts(Split.TRAIN)
            return set(train) != set(self._labels)
        return time.monotonic() - self._seen_s > _REST_S

    def _new_tuner(self) -> FineTune:
        net = self._frozen.copy()
        if not self._worth_keeping():
            net = self._fresh(net)
        elif self.live.labels != self._labels or len(self.live.labels) != net.outputs:
            net.grow_head(self.live.labels if len(self.live.labels) == net.outputs else (),
                          self._labels)
        self._epoch = 0
        self._tuner = FineTune(net, self._labels, self._mode, self._config, self._batches,
                               self._pretrained)
        return self._tuner

    def _worth_keeping(self) -> bool:
        """Whether fine-tuning may begin with the live version's head: one fitted on the features
        of random weights has far too large weights."""
        live = self.live.version
        return self._pretrained or (live is not None and live.bundle.stage == 'finetune')

    def _fresh(self, net: Net) -> Net:
        """The same weights with a last layer of random ones."""
        made = nets.build(net.name, len(self._labels), net.width, net.height)
        made.to(self._device)
        net.replace_head(made.head_layer.weight.detach(),  # type: ignore[operator]
                         made.head_layer.bias.detach())  # type: ignore[operator]
        return net

    def _decide(self, scores: Scores, strict: bool) -> Decision:
        data = self._data
        assert data

        def live() -> Scores | None:
            known = self.live.scores(data, self._labels, self._mode)
            self._progress = replace(self._progress,
                                     best_accuracy=known.headline if known else None)
            return known

        decision = decide(scores, live, self.live.labels, strict)
        _log.info('%s of revision %d: score %.3f on %d held-out samples; %s', (strict and 'epoch')
                  or 'head', data.revision, scores.headline, scores.samples, decision.reason)
        return decision

    def _publish(self, net: Net, stage: str, scores: Scores, decision: Decision) -> None:
        """Store a version and make it live."""
        assert self._exporter
        assert self._data
        self._report(Phase.EXPORT, message=f'exporting a version: {decision.reason}')
        model, probe = self._exporter.export(net, self._how)
        version = self._registry.add(Bundle(
            version=0, parent=self.live.number, stage=stage, net=net.name, labels=self._labels,
            label_mode=self._mode, preprocessing=self._how, scores=scores,
            dataset_revision=self._data.revision, created_ns=time.time_ns(),
            probe=tuple(map(float, probe)), sha256={}, size=0,
            backbone_sha256=backbone_sha256(net), reason=decision.reason,
        ), model, weights_of(net))
        self._registry.activate(version.bundle.version)
        self._registry.prune(self._config.keep_versions)
        self.live.set(version, scores, self._data.revision)
        _log.info('version %d (%s) is live: %s', version.bundle.version, stage, decision.reason)
        self._listener.promoted(version)
        self._report(Phase.EXPORT, message='', live_version=version.bundle.version,
                     best_accuracy=scores.headline)

    def _report_step(self, done: Step, total: int, elapsed_s: float) -> None:
        rate = done.images / max(elapsed_s, 1e-6)
        if (done.images // self._config.batch_size % self._config.print_freq == 0
                and time.monotonic() - self._logged_s > 1):
            self._logged_s = time.monotonic()
            _log.info('epoch %d: %d of %d images, loss %.3f', self._epoch + 1, done.images, total,
                      done.loss)
        self._report(Phase.FINETUNE, message='', epoch=self._epoch + 1, epoch_images=done.images,
                     images=total, loss=done.loss, train_accuracy=done.accuracy,
                     images_per_s=rate, eta_s=(total - done.images) / rate)

    def _report(self, phase: Phase, **changes: object) -> None:
        self._progress = replace(self._progress, phase=phase, **changes)  # type: ignore[arg-type]
        self._listener.progress(self._progress)


def _unlearnable(data: Snapshot, labels: tuple[str, ...], mode: LabelMode) -> str:
    """Why nothing can be learned from this data, for people; empty when it can."""
    if not labels:
        return 'waits for recorded images with tags'
    if len(labels) < 2 and mode == 'single':
        return f'waits for a second class: only {labels[0]} is recorded so far'
    if mode == 'single' and data.multi_label:
        return ('some images have several tags: set label_mode to multi or auto, or give each '
                'image one tag')
    everywhere = [label for label in labels
                  if data.counts(Split.TRAIN)[label] == len(data.part(Split.TRAIN))]
    if everywhere:
        return f'waits for images without {everywhere[0]}: all recorded ones show it'
    return ''
