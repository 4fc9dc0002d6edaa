"""The learner's thread.

PyTorch is imported in it, which takes seconds: the live model is announced long before.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeVar

from ..core.config import TrainerConfig
from ..core.errors import ModelError, RecognizerError, TrainingError
from ..registry.store import Registry, Version
from . import priority
from .curves import CURVES, Curves, Row
from .lanes import Lanes
from .progress import Listener, Phase, Progress

if TYPE_CHECKING:
    from .learner import Learner

_BACK_OFF_S = (1.0, 2.0, 5.0, 15.0, 60.0)
_IDLE_S = 60.0
_log = logging.getLogger(__name__)
T = TypeVar('T')


@dataclass
class Goal:
    """A request to train once.

    :param stages: which stages to run. :ivar done: finished when ``version`` or ``error`` holds.
    """

    config: TrainerConfig
    stages: tuple[Phase, ...]
    cancelled: threading.Event = field(default_factory=threading.Event)
    done: 'Future[None]' = field(default_factory=Future)
    version: Version | None = None
    error: str = ''


class Worker:
    """Learns in the background while switched on. A failure is shown, and tried again later.

    :param listener: called in threads of the worker.
    """

    def __init__(self, config: TrainerConfig, registry: Registry, listener: Listener) -> None:
        self._config, self._listener = config, listener
        self._wake = threading.Condition()
        self._enabled, self._ending = config.enabled, False
        self._revision = self._changes = 0
        self._goal: Goal | None = None
        self._progress = Progress()
        self._newest_version: Version | None = None
        background, self._session = config.background, priority.Session()
        self._behind = ThreadPoolExecutor(1, 'behind', priority.step_back if background else None)
        self._beside = ThreadPoolExecutor(1, 'beside', priority.step_aside if background else None)
        self._registry = registry
        self._learner: Learner | None = None
        self._thread = threading.Thread(target=self._run, name='learner', daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self, timeout_s: float | None = None) -> None:
        """Leave off between two batches and end the thread.

        :param timeout_s: a step that takes longer is left to end with the process; what it writes
            survives that at any point. ``None``: wait for it.
        """
        with self._wake:
            self._ending = True
            self._wake.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            _log.warning('training was left in the middle of a step')
            return
        if self._goal:
            self._goal.error = 'the trainer was stopped'
            self._goal.done.set_result(None)
        if self._learner:
            self._learner.close()
        self._behind.shutdown()
        self._beside.shutdown()

    @property
    def enabled(self) -> bool:
        """The switch."""
        return self._enabled

    @enabled.setter
    def enabled(self, on: bool) -> None:
        with self._wake:
            self._enabled = on
            self._changes += 1
            self._wake.notify_all()

    def configure(self, config: TrainerConfig) -> None:
        """Take over settings that may change while it works."""
        self._config = replace(self._config, auto_promote=config.auto_promote)
        if self._learner:
            self._learner.publisher.auto_promote = config.auto_promote
        self.enabled = config.enabled

    def curves(self) -> tuple[Row, ...]:
        """How training went, up to the live version and after it; for any thread.

        :raises ModelError: the live version is damaged.
        """
        if self._learner and self._learner.curves:
            return self._learner.curves
        stored, live = Curves(), self._registry.live()
        if live:
            stored.read(self._registry.get(live).attached(CURVES))
        return stored.rows

    def data_changed(self, revision: int) -> None:
        """Tell that the data set may be used up to this revision."""
        with self._wake:
            if revision != self._revision:
                self._revision = revision
                self._changes += 1
                self._wake.notify_all()

    def samples_came(self) -> None:
        """Tell that samples are being recorded, which may not be used yet but looked at."""
        with self._wake:
            self._changes += 1
            self._wake.notify_all()

    def live_changed(self) -> None:
        """Tell that a person has activated another version."""
        with self._wake:
            self._changes += 1
            self._wake.notify_all()

    def submit(self, goal: Goal) -> None:
        """Train once, whatever the switch says.

        :raises TrainingError: another such request is under way.
        """
        with self._wake:
            if self._goal:
                raise TrainingError('training on request is under way already: wait, or cancel it')
            self._goal = goal
            self._changes += 1
            self._wake.notify_all()

    def _run(self) -> None:
        failures = 0
        while not self._ending:
            seen = self._changes
            try:
                if self._goal:
                    self._run_goal(self._goal)
                elif not self._enabled:
                    self._show(Phase.OFF, '')
                    self._wait(seen, _IDLE_S)
                elif not self._learning().step(self._leave_off, lambda: self._revision):
                    self._wait(seen, _IDLE_S)
                failures = 0
            except Exception as error:  # whatever it was: shown, and tried again
                self._failed(error, seen, failures)
                failures += 1

    def _learning(self) -> 'Learner':
        """The learner, made when it is first needed."""
        if not self._learner:
            self._show(Phase.WAITING, 'loading PyTorch')
            import torch

            from .learner import Learner

            spare = max(1, len(os.sched_getaffinity(0)) - 1)
            torch.set_num_threads(self._config.threads or spare)
            lanes = Lanes(self._work_behind, self._work_beside, self._in_front)
            self._learner = Learner(self._config, self._registry, self, lanes)
        return self._learner

    def _in_front(self) -> AbstractContextManager[None]:
        return self._session.in_front() if self._config.background else nullcontext()

    def _work_behind(self, work: Callable[[], T]) -> 'Future[T]':
        def do() -> T:
            if self._config.background:
                self._session.step_back()
            return work()
        return self._behind.submit(do)

    def _work_beside(self, work: Callable[[], T]) -> 'Future[T]':
        def do() -> T:
            with self._in_front():
                return work()
        return self._beside.submit(do)

    def _leave_off(self) -> bool:
        return self._ending or self._goal is not None or not self._enabled

    def _run_goal(self, goal: Goal) -> None:
        self._newest_version = None
        try:
            learner = self._learning()
            learner.begin(goal.config)

            def stop() -> bool:
                return self._ending or goal.cancelled.is_set()

            while not stop() and learner.step(stop, lambda: self._revision, goal.stages):
                pass
            goal.version = self._newest_version
            if not goal.version:
                goal.error = self._why_none(goal)
        except RecognizerError as error:
            goal.error = str(error)
        except Exception as error:
            _log.exception('training failed')
            goal.error = f'training failed: {error}'
        finally:
            if self._learner:
                self._learner.begin(self._config)
            self._goal = None
            goal.done.set_result(None)

    def _why_none(self, goal: Goal) -> str:
        if goal.cancelled.is_set():
            return 'cancelled'
        if self._ending:
            return 'the trainer was stopped'
        return (self._progress.message if self._progress.phase == Phase.WAITING
                else 'no version was better than the live one')

    def _failed(self, error: Exception, seen: int, failures: int) -> None:
        wait_s = _BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)]
        if isinstance(error, RecognizerError):
            _log.error('%s', error)
        else:
            _log.error('training failed', exc_info=error)
        self._show(Phase.FAILED, f'{error}; tried again in {wait_s:.0f} s')
        self._wait(seen, wait_s)

    def _wait(self, seen: int, timeout_s: float) -> None:
        """Wait until something has changed since ``seen`` changes."""
        with self._wake:
            self._wake.wait_for(lambda: self._ending or self._changes != seen, timeout_s)

    def progress(self, progress: Progress) -> None:
        """From the learner."""
        self._progress = progress
        self._listener.progress(progress)

    def promoted(self, version: Version) -> None:
        """From the learner."""
        self._newest_version = version
        self._listener.promoted(version)

    def waits(self, version: Version) -> None:
        """From the learner."""
        self._newest_version = version
        self._listener.waits(version)

    def unusable(self, found: Mapping[str, str]) -> None:
        """From the learner."""
        self._listener.unusable(found)

    def _show(self, phase: Phase, message: str) -> None:
        now = replace(self._progress, phase=phase, message=message)
        live = self._registry.live()
        if live != now.live_version:  # as left by the last run, or a person has activated it
            now = replace(now, live_version=live, best_accuracy=self._score_of(live))
        self.progress(now)

    def _score_of(self, number: int) -> float | None:
        try:
            return self._registry.get(number).bundle.scores.headline
        except ModelError:  # the learner says what is wrong with it
            return None
