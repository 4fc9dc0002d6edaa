"""Samples in memory behind the page, as many as wanted: edits change them, undo takes it back."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from fake_bridge import FakeBridge

from recognizer_ros.core.errors import ConflictError, NotFoundError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import edits
from recognizer_ros.dataset.browse import Listed, Page, Query, State
from recognizer_ros.dataset.edits import Edit, Edited

CLASSES = ('mug', 'red mug', 'stapler')
PER_BURST = 50
_BEGIN_NS = 1_700_000_000_000_000_000


@dataclass(frozen=True)
class _Step:
    """An edit. :param samples: by id, those that it changed. :param revision: that it made."""

    samples: dict[str, Listed]
    description: str
    revision: int


def sample_id(number: int) -> str:
    """Of the sample that was stored as number so and so."""
    return hashlib.sha256(str(number).encode()).hexdigest()


class StoredSamples:
    """Implements :class:`recognizer_ros.server.bridge.Samples`; all of one burst have one class.

    :param image: bytes of an image by its id.
    """

    def __init__(self, bridge: FakeBridge, count: int, image: Callable[[str], bytes]) -> None:
        self._bridge, self._image = bridge, image
        self.revision = 1
        self.stored = {sample_id(number): _sample(number) for number in range(count)}
        self.queries: list[Query] = []
        self._done: list[_Step] = []
        self._undone: list[_Step] = []
        self._edited: dict[str, int] = {}
        self._matching = lru_cache(8)(self._find_all)
        self._tell()

    def add(self, data: bytes, tags: tuple[str, ...], source: str) -> str:
        """Store another one, newer than all others."""
        added = replace(_sample(len(self.stored)), tags=tags)
        self.stored[added.sha256] = added
        self.revision += 1
        self._tell()
        return added.sha256

    def page(self, query: Query) -> Page:
        self.queries.append(query)
        found = self._matching(replace(query, offset=0, limit=1), self.revision)
        return Page(tuple(found[query.offset:query.offset + query.limit]), len(found),
                    self.revision)

    def find(self, sample: str) -> Listed:
        if sample not in self.stored:
            raise NotFoundError(f'no sample {sample!r}: list the samples anew')
        return self.stored[sample]

    def image(self, sample: str, max_size: int) -> bytes:
        return self._image(self.find(sample).sha256)

    def edit(self, edit: Edit, expected_revision: int) -> Edited:
        if isinstance(edit, edits.RenameClass):
            ids = [name for name, sample in self.stored.items() if edit.old in sample.tags]
        else:
            ids = list(edit.ids)
        faster = sum(self._edited.get(name, 0) > expected_revision > 0 for name in ids)
        if faster:
            raise ConflictError(f'somebody else has changed {faster} of these samples')
        after = {name: new for name in ids
                 if (new := _edited(self.stored[name], edit)) != self.stored[name]}
        text = (f'{len(after)} moved' if isinstance(edit, edits.SetSplit)
                else '' if isinstance(edit, edits.Purge) else edit.describe(len(after)))
        self._done.append(_Step(after, text, self.revision + 1))
        self._undone.clear()
        return self._swap(self._done)

    def undo(self, redo: bool, expected_revision: int) -> Edited:
        steps, others = (self._undone, self._done) if redo else (self._done, self._undone)
        if not steps:
            raise NotFoundError(f'there is nothing to {"redo" if redo else "undo"}')
        newest = max(step.revision for step in self._done + self._undone)
        if 0 < expected_revision < newest:
            raise ConflictError('somebody else has made or undone an edit meanwhile')
        others.append(replace(steps.pop(), revision=self.revision + 1))
        return self._swap(others)

    def _swap(self, steps: list[_Step]) -> Edited:
        step = steps[-1]
        before = {name: self.stored[name] for name in step.samples}
        self.stored.update(step.samples)
        steps[-1] = replace(step, samples=before)
        self.revision = step.revision
        self._edited.update(dict.fromkeys(before, self.revision))
        self._tell()
        return Edited(len(before), self.revision, step.description)

    def _find_all(self, query: Query, revision: int) -> list[Listed]:
        return [sample for sample in reversed(self.stored.values()) if _matches(sample, query)]

    def _tell(self) -> None:
        usable = [sample for sample in self.stored.values() if not sample.deleted]
        tags = [tag for sample in usable for tag in sample.tags]
        classes = tuple(sorted(set(tags)))
        self._bridge.change(dataset=replace(
            self._bridge.state().dataset, revision=self.revision, samples=len(usable),
            classes=classes, class_samples=tuple(map(tags.count, classes))))


def _sample(number: int) -> Listed:
    burst = number // PER_BURST + 1
    return Listed(sample_id(number), (CLASSES[burst % 3],), _BEGIN_NS + number * 10**9, burst,
                  'image_raw', Split.TRAIN if burst % 4 else Split.VALIDATION, False, 640, 480,
                  '', False)


def _edited(sample: Listed, edit: Edit) -> Listed:
    if isinstance(edit, edits.SetSplit):
        return replace(sample, split=edit.split, pinned=True)
    assert not isinstance(edit, edits.Purge | edits.Quarantine)  # no control of the page does that
    after = edit(edits.State(sample.tags, 1 if sample.deleted else None), 1)
    return replace(sample, tags=after.tags, deleted=after.deleted_ns is not None)


def _matches(sample: Listed, query: Query) -> bool:
    return (sample.deleted is (query.state is State.DELETED)
            and bool(sample.quarantined) is (query.state is State.QUARANTINED)
            and (not query.tags or not set(query.tags).isdisjoint(sample.tags))
            and query.burst in (0, sample.burst)
            and query.split in (None, sample.split)
            and sample.stamp_ns >= query.since_ns)
