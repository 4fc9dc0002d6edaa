"""Encodings of sensor_msgs/Image and the pixels in them: numpy and OpenCV, no messages.

The numbers are those of cv_bridge: the same OpenCV conversions, in the same order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import ImageError

Pixels = npt.NDArray[np.uint8]
Samples = npt.NDArray[Any]
"""Shape (height, width) or (height, width, channels); uint8 or uint16 in the machine's order."""


@dataclass(frozen=True)
class Encoding:
    """How samples lie in a message.

    :param name: in sensor_msgs/image_encodings.
    :param conversion: OpenCV's name of the way to B, G, R; empty: the pixels are used as they are.
    :param depth: bytes of one sample.
    :param even: the width must be even.
    :param least: smallest width and height in pixels.
    """

    name: str
    channels: int
    conversion: str = ''
    depth: int = 1
    even: bool = False
    least: int = 1


def _bayer(pattern: str, opencv: str) -> tuple[Encoding, Encoding]:
    """Of 8 and 16 bits. OpenCV names a pattern by its second row, from the second column on.

    It answers black for less than three rows or columns, which is worse than an error.
    """
    conversion = f'COLOR_Bayer{opencv}2BGR'
    return (Encoding(f'bayer_{pattern}8', 1, conversion, least=3),
            Encoding(f'bayer_{pattern}16', 1, conversion, depth=2, least=3))


ENCODINGS: Mapping[str, Encoding] = MappingProxyType({encoding.name: encoding for encoding in (
    Encoding('rgb8', 3),
    Encoding('bgr8', 3),
    Encoding('rgba8', 4, 'COLOR_RGBA2BGR'),
    Encoding('bgra8', 4, 'COLOR_BGRA2BGR'),
    Encoding('mono8', 1, 'COLOR_GRAY2BGR'),
    Encoding('mono16', 1, 'COLOR_GRAY2BGR', depth=2),
    Encoding('yuv422', 2, 'COLOR_YUV2BGR_UYVY', even=True),
    Encoding('yuv422_yuy2', 2, 'COLOR_YUV2BGR_YUY2', even=True),
    *_bayer('rggb', 'BG'), *_bayer('bggr', 'RG'), *_bayer('gbrg', 'GR'), *_bayer('grbg', 'GB'),
)})
ALIASES: Mapping[str, str] = MappingProxyType({
    '8UC1': 'mono8', '8UC3': 'bgr8', 'uyvy': 'yuv422', 'yuyv': 'yuv422_yuy2'})


def find(name: str) -> Encoding:
    """The encoding of this name.

    :raises ImageError: it is none of these.
    """
    known = ENCODINGS.get(ALIASES.get(name, name))
    if not known:
        raise ImageError(f'image encoding {name[:40]!r} is not supported: publish rgb8, bgr8, '
                         'rgba8, bgra8, mono8, mono16, yuv422, yuv422_yuy2 or bayer_*')
    return known


def unpack(encoding: Encoding, size: tuple[int, int], step: int, big_endian: bool,
           data: Any) -> Samples:
    """The samples of an image: a view of its data unless the byte order or alignment is wrong.

    :param size: width and height in pixels.
    :param step: bytes from row to row.
    :param data: a buffer of bytes; may be longer than the image.
    :raises ImageError: these cannot be an image.
    """
    width, height = size
    _check(encoding, size, step, len(data))
    rows = np.frombuffer(data, np.uint8, height * step).reshape(height, step)
    rows = rows[:, :width * encoding.channels * encoding.depth]
    if encoding.depth == 2:
        return np.require(rows.view('>u2' if big_endian else '<u2'), np.uint16, 'A')
    return rows.reshape(height, width, encoding.channels) if encoding.channels > 1 else rows


def _check(encoding: Encoding, size: tuple[int, int], step: int, found: int) -> None:
    width, height = size
    what = f'image of {width}×{height} {encoding.name}'
    if min(size) < encoding.least:
        raise ImageError(f'{what} is too small: width and height must be {encoding.least} or more')
    if encoding.even and width % 2:
        raise ImageError(f'{what}: two pixels share their colour, so the width must be even')
    row = width * encoding.channels * encoding.depth
    if step < row:
        raise ImageError(f'{what}: step is {step} bytes, too few: a row has {row}')
    if found < height * step:
        raise ImageError(f'{what} with step {step}: data has {found} bytes, too few: height × '
                         f'step is {height * step}')


def to_bgr(encoding: Encoding, samples: Samples) -> Pixels:
    """B, G, R pixels, shape (height, width, 3), newly made, of an encoding with a conversion."""
    import cv2  # the nodes that only send images do without
    converted = cv2.cvtColor(samples, getattr(cv2, encoding.conversion))
    if encoding.depth == 2:
        converted = cv2.convertScaleAbs(converted, alpha=255 / 65535)
    return np.asarray(converted, np.uint8)
