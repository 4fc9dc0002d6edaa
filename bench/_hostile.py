"""Requests for WebRTC that no peer makes."""

import contextlib
import http.client
import random
import re
from collections.abc import Iterator

_SDP = {'Content-Type': 'application/sdp'}
_CANDIDATE = 'a=candidate:{0} 1 udp 2113937151 192.0.2.7 {0} typ host\r\n'
_OFFER = '\r\n'.join([
    'v=0', 'o=- 4215775240449105457 2 IN IP4 127.0.0.1', 's=-', 't=0 0', 'a=group:BUNDLE 0',
    'm=video 9 UDP/TLS/RTP/SAVPF 96 97', 'c=IN IP4 0.0.0.0', 'a=rtcp:9 IN IP4 0.0.0.0',
    'a=ice-ufrag:Yq3h', 'a=ice-pwd:1kZb0v7Qm2sXw9Rt5uPn8cLd',
    'a=fingerprint:sha-256 ' + ':'.join(['0F'] * 32), 'a=setup:actpass', 'a=mid:0', 'a=sendonly',
    'a=rtcp-mux', 'a=rtpmap:96 VP8/90000', 'a=rtcp-fb:96 nack', 'a=rtpmap:97 rtx/90000',
    'a=fmtp:97 apt=96', 'a=ssrc:1 cname:x', ''])
_NEEDED = ('v=', 'm=video', 'a=ice-ufrag', 'a=ice-pwd', 'a=fingerprint', 'a=setup', 'a=mid',
           'a=rtcp-mux', 'a=rtpmap:96')
_TYPES = ('', 'text/plain', 'application/json', 'multipart/form-data', 'x' * 500,
          'application/sdp-sdp', 'application/trickle-ice-sdpfrag')
Request = tuple[str, dict[str, str], bytes]
"""Path, headers and body of a POST."""


def offers(count: int) -> Iterator[Request]:
    """Give so many, each damaged in one of ten ways, the same in each run."""
    rng = random.Random(5)
    for number in range(count):
        yield _KINDS[number % len(_KINDS)](rng)


def status_of(port: int, request: Request) -> int:
    """Send one to the server at this port; return the status of its answer."""
    path, headers, body = request
    connection = http.client.HTTPConnection('127.0.0.1', port, timeout=10)
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused early
            connection.request('POST', path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _with(body: str | bytes, kind: str = 'application/sdp') -> Request:
    return '/whip', {'Content-Type': kind}, body if isinstance(body, bytes) else body.encode()


def _without(rng: random.Random) -> Request:
    needed = rng.choice(_NEEDED)
    return _with(re.sub(f'(?m)^{needed}.*\r\n', '', _OFFER))


def _cut(rng: random.Random) -> Request:
    return _with(_OFFER[:rng.randrange(1, _OFFER.index('a=rtcp-mux'))])


def _noise(rng: random.Random) -> Request:
    return _with(rng.randbytes(rng.randrange(1, 100_000)))


def _words(rng: random.Random) -> Request:
    return _with(''.join(rng.choices('v=0\r\nma:/ é☃<>"\'', k=rng.randrange(1, 5000))))


def _huge(rng: random.Random) -> Request:
    return _with(_OFFER + 'a=x:' + 'y' * rng.randrange(256_000, 1_000_000))


def _candidates(rng: random.Random) -> Request:
    return _with(_OFFER + ''.join(map(_CANDIDATE.format, range(rng.randrange(1000, 4000)))))


def _bad_candidate(rng: random.Random) -> Request:
    place = rng.choice(['example.com', '../../x.local', '999.1.1.1', '::g', 'a' * 300, ''])
    return _with(_OFFER + f'a=candidate:1 1 udp 1 {place} 5000 typ host\r\n')


def _another_type(rng: random.Random) -> Request:
    return _with(_OFFER, rng.choice(_TYPES))


def _many_sections(rng: random.Random) -> Request:
    section = _OFFER[_OFFER.index('m=video'):]
    return _with(_OFFER + section * rng.randrange(1, 200))


def _long_values(rng: random.Random) -> Request:
    name = rng.choice(['a=ice-ufrag:', 'a=ice-pwd:', 'a=fingerprint:sha-256 ', 'a=setup:'])
    return _with(_OFFER.replace(name, name + 'Z' * rng.randrange(300, 50_000)))


_KINDS = (_without, _cut, _noise, _words, _huge, _candidates, _bad_candidate, _another_type,
          _many_sections, _long_values)
