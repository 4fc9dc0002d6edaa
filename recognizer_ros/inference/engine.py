"""Answers the newest frame with the newest model, while the next model is loaded beside it."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ..core.bundle import Bundle
from ..core.config import ClassifierConfig
from ..core.errors import ModelError
from ..core.latest import Latest
from ..core.predictions import Prediction, select
from ..core.smoothing import Smoother
from ..core.timing import Rate, Recent
from .model import Model, load
from .onnx_runtime import OnnxRuntimeBackend
from .preprocess import Pixels

TagT = TypeVar('TagT')
TagT_contra = TypeVar('TagT_contra', contravariant=True)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Frame(Generic[TagT]):
    """An image, shape (h, w, 3), channels in ``order``; ``tag`` comes back with the answer."""

    image: Pixels
    order: str
    tag: TagT


@dataclass(frozen=True)
class Offer:
    """A model version to use. :param backbone: file of the network. :param head: file of its last
    layer."""

    bundle: Bundle
    backbone: Path
    head: bytes


class Listener(Protocol[TagT_contra]):
    """Who wants the answers; called in the engine's threads."""

    def answered(self, tag: TagT_contra, results: tuple[Prediction, ...], model: Model) -> None:
        """A frame was classified by ``model``."""

    def swapped(self, model: Model) -> None:
        """The next answers come from ``model``; called before the first of them."""


class Engine(Generic[TagT]):
    """Two threads: one classifies, one loads models.

    :param config: asked anew for each frame, so that settings can change.
    :ivar refusal: why the last model offered was not taken; empty when it was.
    """

    def __init__(self, config: Callable[[], ClassifierConfig], listener: Listener[TagT]) -> None:
        self._config, self._listener = config, listener
        self._frames: Latest[Frame[TagT]] = Latest()
        self._offers: Latest[Offer] = Latest()
        self._model: Model | None = None
        self._announced: Model | None = None
        self._smoother = Smoother()
        self.refusal = ''
        self.rate, self.infer_ms = Rate(), Recent()
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

    def _load(self) -> None:
        while not self._offers.closed:
            offer = self._offers.take()
            if not offer or (self._model and _same(offer.bundle, self._model.bundle)):
                continue
            began = time.monotonic()
            try:
                model = load(offer.backbone, offer.head, offer.bundle,
                             lambda path: OnnxRuntimeBackend(path, self._config().threads),
                             self._model)
                self.refusal = ''  # before the model can fail, and refuse itself
                self._model = model
            except ModelError as error:
                self.refusal = str(error)
                _log.error('%s; the model in use stays', error)
                continue
            _log.info('model version %d in use after %.2f s', offer.bundle.version,
                      time.monotonic() - began)

    def _classify(self) -> None:
        while not self._frames.closed:
            frame = self._frames.take()
            model, config = self._model, self._config()  # one reference each: never half swapped
            if not frame or not model or not config.enabled:
                continue
            if model is not self._announced:
                self._announced = model
                self._listener.swapped(model)
            began = time.monotonic()
            try:
                scores = model.scores(frame.image, frame.order)
            except ModelError as error:
                self.refusal = str(error)
                _log.error('%s', error)
                if self._model is model:  # else the next one is here already
                    self._model = None
                continue
            scores = self._smoother(scores, model.bundle.labels, config.smoothing)
            results = select(scores, model.bundle.labels, config.threshold, config.top_k)
            now = time.monotonic()
            self.infer_ms.add((now - began) * 1e3)
            self.rate.tick(now)
            self._listener.answered(frame.tag, results, model)


def _same(one: Bundle, other: Bundle) -> bool:
    return ((one.version, one.created_ns, one.sha256)
            == (other.version, other.created_ns, other.sha256))
