"""Topics that tell a state, also to those who come later."""

from typing import Generic, TypeVar

from rclpy.clock import Clock
from rclpy.node import Node

from . import qos

_STEP_S = 0.2
_REPEATS = 3
MessageT = TypeVar('MessageT')


class Latched(Generic[MessageT]):
    """A publisher that says its last message again to whoever has just come: while both ends still
    find each other the middleware may lose it, and sends it again only seconds later."""

    def __init__(self, node: Node, kind: type[MessageT], topic: str) -> None:
        self._publisher = node.create_publisher(kind, topic, qos.LATCHED)
        self._last: MessageT | None = None
        self._listeners = self._repeats = 0
        node.create_timer(_STEP_S, self._step, clock=Clock())

    def publish(self, message: MessageT) -> None:
        """For any thread."""
        self._last = message
        self._publisher.publish(message)

    def _step(self) -> None:
        count = self._publisher.get_subscription_count()
        if count > self._listeners:
            self._repeats = _REPEATS
        self._listeners = count
        if self._repeats and self._last is not None:
            self._repeats -= 1
            self._publisher.publish(self._last)
