"""A ROS graph for one test: nodes in this process, spun by a thread, and one who asks them."""

import itertools
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import makers
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile

from recognizer_ros.nodes.lifecycle import RecognizerNode
from recognizer_ros.nodes.spinning import Spinner

NAMESPACE = '/robot'
UNCONFIGURED, INACTIVE, ACTIVE, FINALIZED = (
    State.PRIMARY_STATE_UNCONFIGURED, State.PRIMARY_STATE_INACTIVE, State.PRIMARY_STATE_ACTIVE,
    State.PRIMARY_STATE_FINALIZED)
CONFIGURE, CLEANUP, ACTIVATE, DEACTIVATE, SHUTDOWN = (
    Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_CLEANUP,
    Transition.TRANSITION_ACTIVATE, Transition.TRANSITION_DEACTIVATE,
    Transition.TRANSITION_ACTIVE_SHUTDOWN)
_TIMEOUT_S = 60.0  # a busy machine takes its time
_DOMAINS = 100
_turns = itertools.count()


wait_for = partial(makers.wait_for, deadline_s=_TIMEOUT_S)


def free_domain() -> int:
    """A domain in which nobody is: the UDP port of its first participant is free."""
    for turn in _turns:
        domain = 1 + (os.getpid() * 7 + turn) % _DOMAINS
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
            probe.bind(('', 7410 + 250 * domain))
            return domain
    raise AssertionError


class Heard(list[Any]):
    """Messages of a topic, in order."""

    subscription: Any = None

    def wait(self, count: int = 1) -> Any:
        """Wait until so many have come; return the newest."""
        wait_for(lambda: len(self) >= count)
        return self[-1]


class Graph:
    """Use it with ``with``; what it made goes with it."""

    def __init__(self) -> None:
        self.domain = free_domain()
        self.context = Context()
        rclpy.init(context=self.context, domain_id=self.domain)
        self.tester = rclpy.create_node('tester', namespace=NAMESPACE, context=self.context)
        self._nodes: list[RecognizerNode[Any]] = []
        self._processes: list[subprocess.Popen[str]] = []
        self._clients: dict[str, Any] = {}
        self._spinner = Spinner(self.context, self.tester)

    def __enter__(self) -> 'Graph':
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()
        self._spinner.close()
        for node in self._nodes:
            node.close()
            node.destroy_node()
        self.tester.destroy_node()
        self.context.try_shutdown()

    # --- nodes ---

    def add(self, make: Any, namespace: str = NAMESPACE, **values: Any) -> Any:
        """A node that is spun, as it is after autostart; a failure of that is the test's."""
        node = make(context=self.context, namespace=namespace, parameter_overrides=[
            Parameter(name, value=value) for name, value in values.items()])
        self._nodes.append(node)
        node.autostart()
        self._spinner.add(node)
        return node

    def start(self, make: Any, **values: Any) -> Any:
        """The same, and it must be active."""
        node = self.add(make, **values)
        assert node.failure == ''
        return node

    def process(self, name: str, **values: Any) -> 'subprocess.Popen[str]':
        """A node as a process of its own, in the same domain."""
        given = [text for key, value in values.items()
                 for text in ('-p', f'{key}:={json.dumps(value)}')]
        process = subprocess.Popen(
            [sys.executable, '-m', 'recognizer_ros.nodes', name, '--ros-args',
             '-r', f'__ns:={NAMESPACE}', *given], text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**os.environ, 'ROS_DOMAIN_ID': str(self.domain)})
        self._processes.append(process)
        return process

    # --- asking ---

    def call(self, kind: Any, name: str, request: Any, again_s: float | None = None) -> Any:
        """Answer of a service.

        :param again_s: ask again when none has come for so long: of a service that has only just
            been found the middleware may lose the first one.
        """
        if name not in self._clients:
            self._clients[name] = self.tester.create_client(kind, name)
        client = self._clients[name]
        assert client.wait_for_service(_TIMEOUT_S), f'no service {name}'
        asked = [client.call_async(request)]
        asked_s = time.monotonic()

        def answers() -> list[Any]:
            if again_s and time.monotonic() > asked_s + len(asked) * again_s:
                asked.append(client.call_async(request))
            return [future for future in asked if future.done()]

        wait_for(answers)
        return answers()[0].result()

    def state(self, node: str) -> int:
        """State of its lifecycle."""
        return int(self.call(GetState, f'{node}/get_state', GetState.Request(), again_s=2.0)
                   .current_state.id)

    def change(self, node: str, transition: int) -> bool:
        """Do a transition; return whether it worked."""
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self.call(ChangeState, f'{node}/change_state', request).success)

    def set(self, node: str, **values: Any) -> SetParametersResult:
        """Set parameters; return the answer to the last of them."""
        request = SetParameters.Request(parameters=_messages(values))
        return self.call(SetParameters, f'{node}/set_parameters', request).results[-1]

    def set_together(self, node: str, **values: Any) -> SetParametersResult:
        """Set all parameters or none."""
        request = SetParametersAtomically.Request(parameters=_messages(values))
        return self.call(SetParametersAtomically, f'{node}/set_parameters_atomically',
                         request).result

    # --- topics ---

    def listen(self, kind: Any, topic: str, qos: QoSProfile) -> Heard:
        """Write down what is said."""
        heard = Heard()
        heard.subscription = self.tester.create_subscription(kind, topic, heard.append, qos)
        return heard

    def deaf(self, heard: Heard) -> None:
        """Listen no more."""
        self.tester.destroy_subscription(heard.subscription)

    def speak(self, kind: Any, topic: str, qos: QoSProfile, listeners: int = 1) -> Any:
        """A publisher that is heard."""
        publisher = self.tester.create_publisher(kind, topic, qos)
        wait_for(lambda: publisher.get_subscription_count() >= listeners)
        return publisher

    def diagnosed(self, node: str, text: str) -> DiagnosticStatus:
        """Wait until the diagnostics of a node hold a text; return them."""
        heard = self.listen(DiagnosticArray, '/diagnostics', QoSProfile(depth=10))

        def found() -> list[DiagnosticStatus]:
            return [status for array in list(heard) for status in array.status
                    if status.name == f'{NAMESPACE[1:]}/{node}' and text in status.message]

        wait_for(found)
        self.deaf(heard)
        return found()[-1]

    def now_ns(self) -> int:
        """The ROS clock."""
        return int(self.tester.get_clock().now().nanoseconds)


def wait_done(future: Any) -> Any:
    """Result of a future that the graph's thread finishes."""
    wait_for(future.done)
    return future.result()


def http(url: str, method: str = 'GET', value: object = None) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    body = None if method == 'GET' else json.dumps(value).encode()
    request = urllib.request.Request(url, body, {'Content-Type': 'application/json'},
                                     method=method)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read()
    return status, json.loads(text) if text else None


def ended(process: 'subprocess.Popen[str]') -> tuple[int, str]:
    """Exit status and output of a process that ends by itself."""
    output, _ = process.communicate(timeout=_TIMEOUT_S)
    return process.returncode, output


def folder_of(root: Path, images: Sequence[Any]) -> str:
    """A folder of photographs as a source."""
    for number, image in enumerate(images):
        makers.photo(root / f'{number:03d}.png', makers.picture(image, 'PNG'))
    return f'folder://{root}'


def _messages(values: dict[str, Any]) -> list[Any]:
    return [Parameter(name, value=value).to_parameter_msg() for name, value in values.items()]
