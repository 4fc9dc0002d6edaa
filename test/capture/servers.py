"""Servers that do as a test says: bytes are sent, a Gate waits for the test, then the end."""

import contextlib
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from recognizer_ros.capture.source import Frame, Source
from recognizer_ros.core.errors import SourceError

_GATE_S = 20.0


class Gate:
    """Where a server waits until the test opens it, once for each time."""

    def __init__(self) -> None:
        self._turns = threading.Semaphore(0)

    def open(self, times: int = 1) -> None:
        self._turns.release(times)

    def wait(self) -> None:
        self._turns.acquire(timeout=_GATE_S)


def jpeg(level: int, width: int = 320, height: int = 240) -> bytes:
    """A picture of that mean level, with as many bytes as a camera's."""
    grain = np.random.default_rng(1).normal(level + 0.5, 8, (height, width, 3))
    return bytes(cv2.imencode('.jpg', np.clip(grain, 0, 255).astype(np.uint8))[1])


def mean(frame: Frame) -> int:
    """Its level to the nearest ten: coding takes a little of it."""
    return int(round(frame.image.mean(), -1))


def all_of(source: Source, gate: Gate | None = None) -> tuple[list[int], str]:
    """Levels of the frames until the end, and the error at the end."""
    found = []
    try:
        while frame := source.read():
            found.append(mean(frame))
            if gate:
                gate.open()
    except SourceError as error:
        return found, str(error)
    return found, ''


Step = bytes | Gate
Script = Callable[[bytes], Sequence[Step]]


class Server(socketserver.ThreadingTCPServer):
    """Answers each connection by a script, which gets the request's head; ``with`` ends it.

    :ivar heads: of the requests, in order.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, script: Script | Sequence[Step]) -> None:
        super().__init__(('127.0.0.1', 0), _Connection)
        self.script: Script = script if callable(script) else lambda _: script
        self.heads: list[bytes] = []
        self.gates: set[Gate] = set()
        self.address = f'127.0.0.1:{self.server_address[1]}'
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self._thread.join()
        for gate in self.gates:
            gate.open(10)
        super().__exit__(*error)


class _Connection(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client may go at any time
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while head := self._head():
                self.server.heads.append(head)
                for step in self.server.script(head):
                    if isinstance(step, Gate):
                        self.server.gates.add(step)
                        step.wait()
                    else:
                        self.request.sendall(step)
                if not head.startswith(_RTSP):
                    return

    def _head(self) -> bytes:
        lines = []
        while (line := self.rfile.readline(4096)).strip():
            lines.append(line)
        return b''.join(lines)


_RTSP = (b'OPTIONS', b'DESCRIBE', b'SETUP', b'PLAY')


def answer(status: str, *headers: str, body: bytes = b'') -> bytes:
    """A whole HTTP answer."""
    lines = (f'HTTP/1.1 {status}', f'Content-Length: {len(body)}', 'Connection: close', *headers)
    return '\r\n'.join(lines).encode() + b'\r\n\r\n' + body


def multipart(boundary: str = 'frame') -> bytes:
    """The head of a Motion JPEG stream."""
    return ('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: multipart/x-mixed-replace; '
            f'boundary={boundary}\r\n\r\n').encode()


def part(jpeg: bytes, boundary: str = 'frame') -> bytes:
    """One picture of it."""
    return (f'--{boundary}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n'
            ).encode() + jpeg + b'\r\n'


def rtsp(head: bytes, frames: Sequence[Sequence[bytes] | Gate]) -> list[Step]:
    """Answer one request of a client that is shown H.264, sent over the same connection.

    :param frames: each as its NAL units, of less than 1,400 bytes; and gates.
    """
    method, headers = head.split()[0], [b'CSeq: ' + _header(head, b'CSeq')]
    body = b''
    if method == b'DESCRIBE':
        body = _SDP
        headers.append(b'Content-Type: application/sdp')
    elif method == b'SETUP':
        headers += [b'Transport: RTP/AVP/TCP;unicast;interleaved=0-1', b'Session: 1']
    elif method == b'PLAY':
        headers.append(b'Session: 1')
    headers.append(b'Content-Length: %d' % len(body))
    reply = b'RTSP/1.0 200 OK\r\n' + b'\r\n'.join(headers) + b'\r\n\r\n' + body
    return [reply, *_rtp(frames)] if method == b'PLAY' else [reply]


def refusal(head: bytes, status: str) -> list[Step]:
    """Answer with an error."""
    return [f'RTSP/1.0 {status}\r\n'.encode() + b'CSeq: ' + _header(head, b'CSeq')
            + b'\r\nWWW-Authenticate: Basic realm="camera"\r\n\r\n']


def _header(head: bytes, name: bytes) -> bytes:
    return next(line.split(b':', 1)[1].strip() for line in head.splitlines()
                if line.startswith(name + b':'))


def _rtp(frames: Sequence[Sequence[bytes] | Gate]) -> list[Step]:
    """RFC 3550 in RFC 2326's frames, 25 pictures a second."""
    steps: list[Step] = []
    number = time = 0
    for frame in frames:
        if isinstance(frame, Gate):
            steps.append(frame)
            continue
        for unit in frame:
            marker = 0x80 if unit is frame[-1] else 0
            packet = struct.pack('>BBHII', 0x80, 96 | marker, number, time, 1) + unit
            steps.append(b'$\0' + struct.pack('>H', len(packet)) + packet)
            number += 1
        time += 90_000 // 25
    return steps


_SDP = (b'v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n'
        b'a=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:1\r\n')
