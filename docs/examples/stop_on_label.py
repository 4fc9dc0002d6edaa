"""Says that the robot must stop while a label is in view."""

from contextlib import suppress

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Bool

from recognizer_ros.msg import LabelEvent

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class StopOnLabel(Node):
    def __init__(self):
        super().__init__('stop_on_label')
        self.declare_parameter('label', 'person')
        self.in_view = set()
        self.stop = self.create_publisher(Bool, 'stop', LATCHED)
        self.create_subscription(LabelEvent, 'events', self.on_event, 10)
        self.stop.publish(Bool(data=False))

    def on_event(self, event):
        if event.event == LabelEvent.ENTERED:
            self.in_view.add(event.label)
        else:
            self.in_view.discard(event.label)
        self.stop.publish(Bool(data=self.get_parameter('label').value in self.in_view))


def main():
    rclpy.init()
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(StopOnLabel())


if __name__ == '__main__':
    main()
