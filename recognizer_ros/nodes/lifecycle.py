"""What all five nodes share: lifecycle with autostart, parameters, diagnostics, an orderly end."""

import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from concurrent.futures import Future as ThreadFuture
from typing import Any, Generic, TypeVar

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.clock import Clock
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.signals import SignalHandlerOptions
from rclpy.subscription import Subscription
from rclpy.task import Future
from rclpy.timer import Timer

from ..core import memory
from ..core.errors import RecognizerError
from . import logs, middleware, parameters

ConfigT = TypeVar('ConfigT')
OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


class RecognizerNode(LifecycleNode, Generic[ConfigT]):  # type: ignore[misc]
    """A lifecycle node made of four steps that a subclass fills in.

    :ivar config: the settings in force.
    :ivar failure: why the last transition failed; empty when it did not.
    :ivar ending: the process is about to end.
    """

    ending = False

    def __init__(self, name: str, config: type[ConfigT], **options: Any) -> None:
        super().__init__(name, **options)
        self.failure = ''
        self.config = parameters.declare(self, config)
        self._autostart = self.declare_parameter('autostart', True, ParameterDescriptor(
            read_only=True, description='Configure and activate when started; false: a lifecycle '
            'manager does it.')).value
        parameters.on_change(self, lambda: self.config, self._take_config)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._diagnostics_timer = self.create_timer(1.0, self._diagnose, clock=Clock())

    def set_up(self) -> None:
        """Configure: open files and devices. :raises RecognizerError: the node stays as it was."""

    def start(self) -> None:
        """Activate: begin to work. :raises RecognizerError: the node stays inactive."""

    def stop(self) -> None:
        """Deactivate: leave off."""

    def tear_down(self) -> None:
        """Clean up: undo :meth:`set_up`; called also after one that failed half-way."""

    def configure_live(self, config: ConfigT) -> None:
        """Settings are about to change. :raises RecognizerError: they do not."""

    def diagnose(self) -> tuple[bytes, str, dict[str, object]]:
        """Return level, message and values for /diagnostics."""
        return OK, 'working', {}

    def now_ns(self) -> int:
        """The ROS clock."""
        return int(self.get_clock().now().nanoseconds)

    def autostart(self) -> bool:
        """Configure and activate, unless a lifecycle manager is to do it; False: that failed."""
        if not self._autostart:
            return True
        return (self.trigger_configure() == TransitionCallbackReturn.SUCCESS
                and self.trigger_activate() == TransitionCallbackReturn.SUCCESS)

    def close(self) -> None:
        """End from any state, with nothing left half-written."""
        if self._active:
            self.stop()
        if self._configured:
            self.tear_down()
        self._active = self._configured = False

    _active = _configured = False

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From rclpy."""
        result = self._attempt(self.set_up, self.tear_down)
        self._configured = result == TransitionCallbackReturn.SUCCESS
        return result

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From rclpy."""
        result = self._attempt(self.start, self.stop)
        self._active = result == TransitionCallbackReturn.SUCCESS
        return result if not self._active else super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From rclpy."""
        self.stop()
        self._active = False
        gc.collect()  # nets and servers are made of cycles
        memory.give_back()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From rclpy."""
        self.tear_down()
        self._configured = False
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """From rclpy."""
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def _attempt(self, step: Callable[[], None],
                 undo: Callable[[], None]) -> TransitionCallbackReturn:
        try:
            step()
        except RecognizerError as error:
            self.failure = str(error)
            self.get_logger().error(self.failure)
            undo()
            return TransitionCallbackReturn.FAILURE
        self.failure = ''
        return TransitionCallbackReturn.SUCCESS

    def _take_config(self, config: ConfigT) -> None:
        self.configure_live(config)
        self.config = config

    def _diagnose(self) -> None:
        if self._active:
            level, message, values = self.diagnose()
        else:
            level, message, values = (ERROR, self.failure, {}) if self.failure else (
                WARN, 'inactive', {})
        status = DiagnosticStatus(
            level=level, name=self.get_fully_qualified_name().lstrip('/'), message=message,
            hardware_id=socket.gethostname(),
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()])
        report = DiagnosticArray(status=[status])
        report.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(report)


def destroy(node: LifecycleNode, entities: list[Any]) -> None:
    """Destroy subscriptions, publishers and timers, and forget them."""
    for entity in entities:
        if isinstance(entity, Timer):
            node.destroy_timer(entity)
        elif isinstance(entity, Subscription):
            node.destroy_subscription(entity)
        else:
            node.destroy_publisher(entity)
    entities.clear()


def awaitable(node: LifecycleNode, work: 'ThreadFuture[Any]') -> Future:
    """Let a callback of the node await what a thread does: ``await`` it, then ask ``work``."""
    future = Future(executor=node.executor)
    future.add_done_callback(lambda _: None)  # a task for the executor: it wakes up
    work.add_done_callback(lambda _: future.set_result(None))
    return future


def run(make: Callable[[], RecognizerNode[Any]], args: list[str] | None = None,
        profile: str = 'config/discovery.xml') -> int:
    """Run one node until SIGINT or SIGTERM; return the exit status.

    :param profile: of the middleware, unless the user has named another; see the file.
    """
    logging.basicConfig(level=logging.INFO, format='%(levelname)s: %(message)s')
    os.environ.update(middleware.profile(profile))
    # rclpy's own handlers take the graph away before a node can say its last word.
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    asked: list[int] = []  # no lock: a handler may interrupt whoever holds it
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda which, _: asked.append(which))
    node, executor, logged = None, SingleThreadedExecutor(), contextlib.ExitStack()
    try:
        node = make()
        logged.enter_context(logs.of_node(node))
        if not node.autostart():
            return 1
        executor.add_node(node)
        with contextlib.suppress(ExternalShutdownException):
            while not asked:
                executor.spin_once(timeout_sec=1.0)
        return 0
    except RecognizerError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    finally:
        if node:
            node.ending = True
            node.close()
            logged.close()
            node.destroy_node()
        executor.shutdown()  # else the interpreter's end may find it alive, and its context gone
        rclpy.try_shutdown()
