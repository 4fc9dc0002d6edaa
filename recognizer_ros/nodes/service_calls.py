"""Calls of services from threads that are not the executor's."""

import threading
from typing import Any

from ..core.errors import NodeUnavailableError

_GRACE_S = 1.0


def call(client: Any, request: Any, who: str, timeout_s: float,
         done: threading.Event | None = None) -> Any:
    """Return the answer of a service. :param who: node that serves it, for people.

    :param done: set it to wait no longer.
    :raises NodeUnavailableError: no answer in time.
    """
    done = done or threading.Event()
    if not client.wait_for_service(_GRACE_S):
        raise NodeUnavailableError(f'the {who} does not answer: is its node running?')
    future = client.call_async(request)
    future.add_done_callback(lambda _: done.set())
    if not (done.wait(timeout_s) and future.done()):
        client.remove_pending_request(future)
        raise NodeUnavailableError(f'the {who} did not answer within {timeout_s:.0f} s: try again')
    return future.result()
