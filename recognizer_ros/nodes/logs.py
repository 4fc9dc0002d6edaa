"""What the rest of the package logs goes where a node's own lines go: also to /rosout."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rclpy.node import Node


@contextmanager
def of_node(node: Node) -> Iterator[None]:
    """Pass on what is logged from INFO up, by any thread, under the name of the node."""
    root, handler = logging.getLogger(), _Handler(node.get_logger())
    handlers, level = root.handlers[:], root.level
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)


class _Handler(logging.Handler):
    def __init__(self, logger: Any) -> None:
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        # A line for each: rclpy wants one severity at each place.
        if record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        else:
            self._logger.info(text)
