"""All that is taken from within aiortc, which has no public way to it (seen with 1.15 and 1.16).

With a version in which these names differ, video still flows: what stands here is then without
effect.
"""

import contextlib
import queue
from collections.abc import Callable, Iterator
from typing import Any

from aiortc import RTCRtpReceiver, RTCRtpSender
from aiortc.codecs import h264, vpx
from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtp import RtpPacket

_BUFFER = '_RTCRtpReceiver__jitter_buffer'
_START = b'\0\0\0\1'
_MOST_WAITING = 15
"""Coded frames that may wait for the decoder: half a second."""


class PromptJitterBuffer(JitterBuffer):
    """Gives a frame out with its last packet, which RTP marks (RFC 3551, section 4.1).

    aiortc waits for the first packet of the frame after it: as long as a frame takes. It gives
    out one frame for each packet that comes, so that a delay, once there, remains. And it decodes
    what builds on a lost frame, which gives pictures that no camera has seen.

    :ivar waits_key: frames are left out until a key frame comes.
    :ivar payload_type: of the last packet.
    """

    def __init__(self, capacity: int, prefetch: int = 0, is_video: bool = False) -> None:
        super().__init__(capacity, prefetch, is_video)
        self.waits_key, self.payload_type = True, 0

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """From aiortc. Return whether a frame was lost, and the next complete one."""
        self.payload_type = packet.payload_type
        lost, frame = super().add(packet)
        self.waits_key = self.waits_key or lost
        return lost, frame if frame and self._passes(frame) else None

    def rest(self) -> Iterator[JitterFrame]:
        """Give what else is complete."""
        # Browsers begin with padding, which does not get this far.
        while self._origin is not None and (frame := self._remove_frame(0)):
            if self._passes(frame):
                yield frame

    def _passes(self, frame: JitterFrame) -> bool:
        self.waits_key = self.waits_key and not is_key(frame.data)
        return not self.waits_key

    def _remove_frame(self, sequence_number: int) -> JitterFrame | None:
        return super()._remove_frame(sequence_number) or self._marked()

    def _marked(self) -> JitterFrame | None:
        data, stamp, origin = [], None, self._origin or 0
        for count in range(self._capacity):
            packet: Any = self._packets[(origin + count) % self._capacity]
            if packet is None or stamp not in (None, packet.timestamp):
                return None
            stamp = packet.timestamp
            data.append(packet._data)
            if packet.marker:
                self.remove(count + 1)
                return JitterFrame(b''.join(data), stamp)
        return None


def is_key(data: bytes) -> bool:
    """Whether a frame needs none before it: its first bit in VP8 (RFC 6386, section 9.1), an IDR
    picture in H.264, which aiortc puts behind start codes.
    """
    if data.startswith(_START):
        return any(part[0] & 31 == 5 for part in data.split(_START) if part)
    return bool(data) and not data[0] & 1


def make_prompt(receiver: RTCRtpReceiver) -> None:
    """Hand frames on without a wait; to be called before the first packet."""
    before, waiting = getattr(receiver, _BUFFER, None), _decoder_queue(receiver)
    codecs: Any = getattr(receiver, '_RTCRtpReceiver__codecs', None)
    times: Any = getattr(receiver, '_RTCRtpReceiver__timestamp_mapper', None)
    if before is None or waiting is None or codecs is None or times is None:
        return
    buffer = PromptJitterBuffer(before.capacity, is_video=True)
    handle = receiver._handle_rtp_packet
    setattr(receiver, _BUFFER, buffer)

    async def handle_all(packet: RtpPacket, arrival_time_ms: int) -> None:
        await handle(packet, arrival_time_ms)
        for frame in buffer.rest():
            frame.timestamp = times.map(frame.timestamp)
            waiting.put((codecs[buffer.payload_type], frame))

    receiver._handle_rtp_packet = handle_all  # type: ignore[method-assign]


def is_behind(receiver: RTCRtpReceiver) -> bool:
    """The decoder has more to do than it gets done; aiortc lets that grow without end."""
    waiting = _decoder_queue(receiver)
    return waiting is not None and waiting.qsize() > _MOST_WAITING


async def skip(receiver: RTCRtpReceiver) -> None:
    """Throw away what waits for the decoder and ask the sender for a key frame."""
    waiting = _decoder_queue(receiver)
    with contextlib.suppress(queue.Empty):
        while waiting is not None:
            if waiting.get_nowait() is None:  # the end, which is not to be thrown away
                waiting.put(None)
                return
    buffer = getattr(receiver, _BUFFER, None)
    if isinstance(buffer, PromptJitterBuffer):
        buffer.waits_key = True
    await ask_key(receiver)


async def ask_key(receiver: RTCRtpReceiver) -> None:
    """Ask the sender for a key frame (PLI, RFC 4585) if one is needed."""
    if not getattr(getattr(receiver, _BUFFER, None), 'waits_key', False):
        return
    for ssrc in list(getattr(receiver, '_RTCRtpReceiver__remote_streams', {})):
        await receiver._send_rtcp_pli(ssrc)


def on_key_wanted(sender: RTCRtpSender, act: Callable[[], None]) -> None:
    """Let a peer's request for a key frame act where frames are encoded: not in aiortc."""
    sender._send_keyframe = act  # type: ignore[method-assign]


def bitrate_of(sender: RTCRtpSender) -> int | None:
    """Return what the peer says that it can take (REMB), bits per second; ``None``: unknown."""
    packer: Any = getattr(sender, '_RTCRtpSender__encoder', None)
    found = getattr(packer, 'target_bitrate', None)
    unsaid = (vpx.DEFAULT_BITRATE, h264.DEFAULT_BITRATE)
    return found if isinstance(found, int) and found not in unsaid else None


def _decoder_queue(receiver: RTCRtpReceiver) -> 'queue.Queue[Any] | None':
    found = getattr(receiver, '_RTCRtpReceiver__decoder_queue', None)
    return found if isinstance(found, queue.Queue) else None
