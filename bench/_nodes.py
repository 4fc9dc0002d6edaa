"""What the benches of running nodes share: nodes as processes, and a ROS client that listens."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import rclpy
from builtin_interfaces.msg import Duration, Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.context import Context
from sensor_msgs.msg import Image
from vision_msgs.msg import Classification, LabelInfo, VisionInfo

from recognizer_ros.core.errors import DemoError
from recognizer_ros.msg import DatasetStatus, ModelUpdate, Tags, TrainingStatus
from recognizer_ros.nodes import conversions, middleware, qos
from recognizer_ros.nodes.spinning import Spinner

HEARD: dict[str, tuple[Any, Any]] = {
    'dataset': (DatasetStatus, qos.LATCHED), 'training': (TrainingStatus, qos.LATCHED),
    'model': (ModelUpdate, qos.LATCHED), 'vision_info': (VisionInfo, qos.LATCHED),
    'classification': (Classification, qos.RESULT), 'label_info': (LabelInfo, qos.LATCHED),
    '/diagnostics': (DiagnosticArray, 10)}
_KEPT = 20_000
_POLL_S = 0.02
_PATIENCE_S = 10.0
_TRY_S = 1.0
_LEASE_S = 30
_JUDGED = re.compile(r'(head|finetune) on revision (\d+): (.*)')
_PUBLISHED = re.compile(r'version (\d+) \((head|finetune)\) is live')
T = TypeVar('T')


class NodeProcess:
    """A node, started as a user would; in a session of its own, as honcho does.

    :param program: arguments of Python that start another one than ours.
    """

    def __init__(self, node: str, parameters: Path, namespace: str, log: Path,
                 program: tuple[str, ...] = ()) -> None:
        self.name, self.log = node, Log(log)
        program = program or ('-m', 'recognizer_ros.nodes', node)
        with log.open('wb') as output:
            self.process = subprocess.Popen(
                [sys.executable, *program, '--ros-args', '--params-file', str(parameters),
                 '-r', f'__ns:=/{namespace}'],
                env={**os.environ, 'PYTHONUNBUFFERED': '1'}, stdout=output,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)

    def check(self) -> None:
        """:raises DemoError: it has ended."""
        if self.process.poll() is not None:
            raise DemoError(f'the {self.name} has ended: {self.log.last_line()}')

    def kill(self) -> None:
        """``kill -9``."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Ask it to end; kill it when it does not."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()


@dataclass(frozen=True)
class Judged:
    """The trainer's word on a candidate, and when it was read. :param said: scores and reason."""

    read_s: float
    stage: str
    revision: int
    said: str


class Log:
    """What a trainer writes about its candidates."""

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0
        self.judged: list[Judged] = []
        self.published: list[int] = []

    def refresh(self) -> None:
        """Read what has come."""
        with self._path.open('rb') as file:
            file.seek(self._read)
            fresh = file.read().rpartition(b'\n')[0]
        self._read += len(fresh)
        for line in fresh.decode(errors='replace').splitlines():
            if found := _JUDGED.search(line):
                self.judged.append(Judged(time.monotonic(), found[1], int(found[2]), found[3]))
            elif found := _PUBLISHED.search(line):
                self.published.append(int(found[1]))

    def last_line(self) -> str:
        """Its last word, for people."""
        return (self._path.read_text(errors='replace').splitlines() or ['it said nothing'])[-1]

    def head_on(self, revision: int) -> Judged | None:
        """The first head fitted on data of this revision or a later one."""
        self.refresh()
        return next((judged for judged in self.judged
                     if judged.stage == 'head' and judged.revision >= revision), None)


@dataclass(frozen=True)
class Heard:
    """A message and when it came, monotonic and by the ROS clock."""

    at_s: float
    at_ns: int
    message: Any


class Client:
    """Joins the graph of ``namespace``; ``with`` leaves it."""

    def __init__(self, namespace: str) -> None:
        self._heard = {topic: deque[Heard](maxlen=_KEPT) for topic in HEARD}
        self._context = Context()
        # As the camera and the classifier.
        with mock.patch.dict(os.environ, middleware.profile('config/fastdds.xml')):
            rclpy.init(context=self._context)
            self.node = rclpy.create_node('bench', namespace=namespace, context=self._context)
        for topic, (kind, profile) in HEARD.items():
            self.node.create_subscription(
                kind, topic, lambda message, topic=topic: self._take(topic, message), profile)
        self._answers, self._answer = self._heard['classification'], threading.Condition()
        self._tags = self.node.create_publisher(Tags, 'tags', qos.TAGS)
        self._images = self.node.create_publisher(Image, 'image_raw', qos.IMAGE)
        self._models = self.node.create_publisher(ModelUpdate, 'model', qos.LATCHED)
        self._spinner = Spinner(self._context, self.node)

    def __enter__(self) -> 'Client':
        return self

    def __exit__(self, *error: object) -> None:
        self._spinner.close()
        self.node.destroy_node()
        self._context.try_shutdown()

    def heard(self, topic: str, since_s: float = 0.0) -> list[Heard]:
        """Messages that came since then, oldest first."""
        return [item for item in list(self._heard[topic]) if item.at_s >= since_s]

    def last(self, topic: str, since_s: float = 0.0) -> Any:
        """The newest message; ``None``: there is none."""
        found = self.heard(topic, since_s)
        return found[-1].message if found else None

    def now_ns(self) -> int:
        """The ROS clock."""
        return int(self.node.get_clock().now().nanoseconds)

    def show(self, pixels: Any, stamp_ns: int) -> None:
        """Publish a frame."""
        self._images.publish(conversions.array_to_image(pixels, stamp_ns, 'bench'))

    def announce(self, update: ModelUpdate) -> None:
        """Tell of a model, as the trainer does."""
        self._models.publish(update)

    def diagnosed(self, node: str, since_s: float = 0.0) -> dict[str, str]:
        """The last values that a node has told of itself; empty: none."""
        for heard in reversed(self.heard('/diagnostics', since_s)):
            for status in heard.message.status:
                if status.name == f'{self.node.get_namespace()}/{node}'.lstrip('/'):
                    return {item.key: item.value for item in status.values}
        return {}

    def hold(self, tags: tuple[str, ...]) -> int:
        """Press Record, or with no tags release it; return the stamp."""
        stamp_ns = self.now_ns()
        self._tags.publish(Tags(stamp=conversions.to_time(stamp_ns), sender='bench',
                                tags=list(tags), recording=bool(tags),
                                lease=Duration(sec=_LEASE_S)))
        return stamp_ns

    def answered(self, stamp: Time, limit_s: float) -> bool:
        """Wait for the answer to the image of this stamp; return whether it came."""
        with self._answer:
            return self._answer.wait_for(
                lambda: self._answers and self._answers[-1].message.header.stamp == stamp,
                limit_s)

    def ready(self) -> bool:
        """Somebody listens to images, and to tags."""
        return (self._images.get_subscription_count() > 1
                and self._tags.get_subscription_count() > 0)

    def ask(self, kind: Any, name: str) -> Any:
        """Call a service without arguments; ``None``: nobody answers.

        Asked again and again: the request may go to a server that was killed and still counts.
        """
        client = self.node.create_client(kind, name)
        try:
            end = time.monotonic() + _PATIENCE_S
            while time.monotonic() < end:
                future = client.call_async(kind.Request())
                if wait(future.done, _TRY_S):
                    return future.result()
            return None
        finally:
            self.node.destroy_client(client)

    def _take(self, topic: str, message: Any) -> None:
        with self._answer:
            self._heard[topic].append(Heard(time.monotonic(), self.now_ns(), message))
            self._answer.notify_all()


def wait(find: Callable[[], T | None], limit_s: float) -> T | None:
    """Wait until something is found; ``None``: it was not in this time."""
    end = time.monotonic() + limit_s
    while not (found := find()) and time.monotonic() < end:
        time.sleep(_POLL_S)
    return found or None
