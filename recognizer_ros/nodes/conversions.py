"""Between messages and values."""

import array
import sys
from typing import Any

import numpy as np
import numpy.typing as npt
from builtin_interfaces.msg import Duration, Time
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ..core.errors import ImageError
from ..dataset import encodings
from ..dataset.encodings import Encoding, Pixels, Samples
from . import cvbridge

_JPEG, _PNG = b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n'


def nanoseconds(stamp: Time) -> int:
    """A stamp as a number."""
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)


def to_time(stamp_ns: int) -> Time:
    """A number as a stamp."""
    return Time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)


def to_duration(time_ns: int) -> Duration:
    """A number as a duration."""
    return Duration(sec=time_ns // 10**9, nanosec=time_ns % 10**9)


def age_s(node: Node, header: Header) -> float:
    """How long ago the stamp of a header was, by the node's clock."""
    return (int(node.get_clock().now().nanoseconds) - nanoseconds(header.stamp)) / 1e9


def image_to_array(message: Image) -> tuple[Pixels, str]:
    """Pixels of an Image, shape (height, width, 3), and their order, ``bgr`` or ``rgb``.

    rgb8 and bgr8 (8UC3) are views of the message's data; all others become new pixels in the
    order ``bgr``, by cv_bridge where it works and by OpenCV elsewhere, with the same result.

    :raises ImageError: another encoding, or a size, step and data that do not go together.
    """
    encoding = encodings.find(message.encoding)
    samples = encodings.unpack(encoding, (message.width, message.height), message.step,
                               bool(message.is_bigendian), message.data)
    if not encoding.conversion:
        return samples, 'rgb' if encoding.name == 'rgb8' else 'bgr'
    bridge = cvbridge.load()
    if encoding.name in bridge.encodings:
        return bridge.convert(_tidy(message, encoding, samples)), 'bgr'
    return encodings.to_bgr(encoding, samples), 'bgr'


def _tidy(message: Image, encoding: Encoding, samples: Samples) -> Image:
    """The message as every cv_bridge reads it right: many take no padding or no other byte order,
    and none an 8UC1 as grey.
    """
    step = message.width * encoding.channels * encoding.depth
    big_endian = sys.byteorder == 'big'
    if ((message.encoding, message.step, bool(message.is_bigendian))
            == (encoding.name, step, big_endian)):
        return message
    data = byte_array(np.ascontiguousarray(samples).view(np.uint8))
    return Image(height=message.height, width=message.width, encoding=encoding.name, step=step,
                 is_bigendian=big_endian, data=data)


def array_to_image(pixels: Pixels, stamp_ns: int, frame_id: str) -> Image:
    """An Image of B, G, R pixels, shape (height, width, 3); copies the bytes once."""
    return picture(pixels, Header(stamp=to_time(stamp_ns), frame_id=frame_id))


def picture(pixels: 'npt.NDArray[Any]', header: Header, encoding: str = 'bgr8') -> Image:
    """An Image of an array, shape (height, width) or (height, width, channels); copies the bytes
    once.

    :param encoding: one that goes with the type of the array.
    """
    message = Image(header=header, height=pixels.shape[0], width=pixels.shape[1],
                    encoding=encoding, step=pixels[0].nbytes,
                    is_bigendian=sys.byteorder == 'big')
    message.data = byte_array(pixels)
    return message


def jpeg_to_message(data: bytes, stamp_ns: int, frame_id: str) -> CompressedImage:
    """A CompressedImage of a JPEG file."""
    message = CompressedImage(format='bgr8; jpeg compressed bgr8')
    message.header.stamp, message.header.frame_id = to_time(stamp_ns), frame_id
    message.data = byte_array(data)
    return message


def jpeg_of(message: CompressedImage) -> bytes:
    """The JPEG file in a CompressedImage, or the PNG file: one copy, not decoded.

    The first bytes decide, as ``format`` is free text that some cameras leave empty.

    :raises ImageError: it is neither: compressedDepth, a video stream, nothing.
    """
    if not bytes(message.data[:8]).startswith((_JPEG, _PNG)):
        raise ImageError(f'compressed image of format {message.format[:40]!r} is neither JPEG nor '
                         'PNG: publish it with format jpeg')
    return bytes(message.data)


def byte_array(data: Any) -> 'array.array[int]':
    """Bytes as the type that message fields take without looking at each element."""
    made = array.array('B')
    made.frombytes(np.ascontiguousarray(data).reshape(-1).view(np.uint8).data
                   if isinstance(data, np.ndarray) else data)
    return made
