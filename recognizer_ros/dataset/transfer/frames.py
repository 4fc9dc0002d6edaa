"""Image files of messages in a recording."""

from typing import Any

import cv2
import numpy as np

from ...core.errors import ImageError
from .. import images

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
_QUALITY = 95
_CODES = {'bgr8': None, '8UC3': None, 'mono8': None, '8UC1': None, 'rgb8': cv2.COLOR_RGB2BGR,
          'rgba8': cv2.COLOR_RGBA2BGR, 'bgra8': cv2.COLOR_BGRA2BGR}
_CHANNELS = {'mono8': 1, '8UC1': 1, 'rgba8': 4, 'bgra8': 4}


def image_file(message: Any) -> bytes:
    """An image file of a message: as it came, or encoded where it came raw.

    :raises ImageError: its encoding is not supported, or it has too few bytes.
    """
    if message.__msgtype__ == COMPRESSED:
        return bytes(message.data.data)
    pixels = to_bgr(message.data.data, message.width, message.height, message.encoding,
                    message.step)
    return images.encode_jpeg(pixels, _QUALITY)


def to_bgr(data: memoryview, width: int, height: int, encoding: str, step: int) -> images.Pixels:
    """B, G, R pixels, shape (height, width, 3), or grey ones, (height, width).

    :raises ImageError: as above.
    """
    if encoding not in _CODES:
        raise ImageError(f'image encoding {encoding!r} is not supported: one of '
                         + ', '.join(_CODES))
    code, channels = _CODES[encoding], _CHANNELS.get(encoding, 3)
    if not width or not height or step < width * channels or len(data) < height * step:
        raise ImageError(f'image of {width}×{height} {encoding} with step {step} has '
                         f'{len(data)} bytes: too few')
    rows = np.frombuffer(data, np.uint8, height * step).reshape(height, step)
    pixels = rows[:, :width * channels].reshape(height, width, channels)
    if code is None:
        return np.ascontiguousarray(pixels[:, :, 0] if channels == 1 else pixels)
    return np.asarray(cv2.cvtColor(pixels, code), np.uint8)
