"""Which samples are held out from training.

Frames of one burst are near-duplicates, so bursts are held out whole: the score then tells what
the model does on scenes it has not seen. Only a class that lies in a single burst, or nearly so,
shares it, by time and with a gap between the parts; its scores carry a warning.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum

HELD_OUT = 0.2
GAP = 0.05
NEARLY_ALL = 0.9
_LEAST = 4
FEW_BURSTS = 4


class Split(IntEnum):
    """As the constants SPLIT_ in ``msg/Sample``."""

    TRAIN = 0
    VALIDATION = 1
    GAP = 2


@dataclass(frozen=True)
class Burst:
    """A burst that holds samples.

    :param split: train or validation. :param pinned: a person chose it.
    :param counts: samples of each class that it holds, from 1.
    """

    split: Split
    pinned: bool
    counts: Mapping[str, int]


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


def dominant(counts: Mapping[int, int]) -> int | None:
    """Return the burst that holds nearly all samples of a class; it is shared if nobody pinned it.

    A few samples that a person has put right in other bursts can stand for no side. Among many
    bursts none is looked for, so that the cost stays the same.

    :param counts: samples of the class by burst.
    """
    if not 0 < len(counts) <= FEW_BURSTS:
        return None
    most = max(counts, key=lambda burst: counts[burst])
    return most if counts[most] >= NEARLY_ALL * sum(counts.values()) else None


def rebalance(bursts: Mapping[int, Burst]) -> dict[int, Split]:
    """Return the bursts to move after an edit, so that each class with two bursts or more has
    some on both sides again; all others stay where they are.

    A class gets its largest burst for training or its smallest one to hold out, if no other class
    loses by that, and each keeps half of its samples to train on. A class that shares its burst
    gets it for training. What a person has pinned stays.

    :param bursts: by id, from 1.
    """
    sides = _Sides(bursts)
    while key := sides.next_move():  # ends: each fills a side and empties none
        sides.move(key)
    return {key: split for key, split in sides.now.items() if split != bursts[key].split}


class _Sides:
    """Where bursts are while they are moved. :ivar now: split of each burst."""

    def __init__(self, bursts: Mapping[int, Burst]) -> None:
        self.now = {key: burst.split for key, burst in bursts.items()}
        self._bursts = bursts
        self._of_class: dict[str, dict[int, int]] = defaultdict(dict)
        self._filled: dict[Split, Counter[str]] = defaultdict(Counter)  # bursts
        self._samples: dict[Split, Counter[str]] = defaultdict(Counter)
        for key in sorted(bursts):
            self._count(key, 1)
            for name, count in bursts[key].counts.items():
                self._of_class[name][key] = count
        self._one_sided = {name for name, counts in self._of_class.items()
                           if len(counts) == 1 or self._shares(counts)}

    def move(self, key: int) -> None:
        """Let a burst change sides."""
        self._count(key, -1)
        self.now[key] = _other(self.now[key])
        self._count(key, 1)

    def next_move(self) -> int:
        """Return a burst that should change sides; 0: none."""
        # Training first: a class that nobody learns is worse than one that nobody tests.
        for wanted in (Split.TRAIN, Split.VALIDATION):
            for name in sorted(self._of_class):
                if self._filled[wanted][name] or (wanted == Split.VALIDATION
                                                  and name in self._one_sided):
                    continue
                for key in self._in_turn(self._of_class[name], wanted):
                    if not self._bursts[key].pinned and not self._robs(key):
                        return key
        return 0

    def _count(self, key: int, sign: int) -> None:
        filled, samples = self._filled[self.now[key]], self._samples[self.now[key]]
        for name, count in self._bursts[key].counts.items():
            filled[name] += sign
            samples[name] += sign * count

    def _shares(self, counts: Mapping[int, int]) -> bool:
        key = dominant(counts)
        return key is not None and not self._bursts[key].pinned

    def _in_turn(self, counts: Mapping[int, int], wanted: Split) -> list[int]:
        """Largest and oldest first for training, smallest and newest first to hold out."""
        return sorted(counts, key=lambda key: (counts[key], -key), reverse=wanted == Split.TRAIN)

    def _robs(self, key: int) -> bool:
        """A class would miss this burst on its side."""
        counts = self._bursts[key].counts
        if self.now[key] == Split.VALIDATION:
            return any(self._filled[Split.VALIDATION][name] == 1 and name not in self._one_sided
                       for name in counts)
        return any(self._samples[Split.TRAIN][name] - count
                   < self._samples[Split.VALIDATION][name] + count
                   for name, count in counts.items())


def _other(split: Split) -> Split:
    return Split.TRAIN if split == Split.VALIDATION else Split.VALIDATION


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
