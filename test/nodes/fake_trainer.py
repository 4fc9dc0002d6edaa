"""Somebody who serves ``get_model``, well or badly."""

import threading
from dataclasses import replace
from types import TracebackType

from rclpy.task import Future
from ros_graph import Graph

from recognizer_ros.core.bundle import BACKBONE
from recognizer_ros.inference.model_cache import Network
from recognizer_ros.nodes import conversions
from recognizer_ros.registry.store import Version
from recognizer_ros.srv import GetModel


class FakeTrainer:
    """:ivar files: by version: the bytes, and what is said of them.
    :ivar asked: offsets, in order. :ivar versions: likewise.
    :ivar hangs: set when it has left off answering.
    """

    def __init__(self, graph: Graph,
                 files: dict[int, tuple[bytes, Network]] | None = None) -> None:
        self._node = graph.tester
        self.files = files or {}
        self.asked: list[int] = []
        self.versions: list[int] = []
        self.hangs, self._hang_at = threading.Event(), -1
        self._service = self._node.create_service(GetModel, 'get_model', self._answer)

    def __enter__(self) -> 'FakeTrainer':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._node.destroy_service(self._service)

    def offer(self, version: Version) -> None:
        """Have a version."""
        self.files[version.bundle.version] = (version.backbone.read_bytes(),
                                              Network.of(version.bundle))

    def spoil(self) -> None:
        """Other bytes of the same size."""
        self.files = {number: (data[:50] + b'?' + data[51:], network)
                      for number, (data, network) in self.files.items()}

    def grow(self) -> None:
        """Another file, and that is told."""
        self.files = {number: (data, replace(network, size=network.size + 1))
                      for number, (data, network) in self.files.items()}

    def forget(self) -> None:
        """No version any more."""
        self.files.clear()

    def hang_at(self, offset: int) -> None:
        """Give no answer there, once."""
        self._hang_at = offset

    async def _answer(self, request: GetModel.Request, response: GetModel.Response
                      ) -> GetModel.Response:
        self.asked.append(request.offset)
        self.versions.append(request.version)
        assert request.file == BACKBONE
        if request.offset == self._hang_at:
            self._hang_at = -1
            self.hangs.set()
            await Future()
        if request.version not in self.files:
            response.message = f'there is no model version {request.version}: known are none'
            return response
        data, network = self.files[request.version]
        response.data = conversions.byte_array(data[request.offset:][:request.length])
        response.version, response.size = network.version, network.size
        response.sha256, response.success = network.sha256, True
        return response
