"""An asyncio event loop in a thread of its own."""

import asyncio
import errno
import re
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from ...core.errors import ConfigError, NegotiationError

T = TypeVar('T')


def port_range(text: str) -> range:
    """Take ``50000-50100`` apart; empty text gives an empty range.

    :raises ConfigError: it is no range of UDP ports.
    """
    found = re.fullmatch(r'(\d{4,5})-(\d{4,5})', text)
    if text and not found:
        raise ConfigError(f'udp_ports {text[:40]!r} is no range: write one like 50000-50100')
    first, last = (int(part) for part in found.groups()) if found else (1024, 1023)
    if text and not 1024 <= first <= last <= 65535:
        raise ConfigError(f'udp_ports {text} must rise, between 1024 and 65535')
    return range(first, last + 1)


class LoopThread:
    """Runs coroutines in its thread until closed.

    :param ports: UDP sockets that may have any port get one of these; empty: any port.
    """

    def __init__(self, ports: range) -> None:
        self._loop = _Loop(ports)
        self._thread = threading.Thread(target=self._run, name='webrtc', daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> 'Future[T]':
        """Begin a coroutine. :raises NegotiationError: the loop is closed."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError as error:
            work.close()
            raise NegotiationError(503, 'the camera is not active') from error

    def soon(self, callback: Callable[..., None], *arguments: Any) -> None:
        """Call a function in the thread; not at all once the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            return

    def close(self) -> None:
        """Cancel what still runs and end the thread."""
        self.soon(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)  # pyee looks there
        try:
            self._loop.run_forever()
        finally:
            self._cancel_all()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            asyncio.set_event_loop(None)
            self._loop.close()

    def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self._loop.run_until_complete(asyncio.wait(tasks, timeout=2.0))


class _Loop(asyncio.SelectorEventLoop):
    """aioice asks for port 0 for each of its sockets; a firewall wants to know more."""

    def __init__(self, ports: range) -> None:
        super().__init__()
        self._ports, self._next = ports, 0

    async def create_datagram_endpoint(
            self, protocol_factory: Any, local_addr: Any = None, remote_addr: Any = None,
            **options: Any) -> Any:
        """From asyncio. :raises OSError: no port is free."""
        if not self._ports or local_addr is None or local_addr[1]:
            return await super().create_datagram_endpoint(
                protocol_factory, local_addr, remote_addr, **options)
        for _ in self._ports:
            # One after the other: late packets of an earlier peer meet nobody.
            port = self._ports[self._next % len(self._ports)]
            self._next += 1
            try:
                return await super().create_datagram_endpoint(
                    protocol_factory, (local_addr[0], port), remote_addr, **options)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        raise OSError(errno.EADDRINUSE, 'no UDP port is free')
