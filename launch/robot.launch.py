"""All but the trainer, which runs on another machine (trainer.launch.py)."""

from recognizer_ros.nodes.launching import describe


def generate_launch_description():
    """Entry point of ros2 launch."""
    return describe(('camera', 'classifier', 'recorder', 'web'))
