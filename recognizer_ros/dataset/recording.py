"""From a stream of frames and what operators say to stored samples.

Frames wait a moment for the Tags message that belongs to their stamp, then go to the one thread
that encodes and writes. All queues are bounded; what does not fit is counted.
"""

import logging
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, replace

import cv2

from ..core.errors import RecognizerError
from ..core.lease import Interval, TagsMessage, TagTimeline
from .images import Pixels, accept, encode_jpeg
from .sample import NewSample, Stored
from .store import SampleStore
from .tally import Stats

_GROUP = 16
_UPLOADS = 32
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Frame:
    """A camera image. :param image: shape (h, w, 3), channels in ``order`` bgr or rgb."""

    stamp_ns: int
    image: Pixels
    order: str = 'bgr'


@dataclass(frozen=True)
class Upload:
    """An image file to store, and where its answer goes."""

    data: bytes
    tags: tuple[str, ...]
    source: str
    stamp_ns: int
    answer: 'Future[Stored]'


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
    duplicates: int = 0
    pending: int = 0
    free_bytes: int = 0
    error: str = ''


class Recording:
    """Stores what is recorded and uploaded.

    :param store: used by this object's thread alone until :meth:`close`.
    :param queue: frames that may wait to be written. :param settle_ns: see the module.
    """

    def __init__(self, store: SampleStore, queue: int, settle_ns: int, jpeg_quality: int) -> None:
        self._store, self._limit, self._settle_ns = store, queue, settle_ns
        self.jpeg_quality = jpeg_quality
        self._timeline = TagTimeline()
        self._settling: deque[Frame] = deque()
        self._queue: deque[tuple[Frame, Interval]] = deque()
        self._uploads: deque[Upload] = deque()
        self._wake = threading.Condition()
        self._ending, self._writing = False, 0
        self._press = self._burst = 0
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
                pending=waiting + len(self._queue) + len(self._uploads) + self._writing)

    def upload(self, data: bytes, tags: tuple[str, ...], source: str,
               stamp_ns: int) -> 'Future[Stored]':
        """Store a file as a burst of its own; the future may raise any RecognizerError."""
        answer: Future[Stored] = Future()
        with self._wake:
            if self._ending or len(self._uploads) >= _UPLOADS:
                answer.set_exception(RecognizerError('too many uploads at a time: try again'))
            else:
                self._uploads.append(Upload(data, tags, source, stamp_ns, answer))
                self._wake.notify_all()
        return answer

    def _sort(self, now_ns: int | None) -> None:
        """Decide on the frames whose Tags message must have come by now; ``None``: on all."""
        while self._settling and (now_ns is None or len(self._settling) > self._limit
                                  or self._settling[0].stamp_ns + self._settle_ns <= now_ns):
            frame = self._settling.popleft()
            interval = self._timeline.at(frame.stamp_ns)
            if not interval:
                continue
            if len(self._queue) >= self._limit:
                self._counts = replace(self._counts, dropped=self._counts.dropped + 1)
                continue
            self._queue.append((frame, interval))
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._queue or self._uploads or self._ending)
                if self._ending and not self._queue and not self._uploads:
                    return
                upload = self._uploads.popleft() if self._uploads else None
                group = [] if upload else [self._queue.popleft()
                                           for _ in range(min(_GROUP, len(self._queue)))]
                self._writing = len(group) or 1
            if upload:
                self._write_upload(upload)
            else:
                self._write_frames(group)
            with self._wake:
                self._writing = 0

    def _write_frames(self, group: list[tuple[Frame, Interval]]) -> None:
        try:
            stored = self._store.add([self._encoded(*item) for item in group])
            self._update(duplicates=sum(answer.duplicate for answer in stored), error='')
        except RecognizerError as error:
            _log.error('%d frames lost: %s', len(group), error)
            self._update(dropped=len(group), error=str(error))

    def _encoded(self, frame: Frame, interval: Interval) -> NewSample:
        if interval.press != self._press:
            self._burst = self._store.begin_burst('image_raw', interval.tags)
            self._press = interval.press
        image = frame.image
        if frame.order == 'rgb':
            image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)  # type: ignore[assignment]
        return NewSample(encode_jpeg(image, self.jpeg_quality), interval.tags, frame.stamp_ns,
                         self._burst, 'image_raw', image.shape[1], image.shape[0])

    def _write_upload(self, upload: Upload) -> None:
        if not upload.answer.set_running_or_notify_cancel():
            return  # who asked has given up
        try:
            data, width, height = accept(upload.data)
            burst = self._store.begin_burst(upload.source, upload.tags)
            stored = self._store.add([NewSample(data, upload.tags, upload.stamp_ns, burst,
                                                upload.source, width, height)])
            self._update(duplicates=int(stored[0].duplicate), error='')
            upload.answer.set_result(stored[0])
        except RecognizerError as error:
            upload.answer.set_exception(error)

    def _update(self, error: str, dropped: int = 0, duplicates: int = 0) -> None:
        """Publish the counts; by the writer's thread."""
        stats, free = self._store.stats(), self._store.free_bytes()
        with self._wake:
            counts = self._counts
            self._counts = replace(
                counts, stats=stats, free_bytes=free, error=error, burst=self._burst,
                burst_samples=self._store.samples_in(self._burst),
                dropped=counts.dropped + dropped, duplicates=counts.duplicates + duplicates)
