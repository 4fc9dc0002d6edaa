"""Which samples are held out from training.

Frames of one burst are near-duplicates, so bursts are held out whole: the score then tells what
the model does on scenes it has not seen. Only a class that has a single burst must share it, by
time and with a gap between the parts; its scores carry a warning.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

HELD_OUT = 0.2
GAP = 0.05
_LEAST = 4


class Split(IntEnum):
    """As the constants SPLIT_ in ``msg/Sample``."""

    TRAIN = 0
    VALIDATION = 1
    GAP = 2


@dataclass(frozen=True)
class Burst:
    """A burst that holds samples.

    :param split: train or validation. :param pinned: a person chose it.
    """

    split: Split
    pinned: bool
    classes: frozenset[str]


def assign(train: Counter[str], held_out: Counter[str], tags: Iterable[str]) -> Split:
    """Return the split of a new burst, given how many samples of each class are where.

    It is held out when all its classes have training samples already and less than a fifth of
    the samples of one of them is held out. So the first burst of a class is for training, the
    second is held out.
    """
    known = list(tags)
    if any(not train[tag] for tag in known):
        return Split.TRAIN
    short = any(held_out[tag] < HELD_OUT * (train[tag] + held_out[tag]) for tag in known)
    return Split.VALIDATION if short else Split.TRAIN


def rebalance(bursts: Mapping[int, Burst]) -> dict[int, Split]:
    """Return the bursts to move after an edit, so that each class with two bursts or more has
    some on both sides again; all others stay where they are.

    A class gets its first burst for training or its last one to hold out, if no other class
    loses by that. A class with one burst gets it for training. What a person has pinned stays.

    :param bursts: by id, from 1.
    """
    now = {key: burst.split for key, burst in bursts.items()}
    of_class: dict[str, list[int]] = defaultdict(list)
    for key in sorted(bursts):
        for name in bursts[key].classes:
            of_class[name].append(key)
    while key := _next_move(bursts, now, of_class):  # ends: each fills a side and empties none
        now[key] = _other(now[key])
    return {key: split for key, split in now.items() if split != bursts[key].split}


def _next_move(bursts: Mapping[int, Burst], now: Mapping[int, Split],
               of_class: Mapping[str, list[int]]) -> int:
    """Return a burst that should change sides; 0: none."""
    # Training first: a class that nobody learns is worse than one that nobody tests.
    for wanted, least in ((Split.TRAIN, 1), (Split.VALIDATION, 2)):
        for name in sorted(of_class):
            keys = of_class[name]
            if len(keys) < least or any(now[key] == wanted for key in keys):
                continue
            for key in keys if wanted == Split.TRAIN else reversed(keys):
                if not bursts[key].pinned and not _robs(bursts[key], key, now, of_class):
                    return key
    return 0


def _other(split: Split) -> Split:
    return Split.TRAIN if split == Split.VALIDATION else Split.VALIDATION


def _robs(burst: Burst, moved: int, now: Mapping[int, Split],
          of_class: Mapping[str, list[int]]) -> bool:
    """Moving this burst would take the last one of its side from one of its classes."""
    return any(sum(now[key] == now[moved] for key in of_class[name]) == 1
               and (now[moved] == Split.TRAIN or len(of_class[name]) > 1)
               for name in burst.classes)


def share(count: int) -> tuple[int, int] | None:
    """Share a burst of ``count`` samples, in the order of their stamps.

    :return: index of the first sample of the gap and of the first one held out; ``None``: too
        few to share. They move on only when the burst has grown by a tenth.
    """
    if count < _LEAST:
        return None
    step = _LEAST
    while (following := step + max(1, step // 10)) <= count:
        step = following
    held_out = step - max(1, round(step * HELD_OUT))
    return held_out - max(1, round(step * GAP)), held_out
