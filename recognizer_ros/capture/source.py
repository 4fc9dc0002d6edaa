"""What every camera source is: a thing that gives the next frame when it is due."""

import threading
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
    :param relayed: it came from a topic, so it is on one already.
    """

    image: Image
    stamp_ns: int
    relayed: bool = False


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


class Incoming(Protocol):
    """Frames that come to this process by themselves, from whoever sends: WebRTC peers."""

    def read(self, stop: threading.Event) -> Frame | None:
        """Block until the next frame is there, for as long as it takes. ``None``: stop was set.

        :param stop: to be noticed within 0.1 s.
        :raises SourceError: no frame can come; it is called again some seconds later.
        """
        ...


OpenTopic = Callable[[str, threading.Event], Source]
"""Opens a topic by its name, with the event that ends a read."""
