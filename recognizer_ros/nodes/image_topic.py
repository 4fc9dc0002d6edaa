"""Another node's images as a source of the camera: ``topic://name``."""

import threading
import time
from typing import Any

import numpy as np
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CompressedImage, Image

from ..capture.newest import Newest
from ..capture.source import Frame
from ..core.errors import ImageError, SourceError
from ..dataset.images import decode
from . import conversions, qos

_TYPES = {'sensor_msgs/msg/Image': Image, 'sensor_msgs/msg/CompressedImage': CompressedImage}
_DISCOVERY_S = 5.0
_POLL_S = 0.1
_BAD_IMAGES = 10


class ImageTopic:
    """The newest image of a topic, raw or compressed, with its own stamp.

    Images wait as messages and are converted when they are read, not in the executor.

    :param name: relative to the node's namespace, or absolute.
    """

    def __init__(self, node: LifecycleNode, name: str, stop: threading.Event) -> None:
        self._node, self._stop = node, stop
        self._topic = node.resolve_topic_name(name)
        self._newest: Newest[Image | CompressedImage] = Newest(
            f'topic {self._topic} brings no images any more: see whether its node still runs')
        self._subscription: Any = None

    def read(self) -> Frame | None:
        """See :class:`~recognizer_ros.capture.source.Source`."""
        if not self._subscription and not self._subscribe():
            return None
        for _ in range(_BAD_IMAGES):
            message = self._newest.read(self._stop)
            if message is None:
                return None
            try:
                return _frame(message)
            except ImageError as error:
                problem = error
        raise SourceError(f'topic {self._topic}: {problem}')

    def close(self) -> None:
        """See :class:`~recognizer_ros.capture.source.Source`."""
        if self._subscription:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _subscribe(self) -> bool:
        """Wait for somebody who publishes; False: stopped."""
        deadline_s = time.monotonic() + _DISCOVERY_S
        while not (types := self._types()):
            if time.monotonic() > deadline_s:
                raise SourceError(f'nobody publishes topic {self._topic}: start the node that '
                                  'does, or look for the name in "ros2 topic list"')
            if self._stop.wait(_POLL_S):
                return False
        known = sorted(types & _TYPES.keys(), reverse=True)  # raw before compressed
        if not known:
            raise SourceError(f'topic {self._topic} carries {", ".join(types)}: name one with '
                              'images')
        self._subscription = self._node.create_subscription(
            _TYPES[known[0]], self._topic, self._newest.put, qos.IMAGE)
        return True

    def _types(self) -> set[str]:
        """Of what others publish on the topic; the camera's own publisher is idle."""
        own = self._node.get_name(), self._node.get_namespace()
        return {info.topic_type for info in self._node.get_publishers_info_by_topic(self._topic)
                if (info.node_name, info.node_namespace) != own}


def _frame(message: Image | CompressedImage) -> Frame:
    """:raises ImageError: the message holds no image that can be read."""
    if isinstance(message, CompressedImage):
        pixels, order = decode(conversions.jpeg_of(message)), 'bgr'
    else:
        pixels, order = conversions.image_to_array(message)
    stamp_ns = conversions.nanoseconds(message.header.stamp)
    image = np.ascontiguousarray(pixels if order == 'bgr' else pixels[:, :, ::-1])
    return Frame(image, stamp_ns, relayed=True)
