"""Stores what a source gives: decoded by several threads, written in groups, in order."""

import logging
import os
from collections import deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256

from ...core.errors import DatasetError, ImageError
from .. import images
from ..sample import NewSample
from ..store import SampleStore
from .source import Candidate, Source

_THREADS = 4
_AHEAD = 64
_AHEAD_BYTES = 256 * 2**20
_GROUP = 48
_GROUP_BYTES = 64 * 2**20
_NAMED = 100
_log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Imported:
    """What an import did.

    :param duplicates: were there already; they have the new tags. :param unusable: could not be
        read. :param skipped: the names of the first hundred of these.
    """

    samples: int
    duplicates: int
    classes: int
    bursts: int
    unusable: int
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class Picture:
    """A candidate that has been read.

    :param data: the JPEG to store. :param digest: of these bytes.
    """

    candidate: Candidate
    digest: bytes
    data: bytes
    width: int
    height: int


def run(store: SampleStore, source: Source, stamp_ns: int,
        progress: Progress = lambda done, total: None) -> Imported:
    """Store all images of a source, each group as one burst; go on past unusable files.

    An image that is there twice counts once, with the tags that come first. What was stored
    before an error stays.

    :param stamp_ns: of samples whose time is not known: a nanosecond apart, in order.
    :param progress: called with the candidates done and their number at most.
    :raises DatasetError: none is usable, or it cannot be written. :raises DiskFullError: likewise.
    """
    job = _Job(store, f'import:{source.name}', stamp_ns)
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1), 'import') as pool:
        try:
            for picture in _decoded(source, pool):
                if job.take(picture):
                    progress(job.taken, max(job.taken, source.total))
            job.write()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    progress(job.taken, job.taken)
    if not job.samples + job.duplicates:
        raise DatasetError(f'{source.name}: none of the {job.taken} images is usable'
                           + (f', such as {job.skipped[0]}' if job.skipped else '')
                           + f': {source.empty}')
    return Imported(job.samples, job.duplicates, len(job.classes), len(job.bursts), job.unusable,
                    tuple(job.skipped))


@dataclass
class _Job:
    """An import under way."""

    store: SampleStore
    origin: str
    stamp_ns: int
    taken: int = 0
    samples: int = 0
    duplicates: int = 0
    unusable: int = 0
    skipped: list[str] = field(default_factory=list)
    classes: set[str] = field(default_factory=set)
    bursts: dict[Hashable, int] = field(default_factory=dict)
    _seen: dict[bytes, tuple[str, ...]] = field(default_factory=dict)
    _group: list[NewSample] = field(default_factory=list)
    _bytes: int = 0

    def take(self, picture: 'Picture | _Unusable') -> bool:
        """Take in the next one; return whether a group was written."""
        self.taken += 1
        if isinstance(picture, _Unusable):
            self._skip(picture)
            return False
        if self._is_known(picture):
            self.duplicates += 1
            return False
        self._group.append(self._sample(picture))
        self._bytes += len(picture.data)
        if len(self._group) < _GROUP and self._bytes < _GROUP_BYTES:
            return False
        self.write()
        return True

    def write(self) -> None:
        """Store the group."""
        if self._group:
            again = sum(answer.duplicate for answer in self.store.add(self._group))
            self.duplicates += again
            self.samples += len(self._group) - again
        self._group, self._bytes = [], 0

    def _sample(self, picture: Picture) -> NewSample:
        wanted = picture.candidate
        origin = wanted.origin or self.origin
        if wanted.group not in self.bursts:
            self.bursts[wanted.group] = self.store.begin_burst(origin, wanted.tags, wanted.split,
                                                               wanted.pinned)
        self.classes.update(wanted.tags)
        stamp_ns = wanted.stamp_ns or self.stamp_ns + self.taken - 1
        return NewSample(picture.data, wanted.tags, stamp_ns, self.bursts[wanted.group], origin,
                         picture.width, picture.height)

    def _is_known(self, picture: Picture) -> bool:
        """The source had these bytes before; with other tags, somebody should know."""
        wanted = picture.candidate
        if picture.digest not in self._seen:
            self._seen[picture.digest] = wanted.tags
            return False
        before = self._seen[picture.digest]
        if before != wanted.tags:
            _log.warning('%s left out: the same image came before, tagged %s', wanted.name,
                         ', '.join(before) or 'nothing')
        return True

    def _skip(self, unusable: '_Unusable') -> None:
        _log.warning('%s skipped: %s', unusable.name, unusable.reason)
        self.unusable += 1
        if len(self.skipped) < _NAMED:
            self.skipped.append(unusable.name)


@dataclass(frozen=True)
class _Unusable:
    name: str
    reason: str


def _decoded(source: Source, pool: ThreadPoolExecutor) -> Iterator[Picture | _Unusable]:
    """Read candidates in the pool, a bounded number ahead; they come out in order."""
    waiting: deque[tuple[int, Future[Picture | _Unusable]]] = deque()
    held = 0
    for candidate in source.candidates:
        while waiting and (len(waiting) >= _AHEAD or held + candidate.size > _AHEAD_BYTES):
            size, future = waiting.popleft()
            held -= size
            yield future.result()
        held += candidate.size
        waiting.append((candidate.size, pool.submit(_read, candidate)))
    while waiting:
        yield waiting.popleft()[1].result()


def _read(candidate: Candidate) -> Picture | _Unusable:
    try:
        data, width, height = images.accept(candidate.read())
        return Picture(candidate, sha256(data).digest(), data, width, height)
    except ImageError as error:
        return _Unusable(candidate.name, str(error))
    except OSError as error:
        return _Unusable(candidate.name, error.strerror or str(error))
