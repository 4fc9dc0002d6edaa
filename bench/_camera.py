"""A camera for the benches of running nodes, and a data set of what it has seen."""

import random
import threading
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import cv2
from _nodes import Client
from _photographs import labels_of

from recognizer_ros.dataset.images import Pixels, decode, encode_jpeg
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.store import SampleStore

WIDTH, HEIGHT = 640, 480
PER_BURST = 25
_KEPT = 20_000


def store(root: Path, photos: Sequence[Sample], count: int) -> None:
    """Fill a data set with bursts of each class, in a camera's size."""
    rng = random.Random(1)
    many = [photos[number % len(photos)] for number in range(count)]
    with SampleStore(root) as store:
        for label in labels_of(photos):
            group = [photo for photo in many if photo.tags == (label,)]
            for start in range(0, len(group), PER_BURST):
                burst = store.begin_burst('bench', (label,))
                store.add([NewSample(encode_jpeg(view(enlarged(photo), rng), 95), (label,),
                                     time.time_ns(), burst, 'bench', WIDTH, HEIGHT)
                           for photo in group[start:start + PER_BURST]])


def enlarged(photo: Sample) -> Pixels:
    """A photograph, somewhat larger than the camera's view."""
    image = decode(photo.path.read_bytes())
    scale = 1.1 * max(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    return cv2.resize(image, None, fx=scale, fy=scale)  # type: ignore[return-value]


def view(image: Pixels, rng: random.Random) -> Pixels:
    """What an unsteady camera sees of it."""
    top, left = (rng.randrange(have - want) for have, want in zip(
        image.shape, (HEIGHT, WIDTH), strict=False))
    return image[top:top + HEIGHT, left:left + WIDTH].copy()


class Camera(threading.Thread):
    """Publishes frames at a steady rate; ``with`` starts and ends it.

    :ivar stamps: of the last frames, oldest first.
    """

    def __init__(self, client: Client, rate_hz: float) -> None:
        super().__init__(name='camera', daemon=True)
        self._client, self._rate_hz, self._rng = client, rate_hz, random.Random(2)
        self._scenes: Sequence[Pixels] = ()
        self._ending = threading.Event()
        self.stamps: deque[int] = deque(maxlen=_KEPT)

    def __enter__(self) -> 'Camera':
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.set()
        self.join()

    def point(self, scenes: Sequence[Pixels]) -> None:
        """Show these, in turns of a few frames; none: show nothing."""
        self._scenes = scenes

    def sent(self, since_ns: int, until_ns: int = 2**63) -> int:
        """How many frames were published with such a stamp."""
        return sum(since_ns <= stamp < until_ns for stamp in list(self.stamps))

    def run(self) -> None:
        """The thread."""
        number, due_s = 0, time.monotonic()
        while not self._ending.wait(max(0.0, due_s - time.monotonic())):
            due_s = max(due_s + 1 / self._rate_hz, time.monotonic())
            if scenes := self._scenes:
                pixels = view(scenes[number // 5 % len(scenes)], self._rng)
                stamp_ns = self._client.now_ns()
                self._client.show(pixels, stamp_ns)
                self.stamps.append(stamp_ns)
                number += 1
