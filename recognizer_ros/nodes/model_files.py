"""Pieces of a version's files, also of one that is put together when it is asked for."""

import hashlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rclpy.lifecycle import LifecycleNode

from ..core.bundle import BACKBONE
from ..core.errors import NodeUnavailableError
from ..inference.onnx_file import assemble
from ..registry.store import Version
from . import lifecycle

WHOLE = 'model.onnx'
"""Backbone and head as one file, with labels and preprocessing as metadata."""


@dataclass(frozen=True)
class Piece:
    """Bytes of a file. :param size: of the whole file, bytes. :param sha256: likewise."""

    data: bytes
    size: int
    sha256: str


class ModelFiles:
    """For callbacks of one executor's thread. The last whole file stays in memory."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._worker = ThreadPoolExecutor(1)  # large networks take a second
        self._folder = Path()
        self._whole: Future[Piece] = Future()
        self._whole.set_exception(NodeUnavailableError('none was asked for'))

    async def read(self, version: Version, name: str, offset: int, length: int) -> Piece:
        """A piece of a file; empty at its end.

        :raises ModelError: there is no such file, or it is damaged.
        :raises NodeUnavailableError: another version is being put together.
        """
        if name != WHOLE:
            return Piece(version.read(name, offset, length), version.size_of(name),
                         version.bundle.sha256[name])
        work = self._started(version)
        await lifecycle.awaitable(self._node, work)
        whole = work.result()
        return Piece(whole.data[offset:offset + length], whole.size, whole.sha256)

    def _started(self, version: Version) -> 'Future[Piece]':
        if self._whole.done() and (self._whole.exception() or self._folder != version.folder):
            self._folder, self._whole = version.folder, self._worker.submit(_whole, version)
        if self._folder != version.folder:
            raise NodeUnavailableError('the file of another version is being made: try again')
        return self._whole


def _whole(version: Version) -> Piece:
    backbone = version.read(BACKBONE, 0, version.size_of(BACKBONE))
    data = assemble(backbone, version.head_bytes(), version.bundle)
    return Piece(data, len(data), hashlib.sha256(data).hexdigest())
