"""What every format makes of its files: images with tags, one at a time."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ...core.split import Split

SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp')
MAX_FILES = 1_000_000


@dataclass(frozen=True)
class Candidate:
    """An image that may be stored.

    :param name: for people. :param read: gives an image file; may be called in another thread,
        raises ImageError or OSError.
    :param tags: normalised. :param group: candidates of one group become one burst.
    :param origin: ``source`` of the sample; empty: that of the import.
    :param stamp_ns: 0: not known. :param split: of the burst; ``None``: the store chooses.
    :param pinned: ``split`` was chosen by a person: nothing may change it.
    :param size: of what ``read`` holds in memory, bytes; 0: not known.
    """

    name: str
    read: Callable[[], bytes]
    tags: tuple[str, ...]
    group: Hashable
    origin: str = ''
    stamp_ns: int = 0
    split: Split | None = None
    pinned: bool = False
    size: int = 0


@dataclass(frozen=True)
class Source:
    """Something opened for import.

    :param name: for people. :param total: candidates at most. :param empty: the way out when it
        gives none. :param candidates: may be gone through once; what it leaves out is logged.
    """

    name: str
    kind: str
    total: int
    empty: str
    candidates: Iterable[Candidate]


@dataclass(frozen=True)
class Options:
    """What only some formats need.

    :param images: CSV: folder that its paths start from, and must lie in; default: the CSV's.
    :param image_topic: rosbag2: default: the only one. :param tags_topic: likewise.
    :param ranges: rosbag2: CSV of times and tags, used instead of a tags topic.
    """

    images: Path | None = None
    image_topic: str = ''
    tags_topic: str = ''
    ranges: Path | None = None
