"""The camera thread before a camera of our own: a real one needs hardware."""

import threading

import numpy as np
import pytest

from recognizer_ros.capture.device import DeviceSource, open_device
from recognizer_ros.core.errors import SourceError


class FakeCamera:
    """Gives the listed frames, then does as ``end`` says: 'unplugged' or 'hangs'.

    ``None`` in the list is a damaged frame. A frame is only given when the one before was taken.
    """

    def __init__(self, frames, end='unplugged'):
        self.frames, self.end = list(frames), end
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

    def release(self):
        self.released.set()


@pytest.fixture
def opened(config, clock, stop, monkeypatch):
    # Time that flies: no frame of the fake is too early for the rate.
    ticks = iter(range(10**6))
    monkeypatch.setattr('recognizer_ros.capture.device.time.monotonic', lambda: next(ticks))
    return lambda camera, **options: DeviceSource('/dev/video9', camera, config('', **options),
                                                  clock, stop)


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


def test_a_path_that_is_no_camera_cannot_be_opened(tmp_path, config, clock, stop):
    path = tmp_path / 'video0'
    path.write_bytes(b'no device')
    with pytest.raises(SourceError, match='cannot be opened: close the program'):
        open_device(str(path), config(''), clock, stop)
