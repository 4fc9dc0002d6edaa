"""A peer that sends video to the robot."""

import contextlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import av
from aiortc import RTCIceServer, RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError

from . import inside
from .peer import Peer
from .sdp import Offer, Role


class SendingPeer(Peer):
    """Sends video to the robot.

    :param take: called with each decoded frame; older ones are left out when decoding is late.
    """

    role = Role.SENDER

    def __init__(self, offer: Offer, servers: Sequence[RTCIceServer],
                 take: Callable[['SendingPeer', av.VideoFrame], None]) -> None:
        super().__init__(offer, servers)
        self._take = take

    async def answer(self) -> str:
        """See :class:`Peer`."""
        sdp = await super().answer()
        inside.make_prompt(self._receiver())
        self._spawn(self._pump(self._receiver()))
        return _eager(sdp)

    async def look(self, now_s: float) -> None:
        """See :class:`Peer`."""
        await super().look(now_s)
        await inside.ask_key(self._receiver())  # the last request may have been lost

    def _receiver(self) -> RTCRtpReceiver:
        return self._pc.getReceivers()[self._offer.used]

    def _transceiver(self) -> Any:
        return self._pc.addTransceiver('video', 'recvonly')

    async def _pump(self, receiver: RTCRtpReceiver) -> None:
        """Take frames as they come: aiortc's own queue of them has no end."""
        with contextlib.suppress(MediaStreamError):
            while True:
                frame: Any = await receiver.track.recv()
                if inside.is_behind(receiver):
                    await inside.skip(receiver)
                self._count_frame()
                self._take(self, frame)
        self._over = True


def _eager(sdp: str) -> str:
    """Let Chromium begin with a full picture: of itself it tries 300 kbit/s and a smaller one."""
    return re.sub(r'(a=rtpmap:(\d+) VP8/90000\r\n)',
                  r'\1a=fmtp:\2 x-google-start-bitrate=1500\r\n', sdp)
