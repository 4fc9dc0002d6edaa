"""What a learner tells while it works; as ``msg/TrainingStatus``."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from ..registry.store import Version


class Phase(Enum):
    """As the constants STATE_ of the message."""

    OFF = 0
    WAITING = 1
    HEAD = 2
    FINETUNE = 3
    EXPORT = 4
    FAILED = 5
    DONE = 6


@dataclass(frozen=True)
class Progress:
    """State of training. Units and meaning as in the message; ``None``: not known."""

    phase: Phase = Phase.OFF
    message: str = ''
    net: str = ''
    label_mode: str = ''
    epoch: int = 0
    epochs: int = 0
    epoch_images: int = 0
    images: int = 0
    loss: float | None = None
    train_accuracy: float | None = None
    images_per_s: float = 0.0
    eta_s: float | None = None
    dataset_revision: int = 0
    classes: tuple[str, ...] = ()
    class_samples: tuple[int, ...] = ()
    best_accuracy: float | None = None
    live_version: int = 0


class Listener(Protocol):
    """Who wants to know; called in the learner's thread, often, so it must be quick."""

    def progress(self, progress: Progress) -> None:
        """Something changed."""

    def promoted(self, version: Version) -> None:
        """A version has gone live."""

    def waits(self, version: Version) -> None:
        """A version could go live, and waits for a person to activate it."""

    def unusable(self, found: Mapping[str, str]) -> None:
        """Samples are left out, by SHA-256: why. May be called while another thread works for
        the learner's; told again when data come and they are as before."""


class Report:
    """What is known of the state of training; tells the listener.

    :ivar now: the last word.
    """

    def __init__(self, listener: Listener, now: Progress) -> None:
        self._listener, self.now = listener, now

    def note(self, **changes: object) -> None:
        """Something changed that need not be told at once."""
        self.now = replace(self.now, **changes)  # type: ignore[arg-type]

    def tell(self, phase: Phase, **changes: object) -> None:
        """Say what is done now."""
        self.note(phase=phase, **changes)
        self._listener.progress(self.now)
