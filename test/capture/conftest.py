import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from recognizer_ros.capture.newest import LiveSource
from recognizer_ros.capture.source import Clock
from recognizer_ros.capture.stream import open_stream
from recognizer_ros.capture.uri import parse
from recognizer_ros.core.config import CameraConfig

sys.path.insert(0, str(Path(__file__).parent))  # for servers.py


class FakeTime(threading.Event):
    """A stop event whose waits pass at once, on a clock of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 100.0

    def now(self) -> float:
        return self.now_s

    def wait(self, timeout: float | None = None) -> bool:
        if not self.is_set():
            self.now_s += timeout or 0.0
        return self.is_set()


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def clock() -> Callable[[], int]:
    """Nanoseconds that count up: 1, 2, 3 …"""
    ticks = itertools.count(1)
    return lambda: next(ticks)


@pytest.fixture
def config() -> Callable[..., CameraConfig]:
    """Settings of small frames at the highest rate, so that no test waits long."""
    def make(uri: object, width: int = 32, height: int = 24, rate: float = 240.0,
             loop: bool = False, flip: str = 'none', codec: str = 'auto') -> CameraConfig:
        return CameraConfig(input=str(uri), input_width=width, input_height=height,
                            input_rate=rate, input_loop=loop, input_flip=flip, input_codec=codec)
    return make


@pytest.fixture
def photo() -> Callable[..., Path]:
    """Write a photo of one grey level."""
    def write(path: Path, level: int, width: int = 40, height: int = 30) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), np.full((height, width, 3), level, np.uint8))
        return path
    return write


@pytest.fixture
def video() -> Callable[..., Path]:
    """Write a video whose frame N has the grey level 20 × (N + 1)."""
    def write(path: Path, frames: int = 6, rate: int = 25, codec: str = 'mpeg4',
              size: tuple[int, int] = (64, 48)) -> Path:
        with av.open(str(path), 'w') as container:
            stream = container.add_stream(codec, rate=rate)
            stream.width, stream.height = size
            stream.pix_fmt = 'yuvj420p' if codec == 'mjpeg' else 'yuv420p'
            for index in range(frames):
                level = np.full((size[1], size[0], 3), 20 * (index + 1), np.uint8)
                frame = av.VideoFrame.from_ndarray(level, format='bgr24')
                frame.pts, frame.time_base = index, Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path
    return write


@pytest.fixture
def stream(config: Callable[..., CameraConfig], clock: Clock, stop: threading.Event
           ) -> Iterator[Callable[..., LiveSource]]:
    """Open a stream; frames in their own size."""
    sources: list[LiveSource] = []

    def make(uri: str, open_s: float = 5.0, read_s: float = 5.0) -> LiveSource:
        settings = config(uri, width=0, height=0, rate=1e6)
        sources.append(open_stream(parse(uri), settings, clock, stop, (open_s, read_s)))
        return sources[-1]

    yield make
    stop.set()
    for source in sources:
        source.close()
