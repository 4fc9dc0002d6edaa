"""The trainer alone, for a workstation that sees the data folder of the robot's recorder. New
versions reach the robot by the graph."""

from recognizer_ros.nodes.launching import describe


def generate_launch_description():
    """Entry point of ros2 launch."""
    return describe(('trainer',))
