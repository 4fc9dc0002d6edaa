"""Camera → record → train → swap → classify, on real nodes, with nobody at the keyboard."""

import logging
import os
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.config import Value
from ..core.errors import DemoError
from ..core.options import by_node
from ..nodes.observer import Answer, Observer
from . import plan as plans
from .page import Page
from .plan import Plan, Scene
from .report import Report, machine, percentile
from .stack import Stack, write_parameters

_READY_S = 90.0
_POLL_S = 0.25
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What the demo is to do.

    :param images: folder with one sub-folder a class; ``None``: rendered scenes.
    :param size: width and height of the network's input, pixels.
    :param minutes: the whole run, at most about.
    :param bursts: presses of Record for each class.
    :param namespace: of all nodes.
    :param setup_s: what was spent before, for the report.
    """

    images: Path | None = None
    net: str = 'resnet18'
    weights: str = 'none'
    size: int = 64
    minutes: float = 3.2
    rate_hz: float = 15.0
    bursts: int = 8
    burst_s: float = 1.0
    unseen: int = 4
    unseen_s: float = 1.0
    namespace: str = 'demo'
    setup_s: float = 0.0

    @classmethod
    def for_photographs(cls, images: Path) -> 'Job':
        """What suits a folder of photographs: they are all different, and worth more pixels."""
        return cls(images=images, weights='imagenet', size=112, minutes=8.0, bursts=4, burst_s=3.0)


def run(job: Job, log: Path, say: Callable[[str], None]) -> Report:
    """Run it.

    :param log: file for the nodes' output. :param say: shows a line of progress.
    :raises RecognizerError: a node does not start, or ends; too few photographs; and so on.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix='recognizer-demo-') as folder:
        work = Path(folder)
        plan = (plans.photographs(job.images, work / 'show', job.bursts, job.rate_hz, job.burst_s)
                if job.images else
                plans.rendered(job.bursts, job.burst_s, job.unseen, job.unseen_s))
        os.environ.setdefault('ROS_DOMAIN_ID', str(1 + os.getpid() % 100))
        port = _free_port()
        parameters = work / 'parameters.json'
        write_parameters(parameters, by_node(_settings(job, plan, work / 'data', port)))
        page = Page(f'http://127.0.0.1:{port}')
        say(f'starting the five nodes (log: {log})')
        with Stack(parameters, job.namespace, log) as stack, Observer(job.namespace) as observer:
            _wait(page.ready, _READY_S, stack, 'the nodes did not start')
            say(f'the page is at {page.url} while the demo runs')
            return _Run(job, plan, stack, page, observer, say, began).report()


class _Run:
    """One run on running nodes."""

    def __init__(self, job: Job, plan: Plan, stack: Stack, page: Page, observer: Observer,
                 say: Callable[[str], None], began: float) -> None:
        self._job, self._plan, self._stack = job, plan, stack
        self._page, self._observer, self._say, self._began = page, observer, say, began
        self._released: dict[str, float] = {}

    def report(self) -> Report:
        """Do it all, and tell."""
        self._page.put('/training/enabled', True)
        self._record()
        trained_from = time.monotonic()
        self._train()
        answers = self._look()
        spent = [answer for answer in self._observer.answers if answer.received_s >= trained_from]
        state = self._page.state()
        data, training = state['dataset'], state['training']
        latencies = [answer.latency_ms for answer in spent]
        return Report(
            samples=data['samples'], bursts=data['bursts'], dropped_frames=data['dropped'],
            seconds_to_new_class={label: self._wait_for(label) for label in self._plan.labels},
            versions=training['live_version'], heldout_accuracy=training['best_accuracy'],
            live_accuracy=_share(right for rights in answers.values() for right in rights),
            live_accuracy_by_class={label: round(_share(rights), 3)
                                    for label, rights in answers.items()},
            live_frames=sum(map(len, answers.values())),
            classification_hz=round(_rate(spent), 2),
            latency_ms={'p50': round(percentile(latencies, 50), 1),
                        'p99': round(percentile(latencies, 99), 1)},
            net=self._job.net, weights=self._job.weights,
            input_size=f'{self._job.size}×{self._job.size}', setup_s=round(self._job.setup_s, 1),
            run_s=round(time.monotonic() - self._began, 1), machine=machine())

    def _record(self) -> None:
        for number, scene in enumerate(self._plan.record, 1):
            self._training()
            self._observer.show(scene.input)
            self._say(f'holding Record for {scene.label} (burst {number} of '
                      f'{len(self._plan.record)})')
            released = self._page.hold_record(scene.label, scene.seconds)
            self._released.setdefault(scene.label, released)

    def _training(self) -> dict[str, Any]:
        """What the trainer says. :raises DemoError: it failed, or a node has ended."""
        self._stack.check()
        training: dict[str, Any] = self._page.state()['training']
        if training['state'] == 'failed':
            raise DemoError(f'training failed: {training["message"]}')
        return training

    def _train(self) -> None:
        """Let it learn until it has nothing more to gain, or the time is up."""
        looking_s = sum(scene.seconds + 0.5 for scene in self._plan.unseen)
        end = self._began + self._job.minutes * 60 - looking_s
        told = 0  # no version yet
        while time.monotonic() < end:
            training = self._training()
            if training['live_version'] != told:
                told = training['live_version']
                score = training['best_accuracy']
                self._say(f'model version {told} is live' + (
                    '' if score is None else f': held-out accuracy {score:.3f}'))
            if training['state'] == 'done':
                break
            time.sleep(_POLL_S)
        missing = set(self._plan.labels) - self._observer.first_known.keys()
        if missing:
            _wait(lambda: not set(self._plan.labels) - self._observer.first_known.keys(), 60.0,
                  self._stack, f'no model learned {", ".join(sorted(missing))}')

    def _look(self) -> dict[str, list[bool]]:
        """Show scenes never recorded; return for each class which answers were right."""
        self._say('looking at scenes never recorded')
        rights: dict[str, list[bool]] = {label: [] for label in self._plan.labels}
        for scene in self._plan.unseen:
            self._stack.check()
            rights[scene.label] += [answer.label == scene.label for answer in self._watch(scene)]
        if not any(rights.values()):
            raise DemoError('the classifier gave no answers')
        return rights

    def _watch(self, scene: Scene) -> list[Answer]:
        since_ns = self._observer.show(scene.input)
        time.sleep(scene.seconds)
        until_ns = self._observer.now_ns()
        time.sleep(_POLL_S)  # the last frames' answers are on their way
        return [answer for answer in self._observer.answers
                if since_ns <= answer.stamp_ns < until_ns]

    def _wait_for(self, label: str) -> float | None:
        known = self._observer.first_known.get(label)
        return None if known is None else round(max(0.0, known - self._released[label]), 2)


def _settings(job: Job, plan: Plan, data: Path, port: int) -> dict[str, Value]:
    return {'input': plan.record[0].input, 'input_rate': job.rate_hz, 'data': str(data),
            'net': job.net, 'net_width': job.size, 'net_height': job.size,
            'weights': job.weights, 'port': port, 'title': 'Recognizer demo'}


def _wait(until: Callable[[], bool], limit_s: float, stack: Stack, otherwise: str) -> None:
    end = time.monotonic() + limit_s
    while not until():
        stack.check()
        if time.monotonic() > end:
            raise DemoError(f'{otherwise} within {limit_s:.0f} s')
        time.sleep(_POLL_S)


def _share(rights: object) -> float:
    listed = list(rights)  # type: ignore[call-overload]
    return sum(listed) / len(listed) if listed else 0.0


def _rate(answers: list[Answer]) -> float:
    if len(answers) < 2:
        return 0.0
    return (len(answers) - 1) / (answers[-1].received_s - answers[0].received_s)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])
