"""Frames that a model was not sure of: those that teach it most, once a person has named them.

Least confidence: of all images, have those labelled of whose best label the model is least sure
(Settles, "Active Learning Literature Survey", 2009, 3.1).
"""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from ..core.bundle import BACKBONE
from ..core.labels import LabelMode
from ..core.predictions import Floats, Prediction, select
from .engine import Answer
from .preprocess import Pixels

SURE = 0.65
"""Score from which on a model is sure: the second label is at least 0.3 behind the best. Of a
head fitted on 210 photographs of rubbish in 6 classes, this finds 82 % of the mistakes on others,
and 9 of 10 answers that it leaves out are right."""
ALIKE = 0.9
"""Cosine of features from which on two frames show the same: with resnet18 that of a photograph
with itself moved by 3 % and turned by 2 degrees is 0.94, that of two of one class below 0.87."""
MOST_BYTES = 64 * 2**20
GAP_S = 5.0
_SHOWN = 3
_REMEMBERED = 100
TagT = TypeVar('TagT')


@dataclass(frozen=True)
class Kept(Generic[TagT]):
    """A frame.

    :param id: no other frame has it, also after a start of the program.
    :param results: best first, of this frame alone, at most three.
    :param image: shape (h, w, 3), in the ``order`` bgr or rgb; not compressed, as that would delay
        an answer on two cores.
    :param unknown: it shows none of the labels. :param version: of the model that was not sure.
    """

    id: int
    tag: TagT
    results: tuple[Prediction, ...]
    unknown: bool
    version: int
    image: Pixels
    order: str


@dataclass(frozen=True)
class _Entry(Generic[TagT]):
    """:param direction: features of length one; :param backbone: what they came from."""

    kept: Kept[TagT]
    direction: Floats
    backbone: str


class UncertainFrames(Generic[TagT]):
    """The newest of them; safe between threads.

    :param start_s: time, seconds since 1970: ids count up from here, more slowly than time does.
    """

    def __init__(self, start_s: float) -> None:
        self._last_id = int(start_s)
        self._entries: deque[_Entry[TagT]] = deque()
        # What a person has dealt with must not come again, as long as nothing was learned.
        self._forgotten: deque[tuple[int, Floats]] = deque(maxlen=_REMEMBERED)
        self._lock = threading.Lock()
        self._limit, self._next_s = 0, 0.0

    def limit(self, count: int) -> None:
        """Keep so many at most; 0: none."""
        with self._lock:
            self._limit = count
            self._shrink()

    def see(self, answer: Answer[TagT], unknown: float, now_s: float) -> None:
        """Look at an answered frame; cheap. :param unknown: the setting."""
        if not self._limit or now_s < self._next_s:
            return
        opinion = answer.opinion
        if opinion.is_unknown(unknown) or confidence(
                opinion.scores, answer.model.bundle.label_mode) < SURE:
            self._next_s = now_s + GAP_S
            self._take(answer, opinion.is_unknown(unknown))

    def frames(self) -> tuple[Kept[TagT], ...]:
        """All of them, newest first."""
        with self._lock:
            return tuple(entry.kept for entry in reversed(self._entries))

    def forget(self, ids: set[int]) -> None:
        """They were tagged, or are of no use; those that are gone already do not matter."""
        with self._lock:
            entries, self._entries = self._entries, deque()
            for entry in entries:
                if entry.kept.id in ids:
                    self._forgotten.append((entry.kept.version, entry.direction))
                else:
                    self._entries.append(entry)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._entries.clear()
            self._forgotten.clear()

    def _take(self, answer: Answer[TagT], unknown: bool) -> None:
        bundle = answer.model.bundle
        direction = answer.features[0] / max(float(np.linalg.norm(answer.features)), 1e-12)
        backbone = bundle.sha256[BACKBONE]
        with self._lock:
            if any(other @ direction > ALIKE for other in (
                    *(one.direction for one in self._entries if one.backbone == backbone),
                    *(one for version, one in self._forgotten if version == bundle.version))):
                return
            self._last_id += 1
            self._entries.append(_Entry(Kept(
                self._last_id, answer.tag,
                select(answer.opinion.scores, bundle.labels, 0, _SHOWN), unknown,
                bundle.version, answer.image, answer.order), direction, backbone))
            self._shrink()

    def _shrink(self) -> None:
        while len(self._entries) > self._limit or sum(
                entry.kept.image.nbytes for entry in self._entries) > MOST_BYTES:
            self._entries.popleft()


def confidence(scores: Floats, mode: LabelMode) -> float:
    """How sure a model is, 0 to 1: of the best label; where several may be true, of whether the
    label is there of which that is least clear.
    """
    return float(scores.max() if mode == 'single' else np.maximum(scores, 1 - scores).min())
