"""Who may send and who may watch: the sessions and their rules."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import av

from ...core.config import CameraConfig
from ...core.errors import NegotiationError
from ...core.negotiation import Operation, Reply, Request
from ..source import Clock, Image
from . import sdp
from .encode import Broadcast, Coded
from .incoming import Incoming
from .loop import LoopThread, port_range
from .peer import Peer
from .sending import SendingPeer
from .servers import ice_servers
from .stats import PeerStats
from .viewing import ViewingPeer, shared_bitrates

_LIMIT_S = 6.0
"""Of one negotiation: a STUN server that does not answer takes five seconds."""
_TICK_S = 0.5
_GIVES_WAY_S = 2.0
"""A sender whose pictures have been missing for so long does not keep others away."""
_MOST_AT_ONCE = 16
_REMEMBERED = 64
_CLOSE_S = 5.0
_log = logging.getLogger(__name__)
# They tell each step of each peer, and each damaged packet.
logging.getLogger('aioice').setLevel(logging.WARNING)
for _name in ('aiortc.rtcrtpreceiver', 'aiortc.codecs'):
    logging.getLogger(_name).setLevel(logging.ERROR)


class Peers:
    """All sessions, on an event loop in a thread of its own.

    :param clock: stamps frames that come in, nanoseconds.
    :ivar incoming: frames of the one who sends.
    :ivar stats: of each peer, half a second old at most.
    :raises ConfigError: ``udp_ports`` or ``ice_servers`` cannot be used.
    """

    def __init__(self, config: CameraConfig, clock: Clock) -> None:
        self._servers = ice_servers(config.ice_servers)
        self._loop = LoopThread(port_range(config.udp_ports))
        self._most_viewers = config.viewers
        self.incoming = Incoming(config, clock)
        self.stats: tuple[PeerStats, ...] = ()
        self._peers: dict[str, Peer] = {}  # this and what follows: in the loop's thread
        self._sender: SendingPeer | None = None
        self._shows = ''
        self._asking = 0
        self._gone: deque[str] = deque(maxlen=_REMEMBERED)
        self._tasks: set[asyncio.Task[None]] = set()
        self._broadcast = Broadcast(self._deliver, 1 / config.input_rate)
        self._ticking = self._loop.submit(self._tick())

    def negotiate(self, request: Request) -> 'Future[Reply]':
        """Answer a peer, from any thread; what a peer cannot have is an answer too."""
        try:
            return self._loop.submit(self._negotiate(request))
        except NegotiationError as error:
            done: Future[Reply] = Future()
            done.set_result(_refusal(error))
            return done

    def receive(self, shown: str) -> None:
        """Take a sender. :param shown: what the camera shows instead; then there is none."""
        self._loop.soon(self._receive, shown)

    def show(self, image: Image) -> None:
        """Show a frame to all viewers."""
        self._broadcast.show(image)

    def close(self) -> None:
        """End all sessions and threads; a second call does nothing."""
        self._ticking.cancel()
        self._broadcast.close()
        try:
            self._loop.submit(self._close_all()).result(_CLOSE_S)
        except NegotiationError:
            return
        except FutureTimeout:
            _log.warning('WebRTC peers did not end within %.0f s', _CLOSE_S)
        self._loop.close()
        self.stats = ()

    # --- in the loop's thread ---

    async def _negotiate(self, request: Request) -> Reply:
        if self._asking >= _MOST_AT_ONCE:
            return Reply(503, body='too many peers ask at a time: try again')
        self._asking += 1
        try:
            return await asyncio.wait_for(self._do(request), _LIMIT_S)
        except NegotiationError as error:
            return _refusal(error)
        except asyncio.TimeoutError:
            return Reply(503, body=f'no answer within {_LIMIT_S:.0f} s: try again')
        finally:
            self._asking -= 1

    def _do(self, request: Request) -> Coroutine[Any, Any, Reply]:
        if request.operation is Operation.PUBLISH:
            return self._publish(request)
        if request.operation is Operation.VIEW:
            return self._view(request)
        if request.operation is Operation.PATCH:
            return self._patch(request)
        return self._delete(request)

    async def _publish(self, request: Request) -> Reply:
        if self._shows:
            raise NegotiationError(503, f'the camera shows {self._shows}: set its parameter input '
                                   'to webrtc:// to send video to it')
        self._check_place(request.take_over)
        offer = sdp.offer(request.body, sdp.Role.SENDER)
        peer = SendingPeer(offer, self._servers, self._take)
        if self._sender is None:
            self._sender = peer  # nobody comes in between
        reply = await self._open(peer)
        before, self._sender = self._sender, peer
        if before is not None and before is not peer:
            self._end(before, 'another one took over')
        return reply

    def _check_place(self, take_over: bool) -> None:
        """:raises NegotiationError: somebody sends, and is not to be sent away."""
        sender = self._sender
        if sender and not take_over and sender.silent_s(time.monotonic()) < _GIVES_WAY_S:
            raise NegotiationError(409, 'another one sends video: take over, or wait until it '
                                   'leaves')

    async def _view(self, request: Request) -> Reply:
        viewers = sum(isinstance(peer, ViewingPeer) for peer in self._peers.values())
        if viewers >= self._most_viewers:
            raise NegotiationError(503, f'{viewers} watch already, which is the most (parameter '
                                   'viewers)')
        offer = sdp.offer(request.body, sdp.Role.VIEWER)
        reply = await self._open(ViewingPeer(offer, self._servers, self._broadcast.want_key))
        self._update_encoders()
        return reply

    async def _open(self, peer: Peer) -> Reply:
        self._peers[peer.id] = peer
        try:
            answer = await peer.answer()
            if peer.id not in self._peers:
                raise NegotiationError(409, 'another one took over')
            return Reply(201, peer.id, answer, peer.etag)
        except BaseException:
            self._forget(peer)
            self._spawn(peer.close())
            raise

    async def _patch(self, request: Request) -> Reply:
        peer = self._find(request.session)
        fragment = sdp.fragment(request.body)
        peer.check_ice(request.etag, fragment.ufrag)
        peer.add(fragment.candidates)
        return Reply(204, peer.id)

    async def _delete(self, request: Request) -> Reply:
        self._end(self._find(request.session), 'it left')
        return Reply(200)

    def _find(self, session: str) -> Peer:
        if session in self._gone:
            raise NegotiationError(410, 'the session has ended')
        if session not in self._peers:
            raise NegotiationError(404, 'there is no such session')
        return self._peers[session]

    def _receive(self, shown: str) -> None:
        self._shows = shown
        if shown and self._sender:
            self._end(self._sender, f'the camera shows {shown}')

    def _take(self, peer: SendingPeer, frame: av.VideoFrame) -> None:
        if peer is self._sender:
            self.incoming.put(frame)

    def _end(self, peer: Peer, why: str) -> None:
        _log.info('%s %s: %s', peer.role.value, peer.id[:4], why)
        self._forget(peer)
        self._gone.append(peer.id)
        self._spawn(peer.close())

    def _forget(self, peer: Peer) -> None:
        self._peers.pop(peer.id, None)
        if self._sender is peer:
            self._sender = None
        self._update_encoders()

    def _update_encoders(self) -> None:
        self._broadcast.watch(shared_bitrates(
            peer for peer in self._peers.values() if isinstance(peer, ViewingPeer)))

    def _deliver(self, codec: str, coded: Coded) -> None:
        """In the thread that encodes."""
        self._loop.soon(self._send, codec, coded)

    def _send(self, codec: str, coded: Coded) -> None:
        for peer in self._peers.values():
            if isinstance(peer, ViewingPeer) and peer.codec == codec:
                peer.send(coded)

    async def _tick(self) -> None:
        """Look after the peers: figures, bit rates, and those that have gone without a word."""
        while True:
            await asyncio.sleep(_TICK_S)
            for peer in list(self._peers.values()):
                await self._look_after(peer)
            self.stats = tuple(peer.stats for peer in self._peers.values())
            self._update_encoders()

    async def _look_after(self, peer: Peer) -> None:
        try:
            await peer.look(time.monotonic())
            over = peer.is_over(time.monotonic())
        except Exception:  # one broken peer is no reason to leave the others alone
            _log.exception('%s %s', peer.role.value, peer.id[:4])
            over = True
        if over and peer.id in self._peers:
            self._end(peer, 'it is gone')

    async def _close_all(self) -> None:
        for peer in list(self._peers.values()):
            self._end(peer, 'the camera stops')
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _refusal(error: NegotiationError) -> Reply:
    return Reply(error.status, body=str(error))


