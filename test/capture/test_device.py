"""The camera thread before a camera of our own: a real one needs hardware."""

import threading
import time
from functools import partial

import cv2
import numpy as np
import pytest

from recognizer_ros.capture.device import grabbed, open_device
from recognizer_ros.capture.newest import LiveSource
from recognizer_ros.core.errors import SourceError


class FakeCamera:
    """Gives the listed frames, then does as ``end`` says: 'unplugged' or 'hangs'.

    ``None`` in the list is a damaged frame. A frame is only given when the one before was taken.

    :param stamp_ms: of the driver, for all frames.
    """

    def __init__(self, frames, end='unplugged', stamp_ms=0.0):
        self.frames, self.end, self.stamp_ms = list(frames), end, stamp_ms
        self.taken = threading.Semaphore(1)
        self.unblock = threading.Event()
        self.released = threading.Event()

    def grab(self):
        if not self.frames:
            if self.end == 'hangs':
                self.unblock.wait(20)
            else:
                self.taken.acquire(timeout=20)
            return False
        # A test that has ended takes no more frames: the camera is gone.
        return self.frames[0] is None or self.taken.acquire(timeout=20)

    def retrieve(self):
        image = self.frames.pop(0)
        return image is not None, image

    def get(self, number):
        assert number == cv2.CAP_PROP_POS_MSEC
        return self.stamp_ms

    def release(self):
        self.released.set()


@pytest.fixture
def opened(config, clock, stop):
    sources, cameras = [], []

    def make(camera, clock=clock, **options):
        cameras.append(camera)
        # No frame of the fake is too early for the rate.
        frames = partial(grabbed, 'camera /dev/video9', lambda: camera,
                         config('', rate=1e6, **options), clock)
        sources.append(LiveSource('camera /dev/video9', frames, stop, 'plug it in again'))
        return sources[-1]

    yield make
    stop.set()
    for camera, source in zip(cameras, sources, strict=True):
        camera.unblock.set()
        camera.taken.release(100)
        source.close()


def grey(level):
    return np.full((30, 40, 3), level, np.uint8)


def test_frames_are_scaled_and_an_unplugged_camera_is_an_error(opened):
    camera = FakeCamera([grey(10), grey(20)])
    source = opened(camera)
    first = source.read()
    camera.taken.release()
    second = source.read()
    camera.taken.release()
    assert [round(frame.image.mean()) for frame in (first, second)] == [10, 20]
    assert first.image.shape == (24, 32, 3)
    assert first.stamp_ns < second.stamp_ns
    with pytest.raises(SourceError, match=r'/dev/video9 gives no more frames: plug it in'):
        source.read()
    assert camera.released.wait(5)
    source.close()


def test_a_damaged_frame_is_left_out(opened):
    camera = FakeCamera([None, None, grey(30)])
    assert round(opened(camera).read().image.mean()) == 30


def test_only_damaged_frames_are_an_error(opened):
    with pytest.raises(SourceError, match='only damaged frames: check its cable'):
        opened(FakeCamera([None] * 50)).read()


def test_stop_ends_a_read_while_the_camera_hangs(opened, stop):
    camera = FakeCamera([], end='hangs')
    source = opened(camera)
    answers = []
    reader = threading.Thread(target=lambda: answers.append(source.read()), daemon=True)
    reader.start()
    stop.set()
    reader.join(5)
    assert answers == [None]
    camera.unblock.set()
    source.close()
    assert camera.released.is_set()


def test_close_gives_the_camera_back(opened):
    camera = FakeCamera([grey(10)], end='hangs')
    source = opened(camera)
    assert source.read() is not None
    camera.unblock.set()
    source.close()
    assert camera.released.is_set()


@pytest.mark.parametrize(('ago_ms', 'taken'), [(80, True), (-50, False), (10**7, False)])
def test_the_stamp_is_the_drivers_where_it_can_be(ago_ms, taken, opened):
    """It counts on the monotonic clock, as frames of most drivers; others have none."""
    stamp_ms = time.clock_gettime_ns(time.CLOCK_MONOTONIC) / 1e6 - ago_ms
    frame = opened(FakeCamera([grey(10)], stamp_ms=stamp_ms), clock=time.time_ns).read()
    age_ms = (time.time_ns() - frame.stamp_ns) / 1e6
    assert (age_ms >= 80) is taken
    assert age_ms < 5000


def test_frames_are_turned(opened):
    image = grey(0)
    image[:, :5] = 250
    frame = opened(FakeCamera([image]), width=0, height=0, flip='horizontal').read()
    assert (frame.image[:, :-5].max(), frame.image[:, -5:].min()) == (0, 250)


@pytest.mark.parametrize(('codec', 'says'), [
    ('auto', 'cannot be opened: close the program'), ('h264', 'cannot be read')])
def test_a_path_that_is_no_camera_cannot_be_opened(codec, says, tmp_path, config, clock, stop):
    path = tmp_path / 'video0'
    path.write_bytes(b'no device')
    source = open_device(str(path), config('', codec=codec), clock, stop)
    with pytest.raises(SourceError, match=says):
        source.read()
    source.close()
