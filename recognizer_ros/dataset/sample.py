"""What is given to a data set to store."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NewSample:
    """An image to store.

    :param data: JPEG file. :param tags: normalised labels. :param burst: from ``begin_burst``.
    """

    data: bytes
    tags: tuple[str, ...]
    stamp_ns: int
    burst: int
    source: str
    width: int
    height: int


@dataclass(frozen=True)
class Stored:
    """Answer to a :class:`NewSample`. :param duplicate: these bytes were there; tags replaced."""

    sha256: str
    duplicate: bool
