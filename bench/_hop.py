"""The least that a node can do with an image: answer it with a result of the same header."""

import os
import sys

import rclpy
from sensor_msgs.msg import Image
from vision_msgs.msg import Classification

from recognizer_ros.nodes import middleware, qos


def main() -> None:
    """Run until the process is ended."""
    os.environ.update(middleware.profile('config/discovery.xml'))
    rclpy.init(args=sys.argv)
    node = rclpy.create_node('hop')
    answers = node.create_publisher(Classification, 'classification', qos.RESULT)
    node.create_subscription(
        Image, 'image_raw', lambda image: answers.publish(Classification(header=image.header)),
        qos.IMAGE)
    rclpy.spin(node)


if __name__ == '__main__':
    main()
