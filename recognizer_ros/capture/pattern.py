"""Rendered objects in place of a camera: for the demo, for tests, and where no camera is."""

import math
import threading

from ..core.config import CameraConfig
from .pacer import Pacer
from .scale import fill
from .scene import Scene
from .source import Clock, Frame
from .stage import Stage
from .uri import OBJECTS, SourceUri

__all__ = ['OBJECTS', 'PatternSource']

TURN_S = 4.0
_AREA_PX = 640 * 480


class PatternSource:
    """The scene of ``pattern://OBJECT?seed=N``, without an end.

    Without an object, each of them in turn for ``TURN_S`` seconds, every round with another seed.
    The same URI, size and number of frame give the same pixels.
    """

    def __init__(self, uri: SourceUri, config: CameraConfig, clock: Clock, stop: threading.Event,
                 pacer: Pacer | None = None) -> None:
        self._uri, self._config, self._clock = uri, config, clock
        self._pacer = pacer or Pacer(stop)
        self._size = config.input_width or 640, config.input_height or 480
        self._turn_frames = max(1, round(TURN_S * config.input_rate))
        self._index = 0
        self._stage = Stage(uri.seed, *canvas(*self._size))
        self._objects = self._turn(0)[0]
        self._scene = Scene(self._stage, self._objects)

    def read(self) -> Frame | None:
        """See :class:`~.source.Source`."""
        self._set_up(self._index)
        image = fill(self._scene.frame(self._index), *self._size)
        self._index += 1
        if not self._pacer.wait(1 / self._config.input_rate):
            return None
        return Frame(image, self._clock())

    def close(self) -> None:
        """See :class:`~.source.Source`: there is nothing to free."""

    def _set_up(self, index: int) -> None:
        objects, seed = self._turn(index)
        if seed != self._stage.seed:
            self._stage = Stage(seed, *canvas(*self._size))
        elif objects == self._objects:
            return
        self._objects = objects
        self._scene = Scene(self._stage, objects)

    def _turn(self, index: int) -> tuple[tuple[str, ...], int]:
        """Return the objects and the seed of a frame."""
        if self._uri.objects:
            return self._uri.objects, self._uri.seed
        turn = index // self._turn_frames
        return (OBJECTS[turn % len(OBJECTS)],), self._uri.seed + turn // len(OBJECTS)


def canvas(width_px: int, height_px: int) -> tuple[int, int]:
    """Return the size that is drawn for a frame size: never more than VGA, and not a thin strip.

    Larger frames are scaled up from it, so that a frame costs about the same at any size.
    """
    aspect = min(max(width_px / height_px, 0.5), 2.4)
    area = min(width_px * height_px, _AREA_PX)
    height = max(48, math.sqrt(area / aspect))
    return round(height * aspect), round(height)
