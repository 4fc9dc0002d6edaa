"""A peer that watches the robot's video."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import av
from aiortc import MediaStreamTrack, RTCIceServer, RTCRtpSender

from . import inside
from .encode import Coded
from .peer import Peer
from .sdp import Offer, Role


class ViewingPeer(Peer):
    """Watches the robot's video. :param want_key: called when a key frame is needed."""

    role = Role.VIEWER

    def __init__(self, offer: Offer, servers: Sequence[RTCIceServer],
                 want_key: Callable[[str], None]) -> None:
        super().__init__(offer, servers)
        self._want_key = want_key
        self._track = _Coded(lambda: want_key(self.codec))

    async def answer(self) -> str:
        """See :class:`Peer`."""
        sdp = await super().answer()
        inside.on_key_wanted(self._sender(), lambda: self._want_key(self.codec))
        return sdp

    def bitrate(self) -> int | None:
        """Return what the peer says it can take, bits per second; ``None``: it did not say."""
        return inside.bitrate_of(self._sender()) if self._track.watched else None

    def send(self, coded: Coded) -> None:
        """Send a picture, once the connection stands."""
        if self._track.push(coded) and coded.live:
            self._count_frame()

    def _sender(self) -> RTCRtpSender:
        return self._pc.getSenders()[self._offer.used]

    def _transceiver(self) -> Any:
        return self._pc.addTransceiver(self._track, 'sendonly')


class _Coded(MediaStreamTrack):
    """Coded pictures for one viewer: few of them wait, and none that lacks the one before it.

    :ivar watched: somebody takes pictures.
    """

    kind = 'video'
    _MOST = 8

    def __init__(self, want_key: Callable[[], None]) -> None:
        super().__init__()
        self._want_key = want_key
        self._queue: asyncio.Queue[av.Packet[Any]] = asyncio.Queue()
        self._waits_key = True
        self.watched = False

    async def recv(self) -> Any:
        """From aiortc."""
        if not self.watched:
            self.watched = True
            self._want_key()
        return await self._queue.get()

    def push(self, coded: Coded) -> bool:
        """Take a picture; False: it was left out."""
        if not self.watched:
            return False
        if self._queue.qsize() >= self._MOST:
            self._waits_key = True
            self._want_key()
            while not self._queue.empty():
                self._queue.get_nowait()
        if self._waits_key and not coded.key:
            return False
        self._waits_key = False
        self._queue.put_nowait(coded.packet)
        return True


def shared_bitrates(viewers: Iterable[ViewingPeer]) -> dict[str, int | None]:
    """Return, for each codec that somebody watches, what all of its viewers can take."""
    found: dict[str, int | None] = {}
    for viewer in viewers:
        if not viewer.codec:
            continue
        told = [rate for rate in (found.get(viewer.codec), viewer.bitrate()) if rate is not None]
        found[viewer.codec] = min(told, default=None)
    return found
