"""What a data set must hold, kept in memory in the simplest way, to compare the real one with."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from recognizer_ros.core.split import Split, share
from recognizer_ros.dataset import reader
from recognizer_ros.dataset.browse import Listed, Query, State, page
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.store import SampleStore


@dataclass(frozen=True)
class Entry:
    """A sample. :param order: how many were stored before it."""

    data: bytes
    tags: frozenset[str]
    deleted: bool
    burst: int
    stamp_ns: int
    order: int


Side = tuple[Split, bool]
"""Stored split of a burst, and whether it is pinned."""


@dataclass
class Step:
    """An edit that can be undone: what it made of samples and bursts."""

    samples: dict[str, tuple[Entry, Entry]]
    bursts: dict[int, tuple[Side, Side]]


@dataclass
class Ledger:
    """The model: samples by id, stored splits by burst, and edits done and undone."""

    samples: dict[str, Entry] = field(default_factory=dict)
    bursts: dict[int, Side] = field(default_factory=dict)
    done: list[Step] = field(default_factory=list)
    undone: list[Step] = field(default_factory=list)

    def edit(self, ids: Iterable[str], change: Callable[[Entry], Entry],
             bursts: dict[int, Side]) -> Step:
        """Note an edit. :param bursts: all stored splits after it."""
        changes = {name: (self.samples[name], after) for name in ids
                   if (after := change(self.samples[name])) != self.samples[name]}
        step = Step(changes, {burst: (self.bursts[burst], side) for burst, side in bursts.items()
                              if self.bursts[burst] != side})
        if step.samples or step.bursts:
            self._apply(step, 1)
            self.done.append(step)
            self.undone.clear()
        return step

    def undo(self) -> Step:
        self.undone.append(self.done.pop())
        self._apply(self.undone[-1], 0)
        return self.undone[-1]

    def redo(self) -> Step:
        self.done.append(self.undone.pop())
        self._apply(self.done[-1], 1)
        return self.done[-1]

    def purge(self, ids: Iterable[str]) -> None:
        for name in ids:
            del self.samples[name]
            for step in (*self.done, *self.undone):
                step.samples.pop(name, None)
        self.done = [step for step in self.done if step.samples or step.bursts]
        self.undone = [step for step in self.undone if step.samples or step.bursts]

    def names(self, deleted: bool | None = None) -> list[str]:
        return [name for name, entry in self.samples.items()
                if deleted is None or entry.deleted == deleted]

    def usable(self) -> dict[int, list[str]]:
        """Samples that are not deleted, by burst, in the order of their stamps."""
        found: dict[int, list[str]] = defaultdict(list)
        for name in sorted(self.names(deleted=False), key=self._place):
            found[self.samples[name].burst].append(name)
        return found

    def bursts_of(self) -> dict[str, Counter[int]]:
        """Samples of each class by burst."""
        found: dict[str, Counter[int]] = defaultdict(Counter)
        for name in self.names(deleted=False):
            for tag in self.samples[name].tags:
                found[tag][self.samples[name].burst] += 1
        return found

    def lone(self) -> dict[str, int]:
        """Classes that share their burst, which holds nearly all of their samples."""
        return {tag: burst for tag, counts in self.bursts_of().items() if len(counts) <= 4
                for burst, count in counts.items()
                if 10 * count >= 9 * counts.total() and not self.bursts[burst][1]}

    def splits(self) -> dict[str, Split]:
        """Effective split of each sample that is not deleted."""
        lone, found = set(self.lone().values()), {}
        for burst, names in self.usable().items():
            parts = share(len(names)) if burst in lone else None
            for index, name in enumerate(names):
                found[name] = self.bursts[burst][0] if not parts else (
                    Split.VALIDATION if index >= parts[1] else
                    Split.GAP if index >= parts[0] else Split.TRAIN)
        return found

    def lacking(self) -> list[str]:
        """Classes that have no samples on one side though nothing stands against it: all their
        bursts are free to move and hold no other class, and none is shared."""
        of_burst: dict[int, set[str]] = defaultdict(set)
        for tag, bursts in self.bursts_of().items():
            for burst in bursts:
                of_burst[burst].add(tag)
        return [tag for tag, bursts in self.bursts_of().items() if tag not in self.lone()
                and len(bursts) > 1 and all(len(of_burst[burst]) == 1 and not self.bursts[burst][1]
                                            for burst in bursts)
                and len({self.bursts[burst][0] for burst in bursts}) == 1]

    def check(self, store: SampleStore) -> None:
        """Compare the real data set with this."""
        stats = store.stats()
        assert stats == reader.stats(store.root)
        usable, classes = self.usable(), Counter(
            tag for name in self.names(deleted=False) for tag in self.samples[name].tags)
        splits = self.splits()
        assert dict(zip(stats.classes, stats.class_samples, strict=True)) == classes
        assert dict(zip(stats.classes, stats.class_bursts, strict=True)) == {
            tag: len(bursts) for tag, bursts in self.bursts_of().items()}
        assert (stats.samples, stats.bursts, stats.quarantined, stats.validation_samples) == (
            len(splits), len(usable), 0, list(splits.values()).count(Split.VALIDATION))
        assert stats.multi_label == any(len(self.samples[name].tags) > 1 for name in splits)
        assert stored_sides(store) == self.bursts
        self._check_listing(store.root)
        self._check_files(store.root)

    def _check_listing(self, root: Path) -> None:
        splits, listed = self.splits(), listing(root)
        assert listed.keys() == self.samples.keys()
        for name, item in listed.items():
            wanted = self.samples[name]
            assert item == replace(
                item, tags=tuple(sorted(wanted.tags)), deleted=wanted.deleted,
                burst=wanted.burst, stamp_ns=wanted.stamp_ns, quarantined='',
                pinned=self.bursts[wanted.burst][1], split=splits.get(name, item.split))
        snapshot = reader.snapshot(root)
        assert {item.sha256: item.split for item in snapshot.samples} == {
            name: split for name, split in splits.items() if self.samples[name].tags}

    def _check_files(self, root: Path) -> None:
        found = {path for path in (root / 'images').rglob('*') if path.is_file()}
        assert found == {image_path(root, name) for name in self.samples}
        for name, entry in self.samples.items():
            assert image_path(root, name).read_bytes() == entry.data

    def _apply(self, step: Step, side: int) -> None:
        self.samples.update({name: both[side] for name, both in step.samples.items()})
        self.bursts.update({burst: both[side] for burst, both in step.bursts.items()})

    def _place(self, name: str) -> tuple[int, int]:
        return self.samples[name].stamp_ns, self.samples[name].order


def listing(root: Path) -> dict[str, Listed]:
    """All samples by id."""
    return {item.sha256: item for state in (State.NORMAL, State.DELETED)
            for item in page(root, Query(state=state, limit=1000)).samples}


def stored_sides(store: SampleStore) -> dict[int, Side]:
    """Splits as they are stored, by burst; nothing else tells those of shared bursts."""
    rows = store._index.db.execute('SELECT id, split, pinned FROM bursts')
    return {burst: (Split(split), bool(pinned)) for burst, split, pinned in rows}
