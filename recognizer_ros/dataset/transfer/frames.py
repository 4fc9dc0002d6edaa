"""Image files of messages in a recording."""

from typing import Any

import cv2

from .. import encodings, images

IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
_QUALITY = 95


def image_file(message: Any) -> bytes:
    """An image file of a message: as it came, or encoded where it came raw.

    :raises ImageError: its encoding is not supported, or it has too few bytes.
    """
    if message.__msgtype__ == COMPRESSED:
        return bytes(message.data.data)
    encoding = encodings.find(message.encoding)
    pixels = encodings.unpack(encoding, (message.width, message.height), message.step,
                              bool(message.is_bigendian), message.data.data)
    if encoding.conversion:
        pixels = encodings.to_bgr(encoding, pixels)
    elif encoding.name == 'rgb8':
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    return images.encode_jpeg(pixels, _QUALITY)
