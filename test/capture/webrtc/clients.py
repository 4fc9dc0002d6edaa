"""Real peers in this process: aiortc on the other side of loopback."""

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from fractions import Fraction
from typing import Any

import makers
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame

from recognizer_ros.capture.webrtc.loop import LoopThread
from recognizer_ros.capture.webrtc.peers import Operation, Peers, Reply, Request

DEADLINE_S = 20.0


def ask(peers: Peers, operation: Operation, **values: Any) -> Reply:
    """Answer of the peers."""
    return peers.negotiate(Request(operation, **values)).result(DEADLINE_S)


class Picture(MediaStreamTrack):
    """Video of one colour, which may change."""

    kind = 'video'

    def __init__(self, colour: tuple[int, int, int], width: int, height: int) -> None:
        super().__init__()
        self.image = makers.flat(colour, width, height)
        self._numbers = itertools.count()

    async def recv(self) -> VideoFrame:
        await asyncio.sleep(1 / 30)
        frame = VideoFrame.from_ndarray(self.image, format='bgr24')
        frame.pts, frame.time_base = next(self._numbers), Fraction(1, 30)
        return frame


class Client:
    """One peer; what it sees is kept.

    :ivar seen: the newest picture; B, G, R.
    :ivar frames: how many have come.
    """

    def __init__(self, loop: LoopThread) -> None:
        self._loop = loop
        self.seen: Any = None
        self.frames = 0
        self.reply = Reply(0)
        self.pc = self.run(self._make())

    async def _make(self) -> RTCPeerConnection:
        return RTCPeerConnection(RTCConfiguration(iceServers=[]))

    def run(self, work: Any) -> Any:
        """Result of a coroutine in the clients' loop."""
        done: Future[Any] = self._loop.submit(work)
        return done.result(DEADLINE_S)

    def publish(self, peers: Peers, picture: Picture, take_over: bool = False) -> Reply:
        """Send video."""
        body = self.run(self._offer(picture, 'sendonly'))
        return self._take(ask(peers, Operation.PUBLISH, body=body, take_over=take_over))

    def view(self, peers: Peers, codec: str = '') -> Reply:
        """Watch."""
        body = self.run(self._offer('video', 'recvonly', codec))
        return self._take(ask(peers, Operation.VIEW, body=body))

    def offer(self, picture: Any, direction: str) -> str:
        """An offer that nobody has seen."""
        return str(self.run(self._offer(picture, direction)))

    def accept(self, answer: str) -> None:
        """Take the answer to the offer."""
        self.run(self._accept(answer))

    def leave(self) -> None:
        """Close the connection as one ought to."""
        self.run(self.pc.close())

    def vanish(self) -> None:
        """Be gone without a word."""
        self.run(self._unplug())

    def saw(self, colour: tuple[int, int, int], tolerance: int = 24) -> bool:
        """Whether the newest picture is of that colour, as codecs keep it."""
        return self.seen is not None and near(self.seen, colour, tolerance)

    async def _offer(self, track: Any, direction: str, codec: str = '') -> str:
        transceiver = self.pc.addTransceiver(track, direction)
        if codec:
            known = RTCRtpSender.getCapabilities('video').codecs
            transceiver.setCodecPreferences(
                [one for one in known if one.mimeType == f'video/{codec}'])
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    def _take(self, reply: Reply) -> Reply:
        self.reply = reply
        if reply.status == 201:
            self.accept(reply.body)
        return reply

    async def _accept(self, answer: str) -> None:
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, 'answer'))
        track = self.pc.getReceivers()[0].track
        if track is not None:
            self._watching = asyncio.ensure_future(self._watch(track))

    async def _watch(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                self.seen = (await track.recv()).to_ndarray(format='bgr24')
                self.frames += 1
        except MediaStreamError:
            pass

    async def _unplug(self) -> None:
        connection = self.pc.getTransceivers()[0].receiver.transport.transport._connection
        for protocol in connection._protocols:
            protocol.transport.sendto = lambda *_: None
            protocol.datagram_received = lambda *_: None


def near(image: Any, colour: tuple[int, int, int], tolerance: int = 24) -> bool:
    """Whether all of a picture has about this colour."""
    off = np.abs(image[4:-4, 4:-4].astype(int) - np.array(colour)).max()
    return bool(off <= tolerance)




@contextlib.contextmanager
def clients() -> Iterator[Callable[[], Client]]:
    """Makes peers, on a loop of their own; they leave at the end."""
    loop, made = LoopThread(range(0)), []

    def make() -> Client:
        made.append(Client(loop))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            one.leave()
        loop.close()
