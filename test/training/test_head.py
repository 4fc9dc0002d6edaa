from pathlib import Path

import numpy as np
import pytest
import trainees

from recognizer_ros.core.labels import LabelMode
from recognizer_ros.core.predictions import probabilities
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.inference.head import Head
from recognizer_ros.inference.scoring import Bools, score
from recognizer_ros.training import head
from recognizer_ros.training.embeddings import Array

PLACE = {'red': 0, 'green': 1, 'blue': 2}


def rows_and_samples(tmp_path: Path, *labels: str) -> tuple[Array, list[Sample]]:
    """Twelve samples of each label, and features that tell their colours, off centre."""
    samples = [trainees.file_sample(tmp_path, label, seed, b'')
               for label in labels for seed in range(12)]
    rows = np.random.default_rng(0).normal(5, 0.3, (len(samples), 6)).astype(np.float32)
    for row, sample in zip(rows, samples, strict=True):
        row[[PLACE[tag] for tag in sample.tags]] += 4
    return rows * 100, samples


@pytest.mark.parametrize('labels', [('red', 'green'), ('green', 'red'), ('blue', 'red', 'green')])
def test_one_of_several_classes(tmp_path: Path, labels: tuple[str, ...]) -> None:
    rows, samples = rows_and_samples(tmp_path, *labels)
    fitted = head.fit(rows, samples, labels, 'single')
    assert fitted.weight.shape == (len(labels), 6)
    assert fitted.bias.shape == (len(labels),)
    scores = fitted(rows)
    assert [labels[index] for index in scores.argmax(1)] == [item.tags[0] for item in samples]


@pytest.mark.parametrize('labels', [('red', 'green', 'blue'), ('blue', 'red', 'green')])
def test_several_at_once(tmp_path: Path, labels: tuple[str, ...]) -> None:
    rows, samples = rows_and_samples(tmp_path, 'red', 'green', 'blue', 'red+blue', 'green+blue')
    fitted = head.fit(rows, samples, labels, 'multi')
    answers = probabilities(fitted(rows), 'multi') >= 0.5
    said = [{label for label, yes in zip(labels, row, strict=True) if yes} for row in answers]
    assert said == [set(item.tags) for item in samples]


def test_a_rare_class_counts_as_much_as_a_common_one(tmp_path: Path) -> None:
    rows, samples = rows_and_samples(tmp_path, 'red', 'green')
    rows, samples = rows[:14], samples[:14]  # twelve red, two green
    scores = probabilities(head.fit(rows, samples, ('red', 'green'), 'single')(rows), 'single')
    assert (scores[12:, 1] > 0.5).all()


def apart(tmp_path: Path, *labels: str) -> tuple[Array, list[Sample]]:
    """Samples whose features do not quite tell their labels."""
    rows, samples = rows_and_samples(tmp_path, *labels)
    noise = np.random.default_rng(1).normal(0, 500, rows.shape).astype(np.float32)
    return rows + noise, samples


@pytest.mark.parametrize(('mode', 'labels'), [
    ('single', ('red', 'green', 'blue')), ('single', ('red', 'green')),
    ('multi', ('red', 'green', 'blue'))])
def test_another_start_leads_to_the_same_head(tmp_path: Path, mode: LabelMode,
                                              labels: tuple[str, ...]) -> None:
    rows, samples = apart(tmp_path, *labels)
    rng = np.random.default_rng(2)
    starts = [{label: (rng.normal(0, 0.01, 6).astype(np.float32), 1.0) for label in known}
              for known in ((), labels[:1], labels, ('gone', labels[0]))]
    alone = head.fit(rows, samples, labels, mode)
    for start in starts:
        fitted = head.fit(rows, samples, labels, mode, start)
        np.testing.assert_allclose(fitted.scores(rows, mode), alone.scores(rows, mode), atol=0.01)


def test_a_start_goes_by_name_so_that_a_fitted_head_need_not_move(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels, turned = ('red', 'green', 'blue'), ('blue', 'red', 'green')
    rows, samples = apart(tmp_path, *labels)
    done = head.fit(rows, samples, labels, 'single')
    start = {label: (done.weight[index], float(done.bias[index]))
             for index, label in enumerate(labels)}
    monkeypatch.setattr(head, '_ITERATIONS', 1)
    again = head.fit(rows, samples, turned, 'single', start).scores(rows, 'single')
    np.testing.assert_allclose(again[:, [1, 2, 0]], done.scores(rows, 'single'), atol=0.01)


def held_out(mode: LabelMode, spread: float) -> tuple[Head, Array, Bools]:
    """Features that are logits, and truth drawn by their probabilities at the temperature 1."""
    rng = np.random.default_rng(3)
    rows = rng.normal(0, 2, (2000, 3)).astype(np.float32)
    likely = probabilities(rows, mode)
    if mode == 'single':
        truth = np.eye(3, dtype=bool)[[rng.choice(3, p=row / row.sum()) for row in
                                       likely.astype(float)]]
    else:
        truth = rng.random(likely.shape) < likely
    return Head(spread * np.eye(3, dtype=np.float32), np.zeros(3, np.float32)), rows, truth


@pytest.mark.parametrize('mode', ['single', 'multi'])
@pytest.mark.parametrize('spread', [0.2, 5.0])
def test_calibration_makes_probabilities_as_often_right_as_they_say(mode: LabelMode,
                                                                   spread: float) -> None:
    given, rows, truth = held_out(mode, spread)
    found = head.calibrate(given, rows, truth, mode)
    before, after = (score(one.scores(rows, mode), truth, ('a', 'b', 'c'), mode)
                     for one in (given, found))
    assert before.calibration_error > 0.1
    assert after.calibration_error < 0.03
    assert after.accuracy == before.accuracy
    np.testing.assert_array_equal(found(rows).argsort(1), given(rows).argsort(1))


@pytest.mark.parametrize('mode', ['single', 'multi'])
@pytest.mark.parametrize('right', [True, False])
def test_calibration_stays_within_bounds_when_all_or_nothing_is_right(mode: LabelMode,
                                                                     right: bool) -> None:
    given = Head(40 * np.eye(3, dtype=np.float32), np.zeros(3, np.float32))
    rows = (2 * np.eye(3, dtype=np.float32) - 1).repeat(10, 0)
    truth = (rows > 0) if right else np.roll(rows > 0, 1, axis=1)
    found = head.calibrate(given, rows, truth, mode)
    assert np.isfinite(found.weight).all()
    assert np.isfinite(found.scores(rows, mode)).all()
    assert bool(found.weight.max() > 40) is right


def test_too_few_samples_calibrate_nothing() -> None:
    given, rows, truth = held_out('single', 5.0)
    assert head.calibrate(given, rows[:10], truth[:10], 'single') is given
    assert head.calibrate(given, rows[:0], truth[:0], 'single') is given
