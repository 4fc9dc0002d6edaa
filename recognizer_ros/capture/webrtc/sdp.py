"""Offers and fragments of strangers, checked before any of it takes effect."""

import ipaddress
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from aiortc import RTCIceCandidate
from aiortc.sdp import MediaDescription, SessionDescription

from ...core.errors import NegotiationError

LARGEST = 256_000
"""Of an offer or a fragment, bytes."""
MOST_CANDIDATES = 200
"""Of one peer, over all its messages."""
_MOST_LINES = 2000
_MOST_SECTIONS = 16
_MOST_ALIKE = 150  # lines of one attribute; what reads them takes time with the square of it
CODECS = ('VP8', 'H264')
_LEFT_OUT = re.compile(r'c=|b=|a=(candidate|end-of-candidates|remote-candidates|rtcp:)')
_CANDIDATE = re.compile(r'(\S{1,32}) (\d{1,5}) (\S{1,8}) (\d{1,10}) (\S{1,255}) (\d{1,5}) '
                        r'typ (host|srflx|prflx|relay)( .*)?')
_HASHES = {'sha-256': 32, 'sha-384': 48, 'sha-512': 64}  # bytes
_MDNS = re.compile(r'[A-Za-z0-9-]{1,63}\.local')


class Role(Enum):
    """What a peer is for."""

    SENDER = 'sender'
    VIEWER = 'viewer'


_OFFERED = {Role.SENDER: ('sendonly', 'sendrecv'), Role.VIEWER: ('recvonly', 'sendrecv')}


@dataclass(frozen=True)
class Offer:
    """An offer that can be answered.

    :param text: without candidates.
    :param kinds: audio or video, section by section; that of number ``used`` is taken.
    :param first: name (mid) of the first section, whose transport all of them share.
    :param ufrag: names the ICE session of the one who offers.
    """

    text: str
    kinds: tuple[str, ...]
    used: int
    first: str
    ufrag: str
    candidates: tuple[RTCIceCandidate, ...]


@dataclass(frozen=True)
class Fragment:
    """Candidates that came later (RFC 8840). :param ufrag: empty: not said."""

    ufrag: str
    candidates: tuple[RTCIceCandidate, ...]


def offer(text: str, role: Role) -> Offer:
    """Check an offer.

    :raises NegotiationError: 400 malformed, 413 too much of something, 422 of no use here.
    """
    lines = _lines(text)
    if lines[0] != 'v=0':
        raise NegotiationError(400, 'the offer does not begin with v=0: send an SDP offer')
    if sum(line.startswith('m=') for line in lines) > _MOST_SECTIONS:
        raise NegotiationError(413, f'the offer has more than {_MOST_SECTIONS} media sections')
    clean = _normal(lines)
    try:
        read = SessionDescription.parse(clean)
    except Exception as error:  # aiortc's parser raises what happens to go wrong in it
        raise NegotiationError(400, f'the offer is not SDP that can be read: {error!r:.80}') \
            from error
    kinds = tuple(section.kind for section in read.media)
    if not set(kinds) <= {'audio', 'video'}:
        raise NegotiationError(422, 'the offer has more than audio and video: offer video only')
    used = _used(read.media, role)
    ufrags = [_ufrag(section) for section in read.media]
    _check_bundle(read)
    return Offer(clean, kinds, used, read.media[0].rtp.muxId, ufrags[used], candidates(lines))


def fragment(text: str) -> Fragment:
    """Check a fragment. :raises NegotiationError: as :func:`offer`."""
    lines = _lines(text)
    named = [line[12:] for line in lines if line.startswith('a=ice-ufrag:')]
    if len(set(named)) > 1:
        raise NegotiationError(400, 'the fragment names several ICE sessions')
    return Fragment(named[0] if named else '', candidates(lines))


def candidates(lines: Sequence[str]) -> tuple[RTCIceCandidate, ...]:
    """Return the candidates that can be used: UDP, of the first component.

    :raises NegotiationError: a malformed one.
    """
    given = [line[12:].strip() for line in lines if line.startswith('a=candidate:')]
    # Firefox sends an empty one at the end.
    found = (_candidate(text) for text in given if text)
    return tuple(one for one in found if one)


def _candidate(text: str) -> RTCIceCandidate | None:
    found = _CANDIDATE.fullmatch(text)
    if not found or not (_MDNS.fullmatch(found[5]) or _is_address(found[5])):
        raise NegotiationError(400, f'ICE candidate {text[:80]!r} cannot be read')
    port, component = int(found[6]), int(found[2])
    if found[3].lower() != 'udp' or component != 1 or not 0 < port < 65536:
        return None
    return RTCIceCandidate(component=component, foundation=found[1], ip=found[5], port=port,
                           priority=int(found[4]), protocol='udp', type=found[7])


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _lines(text: str) -> list[str]:
    if len(text) > LARGEST:
        raise NegotiationError(413, f'more than {LARGEST // 1000} kB')
    lines = [line for line in re.split('\r?\n', text) if line]
    if not lines:
        raise NegotiationError(400, 'the body is empty: send SDP')
    if len(lines) > _MOST_LINES:
        raise NegotiationError(413, f'more than {_MOST_LINES} lines')
    for number, line in enumerate(lines, 1):
        if not re.match('[a-z]=[^\x00-\x1f\x7f\x85\u2028\u2029]*$', line):
            raise NegotiationError(400, f'line {number} is not SDP: {line[:40]!r}')
    names = Counter(re.split('[: ]', line, maxsplit=1)[0] for line in lines)
    for name, count in names.items():
        most = MOST_CANDIDATES if name == 'a=candidate' else _MOST_ALIKE
        if count > most:
            raise NegotiationError(413, f'more than {most} lines of {name}')
    return lines


def _normal(lines: Sequence[str]) -> str:
    """Return the offer without what is not needed, and with what goes without saying."""
    kept = [line for line in lines if not _LEFT_OUT.match(line)]
    mids = [line[6:] for line in kept if line.startswith('a=mid:')]
    # In the order of the sections: aiortc takes the first one of the group for the transport.
    grouped = [f'a=group:BUNDLE {" ".join(mids)}' if _bundles(line, mids) else line
               for line in kept]
    parts = re.split('(?m)^(?=m=)', '\r\n'.join([*grouped, '']))
    directions = '(?m)^a=(sendrecv|sendonly|recvonly|inactive)\r$'
    return parts[0] + ''.join(part if re.search(directions, part) else f'{part}a=sendrecv\r\n'
                              for part in parts[1:])


def _bundles(line: str, mids: Sequence[str]) -> bool:
    return line.startswith('a=group:BUNDLE') and sorted(line.split()[1:]) == sorted(mids)


def _used(media: Sequence[MediaDescription], role: Role) -> int:
    """Return the number of the first section that can be used."""
    why = 'no video: offer a video track'
    for number, section in enumerate(media):
        if section.kind != 'video':
            continue
        if not {codec.name.upper() for codec in section.rtp.codecs} & set(CODECS):
            why = f'no video codec known here: offer {" or ".join(CODECS)}'
        elif section.direction not in _OFFERED[role]:
            why = f'video that is {section.direction}: a {role.value} offers {_OFFERED[role][0]}'
        else:
            return number
    raise NegotiationError(422, f'the offer has {why}')


def _ufrag(section: MediaDescription) -> str:
    """Return the name of the ICE session. :raises NegotiationError: ICE or DTLS lacks a part."""
    ice, dtls = section.ice, section.dtls
    ufrag, password = (ice.usernameFragment, ice.password) if ice else (None, None)
    if not ufrag or not re.fullmatch('[A-Za-z0-9+/]{4,256}', ufrag) or not re.fullmatch(
            '[A-Za-z0-9+/]{22,256}', password or ''):
        raise NegotiationError(400, 'the offer lacks a proper ice-ufrag or ice-pwd')
    if dtls is None or not any(_is_fingerprint(one.algorithm.lower(), one.value)
                               for one in dtls.fingerprints):
        raise NegotiationError(400, 'the offer lacks setup or a SHA-2 fingerprint for DTLS')
    if not section.rtcp_mux:
        raise NegotiationError(422, 'the offer lacks rtcp-mux, without which nothing works here')
    return ufrag


def _is_fingerprint(algorithm: str, value: str) -> bool:
    """RFC 8122, section 5; of hashes that aiortc compares."""
    size = _HASHES.get(algorithm, 0)
    return size > 0 and bool(re.fullmatch(rf'[0-9A-Fa-f]{{2}}(:[0-9A-Fa-f]{{2}}){{{size - 1}}}',
                                          value))


def _check_bundle(read: SessionDescription) -> None:
    """:raises NegotiationError: the sections do not share one transport."""
    mids = [section.rtp.muxId for section in read.media]
    groups = [group.items for group in read.group if group.semantic == 'BUNDLE']
    if not all(mids) or len(set(mids)) != len(mids):
        raise NegotiationError(400, 'each media section needs a mid of its own')
    if groups not in ([mids], []) or (len(mids) > 1 and not groups):
        raise NegotiationError(422, 'all media sections must be in one BUNDLE group')
