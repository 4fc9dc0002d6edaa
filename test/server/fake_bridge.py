"""A robot for the page that is not there: remembers what it was told, and answers at once."""

import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

from recognizer_ros.core.errors import LabelError, NodeUnavailableError, RecognizerError
from recognizer_ros.core.negotiation import Reply, Request
from recognizer_ros.core.scores import ClassScore, Scores
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.browse import Listed, Page, Query
from recognizer_ros.dataset.edits import Edit, Edited
from recognizer_ros.server.bridge import (
    Alert,
    Classification,
    Dataset,
    ModelVersion,
    Result,
    State,
    Training,
)

WEB = Path(__file__).parents[2] / 'web'
"""The page's files."""


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
        self._note = note

    def add(self, data: bytes, tags: tuple[str, ...], source: str) -> str:
        """Keep an upload."""
        self._note('sample', tags, source)
        self.added.append((data, tags, source))
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
        with self._changed:
            self.calls.append(call)
            self._changed.notify_all()
