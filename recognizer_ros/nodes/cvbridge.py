"""cv_bridge, where it is installed and works."""

import functools
import importlib
import importlib.util
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sensor_msgs.msg import Image

from ..core.errors import ImageError
from ..dataset.encodings import ENCODINGS, Encoding, Pixels, to_bgr

# A cv_bridge built for another numpy imports without an error and then ends the process with a
# segmentation fault, so it is tried in a process of its own.
_TRIAL = ('import sys; sys.path[:] = sys.argv[1:]; '
          'from recognizer_ros.nodes import cvbridge; print(*cvbridge.agreed())')
_TRIAL_S = 10.0


@dataclass(frozen=True)
class Bridge:
    """What there is of cv_bridge.

    :param encodings: names of those that it converts as our own code does.
    :param why: for a person: what is used, or why it is not.
    """

    why: str
    encodings: frozenset[str] = frozenset()
    to_cv2: Callable[[Image, str], Any] | None = None
    error: type[Exception] = ImageError

    def convert(self, message: Image) -> Pixels:
        """B, G, R pixels of a message in one of ``encodings``, without padding.

        :raises ImageError: cv_bridge refused it.
        """
        assert self.to_cv2
        try:
            return np.asarray(self.to_cv2(message, 'bgr8'), np.uint8)
        except self.error as error:
            raise ImageError(f'cv_bridge cannot convert an image of {message.width}×'
                             f'{message.height} {message.encoding}: {error}') from error


@functools.cache
def load() -> Bridge:
    """Tries cv_bridge. Where it is installed the first call takes about a second, 10 at most."""
    if not importlib.util.find_spec('cv_bridge'):
        return Bridge('OpenCV; cv_bridge is not installed')
    try:
        tried = subprocess.run([sys.executable, '-c', _TRIAL, *sys.path], text=True, check=False,
                               stdin=subprocess.DEVNULL, capture_output=True, timeout=_TRIAL_S)
        if tried.returncode:
            said = tried.stderr.strip().splitlines()[-1:] or ['it said nothing']
            return Bridge(f'OpenCV; cv_bridge does not work here, exit code {tried.returncode}: '
                          f'{said[0]}')
        module = importlib.import_module('cv_bridge')
        encodings = frozenset(tried.stdout.split()) & ENCODINGS.keys()
        return Bridge(f'cv_bridge for {len(encodings)} encodings, OpenCV for the rest', encodings,
                      module.CvBridge().imgmsg_to_cv2, module.CvBridgeError)
    except (OSError, subprocess.SubprocessError, ImportError) as error:
        return Bridge(f'OpenCV; cv_bridge does not work here: {error}')


def agreed() -> list[str]:
    """Names of the encodings for which cv_bridge gives our own numbers; may end the process.

    Releases differ: some do not know YUY2, others take the low byte of 16 bits.
    """
    to_cv2 = importlib.import_module('cv_bridge').CvBridge().imgmsg_to_cv2
    return [encoding.name for encoding in ENCODINGS.values()
            if encoding.conversion and _agrees(to_cv2, encoding)]


def _agrees(to_cv2: Callable[[Image, str], Any], encoding: Encoding) -> bool:
    shape = (6, 8, encoding.channels)[:2 if encoding.channels == 1 else 3]
    kind = np.uint16 if encoding.depth == 2 else np.uint8
    samples = np.random.default_rng(1).integers(0, np.iinfo(kind).max, shape, kind)
    message = Image(height=6, width=8, encoding=encoding.name, is_bigendian=sys.byteorder == 'big',
                    step=8 * encoding.channels * encoding.depth, data=samples.tobytes())
    try:
        return np.array_equal(to_cv2(message, 'bgr8'), to_bgr(encoding, samples))
    except Exception:  # another's code on a trial: whatever it raises, it is not used
        return False
