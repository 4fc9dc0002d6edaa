"""A robot to send broken updates to: it sees red all the time."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import makers
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import QoSProfile
from robots import NAMES, OTHER_NAMES, Robot, update
from ros_graph import NAMESPACE, Graph, wait_for

from recognizer_ros.inference.model_cache import Patience
from recognizer_ros.inference.trial import Trial
from recognizer_ros.msg import ModelUpdate
from recognizer_ros.nodes import lifecycle
from recognizer_ros.nodes.model_fetch import ModelFetch
from recognizer_ros.registry.store import Version

QUICK = Patience(quiet_s=0.3, pause_s=0.01, longest_s=0.05)


class Bench(Robot):
    """A robot that counts its versions: each has a later stamp, and lives in a folder of its own.
    """

    def __init__(self, graph: Graph, folder: Path) -> None:
        super().__init__(graph, folder)
        self.numbers = itertools.count(1)
        self.shown = 0
        self._told = graph.listen(DiagnosticArray, '/diagnostics', QoSProfile(depth=100))
        self.node._diagnostics_timer.timer_period_ns = 50_000_000  # a second takes too long here

    def made(self, labels: tuple[str, ...] = OTHER_NAMES, gain: float = 2.0) -> Version:
        return makers.model(self.folder, labels, next(self.numbers), gain=gain)

    def with_net(self, net: bytes) -> Version:
        """A version of another network, whose checksums hold."""
        version = self.made()
        return makers.stored(version.folder, net, version.head_bytes(), version.bundle)

    def use(self, labels: tuple[str, ...], gain: float = 1.0) -> Version:
        """Announce a good version, and wait for it while frames flow."""
        version = self.made(labels, gain)
        self.announce(version)
        wait_for(lambda: self.see() and self.version == version.bundle.version)
        return version

    def announce(self, version: Version) -> None:
        self.say(message(version))

    def see(self) -> str:
        """Show something red; what it is called."""
        self.shown += 1
        return str(self.answer(makers.RED).results[0].class_id)

    def errors(self) -> set[str]:
        """What diagnostics have complained about."""
        return {status.message for array in list(self._told) for status in array.status
                if (status.name, status.level) == (f'{NAMESPACE[1:]}/classifier', lifecycle.ERROR)}

    def complaint(self) -> str:
        """The one that is heard while every frame is answered by the model that says red."""
        def heard() -> set[str]:
            assert self.see() == 'red'
            return self.errors()

        wait_for(heard)
        heard()
        told, = self.errors()
        return told

    def files(self) -> set[str]:
        return {str(path) for path in self.cache.rglob('*') if path.is_file()}

    def begin(self) -> Version:
        """Use a version that says red, and forget what was."""
        version = self.use(NAMES)
        wait_for(lambda: self._levels()[-1:] == [lifecycle.OK])
        self._told.clear()
        return version

    def _levels(self) -> list[bytes]:
        return [status.level for array in list(self._told) for status in array.status
                if status.name == f'{NAMESPACE[1:]}/classifier']


def message(version: Version) -> ModelUpdate:
    """The announcement; the later the version, the later it went live."""
    return update(version, version.bundle.version * 10**9)


@contextmanager
def started(graph: Graph, folder: Path) -> Iterator[Bench]:
    """One that says red, is soon out of patience, and asks for small pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ModelFetch, 'patience', QUICK)
        patch.setattr(ModelFetch, 'chunk', 20)
        patch.setattr(Trial, 'cpu_s', 1)
        bench = Bench(graph, folder)
        bench.model(next(bench.numbers))
        yield bench


def refused(bench: Bench, said: ModelUpdate, reason: str) -> None:
    """Say it; the model in use answers each frame meanwhile, and one complaint is heard."""
    before = bench.files()
    bench.say(said)
    told = bench.complaint()
    number = said.model.version
    assert told.startswith(f'model version {number}: '), told
    assert '\n' not in told
    assert re.search(reason, told), told
    assert bench.files() == before
    assert len(bench.answers) == bench.shown


def goes_on(bench: Bench) -> None:
    """A good update is taken, and nothing is complained about any more."""
    bench.use(OTHER_NAMES, gain=3.0)
    assert bench.see() == 'rot'
    assert len(bench.answers) == bench.shown
