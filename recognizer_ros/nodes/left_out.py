"""Tells ``recorder`` which samples training leaves out, so that it sets them aside."""

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from rclpy.lifecycle import LifecycleNode

from ..dataset.edits import Quarantine
from ..msg import ErrorCode
from ..srv import EditSamples
from . import qos
from .dataset_messages import of_edit

_MOST_WAITING = 10_000
_TIMEOUT_S = 60.0
# The samples have changed meanwhile: with the new data they are looked at anew.
_OUTDATED = (ErrorCode.INVALID, ErrorCode.NOT_FOUND, ErrorCode.CONFLICT)


class LeftOut:
    """Samples that wait until the recorder has set them aside, and one call to it at a time.

    :ivar reason: why the last one is left out; empty: none is.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._client = node.create_client(EditSamples, 'edit_samples', qos_profile=qos.SERVICE)
        self._lock = Lock()
        self._waiting: dict[str, str] = {}
        self._answer: Any = None
        self._asked: Quarantine | None = None
        self._asked_s = 0.0
        self._refused = False
        self._told = 0
        self.reason = ''

    @property
    def count(self) -> int:
        """Samples left out so far."""
        return self._told + len(self._waiting)

    def add(self, found: Mapping[str, str]) -> None:
        """Remember samples, by SHA-256, and why. From any thread."""
        with self._lock:
            room = _MOST_WAITING - len(self._waiting)  # others are found again with new data
            self._waiting.update(list(found.items())[:room])
            self.reason = [*found.values(), self.reason][0]

    def retry(self) -> None:
        """The recorder is there: ask also after a refusal."""
        self._refused = False

    def step(self) -> None:
        """Ask the recorder, or look for its answer; never waits."""
        if self._asked:
            self._look(self._asked)
        elif self._waiting and not self._refused and self._client.service_is_ready():
            with self._lock:
                reason = next(iter(self._waiting.values()))
                self._asked = Quarantine(tuple(
                    sample for sample, why in self._waiting.items() if why == reason), reason)
            self._answer = self._client.call_async(of_edit(self._asked, 0))
            self._asked_s = time.monotonic()

    def _look(self, asked: Quarantine) -> None:
        answer = self._answer.result() if self._answer.done() else None
        if not answer and time.monotonic() - self._asked_s < _TIMEOUT_S:
            return
        self._asked = None
        if answer and (answer.success or answer.error.value in _OUTDATED):
            self._told += answer.changed
            with self._lock:
                for sample in asked.ids:
                    self._waiting.pop(sample, None)
        else:
            self._client.remove_pending_request(self._answer)
            self._refused = True
