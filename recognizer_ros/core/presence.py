"""Which labels are there: scores of frames become words that a robot can act on.

A value machine without a clock: stamps are arguments, nanoseconds on the clock that stamps images.
The rules are in ``docs/events.md``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from .config import ClassifierConfig
from .labels import LabelMode

MAX_GAP_NS = 60 * 10**9
"""Longest time between two frames of which anything is said."""


@dataclass(frozen=True)
class Rules:
    """What counts. :param labels: those of interest; empty: all."""

    min_frames: int
    min_score: float
    labels: frozenset[str] = frozenset()

    def concern(self, label: str) -> bool:
        """Whether a label is of interest."""
        return not self.labels or label in self.labels


@dataclass(frozen=True)
class Change:
    """A label has come or gone.

    :param score: in the frame that decided it; 0 when its model does not know the label.
    :param duration_ns: of a label that left: from the first frame of its stay to the last one that
        showed it.
    """

    event: Literal['entered', 'left']
    label: str
    score: float
    duration_ns: int = 0


class Presence:
    """What is there. A label that entered leaves once before it enters again."""

    def __init__(self) -> None:
        self._stays: dict[str, _Stay] = {}
        self._stamp_ns = self._watched_ns = 0

    def see(self, stamp_ns: int, scores: Mapping[str, float], mode: LabelMode, rules: Rules,
            unknown: bool = False) -> tuple[Change, ...]:
        """Take in an answered frame; return what it decides, those that leave first.

        :param scores: of all labels that the model knows. :param unknown: the answer was that it
            is none of them.
        """
        self._watch(stamp_ns)
        shown = set() if unknown else _shown(scores, mode, rules)
        changes = []
        for label in sorted(shown | self._stays.keys()):
            stay = self._stays.setdefault(label, _Stay(self._watched_ns, self._watched_ns))
            may_return = label in scores and rules.concern(label)
            if stay.step(label in shown, self._watched_ns, rules.min_frames if may_return else 1):
                changes.append(stay.change(label, scores.get(label, 0.0)))
            if not (stay.entered or stay.run):
                del self._stays[label]
        return tuple(sorted(changes, key=lambda change: change.event, reverse=True))

    def _watch(self, stamp_ns: int) -> None:
        """Let time pass; begin to count anew after a gap, or when a clock was set."""
        step_ns, self._stamp_ns = stamp_ns - self._stamp_ns, stamp_ns
        if 0 <= step_ns <= MAX_GAP_NS:
            self._watched_ns += step_ns
            return
        self._stays = {label: stay for label, stay in self._stays.items() if stay.entered}
        for stay in self._stays.values():
            stay.run = 0


@dataclass
class _Stay:
    """A label that is there, or may be. Times are of watching.

    :param run: frames in a row that speak for coming, or for going once it has entered.
    """

    first_ns: int
    last_ns: int
    entered: bool = False
    run: int = 0

    def step(self, shown: bool, now_ns: int, min_frames: int) -> bool:
        """Whether a frame decides that it has come, or gone."""
        if shown:
            self.last_ns = now_ns
        self.run = self.run + 1 if shown != self.entered else 0
        if self.run < min_frames:
            return False
        self.entered, self.run = not self.entered, 0
        return True

    def change(self, label: str, score: float) -> Change:
        return (Change('entered', label, score) if self.entered else
                Change('left', label, score, self.last_ns - self.first_ns))


def rules_of(config: ClassifierConfig) -> Rules:
    """The rules that the classifier's parameters give."""
    names = (' '.join(part.lower().split()) for part in re.split('[,;]', config.events_labels))
    return Rules(config.events_min_frames, config.events_min_score, frozenset(names) - {''})


def _shown(scores: Mapping[str, float], mode: LabelMode, rules: Rules) -> set[str]:
    answered = scores if mode == 'multi' else (max(scores, key=scores.__getitem__),)
    return {label for label in answered
            if scores[label] >= rules.min_score and rules.concern(label)}
