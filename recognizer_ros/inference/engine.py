"""Answers the newest frame with the newest model, while the next model is loaded beside it."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ..core import memory
from ..core.bundle import Bundle
from ..core.config import ClassifierConfig
from ..core.errors import ImageError, ModelError
from ..core.latest import Latest
from ..core.predictions import Floats, Prediction
from ..core.smoothing import Smoother
from ..core.timing import Rate, Stages
from .backend import Backend
from .judging import Opinion, judge
from .model import Model, load
from .preprocess import Pixels

TagT = TypeVar('TagT')
TagT_contra = TypeVar('TagT_contra', contravariant=True)
_TIDY_S = 2.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Frame(Generic[TagT]):
    """An image to come.

    :param read: gives pixels, shape (h, w, 3), and the order of their channels, bgr or rgb; called
        in the engine's thread, and only if no newer frame has come. It may raise ImageError.
    :param tag: comes back with the answer.
    """

    read: Callable[[], tuple[Pixels, str]]
    tag: TagT


@dataclass(frozen=True)
class Answer(Generic[TagT]):
    """What ``model`` says of an image.

    :param features: of the network, shape (1, F).
    :param opinion: of this image alone; the rest is smoothed.
    :param scores: one per label of the model, shape (labels,).
    :param unknown: it shows none of them, as far as the model can tell.
    :param results: those that count, best first.
    """

    tag: TagT
    image: Pixels
    order: str
    model: Model
    features: Floats
    opinion: Opinion
    scores: Floats
    unknown: bool
    results: tuple[Prediction, ...]


@dataclass(frozen=True)
class Offer:
    """A model version to use.

    :param backbone: gives the file of the network; asked in a thread of its own, with a function
        that tells whether a newer version has come meanwhile. It may raise ModelError.
    :param head: file of its last layer.
    """

    bundle: Bundle
    backbone: Callable[[Callable[[], bool]], Path]
    head: bytes


class Listener(Protocol[TagT]):
    """Who wants the answers; called in the engine's threads."""

    def answered(self, answer: Answer[TagT]) -> None:
        """A frame was classified."""

    def unreadable(self, error: ImageError) -> None:
        """A frame could not be read."""

    def swapped(self, model: Model) -> None:
        """The next answers come from ``model``; called before the first of them."""


class Engine(Generic[TagT]):
    """Two threads: one classifies, one loads models.

    :param config: asked anew for each frame, so that settings can change.
    :param backend: runs the network in a file.
    :ivar refusal: why the last model offered was not taken; empty when it was. ``last_refusal``
        stays.
    :ivar idle: frames that found no model, or the switch off.
    :ivar last: the newest answer.
    """

    def __init__(self, config: Callable[[], ClassifierConfig], listener: Listener[TagT],
                 backend: Callable[[bytes, Bundle], Backend]) -> None:
        self._config, self._listener, self._backend = config, listener, backend
        self._frames: Latest[Frame[TagT]] = Latest()
        self._offers: Latest[Offer] = Latest()
        self._model: Model | None = None
        self._announced: Model | None = None
        self._smoother = Smoother()
        self.refusal, self.last_refusal, self.idle = '', '', 0
        self.last: Answer[TagT] | None = None
        self.rate, self.stages = Rate(), Stages('convert', 'preprocess', 'infer')
        self._threads = [threading.Thread(target=self._classify, name='classify', daemon=True),
                         threading.Thread(target=self._load, name='load', daemon=True)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End both threads."""
        self._frames.close()
        self._offers.close()
        for thread in self._threads:
            thread.join()

    @property
    def model(self) -> Model | None:
        """The model that answers."""
        return self._model

    @property
    def dropped(self) -> int:
        """Frames that a newer one replaced before they were looked at."""
        return self._frames.replaced

    def offer(self, frame: Frame[TagT]) -> None:
        """Classify a frame, unless a newer one comes first."""
        self._frames.put(frame)

    def update(self, offer: Offer) -> None:
        """Load a model version in the background and swap it in; only the newest is loaded."""
        self._offers.put(offer)

    def refuse(self, error: ModelError) -> None:
        """Note that a model is not taken."""
        self.refusal = self.last_refusal = str(error)
        _log.error('%s; the model in use stays', error)

    def _load(self) -> None:
        is_tidy = True
        while not self._offers.closed:
            offer = self._offers.take(None if is_tidy else _TIDY_S)
            is_tidy = offer is None
            if not offer:  # the former model is gone by now
                memory.give_back()
            elif not (self._model and _same(offer.bundle, self._model.bundle)):
                self._take(offer)

    def _take(self, offer: Offer) -> None:
        began = time.monotonic()
        try:
            model = load(lambda: offer.backbone(self._is_late), offer.head, offer.bundle,
                         self._backend, self._model)
        except ModelError as error:
            if not self._is_late():  # else it does not matter any more
                self.refuse(error)
            return
        self.refusal = ''  # before the model can fail, and refuse itself
        self._model = model
        _log.info('model version %d in use after %.2f s', offer.bundle.version,
                  time.monotonic() - began)

    def _is_late(self) -> bool:
        return self._offers.waits or self._offers.closed

    def _classify(self) -> None:
        while not self._frames.closed:
            frame = self._frames.take()
            model, config = self._model, self._config()  # one reference each: never half swapped
            if not frame or not model or not config.enabled:
                self.idle += frame is not None
                continue
            if model is not self._announced:
                self._announced = model
                self._listener.swapped(model)
            try:
                self._listener.answered(self._answer(frame, model, config))
            except ImageError as error:
                self._listener.unreadable(error)
            except ModelError as error:
                self.refusal = self.last_refusal = str(error)
                _log.error('%s', error)
                if self._model is model:  # else the next one is here already
                    self._model = None

    def _answer(self, frame: Frame[TagT], model: Model, config: ClassifierConfig) -> Answer[TagT]:
        begun = time.monotonic()
        image, order = frame.read()
        converted = time.monotonic()
        prepared = model.backend.prepare(image, order, model.bundle.preprocessing)
        ready = time.monotonic()
        features = model.backend.infer(prepared)
        labels = model.bundle.labels
        opinion = judge(model.head, model.bundle.label_mode, features, config.unknown)
        smooth = opinion.smoothed(self._smoother, labels, config.smoothing)
        results = smooth.results(labels, config)
        done = time.monotonic()
        for stage, seconds in (('convert', converted - begun), ('preprocess', ready - converted),
                               ('infer', done - ready)):
            self.stages.add(stage, seconds)
        self.rate.tick(done)
        self.last = Answer(frame.tag, image, order, model, features, opinion, smooth.scores,
                           smooth.is_unknown(config.unknown), results)
        return self.last


def _same(one: Bundle, other: Bundle) -> bool:
    return ((one.version, one.created_ns, one.sha256)
            == (other.version, other.created_ns, other.sha256))
