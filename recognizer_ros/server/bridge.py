"""What the page needs of the robot: the one seam between Flask and ROS.

``nodes/web.py`` implements it over DDS; tests use a fake.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from ..core.insight import Advised
from ..core.negotiation import Reply, Request
from ..core.scores import Scores
from ..dataset.browse import Listed, Page, Query
from ..dataset.edits import Edit, Edited
from .state import Result, State


class Samples(Protocol):
    """What is stored. Calls are safe from any thread; each raises NodeUnavailableError when no
    recorder answers in time, and DatasetError when it cannot do what was asked."""

    def add(self, data: bytes, tags: tuple[str, ...], source: str, stamp_ns: int = 0) -> str:
        """Store an image file; return its id. :raises ImageError: not a usable image.

        :param stamp_ns: when it was captured; 0: now.
        """

    def page(self, query: Query) -> Page:
        """Run a query."""

    def find(self, sample: str) -> Listed:
        """Find one sample. :raises NotFoundError: it is unknown."""

    def image(self, sample: str, max_size: int) -> bytes:
        """Return the JPEG of a sample. :raises NotFoundError: it is unknown.

        :param max_size: longest side, pixels, 16 to 4096; 0: the file as it is stored.
        """

    def edit(self, edit: Edit, expected_revision: int) -> Edited:
        """Make one edit.

        :param expected_revision: revision looked at before; 0: do not check.
        :raises NotFoundError: a sample or class is unknown. :raises ConflictError: somebody else
            has changed one of the samples since. :raises LabelError: a tag cannot be used.
        """

    def undo(self, redo: bool, expected_revision: int) -> Edited:
        """Take back the last edit, or do it again. :raises ConflictError: there was another."""


@dataclass(frozen=True)
class ModelVersion:
    """A version in the registry, as ``msg/Model``.

    :param parent: version that it was trained from; 0: none.
    :param stage: head or finetune. :param scores: on held-out samples.
    :param reason: why it went live, or did not; one sentence.
    """

    version: int
    parent: int
    stage: str
    net: str
    labels: tuple[str, ...]
    label_mode: str
    dataset_revision: int
    created_ns: int
    scores: Scores
    reason: str
    live: bool


class Models(Protocol):
    """Model versions. Calls are safe from any thread; each raises NodeUnavailableError when no
    trainer answers in time, and ModelError when it cannot do what was asked."""

    def versions(self) -> tuple[ModelVersion, ...]:
        """Return all, newest first."""

    def activate(self, version: int) -> int:
        """Make a version the live one; 0: the one before it. Return the live version."""


@dataclass(frozen=True)
class Answered:
    """What the live model says of an image.

    :param results: every label, best first. :param unknown: it shows none of them.
    """

    results: tuple[Result, ...]
    unknown: bool
    model_version: int


@dataclass(frozen=True)
class UncertainFrame:
    """A frame that the live model was not sure of, as ``msg/UncertainFrame``.

    :param stamp_ns: when it was captured. :param results: best first, at most three.
    """

    id: int
    stamp_ns: int
    results: tuple[Result, ...]
    unknown: bool
    model_version: int


class Answers(Protocol):
    """What the live model says. Calls are safe from any thread; each raises NodeUnavailableError
    when no classifier answers in time."""

    def classify(self, data: bytes) -> Answered:
        """Ask it about an image file. :raises ImageError: not a usable image.
        :raises ModelError: there is no model."""

    def uncertain(self) -> tuple[UncertainFrame, ...]:
        """Return the frames that it was not sure of, newest first."""

    def uncertain_image(self, frame: int) -> tuple[UncertainFrame, bytes]:
        """Return one of them with its JPEG. :raises NotFoundError: it is gone."""

    def forget(self, frame: int) -> None:
        """Forget one of them, if it is there."""


@dataclass(frozen=True)
class ReviewPage:
    """How the live version answers held-out samples, and a page of one cell of that table.

    :param confusion: rows true, columns answered, in the order of ``labels``.
    :param ids: samples of the cell, the surest answer first, and ``scores`` of that, 0 to 1.
    :param total: how many the cell has.
    """

    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    ids: tuple[str, ...]
    scores: tuple[float, ...]
    total: int
    dataset_revision: int
    model_version: int


@dataclass(frozen=True)
class CurvePoint:
    """What came of fitting a head, or of one epoch of fine-tuning; NaN where not known.

    :param stage: head or finetune. :param epoch: of its run, from 1; 0: a head.
    :param loss: over the epoch's training images, likewise ``train_accuracy``; the rest: on
        held-out samples.
    """

    stamp_ns: int
    stage: str
    epoch: int
    dataset_revision: int
    loss: float
    train_accuracy: float
    accuracy: float
    macro_f1: float


class Insight(Protocol):
    """What the trainer knows of data and model. Calls are safe from any thread; each raises
    NodeUnavailableError when no trainer answers in time, and ModelError when it cannot say."""

    def review(self, truth: str, answer: str, offset: int, limit: int) -> ReviewPage:
        """Return the table, and of the cell ``truth``, ``answer`` a page; both empty: no cell."""

    def advise(self) -> Advised:
        """Return what to record or to mend next."""

    def curves(self) -> tuple[CurvePoint, ...]:
        """Return how training went, oldest first."""


class Bridge(Protocol):
    """Calls are safe from any thread. Those that need another node raise NodeUnavailableError
    when it does not answer in time."""

    @property
    def samples(self) -> Samples:
        """The stored samples."""

    @property
    def models(self) -> Models:
        """The model versions."""

    @property
    def insight(self) -> Insight:
        """What the trainer knows."""

    @property
    def answers(self) -> Answers:
        """What the live model says when asked."""

    def state(self) -> State:
        """Return the newest state; cheap."""

    def wait(self, seen: State | None, timeout_s: float) -> State:
        """Return the state as soon as it is not ``seen`` any more, or after the timeout."""

    def set_tags(self, tags: tuple[str, ...]) -> None:
        """Set the active tags (normalised); while recording they hold from now on."""

    def set_recording(self, on: bool, lease_s: float | None) -> None:
        """Press or release Record. ``lease_s``: how long it holds without another call;
        ``None``: as long as the node's parameter ``lease`` allows.

        :raises LabelError: no tags are set.
        """

    def set_training(self, on: bool) -> None:
        """Turn the trainer on or off."""

    def set_classification(self, on: bool) -> None:
        """Turn the classifier on or off."""

    def set_threshold(self, value: float) -> None:
        """Set the classifier's threshold. :raises ConfigError: out of range."""

    def set_smoothing(self, value: float) -> None:
        """Set the classifier's smoothing. :raises ConfigError: out of range."""

    def frames(self) -> Iterator[bytes]:
        """Yield JPEG frames as they come, newest first, never the same one twice; yield ``b''``
        when none came for a second. Close the iterator to stop; frames are encoded only while
        somebody iterates."""

    def negotiate(self, request: Request) -> Reply:
        """Pass on what a WebRTC peer asks for; a refusal is an answer too."""
