"""Between messages and values."""

import array
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Time
from sensor_msgs.msg import CompressedImage, Image

from ..core.errors import ImageError

Pixels = npt.NDArray[np.uint8]
_CHANNELS = {'rgb8': ('rgb', 3), 'bgr8': ('bgr', 3), 'rgba8': ('rgb', 4), 'bgra8': ('bgr', 4),
             '8UC3': ('bgr', 3), 'mono8': ('mono', 1), '8UC1': ('mono', 1)}


def nanoseconds(stamp: Time) -> int:
    """A stamp as a number."""
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def to_time(stamp_ns: int) -> Time:
    """A number as a stamp."""
    return Time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)


def image_to_array(message: Image) -> tuple[Pixels, str]:
    """Pixels of an Image, shape (height, width, 3), and their order, ``bgr`` or ``rgb``.

    Not a copy where the encoding has three channels.

    :raises ImageError: another encoding, or too few bytes.
    """
    known = _CHANNELS.get(message.encoding)
    if not known:
        raise ImageError(f'image encoding {message.encoding!r} is not supported: publish one of '
                         + ', '.join(_CHANNELS))
    order, channels = known
    width, height, step = message.width, message.height, message.step
    if not width or not height or step < width * channels or len(message.data) < height * step:
        raise ImageError(f'image of {width}×{height} {message.encoding} with step {step} has '
                         f'{len(message.data)} bytes: too few')
    rows = np.frombuffer(message.data, np.uint8, height * step).reshape(height, step)
    pixels = rows[:, :width * channels].reshape(height, width, channels)
    if order == 'mono':
        return np.repeat(pixels, 3, axis=2), 'bgr'
    return pixels[:, :, :3], order


def array_to_image(pixels: Pixels, stamp_ns: int, frame_id: str) -> Image:
    """An Image of B, G, R pixels, shape (height, width, 3); copies the bytes once."""
    message = Image(height=pixels.shape[0], width=pixels.shape[1], encoding='bgr8',
                    step=pixels.shape[1] * 3, is_bigendian=sys.byteorder == 'big')
    message.header.stamp, message.header.frame_id = to_time(stamp_ns), frame_id
    message.data = byte_array(pixels)
    return message


def jpeg_to_message(data: bytes, stamp_ns: int, frame_id: str) -> CompressedImage:
    """A CompressedImage of a JPEG file."""
    message = CompressedImage(format='bgr8; jpeg compressed bgr8')
    message.header.stamp, message.header.frame_id = to_time(stamp_ns), frame_id
    message.data = byte_array(data)
    return message


def byte_array(data: Any) -> 'array.array[int]':
    """Bytes as the type that message fields take without looking at each element."""
    made = array.array('B')
    made.frombytes(np.ascontiguousarray(data).reshape(-1).data if isinstance(data, np.ndarray)
                   else data)
    return made
