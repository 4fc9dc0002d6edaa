"""cv_bridge and what may be in its place on a robot: a good one, an old one, a broken one."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from sensor_msgs.msg import Image

from recognizer_ros.core.errors import ImageError
from recognizer_ros.dataset import encodings
from recognizer_ros.nodes import conversions, cvbridge

Install = Callable[[str], cvbridge.Bridge]
WIDTH, HEIGHT = 8, 6
# What cv_bridge 1.16 does, faults included: rows without padding only, no 8UC1 to bgr8.
MODULE = '''
import numpy as np
from recognizer_ros.dataset import encodings

class CvBridgeError(TypeError):
    pass

class CvBridge:
    asked = []

    def imgmsg_to_cv2(self, message, desired_encoding='passthrough'):
        {first}
        self.asked.append(message.encoding)
        known = encodings.ENCODINGS.get(message.encoding)
        if desired_encoding != 'bgr8' or known is None:
            raise CvBridgeError(f'[{{message.encoding}}] is not a color format')
        if message.is_bigendian:
            raise AttributeError('`newbyteorder` was removed from the ndarray class')
        shape = (message.height, message.width, known.channels)
        samples = np.ndarray(shape[:2] if known.channels == 1 else shape,
                             'u2' if known.depth == 2 else 'u1', buffer=message.data)
        return encodings.to_bgr(known, samples)
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts a package cv_bridge where it is found and answers what the node makes of it."""
    def put(source: str) -> cvbridge.Bridge:
        (tmp_path / 'cv_bridge').mkdir()
        (tmp_path / 'cv_bridge' / '__init__.py').write_text(source, 'utf-8')
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, 'cv_bridge', raising=False)
        return cvbridge.load()
    cvbridge.load.cache_clear()
    yield put
    cvbridge.load.cache_clear()
    sys.modules.pop('cv_bridge', None)


def module(first: str = 'pass') -> str:
    return MODULE.format(first=first)


def image(name: str, padding: int = 0, big_endian: bool = False, seed: int = 1) -> Image:
    encoding = encodings.find(name)
    step = WIDTH * encoding.channels * encoding.depth + padding
    data = np.random.default_rng(seed).integers(0, 256, HEIGHT * step, np.uint8)
    return Image(width=WIDTH, height=HEIGHT, encoding=name, step=step, is_bigendian=big_endian,
                 data=conversions.byte_array(data))


def ours(message: Image) -> np.ndarray:
    encoding = encodings.find(message.encoding)
    return encodings.to_bgr(encoding, encodings.unpack(
        encoding, (WIDTH, HEIGHT), message.step, bool(message.is_bigendian), message.data))


def test_a_good_one_is_used_for_all_that_is_converted(install: Install) -> None:
    bridge = install(module())
    assert bridge.encodings == {name for name, encoding in encodings.ENCODINGS.items()
                                if encoding.conversion}
    assert bridge.why == 'cv_bridge for 14 encodings, OpenCV for the rest'
    asked = sys.modules['cv_bridge'].CvBridge.asked
    for name in [*encodings.ENCODINGS, *encodings.ALIASES]:
        before = len(asked)
        for padding in (0, 1, 2, 7):
            for big_endian in (False, True):
                message = image(name, padding, big_endian)
                pixels, order = conversions.image_to_array(message)
                if encodings.find(name).conversion:
                    assert order == 'bgr'
                    np.testing.assert_array_equal(pixels, ours(message))
        assert len(asked) - before == (8 if encodings.find(name).conversion else 0)


def test_what_it_does_not_do_right_is_done_here(install: Install) -> None:
    bridge = install(module("""faults = {
            'yuv422_yuy2': CvBridgeError('unknown'), 'bayer_grbg8': KeyError('bayer_grbg8'),
            'yuv422': ImportError('boost')}
        if message.encoding in faults:
            raise faults[message.encoding]
        if message.encoding == 'mono16':
            return np.zeros((message.height, message.width, 3), np.uint8)"""))
    wrong = {'yuv422_yuy2', 'bayer_grbg8', 'yuv422', 'mono16'}
    assert len(bridge.encodings) == 10
    assert not wrong & bridge.encodings
    for name in wrong:
        message = image(name)
        np.testing.assert_array_equal(conversions.image_to_array(message)[0], ours(message))


@pytest.mark.parametrize(('source', 'why'), [
    ("raise ImportError('numpy.core.multiarray failed to import')",
     'exit code 1: ImportError: numpy.core.multiarray failed to import'),
    ('import os, signal; os.kill(os.getpid(), signal.SIGSEGV)', 'exit code -11: it said nothing'),
    (module('import os, signal; os.kill(os.getpid(), signal.SIGSEGV)'), 'exit code -11'),
    ('', "module 'cv_bridge' has no attribute 'CvBridge'")])
def test_a_broken_one_does_no_harm(source: str, why: str, install: Install) -> None:
    bridge = install(source)
    assert bridge.why.startswith('OpenCV; cv_bridge does not work here')
    assert why in bridge.why
    message = image('bayer_gbrg16', padding=3, big_endian=True)
    np.testing.assert_array_equal(conversions.image_to_array(message)[0], ours(message))


def test_one_that_never_answers_is_given_up(install: Install,
                                            monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cvbridge, '_TRIAL_S', 0.3)
    bridge = install('import threading; threading.Event().wait()')
    assert 'timed out' in bridge.why
    assert not bridge.encodings


def test_it_is_not_asked_for_a_wrong_message_and_its_refusal_is_an_image_error(
        install: Install) -> None:
    install(module("self.last = message\n        "
                   "if message.width == 16: raise CvBridgeError('no room')"))
    plain, wide = image('mono8'), Image(width=16, height=1, encoding='mono8', step=16,
                                        data=bytes(16))
    conversions.image_to_array(plain)
    with pytest.raises(ImageError, match='too few'):
        conversions.image_to_array(Image(width=4, height=4, encoding='mono8', step=4))
    to_cv2 = cvbridge.load().to_cv2
    assert to_cv2
    assert to_cv2.__self__.last is plain, 'a plain message is not copied'
    with pytest.raises(ImageError, match='cannot convert an image of 16×1 mono8: no room'):
        conversions.image_to_array(wide)


def test_without_it_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    cvbridge.load.cache_clear()
    monkeypatch.setattr(sys, 'path', [])
    monkeypatch.delitem(sys.modules, 'cv_bridge', raising=False)
    bridge = cvbridge.load()
    cvbridge.load.cache_clear()
    assert bridge == cvbridge.Bridge('OpenCV; cv_bridge is not installed')
