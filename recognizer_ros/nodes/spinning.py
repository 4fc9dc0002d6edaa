"""A thread that runs the callbacks of nodes, for programs that do something else meanwhile."""

import contextlib
import threading

from rclpy.context import Context
from rclpy.exceptions import InvalidHandle
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

_LOOK_S = 1.0


class Spinner:
    """Spins until it is closed, or its context is shut down.

    ``Executor.shutdown`` of rclpy does not wait for a spin in another thread, which then fails on
    what is gone.
    """

    def __init__(self, context: Context, *nodes: Node) -> None:
        self._executor, self._ending = SingleThreadedExecutor(context=context), False
        for node in nodes:
            self.add(node)
        self._thread = threading.Thread(target=self._spin, name='spin', daemon=True)
        self._thread.start()

    def add(self, node: Node) -> None:
        """Spin this one too."""
        self._executor.add_node(node)

    def close(self) -> None:
        """Leave off after the callback under way."""
        self._ending = True
        self._executor.wake()
        self._thread.join()
        self._executor.shutdown()

    def _spin(self) -> None:
        with contextlib.suppress(ExternalShutdownException):
            while not self._ending:
                # Another thread may destroy what the executor is about to wait for.
                with contextlib.suppress(InvalidHandle):
                    self._executor.spin_once(timeout_sec=_LOOK_S)
