"""The state's sections with the revision in which each changed last: one place for all streams,
so that a page that was away gets what it has missed, and nothing is kept for each page."""

import re
import secrets
import threading
from dataclasses import dataclass

from .bridge import Bridge
from .sections import sections
from .state import State


@dataclass(frozen=True)
class News:
    """What is new. :param state: as the bridge gave it. :param texts: JSON of the sections."""

    state: State
    revision: int
    texts: dict[str, str]


class Revisions:
    """Revisions of one bridge's state, counted from 1. For several threads."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._life = secrets.token_hex(4)
        self._lock = threading.Lock()
        self._seen: State | None = None
        self._revision = 0
        self._texts: dict[str, str] = {}
        self._changed: dict[str, int] = {}

    def since(self, revision: int) -> News:
        """Return the sections that changed after a revision; 0: all."""
        with self._lock:
            state = self._bridge.state()  # in here, so that nobody brings an older one later
            if state is not self._seen:
                self._take(state)
            fresh = {name: text for name, text in self._texts.items()
                     if self._changed[name] > revision}
            return News(state, self._revision, fresh)

    def event_id(self, revision: int) -> str:
        """Name a revision; no other server, nor this one after a restart, gives the same name."""
        return f'{self._life}-{revision}'

    def of_event(self, name: str) -> int:
        """Return the revision of that name; 0: it is unknown, or of another server's life."""
        found = re.fullmatch(rf'{self._life}-([0-9]{{1,18}})', name)
        revision = int(found[1]) if found else 0
        with self._lock:
            return revision if revision <= self._revision else 0

    def _take(self, state: State) -> None:
        texts = sections(state)
        changed = [name for name, text in texts.items() if self._texts.get(name) != text]
        self._revision += bool(changed)
        self._changed.update(dict.fromkeys(changed, self._revision))
        self._seen, self._texts = state, texts
