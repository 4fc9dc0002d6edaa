"""Figures of one peer, from what aiortc counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .sdp import Role


@dataclass(frozen=True)
class PeerStats:
    """A peer, as of the last look at it.

    :param state: connecting, connected, closed or failed.
    :param loss: share of packets lost since the look before, 0 to 1.
    :param round_trip_s: ``None``: unknown, as always of a sender.
    :param age_s: since the newest frame came or went; ``None``: there was none.
    """

    id: str
    role: Role
    state: str
    codec: str
    bitrate_bps: float = 0.0
    fps: float = 0.0
    loss: float = 0.0
    round_trip_s: float | None = None
    age_s: float | None = None

    def __str__(self) -> str:
        """For people."""
        parts = [self.state, self.codec, f'{self.bitrate_bps / 1000:.0f} kbit/s',
                 f'{self.fps:.0f} fps', f'{100 * self.loss:.0f} % lost']
        if self.round_trip_s is not None:
            parts.append(f'round trip {1000 * self.round_trip_s:.0f} ms')
        if self.age_s is not None:
            parts.append(f'newest frame {1000 * self.age_s:.0f} ms old')
        return ', '.join(parts)


@dataclass(frozen=True)
class Counters:
    """What only rises, at one time. :param heard: packets of any kind that came."""

    at_s: float
    heard: int = 0
    bytes: int = 0
    frames: int = 0
    packets: int = 0
    lost: int = 0
    round_trip_s: float | None = None


def count(report: Iterable[Any], role: Role, frames: int, now_s: float) -> Counters:
    """Add up one report of ``RTCPeerConnection.getStats``."""
    parts = {part.type: part for part in report}
    transport = parts.get('transport')
    heard = transport.packetsReceived if transport else 0
    if role is Role.SENDER:
        # A retransmission has a stream of its own; what counts is the larger one.
        streams = [part for part in report if part.type == 'inbound-rtp']
        main = max(streams, key=lambda part: part.packetsReceived, default=None)
        return Counters(now_s, heard, transport.bytesReceived if transport else 0, frames,
                        main.packetsReceived if main else 0, main.packetsLost if main else 0)
    told = parts.get('remote-inbound-rtp')
    sent = parts.get('outbound-rtp')
    return Counters(now_s, heard, transport.bytesSent if transport else 0, frames,
                    sent.packetsSent if sent else 0, told.packetsLost if told else 0,
                    told.roundTripTime if told else None)


def loss(before: Counters, now: Counters, role: Role) -> float:
    """Return the share of packets lost between two looks."""
    lost = max(0, now.lost - before.lost)
    passed = max(0, now.packets - before.packets)
    total = passed + lost if role is Role.SENDER else passed
    return min(1.0, lost / total) if total else 0.0
