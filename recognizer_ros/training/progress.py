"""What a learner tells while it works; as ``msg/TrainingStatus``."""

from dataclasses import dataclass
from enum import Enum


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
