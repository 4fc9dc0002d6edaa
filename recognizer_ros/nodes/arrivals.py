"""Images as they arrive at a node: how old they are, and how many never came."""

from typing import Any

from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from ..core.timing import Stages
from . import conversions

_SEQUENCE = 'publication_sequence_number'


class Arrivals:
    """For callbacks of one topic.

    :ivar stages: ``transport``, from an image's stamp to its arrival.
    :ivar missed: images that were published and have not come, as far as the middleware numbers
        them; with several publishers the numbers tell nothing, and nothing is counted.
    """

    def __init__(self, node: LifecycleNode, topic: str) -> None:
        self._node, self._topic = node, topic
        self.stages, self.missed, self._last = Stages('transport'), 0, 0

    def add(self, header: Header, info: dict[str, Any]) -> None:
        """An image has come. :param info: what the middleware says of it."""
        self.stages.add('transport', conversions.age_s(self._node, header))
        number = info.get(_SEQUENCE) or 0
        gap, self._last = number - self._last - 1, number
        if gap > 0 and gap < number - 1 and self._node.count_publishers(self._topic) == 1:
            self.missed += gap
