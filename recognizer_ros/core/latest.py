"""A place for the newest of something, between two threads."""

import threading
from typing import Generic, TypeVar

T = TypeVar('T')


class Latest(Generic[T]):
    """Holds one value; a newer one replaces it.

    :ivar replaced: how many were replaced before anybody took them.
    """

    def __init__(self) -> None:
        self._ready = threading.Condition()
        self._value: T | None = None
        self._closed = False
        self.replaced = 0

    def put(self, value: T) -> None:
        """Put a value in."""
        with self._ready:
            self.replaced += self._value is not None
            self._value = value
            self._ready.notify()

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for a value and take it out; ``None`` after the timeout or once closed."""
        with self._ready:
            self._ready.wait_for(lambda: self._closed or self._value is not None, timeout_s)
            value, self._value = self._value, None
            return None if self._closed else value

    def close(self) -> None:
        """Wake whoever waits; nothing comes any more."""
        with self._ready:
            self._closed = True
            self._ready.notify_all()

    @property
    def waits(self) -> bool:
        """A value is there to be taken."""
        return self._value is not None

    @property
    def closed(self) -> bool:
        """No value will come any more."""
        return self._closed
