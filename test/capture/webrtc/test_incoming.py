import threading
from collections.abc import Callable

import makers
import numpy as np
import pytest
from av import VideoFrame
from clients import near

from recognizer_ros.capture.webrtc import incoming
from recognizer_ros.capture.webrtc.incoming import Incoming
from recognizer_ros.core.config import CameraConfig


def frame(colour: tuple[int, int, int], width: int = 64, height: int = 48) -> VideoFrame:
    made = VideoFrame.from_ndarray(makers.flat(colour, width, height), format='bgr24')
    return made.reformat(format='yuv420p')


@pytest.fixture
def coming(config: Callable[..., CameraConfig], clock: Callable[[], int]) -> Incoming:
    return Incoming(config('webrtc://'), clock)


def test_the_newest_frame_is_read_with_the_stamp_of_its_arrival(
        coming: Incoming, stop: threading.Event) -> None:
    for colour in (makers.RED, makers.GREEN, makers.BLUE):
        coming.put(frame(colour))
    read = coming.read(stop)
    assert read is not None
    assert near(read.image, makers.BLUE)
    assert (read.stamp_ns, read.image.shape, read.image.dtype) == (3, (48, 64, 3), np.uint8)


def test_frames_that_come_unevenly_pass_at_the_rate_on_average() -> None:
    rng, allowance = np.random.default_rng(1), incoming._Allowance(30.0)
    jittered = [100 + number / 30 + rng.uniform(0, 0.02) for number in range(300)]
    assert sum(allowance.passes(now_s) for now_s in jittered) >= 298
    twice = [200 + number / 60 for number in range(600)]
    assert sum(allowance.passes(now_s) for now_s in twice) in range(299, 303)


def test_a_read_waits_and_ends_when_it_is_told_to(coming: Incoming,
                                                  stop: threading.Event) -> None:
    threading.Timer(0.05, stop.set).start()
    assert coming.read(stop) is None


def test_what_came_long_ago_is_not_shown(coming: Incoming, stop: threading.Event,
                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, '_STALE_S', 0.0)
    coming.put(frame(makers.RED))
    threading.Timer(0.2, stop.set).start()
    assert coming.read(stop) is None
