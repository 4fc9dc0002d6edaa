"""Turns a data set into model versions: first a head on frozen features, then the whole net.

No thread and no clock of its own: :mod:`recognizer_ros.training.worker` runs it in the background,
``recognizer train`` in the foreground.
"""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import torch

from ..core.config import TrainerConfig
from ..core.preprocessing import Preprocessing
from ..core.scores import Scores
from ..core.split import Split
from ..dataset.reader import Sample
from ..registry.store import Registry, Version
from . import device as devices
from . import nets
from .agenda import Agenda
from .arrivals import Arrivals
from .batches import Batches
from .course import Candidate, Course
from .curves import CURVES, Curves, Row
from .epoch_report import EpochReport
from .finetune import Step
from .frozen import VIEW, Fitted, Frozen
from .lanes import HERE, Lanes, Wishes
from .live import Live
from .meanwhile import Meanwhile
from .nets import Net
from .pixels import PixelCache
from .progress import Listener, Phase, Progress, Report
from .publish import Publisher
from .tuning import Tuning
from .weights import load_initial

_QUICK_BYTES = 64 << 20


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
        self._agenda = Agenda(self.live, self._tuning, self._curves, self._report)
        self._epoch_report = EpochReport(config, self._report)
        self._arrivals = Arrivals(Path(config.data), self._quick, lanes.beside)
        self._meanwhile = Meanwhile(self._agenda, self._arrivals, self._take_data,
                                    self._head_stage)

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
        self._agenda.begin()
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
        elif newest() != self._agenda.taken:
            self._take_data(newest())
        if self._agenda.course and self._agenda.head_due and Phase.HEAD in stages:
            self._head_stage(stop)
            return True
        if self._meanwhile.embed(wishes):
            return True
        return self._agenda.course is not None and self._improve(wishes, stages)

    def _improve(self, wishes: Wishes, stages: tuple[Phase, ...]) -> bool:
        """Do what nobody waits for; return whether there is more to do."""
        if self._agenda.chosen:
            self._report.tell(Phase.DONE, message=f'version {self.live.number} was activated by '
                                                  'hand and stays until there is new data')
            return False
        if self._agenda.head_due and Phase.HEAD in stages:
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
        self._report.note(live_version=self.live.number, best_accuracy=self.live.headline)
        if self.live.load_into(self._net):
            self._net.to(self._device)
            labels = base.bundle.labels if base else ()
            self._freeze(self._frozen.successor(self._net, labels, base).settle_in())
        self._recall(base)
        self._tuning.restart(self._config)
        news, self._agenda.course = revision != self._agenda.taken, None
        if revision:
            self._take_data(revision)
        if not news:
            self._agenda.stay()

    def _recall(self, base: Version | None) -> None:
        """Go on with the curves of a version."""
        self._curves.read(base.attached(CURVES) if base else b'')

    def _freeze(self, fresh: Frozen) -> None:
        assert self._frozen
        self._frozen.close()
        self._frozen = fresh
        self._arrivals.follow(fresh)

    def _take_data(self, revision: int) -> None:
        self._agenda.take(revision, self._config)
        self._batches.unusable.clear()  # what is still among the data may have been repaired

    def _vary(self, wishes: Wishes) -> bool:
        """Compute features of random views, for a better head; return whether any were missing."""
        assert self._frozen
        assert self._agenda.course
        missing = self._frozen.embeddings.missing(
            self._batches.usable(self._agenda.course.data.part(Split.TRAIN)), VIEW)
        if missing:
            self._meanwhile.wait(self._compute(self._frozen, missing, wishes, VIEW), wishes)
            self._agenda.head_due = True
        return bool(missing)

    def _embedded_part(self, frozen: Frozen, part: Split, wishes: Wishes) -> bool:
        """Compute the features that are missing; return whether what is learned has stayed."""
        course = self._agenda.course
        assert course
        missing = frozen.embeddings.missing(self._batches.usable(course.data.part(part)))
        self._meanwhile.wait(self._compute(frozen, missing, wishes), wishes)
        return not self._is_disturbed(course, wishes)

    def _is_disturbed(self, course: Course, wishes: Wishes) -> bool:
        """Whether work for a course has become useless, or must be left."""
        return wishes.stop() or self.live.has_moved() or not course.is_alike(self._agenda.course)

    def _compute(self, frozen: Frozen, samples: list[Sample], wishes: Wishes, view: int = 0
                 ) -> 'Future[None]':
        def leave() -> bool:
            return wishes.stop() or self.live.has_moved()

        return self._lanes.behind(
            lambda: frozen.embeddings.compute(self._batches, samples, leave, view))

    def _head_stage(self, stop: Callable[[], bool]) -> None:
        """Fit a head, and publish it if it is good enough."""
        course, frozen = self._agenda.course, self._frozen
        assert course
        assert frozen
        self._report.tell(Phase.HEAD, message='fitting a head on frozen features')
        with self._lanes.in_front():
            fitted = frozen.fit(course, self._quick, stop)
            if not fitted:
                self._agenda.head_due = stop()
                return
            self._agenda.refit_due = not fitted.complete
            self._curves.add('head', course.data.revision, fitted.scores)
            self._offer('head', course, frozen, fitted)
        self._agenda.head_due = False

    def _epoch_stage(self, wishes: Wishes) -> None:
        """Train one epoch; it counts, and is scored, only when it was whole."""
        course, frozen = self._agenda.course, self._frozen
        assert course
        assert frozen
        tuner = self._tuning.tuner(course, frozen)
        train = self._batches.usable(course.data.part(Split.TRAIN))
        steps, last = tuner.epoch(train), None
        self._epoch_report.begin(self._tuning.epoch + 1, len(train))
        while step := self._meanwhile.wait(self._lanes.behind(lambda: next(steps, None)), wishes):
            self._epoch_report.tell(step)
            self._meanwhile.let_record(wishes)
            if self._is_disturbed(course, wishes):
                return
            last = step
        if last:
            self._judge_epoch(tuner.averaged, last, wishes)

    def _judge_epoch(self, net: Net, last: Step, wishes: Wishes) -> None:
        """Score the network of a whole epoch, and publish it if it is better."""
        course, frozen = self._agenda.course, self._frozen
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
            self._meanwhile.wait(self._lanes.behind(fresh.settle_in), wishes)
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
            self._agenda.head_due = self._agenda.taken != course.data.revision  # images came
