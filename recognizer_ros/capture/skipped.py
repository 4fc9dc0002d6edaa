"""A bounded memory of what could not be read."""

from collections import deque


class Skipped:
    """How many were left out, and the last few by name."""

    def __init__(self, keep: int = 5) -> None:
        self.count = 0
        self._names: deque[str] = deque(maxlen=keep)

    def add(self, name: str) -> None:
        """Count one."""
        self.count += 1
        self._names.append(name)

    @property
    def names(self) -> tuple[str, ...]:
        """The last few, oldest first."""
        return tuple(self._names)
