"""A robot for the page that is not there: remembers what it was told, and answers at once."""

import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from recognizer_ros.core.errors import (
    LabelError,
    NodeUnavailableError,
    NotFoundError,
    RecognizerError,
)
from recognizer_ros.core.insight import Advice, Advised, Kind
from recognizer_ros.core.negotiation import Reply, Request
from recognizer_ros.core.scores import ClassScore, Scores
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.browse import Listed, Page, Query
from recognizer_ros.dataset.edits import Edit, Edited
from recognizer_ros.server.bridge import (
    Answered,
    CurvePoint,
    ModelVersion,
    ReviewPage,
    UncertainFrame,
)
from recognizer_ros.server.state import Alert, Classification, Dataset, Result, State, Training

NAN = float('nan')
WEB = Path(__file__).parents[2] / 'web'
"""The page's files."""
_UNASKED = ('curves', 'advise')
"""What every page looks at by itself, so that it says nothing of what a person did."""


def busy_state() -> State:
    """Return a state in which everything runs and every field has a value of its own."""
    return State(
        tags=('mug',),
        dataset=Dataset(
            online=True, revision=17, samples=412, validation_samples=83, bursts=14,
            classes=('mug', 'red mug', 'stapler'), class_samples=(204, 121, 87)),
        training=Training(
            online=True, enabled=True, state='finetune', message='Fine-tuning on 329 images.',
            net='resnet18', label_mode='single', epoch=3, epochs=20, epoch_images=96, images=329,
            loss=0.25, train_accuracy=0.97, images_per_s=41.0, eta_s=5.6, best_accuracy=0.875,
            live_version=6),
        classification=Classification(
            online=True, enabled=True, version=6, label_mode='single',
            labels=('mug', 'red mug', 'stapler'), stamp_ns=1,
            results=(Result('mug', 0.9731), Result('red mug', 0.0213)), rate_hz=29.5,
            threshold=0.01, smoothing=0.0),
        alerts=(Alert(1, 1000, 'info', 'trainer', 'Version 5 is live.', 4000),
                Alert(2, 2000, 'warning', 'camera', 'The camera was lost.')))


def no_camera(request: Request) -> Reply:
    """Answer a WebRTC peer as long as nothing else is set."""
    raise NodeUnavailableError('the camera does not answer: is its node running?')


class FakeSamples:
    """The :class:`recognizer_ros.server.bridge.Samples` of the tests: one sample."""

    SAMPLE = Listed('ab' * 32, ('mug', 'red mug'), 1_700_000_000_123_456_789, 3, 'image_raw',
                    Split.VALIDATION, True, 640, 480, '', False)

    def __init__(self, note: Callable[..., None]) -> None:
        self.added: list[tuple[bytes, tuple[str, ...], str]] = []
        self.stamps_ns: list[int] = []
        self._note = note

    def add(self, data: bytes, tags: tuple[str, ...], source: str, stamp_ns: int = 0) -> str:
        """Keep an upload."""
        self._note('sample', tags, source)
        self.added.append((data, tags, source))
        self.stamps_ns.append(stamp_ns)
        return 'ab' * 32

    def page(self, query: Query) -> Page:
        """Return the one sample, of many."""
        self._note('page', query)
        return Page((self.SAMPLE,), 412, 17)

    def find(self, sample: str) -> Listed:
        """Return the one sample."""
        self._note('find', sample)
        return self.SAMPLE

    def image(self, sample: str, max_size: int) -> bytes:
        """Return its image."""
        self._note('image', sample, max_size)
        return b'pixels'

    def edit(self, edit: Edit, expected_revision: int) -> Edited:
        """Note an edit."""
        self._note(edit, expected_revision)
        return Edited(2, 18, 'done')

    def undo(self, redo: bool, expected_revision: int) -> Edited:
        """Note an undo."""
        self._note('redo' if redo else 'undo', expected_revision)
        return Edited(1, 19, 'undone')


class FakeModels:
    """The :class:`recognizer_ros.server.bridge.Models` of the tests: three versions."""

    LABELS = ('mug', 'red mug', 'stapler')

    def __init__(self, note: Callable[..., None]) -> None:
        self.live, self._note = 6, note

    def versions(self) -> tuple[ModelVersion, ...]:
        """Return versions 6, 5 and 4, of which 5 was trained whole."""
        self._note('versions')
        return tuple(self._version(number) for number in (6, 5, 4))

    def activate(self, version: int) -> int:
        """Make a version live."""
        self._note('activate', version)
        self.live = version or 5
        return self.live

    def _version(self, number: int) -> ModelVersion:
        per_class = tuple(ClassScore(0.9, 0.8, 0.85, 20, change)
                          for change in (0.05, -0.1, float('nan')))
        scores = Scores(60, number / 8, 0.8, 0.85, float('nan'), 0.04, self.LABELS, per_class,
                        ((16, 4, 0), (2, 18, 0), (0, 4, 16)))
        return ModelVersion(
            number, number - 1, 'finetune' if number == 5 else 'head', 'resnet18', self.LABELS,
            'single', 17, 1_700_000_000_000_000_000 + number, scores, f'reason {number}',
            number == self.live)


class FakeAnswers:
    """The :class:`recognizer_ros.server.bridge.Answers` of the tests: two uncertain frames.

    :ivar jpegs: by frame.
    """

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note
        self.frames: tuple[UncertainFrame, ...] = (
            UncertainFrame(12, 1_700_000_002_500_000_000, (
                Result('mug', 0.48), Result('red mug', 0.41), Result('stapler', 0.11)), False, 6),
            UncertainFrame(11, 1_700_000_001_000_000_000, (
                Result('stapler', 0.37), Result('mug', 0.33)), True, 5))
        self.jpegs = {frame.id: _view(frame.id) for frame in self.frames}

    def classify(self, data: bytes) -> Answered:
        """Say the same of every image."""
        self._note('classify', data)
        return Answered((Result('mug', 0.9), Result('stapler', 0.1)), False, 6)

    def uncertain(self) -> tuple[UncertainFrame, ...]:
        """Return those that are left."""
        self._note('uncertain')
        return self.frames

    def uncertain_image(self, frame: int) -> tuple[UncertainFrame, bytes]:
        """Return one of them."""
        self._note('uncertain image', frame)
        for one in self.frames:
            if one.id == frame:
                return one, self.jpegs[frame]
        raise NotFoundError(f'frame {frame} is gone')

    def forget(self, frame: int) -> None:
        """Forget one of them."""
        self._note('forget', frame)
        self.frames = tuple(one for one in self.frames if one.id != frame)


def _view(seed: int) -> bytes:
    """A JPEG like no other, 320 by 240 pixels."""
    grid = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    image = cv2.resize(grid, (320, 240), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode('.jpg', image)[1].tobytes())


class FakeInsight:
    """The :class:`recognizer_ros.server.bridge.Insight` of the tests: one pair of classes is
    confused, and each third point is a head."""

    LABELS = ('mug', 'red mug', 'stapler')
    TABLE = ((31, 9, 0), (2, 22, 0), (0, 1, 18))

    def __init__(self, note: Callable[..., None]) -> None:
        self._note = note

    def review(self, truth: str, answer: str, offset: int, limit: int) -> ReviewPage:
        """Return the table, and of any cell that is not empty the one sample."""
        self._note('review', truth, answer, offset, limit)
        known = truth in self.LABELS and answer in self.LABELS
        total = (self.TABLE[self.LABELS.index(truth)][self.LABELS.index(answer)] if known else 0)
        ids = (FakeSamples.SAMPLE.sha256,)[offset:] if total else ()
        return ReviewPage(self.LABELS, self.TABLE, ids, (0.93,) * len(ids), total, 17, 6)

    def advise(self) -> Advised:
        """Return two pieces of advice."""
        self._note('advise')
        sample = (FakeSamples.SAMPLE.sha256,)
        return Advised((
            Advice(Kind.FEW_BURSTS, 0.8, ('stapler',), 'Press Record once more for “stapler”.',
                   '“stapler” was recorded in a single burst.', 'counted'),
            Advice(Kind.WRONG_TAGS, 0.6, ('mug', 'red mug'), 'Look at this image.',
                   'For 1 of 412 images another tag seems to fit better.',
                   'confident learning (Northcutt et al., 2021)', sample, ('red mug',))), 17, 6)

    def curves(self) -> tuple[CurvePoint, ...]:
        """Return twelve points, heads and epochs of fine-tuning."""
        self._note('curves')
        return tuple(self._point(number) for number in range(12))

    @staticmethod
    def _point(number: int) -> CurvePoint:
        head, at_ns = number % 3 == 0, 1_700_000_000_000_000_000 + number * 60 * 10**9
        loss, right = (NAN, NAN) if head else (1 / number, 1 - 0.5 / number)
        return CurvePoint(at_ns, 'head' if head else 'finetune', 0 if head else number, 6 + number,
                          loss, right, 0.6 + 0.02 * number, 0.58 + 0.02 * number)


class FakeBridge:
    """The :class:`recognizer_ros.server.bridge.Bridge` of the tests.

    :param frames: what the camera sees, over and over; without any it sends nothing.
    :param tick_s: time between frames, or between the signs that there is none.
    """

    def __init__(self, state: State | None = None, frames: tuple[bytes, ...] = (),
                 tick_s: float = 0.02) -> None:
        self.failure: RecognizerError | None = None
        self.calls: list[tuple[Any, ...]] = []
        self.recordings: list[tuple[bool, float | None]] = []
        self.samples = FakeSamples(self._note)
        self.models = FakeModels(self._note)
        self.insight = FakeInsight(self._note)
        self.answers = FakeAnswers(self._note)
        self.viewers = 0
        self.peers: Callable[[Request], Reply] = no_camera
        self._state = busy_state() if state is None else state
        self._frames = frames
        self._tick_s = tick_s
        self._changed = threading.Condition()

    def change(self, **sections: Any) -> None:
        """Change sections of the state."""
        with self._changed:
            self._state = replace(self._state, **sections)
            self._changed.notify_all()

    def state(self) -> State:
        """Return the newest state."""
        with self._changed:
            return self._state

    def wait(self, seen: State | None, timeout_s: float) -> State:
        """Return the state once it is another one than ``seen``."""
        with self._changed:
            self._changed.wait_for(lambda: self._state is not seen, timeout_s)
            return self._state

    def until(self, condition: Any, timeout_s: float = 10.0) -> bool:
        """Wait until ``condition()`` holds, looked at after every change."""
        with self._changed:
            return bool(self._changed.wait_for(condition, timeout_s))

    def set_tags(self, tags: tuple[str, ...]) -> None:
        """Set the active tags."""
        self._note('tags', tags)
        self.change(tags=tags)

    def set_recording(self, on: bool, lease_s: float | None) -> None:
        """Press or release Record."""
        self._note('recording', on, lease_s)
        if on and not self._state.tags:
            raise LabelError('no tags')
        self.recordings.append((on, lease_s))
        dataset = replace(self._state.dataset, recording=on, active_tags=self._state.tags)
        self.change(recording=on, dataset=dataset)

    def set_training(self, on: bool) -> None:
        """Turn the trainer on or off."""
        self._note('training', on)
        self.change(training=replace(self._state.training, enabled=on))

    def set_classification(self, on: bool) -> None:
        """Turn the classifier on or off."""
        self._note('classification', on)
        self.change(classification=replace(self._state.classification, enabled=on))

    def set_threshold(self, value: float) -> None:
        """Set the threshold."""
        self._note('threshold', value)
        self.change(classification=replace(self._state.classification, threshold=value))

    def set_smoothing(self, value: float) -> None:
        """Set the smoothing."""
        self._note('smoothing', value)
        self.change(classification=replace(self._state.classification, smoothing=value))

    def negotiate(self, request: Request) -> Reply:
        """Answer a WebRTC peer."""
        return self.peers(request)

    def pause(self) -> None:
        """Make the camera send nothing from now on."""
        self._frames = ()

    def frames(self) -> Generator[bytes, None, None]:
        """Yield the frames over and over, or ``b''`` each tick."""
        self._count_viewers(+1)
        try:
            number = 0
            while True:
                with self._changed:
                    self._changed.wait(self._tick_s)
                yield self._frames[number % len(self._frames)] if self._frames else b''
                number += 1
        finally:
            self._count_viewers(-1)

    def _count_viewers(self, change: int) -> None:
        with self._changed:
            self.viewers += change
            self._changed.notify_all()

    def _note(self, *call: Any) -> None:
        if self.failure is not None:
            raise self.failure
        if call[0] in _UNASKED:
            return
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()
