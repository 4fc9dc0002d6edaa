"""From a stream of frames and what operators say to stored samples.

Frames wait a moment for the Tags message that belongs to their stamp, then go to the one thread
that encodes and writes. All queues are bounded; what does not fit is counted.
"""

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import cv2

from ..core.config import RecorderConfig
from ..core.errors import ImageError, RecognizerError
from ..core.lease import Interval, TagsMessage, TagTimeline
from .images import accept, encode_jpeg
from .sample import NewSample, Stored
from .selection import Frame, Novelty, Throttle
from .store import SampleStore
from .tally import Stats

_GROUP = 16
_JOBS = 32
_PRESSES = 16
_log = logging.getLogger(__name__)
T = TypeVar('T')


@dataclass(frozen=True)
class RecordingStatus:
    """As ``msg/DatasetStatus``, at one moment."""

    stats: Stats
    recording: bool = False
    active_tags: tuple[str, ...] = ()
    sender: str = ''
    burst: int = 0
    burst_samples: int = 0
    dropped: int = 0
    skipped: int = 0
    duplicates: int = 0
    pending: int = 0
    free_bytes: int = 0
    error: str = ''


@dataclass(frozen=True)
class _Job:
    """Work on the store and where its answer goes."""

    work: Callable[[SampleStore], Any]
    answer: 'Future[Any]'


class Recording:
    """Stores what is recorded and uploaded, and edits what is stored.

    :param store: used by this object's thread alone until :meth:`close`.
    :param config: asked anew for each frame, so that settings can change.
    """

    def __init__(self, store: SampleStore, config: Callable[[], RecorderConfig]) -> None:
        self._store, self._config = store, config
        self._timeline = TagTimeline()
        self._throttle, self._novelty = Throttle(), Novelty()
        self._settling: deque[Frame] = deque()
        self._queue: deque[tuple[Frame, Interval]] = deque()
        self._jobs: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._ending, self._writing = False, 0
        self._bursts: OrderedDict[int, int] = OrderedDict()  # by press
        self._burst = 0
        self._counts = RecordingStatus(store.stats(), free_bytes=store.free_bytes())
        self._thread = threading.Thread(target=self._run, name='writer', daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what waits, and end."""
        with self._wake:
            self._sort(None)
            self._ending = True
            self._wake.notify_all()
        self._thread.join()

    def say(self, message: TagsMessage) -> None:
        """Take in a Tags message. :raises LabelError: it breaks the rules."""
        with self._wake:
            self._timeline.apply(message)
            self._sort(0)

    def offer(self, frame: Frame, now_ns: int) -> None:
        """Take in a frame; it is stored if tags were in force at its stamp."""
        with self._wake:
            self._settling.append(frame)
            self._sort(now_ns)

    def tick(self, now_ns: int) -> RecordingStatus:
        """Let frames go on that have waited long enough; return the state at this time."""
        with self._wake:
            self._sort(now_ns)
            held = self._timeline.at(now_ns)
            waiting = sum(1 for frame in self._settling if self._timeline.at(frame.stamp_ns))
            return replace(
                self._counts, recording=held is not None,
                active_tags=held.tags if held else (), sender=held.sender if held else '',
                pending=waiting + len(self._queue) + len(self._jobs) + self._writing)

    def submit(self, work: Callable[[SampleStore], T]) -> 'Future[T]':
        """Let the writer's thread do something with the store, after what was submitted before.

        The future raises what ``work`` raises, or RecognizerError: too much waits.
        """
        answer: Future[T] = Future()
        with self._wake:
            if self._ending or len(self._jobs) >= _JOBS:
                answer.set_exception(RecognizerError('too many uploads and edits at a time: try '
                                                     'again'))
            else:
                self._jobs.append(_Job(work, answer))
                self._wake.notify_all()
        return answer

    def upload(self, data: bytes, tags: tuple[str, ...], source: str,
               stamp_ns: int) -> 'Future[Stored]':
        """Store a file as a burst of its own; see :meth:`submit`."""
        def store(store: SampleStore) -> Stored:
            jpeg, width, height = accept(data)
            burst = store.begin_burst(source, tags)
            return store.add([NewSample(jpeg, tags, stamp_ns, burst, source, width, height)])[0]

        return self.submit(store)

    def _sort(self, now_ns: int | None) -> None:
        """Decide on the frames whose Tags message has come, or must have by now; ``None``: on
        all."""
        config = self._config()
        settle_ns = int(config.settle * 1e9)
        while self._settling and (now_ns is None or len(self._settling) > config.queue
                                  or self._settling[0].stamp_ns + settle_ns <= now_ns
                                  or self._timeline.is_certain(self._settling[0].stamp_ns)):
            frame = self._settling.popleft()
            interval = self._timeline.at(frame.stamp_ns)
            if not interval:
                continue
            if not self._throttle(interval.press, frame.stamp_ns, config.rate_limit):
                self._counts = replace(self._counts, skipped=self._counts.skipped + 1)
            elif len(self._queue) >= config.queue:
                self._counts = replace(self._counts, dropped=self._counts.dropped + 1)
            else:
                self._queue.append((frame, interval))
                self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._queue or self._jobs or self._ending)
                if self._ending and not self._queue and not self._jobs:
                    return
                job = self._jobs.popleft() if self._jobs else None
                group = [self._queue.popleft() for _ in range(min(_GROUP, len(self._queue)))]
                self._writing = len(group) + (job is not None)
            if group:  # first: a job may be slow, and frames are many
                self._write(group)
            if job:
                self._do(job)
            with self._wake:
                self._writing = 0

    def _write(self, group: list[tuple[Frame, Interval]]) -> None:
        samples, skipped, error = list[NewSample](), 0, ''
        try:
            for frame, interval in group:
                if not self._novelty(interval.press, frame, self._config().near_duplicates):
                    skipped += 1
                    continue
                try:
                    samples.append(self._encoded(frame, interval))
                except ImageError as broken:
                    error = str(broken)
            stored = self._store.add(samples) if samples else []
            self._update(error, dropped=len(group) - skipped - len(samples), skipped=skipped,
                         duplicates=sum(answer.duplicate for answer in stored))
        except RecognizerError as failed:
            _log.error('%d frames lost: %s', len(group) - skipped, failed)
            self._update(str(failed), dropped=len(group) - skipped, skipped=skipped)

    def _encoded(self, frame: Frame, interval: Interval) -> NewSample:
        """:raises ImageError: the image cannot be stored. :raises DatasetError:"""
        if isinstance(frame.image, bytes):
            data, width, height = accept(frame.image)
        else:
            image = frame.image
            if frame.order == 'rgb':
                image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)  # type: ignore[assignment]
            data = encode_jpeg(image, self._config().jpeg_quality)
            height, width = image.shape[:2]
        return NewSample(data, interval.tags, frame.stamp_ns, self._burst_of(interval),
                         'image_raw', width, height)

    def _burst_of(self, interval: Interval) -> int:
        """Two presses may overlap by frames that come late, so the last few are remembered."""
        if interval.press not in self._bursts:
            self._bursts[interval.press] = self._store.begin_burst('image_raw', interval.tags)
            while len(self._bursts) > _PRESSES:
                self._bursts.popitem(last=False)
        self._burst = max(self._bursts.values())
        return self._bursts[interval.press]

    def _do(self, job: _Job) -> None:
        if not job.answer.set_running_or_notify_cancel():
            return  # who asked has given up
        before = self._store.revision()
        try:
            result = job.work(self._store)
        except Exception as error:  # whatever it was: who asked gets it
            job.answer.set_exception(error)
            return
        self._update('' if self._store.revision() > before else self._counts.error)
        job.answer.set_result(result)

    def _update(self, error: str, dropped: int = 0, skipped: int = 0, duplicates: int = 0) -> None:
        """Publish the counts; by the writer's thread."""
        stats, free = self._store.stats(), self._store.free_bytes()
        with self._wake:
            counts = self._counts
            self._counts = replace(
                counts, stats=stats, free_bytes=free, error=error, burst=self._burst,
                burst_samples=self._store.samples_in(self._burst),
                dropped=counts.dropped + dropped, skipped=counts.skipped + skipped,
                duplicates=counts.duplicates + duplicates)
