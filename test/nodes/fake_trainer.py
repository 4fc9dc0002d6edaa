"""Somebody who serves ``get_model``, well or badly."""

import threading
from dataclasses import replace
from types import TracebackType

import rclpy
from ros_graph import NAMESPACE, Graph

from recognizer_ros.core.bundle import BACKBONE
from recognizer_ros.inference.model_cache import Network
from recognizer_ros.nodes import conversions
from recognizer_ros.nodes.spinning import Spinner
from recognizer_ros.registry.store import Version
from recognizer_ros.srv import GetModel


class FakeTrainer:
    """:ivar files: by version: the bytes, and what is said of them.
    :ivar asked: offsets, in order. :ivar hangs: set when it has left off answering.
    """

    def __init__(self, graph: Graph,
                 files: dict[int, tuple[bytes, Network]] | None = None) -> None:
        self._node = rclpy.create_node('fake_trainer', namespace=NAMESPACE, context=graph.context)
        self.files = files or {}
        self.asked: list[int] = []
        self.hangs, self._hang_at, self._ends = threading.Event(), -1, threading.Event()
        self._node.create_service(GetModel, 'get_model', self._answer)
        self._spinner = Spinner(graph.context, self._node)

    def __enter__(self) -> 'FakeTrainer':
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.go_on()
        self._spinner.close()
        self._node.destroy_node()

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
        """Give no answer there."""
        self._hang_at = offset

    def go_on(self) -> None:
        """Answer again."""
        self._hang_at = -1
        self._ends.set()

    def _answer(self, request: GetModel.Request, response: GetModel.Response
                ) -> GetModel.Response:
        self.asked.append(request.offset)
        assert request.file == BACKBONE
        if request.offset == self._hang_at:
            self.hangs.set()
            assert self._ends.wait(60)
            response.message = 'just a moment'
            return response
        if request.version not in self.files:
            response.message = f'there is no model version {request.version}: known are none'
            return response
        data, network = self.files[request.version]
        response.data = conversions.byte_array(data[request.offset:][:request.length])
        response.version, response.size = network.version, network.size
        response.sha256, response.success = network.sha256, True
        return response
