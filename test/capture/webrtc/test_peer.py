import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import av
import makers
import pytest
from aiortc.codecs.vpx import Vp8Decoder
from clients import Client, Picture
from test_peers import Shown

from recognizer_ros.capture.webrtc import inside
from recognizer_ros.capture.webrtc.encode import Coded
from recognizer_ros.capture.webrtc.peers import Peers
from recognizer_ros.capture.webrtc.viewing import _Coded


def coded(number: int, key: bool = False) -> Coded:
    packet = av.Packet(bytes([number]))
    packet.pts, packet.time_base = number, Fraction(1, 90_000)
    return Coded(packet, key, True)


def test_a_viewer_that_is_late_misses_pictures_and_goes_on_with_a_key_frame() -> None:
    async def run() -> list[int]:
        wanted: list[bool] = []
        track = _Coded(lambda: wanted.append(True))
        assert not track.push(coded(0, key=True))  # nobody takes them yet
        first = asyncio.ensure_future(track.recv())
        await asyncio.sleep(0)
        assert [track.push(coded(number, key=number == 2)) for number in range(1, 4)] == [
            False, True, True]
        taken = [(await first).pts]
        assert len(wanted) == 1
        assert all(track.push(coded(number)) for number in range(4, 11))
        assert not track.push(coded(11))  # one too many: nobody watches pictures that old
        assert len(wanted) == 2
        assert not track.push(coded(12))
        assert track.push(coded(13, key=True))
        assert track.push(coded(14))
        return [*taken, (await track.recv()).pts, (await track.recv()).pts]

    with ThreadPoolExecutor(1) as pool:  # the main thread may have a loop: the browser's tests
        assert pool.submit(lambda: asyncio.run(run())).result() == [2, 13, 14]


def test_a_decoder_that_is_late_skips_to_a_key_frame(
        peers: Peers, client: Callable[[], Client], stop: threading.Event,
        monkeypatch: pytest.MonkeyPatch) -> None:
    go, skipped = threading.Event(), []
    decode, skip = Vp8Decoder.decode, inside.skip
    go.set()

    def late(self: Vp8Decoder, frame: object) -> object:
        go.wait(20)
        time.sleep(0.01)  # a slow machine
        return decode(self, frame)

    async def counted(receiver: object) -> None:
        skipped.append(inside._decoder_queue(receiver).qsize())
        await skip(receiver)

    monkeypatch.setattr(Vp8Decoder, 'decode', late)
    monkeypatch.setattr(inside, 'skip', counted)
    shown, sender = Shown(peers, stop), client()
    picture = Picture(makers.RED, 64, 48)
    sender.publish(peers, picture)
    shown.wait(makers.RED)
    receiver = peers._sender._pc.getReceivers()[0]
    go.clear()
    makers.wait_for(lambda: inside._decoder_queue(receiver).qsize() > 40)
    picture.image = makers.flat(makers.BLUE, 64, 48)
    makers.wait_for(lambda: inside._decoder_queue(receiver).qsize() > 50)
    count = len(shown)
    go.set()
    shown.wait(makers.BLUE)
    assert skipped
    assert skipped[0] > 15
    assert len(shown) - count < 40
