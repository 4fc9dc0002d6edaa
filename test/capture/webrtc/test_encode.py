import threading
from typing import Any

import av
import makers
import pytest
from clients import near

from recognizer_ros.capture.webrtc import encode
from recognizer_ros.capture.webrtc.encode import Broadcast, Coded, Encoder, no_video, to_frame

DECODERS = {'VP8': 'libvpx', 'H264': 'h264'}


class Decoded(list[Any]):
    """What a viewer of one codec would see."""

    def __init__(self, codec: str) -> None:
        super().__init__()
        self.codec, self.live = codec, []
        self._decoder = av.CodecContext.create(DECODERS[codec], 'r')

    def take(self, codec: str, coded: Coded) -> None:
        if codec != self.codec:
            return
        for frame in self._decoder.decode(av.Packet(bytes(coded.packet))):
            self.append(frame.to_ndarray(format='bgr24'))
            self.live.append(coded.live)


@pytest.mark.parametrize('codec', ['VP8', 'H264'])
def test_viewers_see_each_size_without_being_asked(codec: str) -> None:
    decoded = Decoded(codec)
    shown = Broadcast(decoded.take)
    shown.watch({codec: None})
    try:
        for colour, size in ((makers.RED, (64, 48)), (makers.BLUE, (128, 96)),
                             (makers.GREEN, (33, 25)), (makers.RED, (8, 6))):
            shown.show(makers.flat(colour, *size))
            makers.wait_for(lambda colour=colour: decoded and near(decoded[-1], colour))
        assert [image.shape[:2] for image in decoded if not near(image, (8, 8, 8))][-3:] == [
            (96, 128), (24, 32), (16, 16)]
        assert decoded.live[-1]
    finally:
        shown.close()


def test_with_no_frames_viewers_see_that_there_is_no_video(
        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encode, '_LIVE_S', 0.05)
    monkeypatch.setattr(encode, '_REPEAT_S', 0.05)
    decoded = Decoded('VP8')
    shown = Broadcast(decoded.take, 0.01)
    shown.watch({'VP8': None})
    try:
        makers.wait_for(lambda: len(decoded) >= 3)
        assert not any(decoded.live)
        shown.show(makers.flat(makers.WHITE, 320, 240))
        makers.wait_for(lambda: any(decoded.live))
        makers.wait_for(lambda: not decoded.live[-1] and decoded[-1].shape == (240, 320, 3))
        assert decoded[-1].mean() < 100
    finally:
        shown.close()


def test_an_encoder_that_is_late_leaves_frames_out() -> None:
    began, go, seen = threading.Event(), threading.Event(), []

    def take(_: str, coded: Coded) -> None:
        seen.append(coded.packet.pts)
        began.set()
        go.wait(20)

    shown = Broadcast(take)
    shown.watch({'VP8': None})
    try:
        shown.show(makers.flat(makers.RED))
        assert began.wait(20)
        for _ in range(50):
            shown.show(makers.flat(makers.BLUE))
        assert shown._latest.replaced == 49
        go.set()
        makers.wait_for(lambda: len(seen) >= 2)
        assert not shown._latest.waits
        assert seen == sorted(set(seen))
    finally:
        shown.close()


def test_each_picture_is_converted_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    converted: list[Any] = []
    monkeypatch.setattr(encode, 'to_frame',
                        lambda image: converted.append(image) or to_frame(image))
    seen: list[str] = []
    shown = Broadcast(lambda codec, _: seen.append(codec))
    shown.watch({'VP8': None, 'H264': None})
    try:
        image = makers.flat(makers.RED)
        shown.show(image)
        makers.wait_for(lambda: len(seen) >= 2)
        assert sorted(seen[:2]) == ['H264', 'VP8']
        assert sum(one is image for one in converted) == 1
    finally:
        shown.close()


def test_a_key_frame_comes_when_it_is_wanted_but_not_all_the_time() -> None:
    encoder, frame = Encoder('VP8'), to_frame(makers.noise(1, 64, 48))

    def key(now_s: float) -> bool:
        frame.pts, frame.time_base = round(now_s * 90_000), encode.Fraction(1, 90_000)
        return encoder.encode(frame, now_s)[1]

    assert [key(10 + number / 30) for number in range(4)] == [True, False, False, False]
    encoder.want_key()
    assert [key(10.2), key(10.3), key(10.6), key(10.7)] == [False, False, True, False]


def test_the_bit_rate_follows_what_viewers_take_down_at_once_and_up_slowly() -> None:
    encoder, frame = Encoder('VP8'), to_frame(makers.noise(1, 640, 480))

    def rate(most: int | None, now_s: float) -> int:
        frame.pts, frame.time_base = round(now_s * 90_000), encode.Fraction(1, 90_000)
        encoder.most_bitrate = most
        encoder.encode(frame, now_s)
        return int(encoder._context.bit_rate)

    full = rate(None, 10.0)
    assert full == 640 * 480 * 4
    half = rate(full * 6 // 10, 10.1)
    assert half == full // 2
    assert rate(None, 11.0) == half
    assert rate(None, 13.0) == full
    assert rate(1, 14.0) == full // 4


def test_no_video_is_dark_and_of_the_same_size() -> None:
    image = makers.flat(makers.WHITE, 320, 240)
    assert no_video(image).shape == image.shape
    assert no_video(image).mean() < 80
    assert image.min() == 255
