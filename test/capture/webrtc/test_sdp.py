import contextlib
import re
import time
from pathlib import Path

import pytest

from recognizer_ros.capture.webrtc import sdp
from recognizer_ros.capture.webrtc.sdp import Role
from recognizer_ros.core.errors import NegotiationError

OFFERS = Path(__file__).parent / 'offers'
CANDIDATE = 'a=candidate:1 1 udp 2113937151 192.0.2.7 50000 typ host'
PWD = 'a=ice-pwd:1kZb0v7Qm2sXw9Rt5uPn8cLd'


def browser(name: str) -> str:
    return (OFFERS / f'{name}.sdp').read_bytes().decode()


SEND = browser('chromium-send')
SECTION = SEND[SEND.index('m=video'):]


def swap(old: str, new: str) -> str:
    """Chromium's offer with something else in it."""
    assert old in SEND
    return SEND.replace(old, new)


def lines(text: str, count: int) -> str:
    return SEND + ''.join(f'{text % (number,) if "%" in text else text}\r\n'
                          for number in range(count))


@pytest.mark.parametrize(('name', 'role', 'used', 'kinds', 'given'), [
    ('chromium-send', Role.SENDER, 0, ('video',), 1),
    ('chromium-view', Role.VIEWER, 0, ('video',), 1),
    ('firefox-send', Role.SENDER, 0, ('video',), 2),  # recorded from Firefox 153
    ('firefox-view', Role.VIEWER, 0, ('video',), 2),
    ('firefox-audio-send', Role.SENDER, 1, ('audio', 'video'), 1),
    ('firefox-audio-view', Role.VIEWER, 1, ('audio', 'video'), 1),
])
def test_offers_of_browsers_are_understood(name: str, role: Role, used: int,
                                           kinds: tuple[str, ...], given: int) -> None:
    offer = sdp.offer(browser(name), role)
    assert (offer.used, offer.kinds, offer.first) == (used, kinds, '0')
    assert len(offer.candidates) == given
    assert 'a=candidate' not in offer.text


MALFORMED = {
    'nothing': ('', 400),
    'no SDP': ('hello\r\n', 400),
    'HTML': ('<html><body>offer</body></html>', 400),
    'no version': (SEND[5:], 400),
    'no sections': (SEND[:SEND.index('m=')], 422),
    'cut in a line': (SEND[:SEND.index('m=video') + 12], 400),
    'NUL': (swap('s=-', 's=\0'), 400),
    'line separator of Unicode': (swap('s=-', 's=a\u2028m=video'), 400),
    'no ufrag': (swap('a=ice-ufrag:Yq3h', 'a=x:1'), 400),
    'odd ufrag': (swap('a=ice-ufrag:Yq3h', 'a=ice-ufrag:Y"3h'), 400),
    'short ufrag': (swap('a=ice-ufrag:Yq3h', 'a=ice-ufrag:Yq3'), 400),
    'huge ufrag': (swap('a=ice-ufrag:Yq3h', f'a=ice-ufrag:{"Y" * 999}'), 400),
    'short password': (swap(PWD, 'a=ice-pwd:secret'), 400),
    'no fingerprint': (re.sub('a=fingerprint.*\r\n', '', SEND), 400),
    'old fingerprint': (swap('sha-256', 'md5'), 400),
    'empty fingerprint': (re.sub('a=fingerprint.*', 'a=fingerprint:', SEND), 400),
    'fingerprint of letters': (re.sub('sha-256 .*', f'sha-256 {"Z" * 95}', SEND), 400),
    'half a fingerprint': (re.sub('sha-256 .*', f'sha-256 {":".join(["0F"] * 16)}', SEND), 400),
    'no setup': (swap('a=setup:actpass\r\n', ''), 400),
    'odd setup': (swap('a=setup:actpass', 'a=setup:maybe'), 400),
    'no rtcp-mux': (swap('a=rtcp-mux\r\n', ''), 422),
    'payload type of RTCP': (swap('SAVPF 96', 'SAVPF 72'), 400),
    'payload type that is text': (swap('SAVPF 96', 'SAVPF VP8'), 400),
    'format of nothing': (swap('a=fmtp:102', 'a=fmtp:33'), 400),
    'format without clock': (swap('a=rtpmap:96 VP8/90000', 'a=rtpmap:96 VP8'), 400),
    'no mid': (swap('a=mid:0\r\n', ''), 400),
    'same mid twice': (SEND + SECTION, 400),
    'two transports': (SEND + SECTION.replace('a=mid:0', 'a=mid:1'), 422),
    'group of strangers': (swap('BUNDLE 0', 'BUNDLE 0 7'), 422),
    'audio only': (swap('m=video', 'm=audio'), 422),
    'data channel': (
        SEND + 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n', 422),
    'unknown codecs': (re.sub('(VP8|H264)/', 'VP9/', SEND), 422),
    'it wants to receive': (swap('a=sendonly', 'a=recvonly'), 422),
    'inactive': (swap('a=sendonly', 'a=inactive'), 422),
    'candidate of words': (SEND + 'a=candidate:one two three\r\n', 400),
    'candidate with a name': (SEND + CANDIDATE.replace('192.0.2.7', 'example.com'), 400),
    'candidate with a path': (SEND + CANDIDATE.replace('192.0.2.7', '../../x.local'), 400),
    'thousands of candidates': (lines(CANDIDATE, 3000), 413),
    'many candidates': (lines(CANDIDATE, 249), 413),
    'many sections': (SEND + SECTION * 20, 413),
    'a megabyte': (SEND + 'a=x:' + 'y' * 1_000_000, 413),
    'many short lines': (lines('a=', 1900), 413),
    'many kinds of one thing': (lines('a=rtcp-fb:* nack', 151), 413),
    'many sources': (lines('a=ssrc:%d cname:x', 1500), 413),
    'many formats, each with feedback': (
        lines('a=rtpmap:97 VP8/90000', 1000) + 'a=rtcp-fb:* nack\r\n' * 700, 413),
}


@pytest.mark.parametrize('name', MALFORMED)
def test_malformed_and_useless_offers_are_refused(name: str) -> None:
    text, status = MALFORMED[name]
    with pytest.raises(NegotiationError) as caught:
        sdp.offer(text, Role.SENDER)
    assert caught.value.status == status
    assert '\n' not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize('text', [
    *(text for text, _ in MALFORMED.values()),
    lines('a=rtcp-fb:* nack', 99) + 'a=rtpmap:97 VP8/90000\r\n' * 120,
    lines('a=ssrc:%d cname:x', 140),
    lines('a=x%d:y', 1800),
    SEND[:250_000 // len(SEND) * len(SEND)] + '=' * 200_000,
])
def test_no_offer_takes_long_to_judge(text: str) -> None:
    began_s = time.thread_time()
    with contextlib.suppress(NegotiationError):
        sdp.offer(text, Role.SENDER)
    assert time.thread_time() - began_s < 0.05


def test_a_viewer_receives_and_both_ways_is_taken_from_anybody() -> None:
    with pytest.raises(NegotiationError, match='recvonly'):
        sdp.offer(SEND, Role.VIEWER)
    both = swap('a=sendonly', 'a=sendrecv')
    assert sdp.offer(both, Role.VIEWER).used == sdp.offer(both, Role.SENDER).used == 0


def test_no_direction_is_both_ways() -> None:
    assert 'a=sendrecv' in sdp.offer(swap('a=sendonly\r\n', ''), Role.SENDER).text


def test_only_candidates_that_can_be_used_are_kept() -> None:
    given = [CANDIDATE, CANDIDATE.replace('udp', 'tcp'), CANDIDATE.replace('1 1 ', '1 2 '),
             CANDIDATE.replace('192.0.2.7', 'fd00::7'), 'a=candidate:',
             CANDIDATE.replace('192.0.2.7', 'b7c1.local'), CANDIDATE.replace('50000', '0')]
    assert [one.ip for one in sdp.candidates(given)] == ['192.0.2.7', 'fd00::7', 'b7c1.local']


def test_a_fragment_has_candidates_and_may_name_the_session() -> None:
    found = sdp.fragment(f'a=ice-ufrag:Yq3h\r\n{PWD}\r\nm=video 9 UDP/TLS/RTP/SAVPF 0\r\n'
                         f'a=mid:0\r\n{CANDIDATE}\r\na=end-of-candidates\r\n')
    assert found.ufrag == 'Yq3h'
    assert [one.port for one in found.candidates] == [50000]
    for text, status in (('', 400), ('candidate', 400), (f'{CANDIDATE}\r\n' * 220, 413),
                         ('a=ice-ufrag:aaaa\r\na=ice-ufrag:bbbb', 400)):
        with pytest.raises(NegotiationError) as caught:
            sdp.fragment(text)
        assert caught.value.status == status
