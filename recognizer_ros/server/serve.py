"""The WSGI server that the page runs on: cheroot, with TLS when there is a certificate."""

import errno
import logging
import socket
import ssl
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

from cheroot import wsgi
from cheroot.server import HTTPConnection
from cheroot.ssl.builtin import BuiltinSSLAdapter
from flask import Flask

from ..core.config import WebConfig
from ..core.errors import ConfigError, PortInUseError
from ..core.hosts import is_loopback
from . import current
from .access import Access
from .certificate import fingerprint, own_pair

_log = logging.getLogger(__name__)

_CALLS = 8
"""Threads left for short requests while all streams are taken."""
_QUEUE = 256
"""Requests that may wait for a thread; more are answered 503."""
_BACKLOG = 128
"""Connections that may come at once; of more, the system makes some try again after a second."""
_GRACE_S = 1.2
"""Time that streams get to end by themselves."""


class Server:
    """Serves an app of :func:`recognizer_ros.server.app.create_app`; used once.

    :ivar access: who may do what; ``None``: only this machine is answered.
    :raises ConfigError: key and certificate cannot be used.
    :raises AccessError: none can be made.
    """

    def __init__(self, app: Flask, config: WebConfig) -> None:
        shared = current.of(app)
        self._streams, self.access = shared.streams, shared.access
        secure = shared.access or config.ssl_key or config.ssl_cert
        self._scheme = 'https' if secure else 'http'
        self._server = _Wsgi((_address(config.host), config.port), app, config.streams)
        if self._scheme == 'https':
            self._server.ssl_adapter = _tls(*_pair(config, shared.access))
        self._thread = threading.Thread(target=self._server.serve, name='web', daemon=True)

    @property
    def url(self) -> str:
        """Address of the page; holds the real port once started."""
        host, port = self._server.bind_addr
        shown = f'[{host}]' if ':' in host else host
        return f'{self._scheme}://{shown}:{port}/'

    @property
    def nobody_may_enter(self) -> bool:
        """A token is needed, and there is none yet."""
        return self.access is not None and not self.access.tokens

    def start(self) -> None:
        """Listen, and serve in a thread.

        :raises PortInUseError: another program listens there.
        :raises ConfigError: the address cannot be used.
        """
        try:
            self._server.prepare()
        except OSError as error:
            raise ConfigError(f'cannot listen on {self.url}: {error}') from None
        self._thread.start()

    def stop(self) -> None:
        """End streams and requests, and close; at most about 2 s. Never started: does nothing."""
        self._streams.stop(_GRACE_S if self._thread.is_alive() else 0.0)
        self._server.cut()
        self._server.stop()
        if self._thread.ident is not None:
            self._thread.join()


class _Connection(HTTPConnection):
    """A connection that its server can cut."""

    def __init__(self, server: '_Wsgi', sock: socket.socket, *rest: Any) -> None:
        super().__init__(server, sock, *rest)
        server.remember(sock)

    def communicate(self) -> bool:
        """Answer a request; return whether another one may follow. TLS begins here, in a thread
        of its own: in the one that accepts, a stranger who says nothing would hold up all."""
        if isinstance(self.socket, ssl.SSLSocket) and self.socket.version() is None:
            try:
                self.socket.do_handshake()
            except OSError:  # whoever it is, speaks something else, or nothing
                return False
        return bool(super().communicate())  # type: ignore[no-untyped-call]


class _Wsgi(wsgi.Server):
    ConnectionClass = _Connection
    max_request_header_size = 32 * 1024  # without one, each request may fill the memory

    def __init__(self, address: tuple[str, int], app: Flask, streams: int) -> None:
        threads = 2 * streams + _CALLS
        super().__init__(address, app, numthreads=threads, max=threads, shutdown_timeout=1,
                         request_queue_size=_BACKLOG, accepted_queue_size=_QUEUE,
                         accepted_queue_timeout=1)
        self._lock = threading.Lock()
        self._most = threads // 2
        self._sockets: weakref.WeakKeyDictionary[socket.socket, str]
        self._sockets = weakref.WeakKeyDictionary()

    def clear_stats(self) -> None:
        """Count from zero, and for nobody else: cheroot leaves the counts of each server with
        ``logging`` for good, and with them the server."""
        super().clear_stats()  # type: ignore[no-untyped-call]
        vars(logging)['statistics'].pop(f'Cheroot HTTPServer {id(self)}', None)

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        """Bind; cheroot itself forgets the error's number and leaves the socket open."""
        try:
            socket_.bind(bind_addr)
        except OSError as error:
            socket_.close()
            if error.errno == errno.EADDRINUSE:
                raise PortInUseError(f'port {bind_addr[1]} is in use: stop the other program or '
                                     'choose another port') from None
            raise
        return socket_

    def remember(self, sock: socket.socket) -> None:
        """Take note of a connection's socket. One machine may have as many as half of the threads:
        else a single stranger who connects and says nothing would hold them all."""
        with suppress(OSError), self._lock:  # of one that is closed already
            peer = self._sockets[sock] = sock.getpeername()[0]
            alike = sum(one == peer and other.fileno() >= 0
                        for other, one in self._sockets.items())
            if alike > self._most and not is_loopback(peer):
                _cut(sock)

    def cut(self) -> None:
        """End all connections: a thread that sends to a viewer who does not read is freed by
        nothing else before its time-out."""
        with self._lock:
            sockets = list(self._sockets)
        for sock in sockets:
            with suppress(OSError):  # closed already
                _cut(sock)

    def error_log(self, msg: str = '', level: int = logging.INFO, traceback: bool = False) -> None:
        """Log as the rest of the program does, not on standard error."""
        if msg.startswith('socket.error'):  # a page by TLS was closed: no news, and often
            level, traceback = logging.DEBUG, False
        _log.log(level, msg, exc_info=traceback)


def _cut(sock: socket.socket) -> None:
    # Not that of an SSLSocket, which takes the TLS away from a thread that is using it.
    socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Tls(BuiltinSSLAdapter):
    """Leaves the handshake to the connection."""

    def wrap(self, sock: socket.socket) -> tuple[socket.socket, dict[str, str]]:
        """Return the socket, and what the app is told of it."""
        secure = self.context.wrap_socket(sock, do_handshake_on_connect=False, server_side=True)
        return secure, {'wsgi.url_scheme': 'https', 'HTTPS': 'on'}


def _pair(config: WebConfig, access: Access | None) -> tuple[str, str]:
    """Key and certificate: those that are given, else our own."""
    if not access or config.ssl_key or config.ssl_cert:
        return config.ssl_key, config.ssl_cert
    key, cert = own_pair(access.folder)
    _log.info('own certificate, SHA-256 %s', fingerprint(cert))
    return str(key), str(cert)


def _address(host: str) -> str:
    if not host:
        raise ConfigError('host is empty: 127.0.0.1 is this machine only, 0.0.0.0 all networks')
    # As a name it may mean two addresses, of which only one is listened on.
    return '127.0.0.1' if host.lower() == 'localhost' else host


def _tls(key: str, cert: str) -> _Tls:
    for name, path in (('ssl_key', key), ('ssl_cert', cert)):
        if not path:
            raise ConfigError(f'{name} is missing: give both ssl_key and ssl_cert, or neither')
        if not Path(path).is_file():
            raise ConfigError(f'{name}: there is no file {path!r}')
    try:
        # With a password at hand, an encrypted key is an error and not a question on the terminal.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key, lambda: '-')
        return _Tls(cert, key)
    except (OSError, ValueError) as error:
        raise ConfigError(f'ssl_key {key!r} and ssl_cert {cert!r} cannot be used: {error}'
                          ) from None
