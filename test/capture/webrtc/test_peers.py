import asyncio
import gc
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aioice.ice
import aioice.mdns
import makers
import pytest
from clients import Client, Picture, ask, near
from test_sdp import MALFORMED, OFFERS, SEND, browser

from recognizer_ros.capture.source import Image
from recognizer_ros.capture.webrtc import peer as peer_module
from recognizer_ros.capture.webrtc import peers as peers_module
from recognizer_ros.capture.webrtc.encode import Encoder
from recognizer_ros.capture.webrtc.peers import Operation, Peers, Reply
from recognizer_ros.capture.webrtc.sdp import Role
from recognizer_ros.capture.webrtc.servers import ice_servers
from recognizer_ros.core.errors import ConfigError

PUBLISH, VIEW, PATCH, DELETE = Operation
CANDIDATE = 'a=candidate:1 1 udp 2113937151 127.0.0.1 50000 typ host\r\n'
Make = Callable[[], Client]


@pytest.fixture
def soon_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Peers that say nothing are given up early."""
    monkeypatch.setattr(peer_module, '_SILENT_S', 2.5)
    monkeypatch.setattr(peer_module, '_CONNECT_S', 1.0)
    monkeypatch.setattr(peers_module, '_TICK_S', 0.05)


class Shown(list[Any]):
    """Frames of a sender, as the camera's thread reads them."""

    def __init__(self, peers: Peers, stop: threading.Event) -> None:
        super().__init__()
        self._peers, self._stop = peers, stop
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while (frame := self._peers.incoming.read(self._stop)) is not None:
            self.append(frame.image)

    def wait(self, colour: tuple[int, int, int], more: int = 3) -> None:
        """Wait for some more frames, of this colour at last."""
        count = len(self)
        makers.wait_for(lambda: len(self) >= count + more and near(self[-1], colour))


@contextmanager
def showing(peers: Peers, image: Image) -> Iterator[list[Image]]:
    """Shows an image at 30 Hz; put another in its place."""
    shown, ended = [image], threading.Event()

    def run() -> None:
        while not ended.wait(1 / 30):
            peers.show(shown[0])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield shown
    finally:
        ended.set()
        thread.join()


def states(peers: Peers) -> list[str]:
    return sorted(one.state for one in peers.stats)


def ended(peers: Peers, count: int = 0) -> None:
    """Wait until so many peers are left, and nothing works for the others any more."""
    makers.wait_for(lambda: len(peers._peers) == count)
    makers.wait_for(lambda: count or tasks(peers) <= 1)


def tasks(peers: Peers) -> int:
    async def count() -> int:
        return len(asyncio.all_tasks()) - 1

    return peers._loop.submit(count()).result(20)


# --- sending ---

def test_what_a_sender_shows_comes_in_and_changes_size_without_a_new_session(
        peers: Peers, client: Make, stop: threading.Event) -> None:
    shown, picture = Shown(peers, stop), Picture(makers.RED, 160, 120)
    assert client().publish(peers, picture).status == 201
    shown.wait(makers.RED)
    assert shown[-1].shape == (120, 160, 3)
    picture.image = makers.flat(makers.BLUE, 320, 240)
    makers.wait_for(lambda: shown[-1].shape == (240, 320, 3))
    shown.wait(makers.BLUE)


def test_a_second_sender_is_refused_and_its_leaving_harms_nobody(
        peers: Peers, client: Make, stop: threading.Event) -> None:
    shown, second = Shown(peers, stop), client()
    first = client()
    first.publish(peers, Picture(makers.RED, 64, 48))
    shown.wait(makers.RED)
    refused = second.publish(peers, Picture(makers.BLUE, 64, 48))
    assert (refused.status, refused.session) == (409, '')
    second.leave()
    assert ask(peers, DELETE, session='x' * 16).status == 404
    shown.wait(makers.RED)
    assert len(peers._peers) == 1
    assert ask(peers, DELETE, session=first.reply.session).status == 200
    assert client().publish(peers, Picture(makers.GREEN, 64, 48)).status == 201
    shown.wait(makers.GREEN)


def test_taking_over_ends_the_first_whose_leaving_harms_nobody(
        peers: Peers, client: Make, stop: threading.Event) -> None:
    shown, first, second = Shown(peers, stop), client(), client()
    first.publish(peers, Picture(makers.RED, 64, 48))
    shown.wait(makers.RED)
    useless = ask(peers, PUBLISH, body=browser('chromium-view'), take_over=True)
    assert useless.status == 422
    shown.wait(makers.RED)
    assert second.publish(peers, Picture(makers.BLUE, 64, 48), take_over=True).status == 201
    shown.wait(makers.BLUE)
    assert ask(peers, DELETE, session=first.reply.session).status == 410
    first.leave()
    shown.wait(makers.BLUE)
    ended(peers, 1)


def test_of_two_who_take_over_at_once_one_sends(peers: Peers, client: Make) -> None:
    bodies = [client().offer(Picture(makers.RED, 64, 48), 'sendonly') for _ in range(4)]
    asked = [peers.negotiate(peers_module.Request(PUBLISH, body=body, take_over=True))
             for body in bodies]
    assert 201 in {one.result(20).status for one in asked} <= {201, 409}
    ended(peers, 1)


def test_a_sender_without_pictures_gives_way(peers: Peers, client: Make, stop: threading.Event,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, '_GIVES_WAY_S', 0.3)
    shown, first = Shown(peers, stop), client()
    first.publish(peers, Picture(makers.RED, 64, 48))
    shown.wait(makers.RED)
    first.vanish()
    makers.wait_for(lambda: [one.age_s for one in peers.stats if (one.age_s or 0) > 0.4])
    assert client().publish(peers, Picture(makers.BLUE, 64, 48)).status == 201
    shown.wait(makers.BLUE)


def test_no_sender_is_taken_while_the_camera_shows_something_else(
        peers: Peers, client: Make, stop: threading.Event) -> None:
    one = client()
    peers.receive('/dev/video0')
    refused = one.publish(peers, Picture(makers.RED, 64, 48))
    assert refused.status == 503
    assert '/dev/video0' in refused.body
    peers.receive('')
    other = client()
    assert other.publish(peers, Picture(makers.RED, 64, 48)).status == 201
    Shown(peers, stop).wait(makers.RED)
    peers.receive('pattern://')
    ended(peers)
    assert ask(peers, DELETE, session=other.reply.session).status == 410


# --- watching ---

def test_four_viewers_see_each_frame_which_is_encoded_once(
        peers: Peers, client: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[float] = []
    encode = Encoder.encode
    monkeypatch.setattr(Encoder, 'encode', lambda self, frame, now_s: encoded.append(now_s)
                        or encode(self, frame, now_s))
    viewers = [client() for _ in range(4)]
    with showing(peers, makers.flat(makers.RED, 160, 120)) as shown:
        for viewer in viewers:
            assert viewer.view(peers).status == 201
        makers.wait_for(lambda: all(viewer.saw(makers.RED) for viewer in viewers))
        frames, codings = [viewer.frames for viewer in viewers], len(encoded)
        shown[0] = makers.flat(makers.BLUE, 160, 120)
        makers.wait_for(lambda: all(viewer.saw(makers.BLUE) for viewer in viewers))
        seen = [viewer.frames - before for viewer, before in zip(viewers, frames, strict=True)]
        assert min(seen) > 0
        assert len(encoded) - codings < sum(seen) + 10
        shown[0] = makers.flat(makers.GREEN, 320, 240)
        makers.wait_for(lambda: all(viewer.saw(makers.GREEN) for viewer in viewers))
        assert {viewer.seen.shape for viewer in viewers} == {(240, 320, 3)}
        viewers[0].leave()
        frames = [viewer.frames for viewer in viewers]
        makers.wait_for(lambda: all(viewer.frames > before + 3 for viewer, before in zip(
            viewers[1:], frames[1:], strict=True)))


def test_a_viewer_without_vp8_gets_h264(peers: Peers, client: Make) -> None:
    viewer = client()
    with showing(peers, makers.flat(makers.RED, 160, 120)):
        assert viewer.view(peers, 'H264').status == 201
        makers.wait_for(lambda: viewer.saw(makers.RED))
    makers.wait_for(lambda: any(one.codec == 'H264' for one in peers.stats))


def test_a_viewer_sees_something_while_there_is_no_frame(peers: Peers, client: Make) -> None:
    viewer = client()
    viewer.view(peers)
    makers.wait_for(lambda: viewer.frames >= 2)
    assert viewer.seen.shape == (480, 640, 3)
    assert viewer.seen.mean() < 60


def test_only_so_many_may_watch(peers_of: Callable[..., Peers]) -> None:
    peers = peers_of(viewers=2)
    offer = browser('chromium-view')
    assert [ask(peers, VIEW, body=offer).status for _ in range(3)] == [201, 201, 503]
    assert ask(peers, PUBLISH, body=SEND).status == 201


# --- those who are gone ---

@pytest.mark.usefixtures('soon_over')
def test_peers_that_vanish_leave_or_never_come_are_given_up(
        peers: Peers, client: Make, stop: threading.Event) -> None:
    shown, sender, viewer, polite = Shown(peers, stop), client(), client(), client()
    with showing(peers, makers.flat(makers.RED, 64, 48)):
        sender.publish(peers, Picture(makers.RED, 64, 48))
        viewer.view(peers)
        polite.view(peers)
        nobody = ask(peers, VIEW, body=browser('firefox-audio-view'))
        assert nobody.status == 201
        shown.wait(makers.RED)
        makers.wait_for(lambda: viewer.frames > 0 and polite.frames > 0)
        ended(peers, 3)
        polite.leave()
        ended(peers, 2)
        sender.vanish()
        viewer.vanish()
        ended(peers)
    assert ask(peers, DELETE, session=sender.reply.session).status == 410


def test_nothing_is_left_when_all_is_closed(peers_of: Callable[..., Peers], client: Make,
                                            stop: threading.Event) -> None:
    def held() -> tuple[int, int]:
        gc.collect()
        return threading.active_count(), len(os.listdir('/proc/self/fd'))

    one, two = client(), client()
    one.offer(Picture(makers.RED, 64, 48), 'sendonly')
    before = held()
    peers = peers_of()
    for name in ('chromium-send', 'firefox-audio-view', 'chromium-view'):
        ask(peers, VIEW if 'view' in name else PUBLISH, body=browser(name))
    assert two.view(peers).status == 201
    makers.wait_for(lambda: two.frames > 0)
    two.leave()
    peers.close()
    makers.wait_for(lambda: held()[0] <= before[0] and held()[1] <= before[1])
    assert ask(peers, VIEW, body=browser('chromium-view')).status == 503
    peers.show(makers.flat(makers.RED))
    peers.close()


# --- negotiation ---

@pytest.mark.parametrize('name', sorted(path.stem for path in OFFERS.glob('*.sdp')))
def test_offers_of_browsers_are_answered(peers: Peers, name: str) -> None:
    offer = browser(name)
    reply = ask(peers, VIEW if 'view' in name else PUBLISH, body=offer)
    assert reply.status == 201
    kinds = re.findall('^m=([a-z]+)', reply.body, re.M)
    assert kinds == re.findall('^m=([a-z]+)', offer, re.M)
    ways = dict(zip(kinds, re.findall('^a=(sendonly|recvonly|inactive)\r', reply.body, re.M),
                    strict=True))
    assert ways['video'] == ('sendonly' if 'view' in name else 'recvonly')
    assert ways.get('audio', 'inactive') == 'inactive'
    video = reply.body[reply.body.index('m=video'):]
    assert re.findall('^a=rtpmap:[0-9]+ (?!rtx)(.*)/', video, re.M)[0] == 'VP8'
    assert 'a=candidate' in reply.body
    assert ('start-bitrate' in reply.body) == ('send' in name)
    assert reply.etag.isalnum()


def test_refused_offers_leave_no_peer_and_no_socket(peers: Peers) -> None:
    ask(peers, PUBLISH, body='')
    sockets = len(os.listdir('/proc/self/fd'))
    for name, (text, status) in MALFORMED.items():
        reply = ask(peers, PUBLISH, body=text, take_over=True)
        assert (reply.status, reply.session) == (status, ''), name
        assert reply.body
    assert peers._peers == {}
    assert peers._sender is None
    assert len(os.listdir('/proc/self/fd')) == sockets
    # Known only once codecs are compared: a profile of H.264 that is not known here.
    odd = re.sub('VP8/', 'VP9/', re.sub('42[0e]01f', '640033', SEND))
    assert ask(peers, PUBLISH, body=odd).status == 422
    ended(peers)


def test_candidates_may_come_later_if_they_are_of_this_ice_session(peers: Peers) -> None:
    reply = ask(peers, VIEW, body=browser('chromium-view'))

    def patch(body: str = CANDIDATE, **values: str) -> int:
        return ask(peers, PATCH, body=body,
                   **{'session': reply.session, 'etag': reply.etag, **values}).status

    assert patch() == 204
    assert patch(f'a=ice-ufrag:Yq3h\r\n{CANDIDATE}') == 204
    assert patch(etag='') == 428
    assert patch(etag='other') == 412
    assert patch(etag='*') == 422  # asks for a restart of ICE
    assert patch('a=ice-ufrag:another\r\na=ice-pwd:1kZb0v7Qm2sXw9Rt5uPn8cLd') == 422
    assert patch('a=candidate:what') == 400
    assert patch('') == 400
    assert patch(session='unknown') == 404
    assert patch(CANDIDATE * 199) == 413
    assert ask(peers, DELETE, session=reply.session).status == 200
    assert patch() == 410


def test_a_name_that_nobody_knows_delays_nothing(peers: Peers, client: Make,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def resolve(self: object, hostname: str, timeout: float = 1.0) -> None:
        asked.append(hostname)

    monkeypatch.setattr(aioice.mdns.MDnsProtocol, 'resolve', resolve)
    viewer = client()
    offer = re.sub('127.0.0.1( [0-9]+ typ)', r'b7c1-0d.local\1', viewer.offer('video', 'recvonly'))
    assert 'local' in offer
    began_s = time.thread_time()
    reply = ask(peers, VIEW, body=offer)
    assert reply.status == 201
    assert time.thread_time() - began_s < 1
    viewer.accept(reply.body)
    makers.wait_for(lambda: viewer.frames > 0)
    assert asked == ['b7c1-0d.local']


def test_ports_are_of_the_range_and_one_that_is_used_up_is_said(
        peers_of: Callable[..., Peers]) -> None:
    peers = peers_of(udp_ports='50710-50711')
    replies = [ask(peers, VIEW, body=browser('chromium-view')) for _ in range(3)]
    assert [reply.status for reply in replies] == [201, 201, 503]
    ports = {port for reply in replies
             for port in re.findall(r'candidate:.* ([0-9]+) typ host', reply.body)}
    assert ports == {'50710', '50711'}
    assert 'udp_ports' in replies[2].body
    ask(peers, DELETE, session=replies[0].session)
    makers.wait_for(
        lambda: ask(peers, VIEW, body=browser('chromium-view')).status == 201)


@pytest.mark.parametrize('values', [{'udp_ports': '1-2'}, {'ice_servers': 'example.com'}])
def test_settings_that_cannot_be_used_are_refused(
        peers_of: Callable[..., Peers], values: dict[str, str]) -> None:
    threads = threading.active_count()
    with pytest.raises(ConfigError):
        peers_of(**values)
    assert threading.active_count() == threads


def test_servers_are_taken_apart() -> None:
    assert ice_servers('') == []
    stun, turn = ice_servers('stun:stun.example.com:3478, turn:me:secret@turn.example.com')
    assert (stun.urls, stun.username) == ('stun:stun.example.com:3478', None)
    assert (turn.urls, turn.username, turn.credential) == (
        'turn:turn.example.com', 'me', 'secret')


def test_a_stun_server_that_does_not_answer_is_no_harm(
        peers_of: Callable[..., Peers], monkeypatch: pytest.MonkeyPatch) -> None:
    # aioice waits five seconds for it.
    monkeypatch.setattr(aioice.ice.Connection.get_component_candidates, '__defaults__', (0.2,))
    peers = peers_of(ice_servers='stun:127.0.0.1:9')
    reply = ask(peers, VIEW, body=browser('chromium-view'))
    assert reply.status == 201
    ask(peers, DELETE, session=reply.session)
    ended(peers)


def test_an_answer_that_takes_too_long_is_a_refusal(
        peers: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(self: object) -> str:
        await asyncio.sleep(60)
        return ''

    monkeypatch.setattr(peer_module.Peer, 'answer', answer)
    monkeypatch.setattr(peers_module, '_LIMIT_S', 0.1)
    asked = [peers.negotiate(peers_module.Request(PUBLISH, body=SEND)) for _ in range(2)]
    assert sorted(one.result(20).status for one in asked) == [409, 503]
    ended(peers)
    assert peers._sender is None


# --- figures ---

def test_figures_of_each_peer(peers: Peers, client: Make, stop: threading.Event) -> None:
    sender, viewer = client(), client()
    Shown(peers, stop)
    with showing(peers, makers.noise(1, 160, 120)):
        sender.publish(peers, Picture(makers.RED, 160, 120))
        viewer.view(peers)

        def known() -> bool:
            found = {one.role: one for one in peers.stats}
            return states(peers) == ['connected'] * 2 and all(
                one.fps > 5 and one.bitrate_bps > 0 and one.age_s is not None
                for one in found.values()) and found[Role.VIEWER].round_trip_s is not None

        makers.wait_for(known)
    for one in peers.stats:
        assert one.codec == 'VP8'
        assert 0 <= one.loss <= 1
        assert 0 <= (one.age_s or 0) < 20
        assert 'VP8' in str(one)
    assert {one.id for one in peers.stats} == {sender.reply.session, viewer.reply.session}


def test_sessions_have_names_that_nobody_guesses(peers: Peers) -> None:
    replies: list[Reply] = [ask(peers, VIEW, body=browser('chromium-view')) for _ in range(3)]
    assert len({reply.session for reply in replies}) == 3
    assert all(re.fullmatch('[A-Za-z0-9_-]{16,128}', reply.session) for reply in replies)
