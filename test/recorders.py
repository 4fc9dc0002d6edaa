"""A recording on a disk that can be made to wait or to be full."""

import threading
from collections.abc import Sequence
from pathlib import Path

import makers

from recognizer_ros.core.config import RecorderConfig
from recognizer_ros.dataset.reader import Sample, snapshot
from recognizer_ros.dataset.recording import Recording
from recognizer_ros.dataset.sample import NewSample, Stored
from recognizer_ros.dataset.store import SampleStore

S = 10**9
SETTLE = S // 10
QUEUE = 8
LATE = 1000 * S  # when every frame has settled


class GatedStore(SampleStore):
    """A store on a disk that can be made to wait."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = threading.Event()

    def add(self, samples: Sequence[NewSample]) -> list[Stored]:
        self.waiting.set()
        assert self.gate.wait(20)
        return super().add(samples)


class Recorder(Recording):
    """A recording that tells its store."""

    def __init__(self, store: GatedStore) -> None:
        self.config = RecorderConfig(queue=QUEUE, settle=SETTLE / S, jpeg_quality=90)
        super().__init__(store, lambda: self.config)
        self.store = store


def stored(recording: Recorder, now_ns: int = LATE) -> dict[float, Sample]:
    """Wait until all is written; samples by stamp in seconds."""
    makers.wait_for(lambda: not recording.tick(now_ns).pending)
    return {item.stamp_ns / S: item for item in snapshot(recording.store.root).samples}
