"""What weighs on the page's server: streams of events, readers who hardly read, and uploads."""

import contextlib
import http.client
import itertools
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence

SLOW_PATHS = ('/api/v1/events', '/video.mjpeg')
_SIP_BYTES, _SIP_S = 256, 0.5
_BUFFER_BYTES = 4096
_PATIENCE_S = 10.0
_BOUNDARY = 'recognizer-bench'
_HEAD = (f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="tags"\r\n\r\nbench\r\n'
         f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="bench.jpg"\r\n'
         'Content-Type: image/jpeg\r\n\r\n').encode()
_TAIL = f'\r\n--{_BOUNDARY}--\r\n'.encode()


class Load:
    """Weighs on the server at ``port`` of this machine; ``with`` starts and ends it.

    :param photos: JPEGs that are uploaded, again and again.
    :ivar events: how many bytes each stream of events has brought.
    :ivar refused: how often a place for a slow reader was not given.
    :ivar lost: how often a slow reader was cut off.
    :ivar uploaded: how long each upload took, seconds. :ivar failed: statuses of those refused.
    """

    def __init__(self, port: int, streams: int, slow: int, uploads: int,
                 photos: Sequence[bytes]) -> None:
        self._port, self._slow, self._photos = port, slow, itertools.cycle(photos)
        self.events, self.refused, self.lost = [0] * streams, 0, 0
        self.uploaded: list[float] = []
        self.failed: list[int] = []
        self._ending = threading.Event()
        self._lock = threading.Lock()
        work: list[Callable[[], None]] = [self._listen, self._sip, *[self._upload] * uploads]
        self._threads = [threading.Thread(target=one, daemon=True) for one in work]

    def __enter__(self) -> 'Load':
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _listen(self) -> None:
        """Read all streams of events as fast as they come."""
        with selectors.DefaultSelector() as selector, contextlib.ExitStack() as opened:
            for number in range(len(self.events)):
                stream = opened.enter_context(self._open('/api/v1/events'))
                selector.register(stream, selectors.EVENT_READ, number)
            while not self._ending.is_set():
                for key, _ in selector.select(0.2):
                    assert isinstance(key.fileobj, socket.socket)
                    data = key.fileobj.recv(65536)
                    self.events[key.data] += len(data)
                    if not data:
                        selector.unregister(key.fileobj)

    def _sip(self) -> None:
        """Read almost nothing; who is cut off comes again."""
        paths = [SLOW_PATHS[number % len(SLOW_PATHS)] for number in range(self._slow)]
        readers = [self._open(path) for path in paths]
        while not self._ending.wait(_SIP_S):
            for number, reader in enumerate(readers):
                said = _sip(reader)
                self.refused += b' 503 ' in (said or b'')
                self.lost += said == b''
                if said == b'' or (said and b' 503 ' in said):
                    reader.close()
                    readers[number] = self._open(paths[number])
        for reader in readers:
            reader.close()

    def _upload(self) -> None:
        while not self._ending.is_set():
            with self._lock:
                photo = next(self._photos)
            began_s = time.perf_counter()
            status, _ = ask(self._port, 'POST', '/dataset/upload', _HEAD + photo + _TAIL,
                            f'multipart/form-data; boundary={_BOUNDARY}')
            self.uploaded.append(time.perf_counter() - began_s)
            if status != 200:
                self.failed.append(status)

    def _open(self, path: str) -> socket.socket:
        stream = socket.socket()
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
        stream.settimeout(_PATIENCE_S)
        stream.connect(('127.0.0.1', self._port))
        stream.sendall(f'GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'.encode())
        return stream


def _sip(reader: socket.socket) -> bytes | None:
    """A little of what has come; ``None``: nothing has, empty: the server has closed."""
    try:
        return reader.recv(_SIP_BYTES, socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b''


def ask(port: int, method: str, path: str, body: bytes | None = None,
        kind: str = 'application/json') -> tuple[int, bytes]:
    """Status and body of an answer, over a connection of its own. :raises OSError: none came."""
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=_PATIENCE_S)
    try:
        connection.request(method, path, body, {'Content-Type': kind} if body else {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()
