"""What every camera source is: a thing that gives the next frame when it is due."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
Clock = Callable[[], int]


@dataclass(frozen=True)
class Frame:
    """One picture.

    :param image: height × width × 3, BGR, C-contiguous; the receiver owns it.
    :param stamp_ns: time of capture on the clock that the source was opened with.
    """

    image: Image
    stamp_ns: int


class Source(Protocol):
    """A camera, or what stands in for one. Used by one thread at a time."""

    def read(self) -> Frame | None:
        """Block until the next frame is due. ``None``: the end, or the stop event was set.

        :raises SourceError: no further frame can be had.
        """
        ...

    def close(self) -> None:
        """Free what the source holds; a second call does nothing."""
        ...
