"""The learner's thread; conditions are waited for, never times."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import makers
import pytest
import trainees
from trainees import BOTH, FINETUNE, HEAD

from recognizer_ros.core.config import Value
from recognizer_ros.core.errors import ExportError, TrainingError
from recognizer_ros.dataset import reader
from recognizer_ros.registry.store import Registry
from recognizer_ros.training.export import OnnxExporter
from recognizer_ros.training.progress import Phase
from recognizer_ros.training.worker import Goal, Worker


@contextmanager
def working(data: Path, **changes: Value) -> Iterator[tuple[Worker, trainees.Seen]]:
    """A worker that has been told of the data set as it is."""
    registry, seen = Registry(data / 'models', writer=True), trainees.Seen()
    worker = Worker(trainees.config(data, **changes), registry, seen)
    worker.data_changed(reader.revision(data))
    worker.start()
    try:
        yield worker, seen
    finally:
        worker.close()
        registry.close()


def phase_is(seen: trainees.Seen, phase: Phase) -> Callable[[], bool]:
    return lambda: bool(seen.history) and seen.last.phase == phase


@pytest.fixture
def learnable(data: Path) -> Path:
    trainees.record(data, 'red', 'blue')
    return data


def test_it_learns_in_the_background(learnable: Path, backbone: str) -> None:
    with working(learnable, weights=backbone, epochs=1) as (worker, seen):
        makers.wait_for(phase_is(seen, Phase.DONE))
        assert seen.stages[0] == 'head'
        trainees.record(learnable, 'green')
        worker.data_changed(reader.revision(learnable))
        makers.wait_for(lambda: len(seen.versions) > 1)
        assert seen.versions[-1].bundle.labels == ('blue', 'red', 'green')


def test_while_off_it_rests_and_when_on_it_learns(learnable: Path, backbone: str) -> None:
    with working(learnable, weights=backbone, enabled=False) as (worker, seen):
        makers.wait_for(phase_is(seen, Phase.OFF))
        assert not worker.enabled
        assert seen.versions == []
        worker.enabled = True
        makers.wait_for(lambda: seen.versions)
        worker.enabled = False
        makers.wait_for(phase_is(seen, Phase.OFF))


@pytest.mark.parametrize('enabled', [False, True])
def test_a_version_that_a_person_activates_is_told_as_live(learnable: Path, backbone: str,
                                                           enabled: bool) -> None:
    with working(learnable, weights=backbone, epochs=1, patience=1) as (worker, seen):
        makers.wait_for(phase_is(seen, Phase.DONE))
        trainees.record(learnable, 'green')
        worker.data_changed(reader.revision(learnable))
        makers.wait_for(lambda: len(seen.versions) > 1 and seen.last.phase == Phase.DONE)
        worker.enabled = enabled
        registry = Registry(learnable / 'models')
        first = seen.versions[0].bundle
        registry.activate(first.version)
        worker.live_changed()
        makers.wait_for(lambda: seen.last.live_version == first.version)
        assert seen.last.best_accuracy == first.scores.headline


def test_switching_off_leaves_an_epoch_that_would_never_end(learnable: Path) -> None:
    with working(learnable, patience=1000) as (worker, seen):
        makers.wait_for(phase_is(seen, Phase.FINETUNE))
        worker.enabled = False
        makers.wait_for(phase_is(seen, Phase.OFF))


def test_a_failed_export_is_shown_and_tried_again(learnable: Path, backbone: str,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ExportError('the export went wrong')

    with monkeypatch.context() as patch:
        patch.setattr(OnnxExporter, 'prepare', fail)
        with working(learnable, weights=backbone) as (worker, seen):
            makers.wait_for(phase_is(seen, Phase.FAILED))
            assert seen.last.message == 'the export went wrong; tried again in 1 s'
            assert worker.enabled
            worker.live_changed()  # wakes it
            makers.wait_for(lambda: sum(item.phase == Phase.FAILED for item in seen.history) > 1)
            assert seen.last.message.startswith('the export went wrong; tried again in')
            patch.undo()
            worker.live_changed()
            makers.wait_for(lambda: seen.versions)
            makers.wait_for(lambda: seen.last.phase != Phase.FAILED)


def test_a_folder_that_cannot_be_written_is_shown_and_tried_again(learnable: Path,
                                                                  backbone: str) -> None:
    (learnable / 'models').mkdir()
    with working(learnable, weights=backbone, enabled=False) as (worker, seen):
        in_the_way = makers.photo(learnable / 'models' / '.new-1', b'')
        worker.enabled = True
        makers.wait_for(phase_is(seen, Phase.FAILED))
        assert 'cannot write to' in seen.last.message
        assert seen.versions == []
        in_the_way.unlink()
        worker.live_changed()
        makers.wait_for(lambda: seen.versions)


def test_a_fault_of_our_own_is_shown_and_tried_again(learnable: Path, backbone: str,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError('a fault')

    with monkeypatch.context() as patch:
        patch.setattr(OnnxExporter, 'prepare', fail)
        with working(learnable, weights=backbone) as (worker, seen):
            makers.wait_for(phase_is(seen, Phase.FAILED))
            patch.undo()
            worker.live_changed()
            makers.wait_for(lambda: seen.versions)


def test_on_request_it_trains_once_although_switched_off(learnable: Path, backbone: str) -> None:
    with working(learnable, weights=backbone, enabled=False) as (worker, seen):
        goal = Goal(trainees.config(learnable, weights=backbone), HEAD)
        worker.submit(goal)
        goal.done.result(20)
        assert goal.error == ''
        assert goal.version is not None
        assert goal.version.bundle.stage == 'head'
        makers.wait_for(phase_is(seen, Phase.OFF))


def test_a_request_that_brings_nothing_better_says_so(learnable: Path, backbone: str) -> None:
    with working(learnable, weights=backbone, epochs=1) as (worker, seen):
        makers.wait_for(phase_is(seen, Phase.DONE))
        goal = Goal(trainees.config(learnable, weights=backbone, epochs=1), FINETUNE)
        worker.submit(goal)
        goal.done.result(20)
        assert goal.version is None
        assert goal.error == 'no version was better than the live one'


def test_a_request_that_cannot_be_met_says_why(data: Path) -> None:
    trainees.record(data, 'red')
    with working(data, enabled=False) as (worker, _):
        goal = Goal(trainees.config(data), BOTH)
        worker.submit(goal)
        goal.done.result(20)
        assert goal.error == 'waits for a second class: only red is recorded so far'


def test_a_request_that_fails_says_why(learnable: Path, tmp_path: Path) -> None:
    with working(learnable, enabled=False) as (worker, _):
        goal = Goal(trainees.config(learnable, weights=str(tmp_path / 'gone')), BOTH)
        worker.submit(goal)
        goal.done.result(20)
        assert 'gone does not exist' in goal.error


def endless(data: Path) -> Goal:
    return Goal(trainees.config(data, epochs=10_000, patience=1000), FINETUNE)


def test_a_second_request_is_refused_and_the_first_can_be_cancelled(learnable: Path) -> None:
    with working(learnable, enabled=False, patience=1000) as (worker, seen):
        goal = endless(learnable)
        worker.submit(goal)
        makers.wait_for(phase_is(seen, Phase.FINETUNE))
        with pytest.raises(TrainingError, match='under way already: wait, or cancel it'):
            worker.submit(endless(learnable))
        goal.cancelled.set()
        goal.done.result(20)
        again = Goal(trainees.config(learnable, epochs=1), BOTH)
        worker.submit(again)
        again.done.result(20)


def test_a_cancelled_request_without_version_says_so(learnable: Path) -> None:
    with working(learnable, enabled=False) as (worker, _):
        goal = endless(learnable)
        goal.cancelled.set()
        worker.submit(goal)
        goal.done.result(20)
        assert (goal.version, goal.error) == (None, 'cancelled')


def test_closing_leaves_an_epoch_and_ends_the_thread(learnable: Path) -> None:
    with working(learnable, patience=1000, batch_size=2) as (worker, seen):
        makers.wait_for(phase_is(seen, Phase.FINETUNE))
        began = time.monotonic()
        worker.close()
        assert time.monotonic() - began < 5
        assert not any(thread.name == 'learner' for thread in threading.enumerate())


def test_closing_does_not_wait_for_a_step_when_the_process_ends(
        learnable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def stuck(*_: object, **__: object) -> bool:
        inside.set()
        return go_on.wait(60)

    monkeypatch.setattr('recognizer_ros.training.learner.Learner.step', stuck)
    with working(learnable) as (worker, _):
        assert inside.wait(30)
        worker.close(0.05)
        assert not go_on.is_set()
        go_on.set()


def test_closing_ends_a_request(learnable: Path) -> None:
    with working(learnable, enabled=False, patience=1000) as (worker, seen):
        goal = endless(learnable)
        worker.submit(goal)
        makers.wait_for(phase_is(seen, Phase.FINETUNE))
        closing = threading.Thread(target=worker.close, daemon=True)
        closing.start()
        closing.join(10)
        assert not closing.is_alive()
        assert goal.done.done()


def test_closing_a_worker_that_never_started_answers_a_request(learnable: Path) -> None:
    registry = Registry(learnable / 'models', writer=True)
    worker = Worker(trainees.config(learnable), registry, trainees.Seen())
    goal = endless(learnable)
    worker.submit(goal)
    worker.close()
    registry.close()
    assert goal.done.done()
    assert goal.error == 'the trainer was stopped'
