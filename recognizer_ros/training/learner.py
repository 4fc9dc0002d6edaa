"""Turns a data set into model versions: first a head on frozen features, then the whole net.

No thread and no clock of its own: :mod:`recognizer_ros.training.worker` runs it in the background,
``recognizer train`` in the foreground.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TypeVar

import torch

from ..core.config import TrainerConfig
from ..core.errors import TrainingError
from ..core.preprocessing import Preprocessing
from ..core.scores import Scores
from ..core.split import Split
from ..dataset.reader import Sample, snapshot
from ..registry.store import Registry, Version
from . import device as devices
from . import nets
from .arrivals import Arrivals
from .batches import Batches
from .course import Candidate, Course, plan
from .curves import CURVES, Curves, Row
from .finetune import Step
from .frozen import VIEW, Fitted, Frozen
from .lanes import HERE, Lanes, Pace, Wishes
from .live import Live
from .nets import Net
from .pixels import PixelCache
from .progress import Listener, Phase, Progress, Report
from .publish import Publisher
from .tuning import Tuning
from .weights import load_initial

_QUICK_BYTES = 64 << 20
_LOOK_S, _LOOK_FOR_ARRIVALS_S = 0.02, 0.1
_LONGEST_PAUSE_S = 60.0
_log = logging.getLogger(__name__)
T = TypeVar('T')


class Learner:
    """One trainer. Not for several threads at once.

    :raises NetError: the network is unknown or cannot take images of this size.
    """

    def __init__(self, config: TrainerConfig, registry: Registry, listener: Listener,
                 lanes: Lanes = HERE) -> None:
        self._config, self._listener, self._lanes = config, listener, lanes
        self._how = Preprocessing(config.net_width, config.net_height)
        self._device = devices.choose(config.gpu_memory)
        torch.manual_seed(config.seed)
        self._net = nets.build(config.net, 2, config.net_width, config.net_height)
        self._pixels = PixelCache(
            self._how, config.workers, device=self._device,
            device_bytes=devices.room_for_pixels(self._device, config.gpu_memory))
        self._batches = Batches(self._pixels, self._how, self._device, listener.unusable)
        # Heads and features must not wait for a step of fine-tuning, which has the others in use.
        self._quick_pixels = PixelCache(self._how, config.workers, _QUICK_BYTES)
        self._quick = Batches(self._quick_pixels, self._how, self._device, listener.unusable)
        self._quick.unusable = self._batches.unusable
        self.live = Live(registry)
        self.publisher = Publisher(registry, self.live, self._how, config.keep_versions,
                                   config.auto_promote)
        self._curves = Curves()
        self._tuning = Tuning(config, self._batches, config.weights != 'none')
        self._report = Report(listener, Progress(net=config.net, epochs=config.epochs,
                                                 live_version=self.live.number))
        self._frozen: Frozen | None = None
        self._course: Course | None = None
        self._arrivals = Arrivals(Path(config.data), self._quick, lanes.beside)
        self._taken, self._looked_s = -1, 0.0
        self._head_due, self._refit_due = False, False
        self._restarted, self._chosen = True, False
        self._logged_s = 0.0

    def close(self) -> None:
        """End the decoding threads and let go of files."""
        self._pixels.close()
        self._quick_pixels.close()
        if self._frozen:
            self._frozen.close()

    @property
    def curves(self) -> tuple[Row, ...]:
        """How training went; for any thread."""
        return self._curves.rows

    def prepare(self) -> None:
        """Load weights and trace the network, so that the first version need not wait for it.

        :raises WeightsError: :raises ExportError: as their modules say.
        """
        if not self._frozen:
            with self._lanes.in_front():  # on a busy robot it would else take minutes
                self._prepare()

    def _prepare(self) -> None:
        self._report.tell(Phase.WAITING, message=f'loading {self._config.net}')
        base = self.live.version if self.live.load_into(self._net) else None
        if not base:
            self._tuning.pretrained = load_initial(self._net, self._config.weights)
        self._net.to(self._device)
        self._frozen = Frozen(self._net, self._how, Path(self._config.data) / 'cache',
                              self._config.cache_limit << 20, base).settle_in()
        self._arrivals.follow(self._frozen)
        self._recall(base)
        self._report.tell(Phase.WAITING, message='')

    def begin(self, config: TrainerConfig) -> None:
        """Start a new run with other epochs or label mode; the data is read again."""
        self._config = config
        self._course, self._taken = None, -1
        self._restarted = self._chosen = False
        self._tuning.restart(config)
        self._report.note(epochs=config.epochs)

    def step(self, stop: Callable[[], bool], newest: Callable[[], int],
             stages: tuple[Phase, ...] = (Phase.HEAD, Phase.FINETUNE)) -> bool:
        """Do one stage of work; return whether there is more to do now.

        :param stop: :param newest: see :class:`Wishes`.
        :raises RecognizerError: what went wrong; calling again tries again.
        """
        wishes = Wishes(stop, newest)
        self.prepare()
        if self.live.refresh():
            self._adopt(newest())
        if not newest():
            self._report.tell(Phase.WAITING, message='waits for recorded images with tags')
        elif newest() != self._taken:
            self._take_data(newest())
        if self._course and self._head_due and Phase.HEAD in stages:
            self._head_stage(stop)
            return True
        if self._embed(wishes):
            return True
        return self._course is not None and self._improve(wishes, stages)

    def _improve(self, wishes: Wishes, stages: tuple[Phase, ...]) -> bool:
        """Do what nobody waits for; return whether there is more to do."""
        if self._chosen:
            self._report.tell(Phase.DONE, message=f'version {self.live.number} was activated by '
                                                  'hand and stays until there is new data')
            return False
        if self._head_due and Phase.HEAD in stages:
            return True
        if Phase.FINETUNE in stages and not self._tuning.rests:
            self._epoch_stage(wishes)
            return True
        if self._config.augmentation and Phase.HEAD in stages and self._vary(wishes):
            return not wishes.stop()
        self._report.tell(Phase.DONE, message='waits for new data')
        return False

    def _adopt(self, revision: int) -> None:
        """Go on from a version that a person activated; it stays until there is something new."""
        assert self._frozen
        base = self.live.version
        if self.live.load_into(self._net):
            self._net.to(self._device)
            labels = base.bundle.labels if base else ()
            self._freeze(self._frozen.successor(self._net, labels, base).settle_in())
        self._recall(base)
        self._tuning.restart(self._config)
        news, self._course = revision != self._taken, None
        if revision:
            self._take_data(revision)
        if not news:
            self._head_due, self._chosen = False, True

    def _recall(self, base: Version | None) -> None:
        """Go on with the curves of a version."""
        self._curves.read(base.attached(CURVES) if base else b'')

    def _freeze(self, fresh: Frozen) -> None:
        assert self._frozen
        self._frozen.close()
        self._frozen = fresh
        self._arrivals.follow(fresh)

    def _take_data(self, revision: int) -> None:
        """Read the data set; see what is to be learned now."""
        course = plan(snapshot(Path(self._config.data)), self.live.labels,
                      self._config.label_mode)
        self._batches.unusable.clear()  # what is still among the data may have been repaired
        self._taken, self._chosen = revision, False
        counts = course.data.counts(Split.TRAIN)
        self._report.note(
            dataset_revision=course.data.revision, label_mode=course.mode,
            classes=course.labels, class_samples=tuple(counts[label] for label in course.labels))
        try:
            course.check()
        except TrainingError as problem:
            self._course = None
            self._report.tell(Phase.WAITING, message=str(problem))
            return
        if self._course and course.mode != self._course.mode:
            self._report.tell(Phase.HEAD, message=f'the data set is {course.mode}-label now: '
                                                  'a new run begins')
        self._tuning.take(course)
        self._course, self._head_due = course, True
        if self._restarted and self.live.made_for(course.data.revision, course.labels,
                                                  course.mode):
            self._head_due = False
            self._tuning.resume(self._curves.epoch)
        self._restarted = False

    def _meanwhile(self, future: 'Future[T]', wishes: Wishes) -> T:
        """Wait for work elsewhere; data that come meanwhile are learned at once."""
        while True:
            self._look_at_news(wishes)
            if future.done():
                return future.result()
            if time.monotonic() - self._looked_s > _LOOK_FOR_ARRIVALS_S:
                self._arrivals.begin(wishes.stop)
                self._looked_s = time.monotonic()
            wait([future], _LOOK_S)

    def _look_at_news(self, wishes: Wishes) -> None:
        if wishes.newest() not in (0, self._taken) and not wishes.stop():
            self._take_data(wishes.newest())
            if self._course and self._head_due:
                self._head_stage(wishes.stop)

    def _let_record(self, wishes: Wishes) -> None:
        """While images come, compute their features and nothing else, but not for ever."""
        began = time.monotonic()
        while time.monotonic() - began < _LONGEST_PAUSE_S and (
                self._embed(wishes) or self._arrivals.keep_coming):
            self._look_at_news(wishes)
            if wishes.stop():
                return
            time.sleep(_LOOK_S)

    def _embed(self, wishes: Wishes) -> bool:
        """Compute a few features that are missing; return whether some may be left."""
        some_left = self._arrivals.begin(wishes.stop)
        if self._arrivals.under_way:
            self._meanwhile(self._arrivals.under_way, wishes)
        if not some_left and self._refit_due and self._course:
            self._head_due, self._refit_due = True, False
        return some_left

    def _vary(self, wishes: Wishes) -> bool:
        """Compute features of random views, for a head that knows more; return whether some were
        missing."""
        assert self._frozen
        assert self._course
        missing = self._frozen.embeddings.missing(
            self._batches.usable(self._course.data.part(Split.TRAIN)), VIEW)
        if missing:
            self._meanwhile(self._compute(self._frozen, missing, wishes, VIEW), wishes)
            self._head_due = True
        return bool(missing)

    def _embedded_part(self, frozen: Frozen, part: Split, wishes: Wishes) -> bool:
        """Compute the features that are missing; return whether what is learned has stayed."""
        course = self._course
        assert course
        missing = frozen.embeddings.missing(self._batches.usable(course.data.part(part)))
        self._meanwhile(self._compute(frozen, missing, wishes), wishes)
        return not self._is_disturbed(course, wishes)

    def _is_disturbed(self, course: Course, wishes: Wishes) -> bool:
        """Whether work for a course has become useless, or must be left."""
        return wishes.stop() or self.live.has_moved() or not course.is_alike(self._course)

    def _compute(self, frozen: Frozen, samples: list[Sample], wishes: Wishes, view: int = 0
                 ) -> 'Future[None]':
        def leave() -> bool:
            return wishes.stop() or self.live.has_moved()

        return self._lanes.behind(
            lambda: frozen.embeddings.compute(self._batches, samples, leave, view))

    def _head_stage(self, stop: Callable[[], bool]) -> None:
        """Fit a head, and publish it if it is good enough."""
        course, frozen = self._course, self._frozen
        assert course
        assert frozen
        self._report.tell(Phase.HEAD, message='fitting a head on frozen features')
        with self._lanes.in_front():
            fitted = frozen.fit(course, self._quick, stop)
            if not fitted:
                self._head_due = stop()
                return
            self._refit_due = not fitted.complete
            self._curves.add('head', course.data.revision, fitted.scores)
            self._offer('head', course, frozen, fitted)
        self._head_due = False

    def _epoch_stage(self, wishes: Wishes) -> None:
        """Train one epoch; it counts, and is scored, only when it was whole."""
        course, frozen = self._course, self._frozen
        assert course
        assert frozen
        tuner = self._tuning.tuner(course, frozen)
        train = self._batches.usable(course.data.part(Split.TRAIN))
        steps, pace, last = tuner.epoch(train), Pace(), None
        while step := self._meanwhile(self._lanes.behind(lambda: next(steps, None)), wishes):
            self._report_step(step, len(train), pace.rate(step.images))
            self._let_record(wishes)
            if self._is_disturbed(course, wishes):
                return
            last = step
        if last:
            self._judge_epoch(tuner.averaged, last, wishes)

    def _judge_epoch(self, net: Net, last: Step, wishes: Wishes) -> None:
        """Score the network of a whole epoch, and publish it if it is better."""
        course, frozen = self._course, self._frozen
        assert course
        assert frozen
        fresh = frozen.successor(net.copy(), course.labels, None)
        if not (self._embedded_part(fresh, Split.VALIDATION, wishes)
                and self._embedded_part(frozen, Split.VALIDATION, wishes)):
            return
        fitted = fresh.score(course)
        self._tuning.count(fitted.scores.headline)
        self._curves.add('finetune', course.data.revision, fitted.scores, self._tuning.epoch,
                         last.loss, last.accuracy)
        candidate = Candidate('finetune', net.name, fitted.scores)
        live = self._live_scores(fitted, course)
        # Before it goes live all its features are there, so that the next head is fitted at once.
        if self.publisher.judge(course, candidate, live).promote and self._embedded_part(
                fresh, Split.TRAIN, wishes):
            self._meanwhile(self._lanes.behind(fresh.settle_in), wishes)
            if not self._is_disturbed(course, wishes):
                self._offer('finetune', course, fresh, fitted)
        if self._frozen is not fresh:
            fresh.close()

    def _offer(self, stage: str, course: Course, made: Frozen, fitted: Fitted) -> None:
        """Publish what a stage has made if it is good enough."""
        candidate = Candidate(stage, self._config.net, fitted.scores)
        version = self.publisher.offer(
            course, candidate, self._live_scores(fitted, course),
            lambda: made.parts(fitted.head, course), self._report)
        if not version:
            return
        if self.live.version is version:
            self._goes_live(version, made, fitted, course)
        else:
            self._listener.waits(version)
        self.publisher.attach(version, self._curves)

    def _live_scores(self, fitted: Fitted, course: Course) -> Scores | None:
        """The live version's on the same samples."""
        assert self._frozen
        live = self.live.scores(fitted.held_out, course, self._frozen)
        self._report.note(best_accuracy=live.headline if live else None)
        return live

    def _goes_live(self, version: Version, made: Frozen, fitted: Fitted, course: Course) -> None:
        made.settle(fitted.head, course.labels, version)
        self._listener.promoted(version)
        if made is not self._frozen:
            self._freeze(made)
            self._head_due = self._taken != course.data.revision  # images have come meanwhile

    def _report_step(self, step: Step, total: int, rate: float) -> None:
        if (step.images // self._config.batch_size % self._config.print_freq == 0
                and time.monotonic() - self._logged_s > 1):
            self._logged_s = time.monotonic()
            _log.info('epoch %d: %d of %d images, loss %.3f', self._tuning.epoch + 1, step.images,
                      total, step.loss)
        self._report.tell(Phase.FINETUNE, epoch=self._tuning.epoch + 1, epoch_images=step.images,
                   images=total, loss=step.loss, train_accuracy=step.accuracy,
                   images_per_s=rate, eta_s=(total - step.images) / rate if rate else None)
