"""Service ``negotiate`` of ``camera``: WebRTC peers that send video or watch it."""

import threading
from typing import TYPE_CHECKING, Any

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.lifecycle import LifecycleNode

from ..capture.source import Clock, Frame, Incoming
from ..capture.uri import hide, parse
from ..core.config import CameraConfig
from ..core.errors import SourceError
from ..core.negotiation import Operation, Request
from ..srv import Negotiate
from . import lifecycle, qos

if TYPE_CHECKING:
    from ..capture.webrtc.peers import Peers

_OPERATIONS = {getattr(Negotiate.Request, one.name): one for one in Operation}
_MISSING = 'aiortc, which WebRTC needs, is not installed: pip install aiortc'


class Negotiation:
    """The service is there from the beginning, and answers 503 unless started."""

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node
        self._peers: Peers | None = None
        self._refusal, self._receives = 'the camera is not active', False
        # In the node's own group no other callback would run while a peer is answered.
        node.create_service(Negotiate, 'negotiate', self._answer, qos_profile=qos.SERVICE,
                            callback_group=ReentrantCallbackGroup())

    def start(self, config: CameraConfig, clock: Clock) -> Incoming:
        """Answer from now on. Return what a peer will send.

        :raises ConfigError: the ports or servers that are set cannot be used.
        """
        try:
            from ..capture.webrtc.peers import Peers
        except ImportError:
            self._refusal = _MISSING
            return _Nothing()
        self._peers = Peers(config, clock)
        self.switch(config)
        return self._peers.incoming

    def switch(self, config: CameraConfig) -> None:
        """Take a sender only while it is what the camera shows."""
        if self._peers:
            self._receives = parse(config.input).kind == 'webrtc'
            self._peers.receive('' if self._receives else hide(config.input))

    def stop(self) -> None:
        """End all sessions."""
        peers, self._peers = self._peers, None
        self._refusal = 'the camera is not active'
        if peers:
            peers.close()

    def show(self, frame: Frame) -> None:
        """Show a frame to the viewers; from any thread."""
        peers = self._peers
        if peers:
            peers.show(frame.image)

    @property
    def is_deserted(self) -> bool:
        """A sender is what the camera shows, and there is none."""
        return self._receives and self._peers is not None and not any(
            one.role.value == 'sender' for one in self._peers.stats)

    def diagnose(self) -> dict[str, object]:
        """Return figures for /diagnostics, one line for each peer."""
        stats = self._peers.stats if self._peers else ()
        return {f'{one.role.value} {one.id[:4]}': one for one in stats}

    async def _answer(self, request: Any, response: Any) -> Any:
        if not self._peers:
            response.status, response.body = 503, self._refusal
            return response
        if request.operation not in _OPERATIONS:
            response.status, response.body = 400, f'there is no operation {request.operation}'
            return response
        asked = self._peers.negotiate(Request(
            _OPERATIONS[request.operation], request.session, request.body, request.take_over,
            request.etag))
        await lifecycle.awaitable(self._node, asked)
        reply = asked.result()
        response.status, response.session = reply.status, reply.session
        response.body, response.etag = reply.body, reply.etag
        return response


class _Nothing:
    """What comes in without aiortc."""

    def read(self, stop: threading.Event) -> Frame | None:
        """See :class:`~..capture.source.Incoming`."""
        raise SourceError(_MISSING)
