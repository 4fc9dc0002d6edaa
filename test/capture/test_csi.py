"""CSI cameras before libraries of our own: the real ones need a Jetson."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import cv2
import numpy as np
import pytest

from recognizer_ros.capture.gstreamer import pipeline_of
from recognizer_ros.capture.open import open_source
from recognizer_ros.core.errors import SourceError


class CudaImage:
    def __init__(self, pixels):
        self.pixels = pixels


class VideoSource:
    """jetson_utils.videoSource, with the signatures of python/bindings/PyVideo.cpp.

    ``script``: levels of red, None for a time-out, and an exception.
    """

    script: tuple[object, ...] = ()
    made: list['VideoSource'] = []  # noqa: RUF012

    def __init__(self, uri='', argv=None, positionArg=-1, options=None):  # noqa: N803
        if uri == 'csi://9':
            raise Exception('failed to create videoSource device')
        self.uri, self.options, self.closed = uri, options, False
        self.steps = iter(self.script)
        self.memory = np.zeros((24, 32, 3), np.uint8)
        self.made.append(self)

    def Capture(self, format='rgb8', timeout=1000, stream=0):  # noqa: N802
        step = next(self.steps)
        if isinstance(step, Exception):
            raise step
        if step is None:
            return None
        assert format == 'rgb8'
        self.memory[:] = (step, 0, 0)
        return CudaImage(self.memory)

    def Close(self):  # noqa: N802
        self.closed = True


@pytest.fixture
def jetson(monkeypatch):
    module = ModuleType('jetson_utils')
    module.__spec__ = ModuleSpec('jetson_utils', None)
    module.videoSource = VideoSource
    module.cudaToNumpy = lambda array, width=0, height=0, depth=0: array.pixels
    module.cudaDeviceSynchronize = lambda: None
    monkeypatch.setitem(sys.modules, 'jetson_utils', module)
    monkeypatch.setattr(VideoSource, 'made', [])
    return monkeypatch


def test_jetson_utils_gives_frames_until_it_fails(jetson, config, clock, stop):
    jetson.setattr(VideoSource, 'script', (
        None, 200, Exception('videoSource failed to capture image')))
    source = open_source(config('csi://1', flip='clockwise', rate=0.1), clock, stop)
    frame = source.read()
    assert frame.image.shape == (24, 32, 3)
    assert frame.image[0, 0].tolist() == [0, 0, 200]
    with pytest.raises(SourceError, match=r'failed to capture image.*: check its cable'):
        source.read()
    source.close()
    made = VideoSource.made[0]
    assert (made.uri, made.closed) == ('csi://1', True)
    assert made.options == {'framerate': 0.1, 'flipMethod': 'clockwise', 'width': 32, 'height': 24}


def test_a_csi_camera_that_jetson_utils_cannot_open(jetson, config, clock, stop):
    source = open_source(config('csi://9'), clock, stop)
    with pytest.raises(SourceError, match=r'csi://9 cannot be opened .*: check its cable'):
        source.read()
    source.close()


def test_opencv_with_gstreamer_is_given_a_pipeline(monkeypatch, config, clock, stop):
    asked = []

    class Pipeline:
        def __init__(self, pipeline, backend):
            asked.append((pipeline, backend))
            self.left = 2

        def isOpened(self):  # noqa: N802
            return True

        def grab(self):
            self.left -= 1
            return self.left > 0

        def retrieve(self):
            return True, np.full((24, 32, 3), 90, np.uint8)

        def get(self, number):
            return 33.0

        def release(self):
            pass

    monkeypatch.setattr(cv2, 'getBuildInformation', lambda: '    GStreamer:      YES (1.20.3)')
    monkeypatch.setattr(cv2, 'VideoCapture', Pipeline)
    settings = config('csi://0', flip='clockwise', rate=30.0)
    source = open_source(settings, clock, stop)
    # Turned by the pipeline, and not once more.
    assert source.read().image.shape == (24, 32, 3)
    with pytest.raises(SourceError, match='csi://0 gives no more frames'):
        source.read()
    source.close()
    assert asked == [(pipeline_of('0', settings), cv2.CAP_GSTREAMER)]


@pytest.mark.parametrize(('flip', 'number'), [
    ('none', 2), ('rotate-180', 0), ('counterclockwise', 1), ('clockwise', 3), ('horizontal', 4),
    ('upper-right-diagonal', 5), ('vertical', 6), ('upper-left-diagonal', 7)])
def test_the_pipeline_turns_as_jetson_utils_does(flip, number, config):
    pipeline = pipeline_of('1', config('csi://1', 1280, 720, 29.7, flip=flip))
    assert pipeline.startswith(
        'nvarguscamerasrc sensor-id=1 ! video/x-raw(memory:NVMM), width=(int)1280, '
        f'height=(int)720, framerate=(fraction)30/1, format=(string)NV12 ! '
        f'nvvidconv flip-method={number} ! ')
