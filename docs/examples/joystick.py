"""Records while a button of a joystick is held; another button chooses the next tag."""

from contextlib import suppress

import rclpy
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from sensor_msgs.msg import Joy

from recognizer_ros.msg import Tags

LEASE = Duration(seconds=0.5).to_msg()


class Joystick(Node):
    def __init__(self):
        super().__init__('joystick')
        self.declare_parameter('tags', ['mug', 'background'])
        self.declare_parameter('record_button', 0)
        self.declare_parameter('next_button', 1)
        self.chosen = 0
        self.recording = self.choosing = False
        self.publisher = self.create_publisher(Tags, 'tags', 10)
        self.create_subscription(Joy, 'joy', self.on_joy, 10)

    def on_joy(self, joy):
        held, choosing = self.is_down(joy, 'record_button'), self.is_down(joy, 'next_button')
        if choosing and not self.choosing and not held:
            self.chosen += 1
            self.get_logger().info(f'the next press records {self.tag()}')
        if held or self.recording:
            self.publisher.publish(Tags(
                stamp=self.get_clock().now().to_msg(), sender='joystick', tags=[self.tag()],
                recording=held, lease=LEASE))
        self.recording, self.choosing = held, choosing

    def tag(self):
        tags = self.get_parameter('tags').value
        return tags[self.chosen % len(tags)]

    def is_down(self, joy, name):
        return joy.buttons[self.get_parameter(name).value] == 1


def main():
    rclpy.init()
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(Joystick())


if __name__ == '__main__':
    main()
