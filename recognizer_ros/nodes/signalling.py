"""What WebRTC peers ask for, passed on to ``camera`` over DDS."""

import threading

from rclpy.lifecycle import LifecycleNode

from ..core.negotiation import Reply, Request
from ..srv import Negotiate
from . import qos
from .service_calls import call

_TIMEOUT_S = 8.0
"""Gathering the camera's own candidates takes a while where a STUN server does not answer."""


class Signalling:
    """Calls the service ``negotiate``, from any thread but the executor's."""

    def __init__(self, node: LifecycleNode) -> None:
        self._client = node.create_client(Negotiate, 'negotiate', qos_profile=qos.SERVICE)
        self._waiting: set[threading.Event] = set()

    def negotiate(self, request: Request) -> Reply:
        """Return the answer. :raises NodeUnavailableError: no answer in time."""
        done = threading.Event()
        self._waiting.add(done)
        try:
            answer = call(self._client, Negotiate.Request(
                operation=getattr(Negotiate.Request, request.operation.name),
                session=request.session, body=request.body, take_over=request.take_over,
                etag=request.etag), 'camera', _TIMEOUT_S, done)
        finally:
            self._waiting.discard(done)
        return Reply(answer.status, answer.session, answer.body, answer.etag)

    def give_up(self) -> None:
        """Wait for no answer any more: while the node stops, none is received."""
        for done in list(self._waiting):
            done.set()
