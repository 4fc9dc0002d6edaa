"""Counts of a data set, kept by burst: one more sample costs the same however many there are."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..core import split
from ..core.split import Split
from . import schema

_CHUNK = 500


@dataclass
class BurstTally:
    """Usable samples of one burst: how many, of which classes, and how many with several tags."""

    split: Split
    pinned: bool = False
    samples: int = 0
    multi: int = 0
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Stats:
    """Counts of what is stored; ``classes`` sorted, the arrays beside it in the same order."""

    revision: int
    samples: int
    validation_samples: int
    bursts: int
    quarantined: int
    classes: tuple[str, ...]
    class_samples: tuple[int, ...]
    class_bursts: tuple[int, ...]
    multi_label: bool


class Tally:
    """Counts of all bursts, and their sums. :ivar quarantined: samples set aside."""

    def __init__(self) -> None:
        self.quarantined = 0
        self._bursts: dict[int, BurstTally] = {}
        self._totals: Counter[str] = Counter()
        self._in: Counter[Split] = Counter()
        self._of: dict[Split, Counter[str]] = {Split.TRAIN: Counter(), Split.VALIDATION: Counter()}
        self._bursts_of: defaultdict[str, set[int]] = defaultdict(set)
        self._filled = self._multi = 0

    def __getitem__(self, burst: int) -> BurstTally:
        return self._bursts.get(burst) or BurstTally(Split.TRAIN)

    def put(self, burst: int, fresh: BurstTally) -> None:
        """Replace the counts of a burst."""
        old = self._bursts.get(burst)
        if old:
            self._sum(burst, old, -1)
        self._bursts[burst] = fresh
        self._sum(burst, fresh, 1)

    def add(self, burst: int, tags: Sequence[str]) -> None:
        """Count one more sample."""
        one = BurstTally(self._bursts[burst].split, False, 1, len(tags) > 1, Counter(tags))
        known = self._bursts[burst]
        self._filled += not known.samples
        known.samples += 1
        known.multi += one.multi
        known.counts.update(one.counts)
        self._sum(burst, one, 1, filled=False)

    def split_for(self, tags: Sequence[str]) -> Split:
        """Return the split of a new burst with these tags."""
        return split.assign(self._of[Split.TRAIN], self._of[Split.VALIDATION], tags)

    def moves(self) -> dict[int, Split]:
        """Return the bursts that should change sides after an edit."""
        return split.rebalance({
            key: split.Burst(burst.split, burst.pinned, burst.counts)
            for key, burst in self._bursts.items() if burst.samples})

    def shared(self) -> dict[int, tuple[int, int]]:
        """Return the bursts that hold a class alone, or nearly so, and are shared, with the index
        of the first sample of the gap and of the first one held out."""
        lone = {key for name in self._bursts_of if (key := self._dominant(name))}
        return {key: parts for key in lone if not self._bursts[key].pinned
                and (parts := split.share(self._bursts[key].samples))}

    def stats(self, revision: int) -> Stats:
        """Return the counts at this moment."""
        classes = tuple(sorted(name for name, count in self._totals.items() if count))
        held_out = self._in[Split.VALIDATION]
        for key, (_, first) in self.shared().items():
            burst = self._bursts[key]
            held_out += burst.samples - first - burst.samples * (burst.split == Split.VALIDATION)
        return Stats(revision, sum(self._in.values()), held_out, self._filled, self.quarantined,
                     classes, tuple(self._totals[name] for name in classes),
                     tuple(len(self._bursts_of[name]) for name in classes), self._multi > 0)

    def _dominant(self, name: str) -> int | None:
        keys = self._bursts_of[name]
        if len(keys) > split.FEW_BURSTS:  # before the counts are gathered
            return None
        return split.dominant({key: self._bursts[key].counts[name] for key in keys})

    def _sum(self, key: int, burst: BurstTally, sign: int, filled: bool = True) -> None:
        self._filled += sign * (filled and burst.samples > 0)
        self._multi += sign * burst.multi
        self._in[burst.split] += sign * burst.samples
        for name, count in burst.counts.items():
            self._totals[name] += sign * count
            self._of[burst.split][name] += sign * count
            (self._bursts_of[name].add if sign > 0 else self._bursts_of[name].discard)(key)


def count(tally: Tally, db: sqlite3.Connection, bursts: Iterable[int] | None = None) -> None:
    """Count bursts anew; ``None``: all."""
    if bursts is None:
        _count(tally, db, '', ())
    else:
        for chunk in _chunks(sorted(set(bursts))):
            _count(tally, db, f'WHERE bursts.id IN ({",".join("?" * len(chunk))})', chunk)
    tally.quarantined = db.execute(
        'SELECT count(*) FROM samples WHERE quarantined IS NOT NULL').fetchone()[0]


def _count(tally: Tally, db: sqlite3.Connection, where: str, values: Sequence[int]) -> None:
    fresh = {key: BurstTally(Split(chosen), bool(pinned)) for key, chosen, pinned in db.execute(
        f'SELECT id, split, pinned FROM bursts {where}', values)}
    of_samples = ('FROM bursts JOIN samples ON samples.burst = bursts.id '
                  f'AND {schema.USABLE} ')
    for key, number in db.execute(
            f'SELECT bursts.id, count(*) {of_samples} {where} GROUP BY bursts.id', values):
        fresh[key].samples = number
    with_tags = of_samples + 'JOIN tags ON tags.sample = samples.id '
    for key, name, number in db.execute(
            f'SELECT bursts.id, name, count(*) {with_tags} JOIN labels ON labels.id = label '
            f'{where} GROUP BY bursts.id, label', values):
        fresh[key].counts[name] = number
    for key, number in db.execute(
            'SELECT id, count(*) FROM (SELECT bursts.id AS id '
            f'{with_tags} {where} GROUP BY samples.id HAVING count(*) > 1) GROUP BY id', values):
        fresh[key].multi = number
    for key, burst in fresh.items():
        tally.put(key, burst)


def _chunks(values: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start:start + _CHUNK]
