"""Lets speed commands through, and stops the robot while a label is in view."""

from contextlib import suppress

import rclpy
from geometry_msgs.msg import Twist
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

from recognizer_ros.msg import LabelEvent


class StopOnEvent(Node):
    def __init__(self):
        super().__init__('stop_on_event')
        self.declare_parameter('label', 'person')
        self.stopped = False
        self.speed = self.create_publisher(Twist, 'cmd_vel', 10)
        self.create_subscription(Twist, 'cmd_vel_wanted', self.on_speed, 10)
        self.create_subscription(LabelEvent, 'events', self.on_event, 10)

    def on_event(self, event):
        if event.label == self.get_parameter('label').value:
            self.stopped = event.event == LabelEvent.ENTERED
            if self.stopped:
                self.speed.publish(Twist())

    def on_speed(self, wanted):
        self.speed.publish(Twist() if self.stopped else wanted)


def main():
    rclpy.init()
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(StopOnEvent())


if __name__ == '__main__':
    main()
