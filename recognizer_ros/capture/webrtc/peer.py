"""One WebRTC peer: its connection, from offer to end."""

import asyncio
import contextlib
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCIceCandidate,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidStateError, OperationError
from aiortc.sdp import SessionDescription

from ...core.errors import NegotiationError
from .sdp import CODECS, MOST_CANDIDATES, Offer, Role
from .stats import Counters, PeerStats, count, loss

_CONNECT_S = 15.0
_SILENT_S = 8.0
_PATIENCE_S = 3.0
_CLOSE_S = 3.0
_RESOLVE_S = 3.0


class Peer(ABC):
    """Use it in the event loop's thread only.

    :ivar id: names the session; nobody can guess it.
    :ivar etag: names its ICE session.
    :ivar codec: as agreed on; empty before.
    :ivar stats: as of the last :meth:`look`.
    """

    role: Role

    def __init__(self, offer: Offer, servers: Sequence[RTCIceServer]) -> None:
        self.id, self.etag = secrets.token_urlsafe(12), secrets.token_hex(8)
        self.codec = ''
        self._offer = offer
        self._frames, self._frame_s = 0, float('-inf')
        self._began_s = self._heard_s = time.monotonic()
        self._counted = Counters(self._began_s)
        self._over = False
        self._given = 0
        self._tasks: set[asyncio.Task[None]] = set()
        # No list at all would mean a public server of aiortc's choice.
        self._pc = RTCPeerConnection(RTCConfiguration(
            iceServers=list(servers), bundlePolicy=RTCBundlePolicy.MAX_BUNDLE))
        self.stats = PeerStats(self.id, self.role, 'connecting', '')

    async def answer(self) -> str:
        """Return the answer to the offer.

        :raises NegotiationError: the offer cannot be used after all.
        """
        self._add_sections()
        try:
            await self._pc.setRemoteDescription(RTCSessionDescription(self._offer.text, 'offer'))
            await self._pc.setLocalDescription(await self._pc.createAnswer())
        except OperationError as error:
            raise NegotiationError(422, 'the offer has no codec known here: offer '
                                   + ' or '.join(CODECS)) from error
        except InvalidStateError as error:
            raise NegotiationError(409, 'the session was ended meanwhile') from error
        except Exception as error:  # what aiortc happens to stumble over
            raise NegotiationError(400, f'the offer cannot be used: {error!r:.80}') from error
        sdp = str(self._pc.localDescription.sdp)
        section = SessionDescription.parse(sdp).media[self._offer.used]
        if not section.ice_candidates:
            raise NegotiationError(503, 'no UDP port or network is free for the session: widen '
                                   'the parameter udp_ports')
        self.codec = section.rtp.codecs[0].name
        self.add(self._offer.candidates)
        return sdp

    def check_ice(self, etag: str, ufrag: str) -> None:
        """Check that a PATCH is about this ICE session (RFC 9725, section 4.3).

        :raises NegotiationError: 412, 422 or 428, which say what to do.
        """
        if not etag:
            raise NegotiationError(428, 'send If-Match with the ETag of the session')
        if etag == '*' or (etag == self.etag and ufrag not in ('', self._offer.ufrag)):
            raise NegotiationError(422, 'ICE cannot be restarted: start a new session')
        if etag != self.etag:
            raise NegotiationError(412, 'this is not the ETag of the session')

    def add(self, candidates: Sequence[RTCIceCandidate]) -> None:
        """Try these addresses of the peer too. :raises NegotiationError: too many by now."""
        if self._given + len(candidates) > MOST_CANDIDATES:
            raise NegotiationError(413, f'more than {MOST_CANDIDATES} ICE candidates')
        self._given += len(candidates)
        for candidate in candidates:
            candidate.sdpMid = self._offer.first
            self._spawn(self._add(candidate))

    async def look(self, now_s: float) -> None:
        """Bring the figures up to date."""
        before = self._counted
        report: Any = await self._pc.getStats()
        now = self._counted = count(report.values(), self.role, self._frames, now_s)
        if now.heard > before.heard:
            self._heard_s = now_s
        passed_s = max(now.at_s - before.at_s, 1e-3)
        self.stats = PeerStats(
            self.id, self.role, self._state(), self.codec,
            8 * (now.bytes - before.bytes) / passed_s, (now.frames - before.frames) / passed_s,
            loss(before, now, self.role), now.round_trip_s,
            max(0.0, now_s - self._frame_s) if self._frames else None)

    def is_over(self, now_s: float) -> bool:
        """The peer has left, died or never came."""
        state = self._pc.connectionState
        if self._over or state in ('failed', 'closed'):
            return True
        if state != 'connected':
            return now_s - self._began_s > _CONNECT_S
        return now_s - self._heard_s > _SILENT_S

    def silent_s(self, now_s: float) -> float:
        """Return for how long pictures have been missing; 0 while they are still to come."""
        since_s = self._frame_s if self._frames else self._began_s + _PATIENCE_S
        return max(0.0, now_s - since_s)

    async def close(self) -> None:
        """End the connection; a second call does nothing."""
        self._over = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=_CLOSE_S)
        with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
            await asyncio.wait_for(self._pc.close(), _CLOSE_S)

    @abstractmethod
    def _transceiver(self) -> Any:
        """Return that of the section in use."""

    def _add_sections(self) -> None:
        """Decide on what is done with each section; aiortc would receive and decode them all."""
        for number, kind in enumerate(self._offer.kinds):
            if number != self._offer.used:
                self._pc.addTransceiver(kind, 'inactive')
                continue
            known = RTCRtpSender.getCapabilities('video').codecs
            # The same order for all peers, so that all viewers share one encoder.
            self._transceiver().setCodecPreferences(sorted(known, key=_rank))

    async def _add(self, candidate: RTCIceCandidate) -> None:
        # An mDNS name that nobody answers to, or a port of mDNS that is taken, is no harm.
        with contextlib.suppress(asyncio.TimeoutError, OSError, ValueError):
            await asyncio.wait_for(self._pc.addIceCandidate(candidate), _RESOLVE_S)

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _state(self) -> str:
        state = str(self._pc.connectionState)
        return 'connecting' if state == 'new' else state

    def _count_frame(self) -> None:
        self._frames += 1
        self._frame_s = time.monotonic()


def _rank(codec: Any) -> int:
    name = codec.mimeType.split('/')[1]
    return CODECS.index(name) if name in CODECS else len(CODECS)
