"""Who makes a version live, and what is kept with it."""

import logging
import math
from pathlib import Path

import pytest
import trainees
from trainees import HEAD, trainee

from recognizer_ros.dataset import reader
from recognizer_ros.training.curves import CURVES, EVENTS, Curves


def test_versions_wait_for_a_person_when_they_shall(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone, auto_promote=False) as one:
        one.rest(HEAD)
        version, = one.seen.waiting
        assert (one.seen.versions, one.registry.live(), one.registry.numbers()) == ([], 0, [1])
        assert any('version 1 waits to be activated: the first model' in item.message
                   for item in one.seen.history)

        one.registry.activate(1)
        trainees.record(data, 'green')
        one.until(lambda: len(one.seen.waiting) == 2, HEAD)
        assert one.seen.waiting[1].bundle.parent == version.bundle.version
        assert one.registry.live() == 1


def test_of_versions_that_wait_only_a_better_one_is_added(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue', images=6)
    with trainee(data, weights=backbone, auto_promote=False, patience=4) as one:
        one.rest()
        assert max(item.epoch for item in one.seen.history) >= 4
        scores = [version.bundle.scores.headline for version in one.seen.waiting]
        assert scores == sorted(set(scores))


def test_the_setting_may_change_meanwhile(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone, auto_promote=False) as one:
        one.rest(HEAD)
        one.learner.publisher.auto_promote = True
        trainees.record(data, 'green')
        one.until(lambda: one.seen.versions, HEAD)
        assert one.registry.live() == 2


def test_a_version_that_a_person_has_just_activated_stays(
        data: Path, backbone: str, monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone) as one:
        one.rest(HEAD)
        trainees.record(data, 'green')
        one.until(lambda: len(one.seen.versions) == 2, HEAD)
        trainees.record(data, 'yellow')
        add = one.registry.add

        def activate_meanwhile(*given: object) -> object:
            one.registry.activate(1)
            return add(*given)  # type: ignore[arg-type]

        monkeypatch.setattr(one.registry, 'add', activate_meanwhile)
        with caplog.at_level(logging.INFO):
            one.step(stages=HEAD)
        assert 'somebody has just activated version 1' in caplog.text
        assert one.registry.live() == 1
        assert [version.bundle.version for version in one.seen.versions] == [1, 2]


def test_a_version_tells_what_became_of_the_classes_known_before(data: Path,
                                                                 backbone: str) -> None:
    trainees.record(data, 'red', 'blue', images=6)
    with trainee(data, weights=backbone) as one:
        one.rest(HEAD)
        trainees.record(data, 'green', images=6)
        one.until(lambda: len(one.seen.versions) == 2, HEAD)
        first, second = (version.bundle.scores for version in one.seen.versions)
        assert all(math.isnan(item.change) for item in first.per_class)
        changes = dict(zip(second.labels, (item.change for item in second.per_class), strict=True))
        assert math.isnan(changes.pop('green'))
        before = dict(zip(first.labels, first.per_class, strict=True))
        after = dict(zip(second.labels, second.per_class, strict=True))
        assert changes == {label: pytest.approx(after[label].recall - before[label].recall)
                           for label in ('red', 'blue')}


def test_each_version_keeps_how_the_run_went(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone, epochs=2) as one:
        one.rest()
        trainees.record(data, 'green')
        one.until(lambda: len(one.seen.versions) == 2)
        first, second = (one.registry.get(number) for number in (1, 2))
        curves = Curves()
        curves.read(first.attached(CURVES))
        assert [(row.stage, row.accuracy) for row in curves.rows] == [('head', 1)]
        curves.read(second.attached(CURVES))
        assert [(row.stage, row.epoch) for row in curves.rows] == [
            ('head', 0), ('finetune', 1), ('finetune', 2), ('head', 0)]
        assert curves.rows[1].loss > 0
        assert curves.rows[-1].dataset_revision == reader.revision(data)
        assert second.attached(EVENTS)
    with trainee(data, weights=backbone) as two:
        trainees.record(data, 'yellow')
        two.until(lambda: two.seen.versions)
        curves.read(two.seen.versions[0].attached(CURVES))
        assert len(curves.rows) > 4, 'a restart goes on with them'
