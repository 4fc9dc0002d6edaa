import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import makers
import numpy as np
import pytest

from recognizer_ros.core.labels import LabelMode
from recognizer_ros.core.predictions import Floats
from recognizer_ros.inference import uncertain
from recognizer_ros.inference.engine import Answer
from recognizer_ros.inference.judging import Opinion
from recognizer_ros.inference.model import Model, load
from recognizer_ros.inference.uncertain import UncertainFrames, confidence

START_S = 1_700_000_000.5
IMAGE = makers.flat(makers.RED)
UNSURE, SURE = (0.5, 0.4, 0.1), (0.9, 0.05, 0.05)


@pytest.fixture(autouse=True)
def _one_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uncertain, 'GAP_S', 1.0)


@pytest.fixture
def frames() -> UncertainFrames[int]:
    made: UncertainFrames[int] = UncertainFrames(START_S)
    made.limit(3)
    return made


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Model]:
    def make(version: int = 1, mode: LabelMode = 'single', gain: float = 1.0) -> Model:
        made = makers.model(tmp_path, version=version, mode=mode, gain=gain)
        return load(lambda: made.backbone, made.head_bytes(), made.bundle)
    return make


@pytest.fixture
def see(frames: UncertainFrames[int], model: Callable[..., Model]
        ) -> Iterator[Callable[..., None]]:
    """Look at a frame, ten seconds after the one before."""
    ticks = itertools.count(1)
    first = model()

    def look(scores: tuple[float, ...] = UNSURE, features: tuple[float, ...] = (1.0, 0.0, 0.0),
             by: Model = first, familiarity: float = 1.0, unknown: float = 0.0, tag: int = 0
             ) -> None:
        opinion = Opinion(np.array(scores, np.float32), np.float32(familiarity))
        row = np.array([features], np.float32)
        frames.see(Answer(tag, IMAGE, 'rgb', by, row, opinion, opinion.scores, False, ()),
                   unknown, 10.0 * next(ticks))
    yield look
    frames.clear()


def tags(frames: UncertainFrames[int]) -> list[int]:
    return [kept.tag for kept in frames.frames()]


AXES = [tuple(map(float, row)) for row in np.eye(6)]


def test_a_frame_that_the_model_is_not_sure_of_is_kept(
        frames: UncertainFrames[int], see: Callable[..., None]) -> None:
    see(SURE)
    assert frames.frames() == ()
    see(UNSURE, tag=7)
    (kept,) = frames.frames()
    assert (kept.tag, kept.unknown, kept.version, kept.order) == (7, False, 1, 'rgb')
    assert kept.image is IMAGE
    assert [(item.label, round(item.score, 3)) for item in kept.results] == [
        ('red', 0.5), ('green', 0.4), ('blue', 0.1)]
    assert kept.id == int(START_S) + 1


def test_so_is_one_that_is_unknown_however_sure_the_model_is(
        frames: UncertainFrames[int], see: Callable[..., None]) -> None:
    see(SURE, familiarity=0.04)  # nobody asks
    see(SURE, familiarity=0.06, unknown=0.05)
    assert frames.frames() == ()
    see(SURE, familiarity=0.04, unknown=0.05)
    (kept,) = frames.frames()
    assert kept.unknown


@pytest.mark.parametrize(('mode', 'scores', 'expected'), [
    ('single', [0.6, 0.4], 0.6), ('single', [0.2] * 5, 0.2), ('multi', [0.95, 0.02], 0.95),
    ('multi', [0.95, 0.45], 0.55), ('multi', [0.9, 0.6], 0.6)])
def test_how_sure_a_model_is(mode: LabelMode, scores: list[float], expected: float) -> None:
    values: Floats = np.array(scores, np.float32)
    assert confidence(values, mode) == pytest.approx(expected)


def test_what_looks_like_one_that_is_kept_is_not_kept(
        frames: UncertainFrames[int], see: Callable[..., None]) -> None:
    see(features=(1.0, 0.0, 0.0), tag=1)
    see(features=(5.0, 0.5, 0.0), tag=2)
    see(features=(1.0, 1.0, 0.0), tag=3)
    see(features=(0.0, 0.0, 0.0), tag=4)  # nothing to compare
    assert tags(frames) == [4, 3, 1]


def test_the_oldest_makes_room(frames: UncertainFrames[int], see: Callable[..., None],
                               monkeypatch: pytest.MonkeyPatch) -> None:
    for tag in range(5):
        see(features=AXES[tag], tag=tag)
    assert tags(frames) == [4, 3, 2]
    ids = [kept.id for kept in frames.frames()]
    assert ids == sorted(ids, reverse=True)
    frames.limit(1)
    assert tags(frames) == [4]
    monkeypatch.setattr(uncertain, 'MOST_BYTES', 2 * IMAGE.nbytes - 1)
    frames.limit(3)
    see(features=AXES[5], tag=5)
    assert tags(frames) == [5]


def test_what_was_dealt_with_comes_again_only_when_something_was_learned(
        frames: UncertainFrames[int], see: Callable[..., None], model: Callable[..., Model]
        ) -> None:
    see(tag=1)
    (kept,) = frames.frames()
    frames.forget({kept.id, 12345})
    see(tag=2)
    assert frames.frames() == ()
    see(tag=3, by=model(version=2))
    (again,) = frames.frames()
    assert (again.tag, again.version) == (3, 2)
    assert again.id > kept.id


def test_frames_of_an_older_model_stay_and_are_compared_where_that_makes_sense(
        frames: UncertainFrames[int], see: Callable[..., None], model: Callable[..., Model]
        ) -> None:
    see(tag=1)
    see(tag=2, by=model(version=2))  # another head
    see(tag=3, by=model(version=3, gain=2))  # another backbone: other features
    assert [(kept.tag, kept.version) for kept in frames.frames()] == [(3, 3), (1, 1)]


def test_at_most_one_a_second(frames: UncertainFrames[int], model: Callable[..., Model]) -> None:
    first, opinion = model(), Opinion(np.array(UNSURE, np.float32), np.float32(1))
    for tag, now_s in enumerate((1.0, 1.9, 2.1, 3.0, 3.2)):
        row = np.array([AXES[tag]], np.float32)
        frames.see(Answer(tag, IMAGE, 'bgr', first, row, opinion, opinion.scores, False, ()), 0.0,
                   now_s)
    assert tags(frames) == [4, 2, 0]
    frames.clear()
    assert frames.frames() == ()


def test_switched_off_it_does_nothing(frames: UncertainFrames[int], see: Callable[..., None]
                                      ) -> None:
    see(tag=1)
    frames.limit(0)
    assert frames.frames() == ()
    see(features=AXES[1], tag=2)
    assert frames.frames() == ()
