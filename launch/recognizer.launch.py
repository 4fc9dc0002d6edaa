"""All five nodes: ``ros2 launch recognizer_ros recognizer.launch.py input:=/dev/video0``."""

from recognizer_ros.core.config import NODES
from recognizer_ros.nodes.launching import describe


def generate_launch_description():
    """Entry point of ros2 launch."""
    return describe(tuple(NODES))
