"""Which samples are held out from training.

Frames of one burst are near-duplicates, so bursts are held out whole: the score then tells what
the model does on scenes it has not seen. Only a class that has a single burst must share it, by
time and with a gap between the parts; its scores carry a warning.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

HELD_OUT = 0.2
GAP = 0.05


class Split(IntEnum):
    """As the constants SPLIT_ in ``msg/Sample``."""

    TRAIN = 0
    VALIDATION = 1
    GAP = 2


@dataclass(frozen=True)
class Burst:
    """An earlier burst: its split, and how many samples of each class it holds."""

    split: Split
    counts: Counter[str]


def assign(earlier: Iterable[Burst], tags: Iterable[str]) -> Split:
    """Return the split of a new burst; it never changes afterwards.

    It is held out when all its classes have training samples already and less than a fifth of
    the samples of one of them is held out. So the first burst of a class is for training, the
    second is held out.
    """
    train: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for burst in earlier:
        (held if burst.split == Split.VALIDATION else train).update(burst.counts)
    known = list(tags)
    if any(not train[tag] for tag in known):
        return Split.TRAIN
    short = any(held[tag] < HELD_OUT * (train[tag] + held[tag]) for tag in known)
    return Split.VALIDATION if short else Split.TRAIN


def share(count: int) -> list[Split]:
    """Split ``count`` samples of one burst, in the order of their stamps: train, gap, held out."""
    held = max(1, round(count * HELD_OUT))
    gap = max(1, round(count * GAP))
    if count < 4:
        return [Split.TRAIN] * count
    train = count - held - gap
    return [Split.TRAIN] * train + [Split.GAP] * gap + [Split.VALIDATION] * held
