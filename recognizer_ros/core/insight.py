"""What is known of how well the robot knows its classes, as values."""

from dataclasses import dataclass
from enum import IntEnum

MOST_SAMPLES = 60
"""That one piece of advice names."""


class Kind(IntEnum):
    """As the constants in ``msg/Advice``."""

    FEW_SAMPLES = 0
    FEW_BURSTS = 1
    IMBALANCE = 2
    CONFUSED_PAIR = 3
    WRONG_TAGS = 4
    NEAR_DUPLICATES = 5
    ONE_LIGHT = 6


@dataclass(frozen=True)
class Advice:
    """One thing to record or to mend next.

    :param weight: how much it would help, 0 to 1. :param labels: classes it is about.
    :param text: what to do; ``evidence``: what was seen; ``method``: how that was found, with its
        source; one sentence each.
    :param samples: images to look at, the most telling first; at most ``MOST_SAMPLES``.
    :param suggestions: for WRONG_TAGS, the tag that fits each of ``samples`` better.
    """

    kind: Kind
    weight: float
    labels: tuple[str, ...]
    text: str
    evidence: str
    method: str
    samples: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Advised:
    """Advice, the most useful first, and what it was computed from. :param model_version: 0: no
    model was there."""

    advice: tuple[Advice, ...]
    dataset_revision: int
    model_version: int
