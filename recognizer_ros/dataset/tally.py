"""Counts of a data set, kept by burst: one more sample costs the same however many there are."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..core import split
from ..core.split import Split


@dataclass
class BurstTally:
    """Usable samples of one burst: how many, of which classes, and how many with several tags."""

    split: Split
    samples: int = 0
    multi: int = 0
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, tags: Sequence[str]) -> None:
        """Count one sample."""
        self.samples += 1
        self.multi += len(tags) > 1
        self.counts.update(tags)


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
    """Counts of all bursts."""

    def __init__(self) -> None:
        self.bursts: dict[int, BurstTally] = {}
        self.quarantined = 0

    def split_for(self, tags: Sequence[str]) -> Split:
        """Return the split of a new burst with these tags."""
        return split.assign((split.Burst(burst.split, burst.counts)
                             for burst in self.bursts.values()), tags)

    def stats(self, revision: int) -> Stats:
        """Return the counts at this moment."""
        filled = [burst for burst in self.bursts.values() if burst.samples]
        totals: Counter[str] = Counter()
        in_bursts: Counter[str] = Counter()
        for burst in filled:
            totals.update(burst.counts)
            in_bursts.update(burst.counts.keys())
        classes = tuple(sorted(totals))
        return Stats(
            revision=revision,
            samples=sum(burst.samples for burst in filled),
            validation_samples=self._validation_samples(),
            bursts=len(filled),
            quarantined=self.quarantined,
            classes=classes,
            class_samples=tuple(totals[name] for name in classes),
            class_bursts=tuple(in_bursts[name] for name in classes),
            multi_label=any(burst.multi for burst in filled),
        )

    def _validation_samples(self) -> int:
        of_class: dict[str, list[int]] = {}
        for key, burst in self.bursts.items():
            for name in burst.counts:
                of_class.setdefault(name, []).append(key)
        lone = {keys[0] for keys in of_class.values() if len(keys) == 1}
        return sum(
            split.share(burst.samples).count(Split.VALIDATION) if key in lone
            else burst.samples * (burst.split == Split.VALIDATION)
            for key, burst in self.bursts.items())


def fill(tally: Tally, db: sqlite3.Connection) -> None:
    """Count all bursts of an index."""
    for burst, chosen in db.execute('SELECT id, split FROM bursts'):
        tally.bursts[burst] = BurstTally(Split(chosen))
    _count(tally, db, '1', ())


def recount(tally: Tally, db: sqlite3.Connection, sha256: str) -> None:
    """Count the burst of one sample anew."""
    _count(tally, db, 'burst = (SELECT burst FROM samples WHERE sha256 = ?)', (sha256,))


def _count(tally: Tally, db: sqlite3.Connection, where: str, values: tuple[str, ...]) -> None:
    rows = db.execute(
        'SELECT burst, group_concat(name, char(10)) FROM samples '
        'LEFT JOIN tags ON tags.sample = samples.id LEFT JOIN labels ON labels.id = label '
        f'WHERE {where} AND quarantined IS NULL AND deleted_ns IS NULL GROUP BY samples.id',
        values)
    fresh: dict[int, BurstTally] = {}
    for burst, tags in rows:
        chosen = tally.bursts[burst].split
        fresh.setdefault(burst, BurstTally(chosen)).add(tags.split('\n') if tags else [])
    tally.bursts.update(fresh)
    tally.quarantined = db.execute(
        'SELECT count(*) FROM samples WHERE quarantined IS NOT NULL').fetchone()[0]
