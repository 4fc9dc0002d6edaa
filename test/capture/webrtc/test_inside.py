from typing import Any

import pytest
from aiortc.jitterbuffer import JitterBuffer
from aiortc.rtp import RtpPacket

from recognizer_ros.capture.webrtc.inside import PromptJitterBuffer


def packet(number: int, stamp: int, marker: bool) -> RtpPacket:
    made = RtpPacket(sequence_number=number % 65536, timestamp=stamp, marker=int(marker))
    made._data = bytes([number % 256])
    return made


def frames(buffer: JitterBuffer, packets: list[RtpPacket]) -> list[Any]:
    return [frame and (frame.timestamp, frame.data)
            for frame in (buffer.add(one)[1] for one in packets)]


@pytest.mark.parametrize('first', [10, 65534])
def test_a_frame_comes_with_its_last_packet(first: int) -> None:
    packets = [packet(first, 1, False), packet(first + 1, 1, True), packet(first + 2, 2, True),
               packet(first + 3, 3, False), packet(first + 4, 3, True)]
    parts = [bytes([(first + number) % 256]) for number in range(5)]
    assert frames(PromptJitterBuffer(128, is_video=True), packets) == [
        None, (1, parts[0] + parts[1]), (2, parts[2]), None, (3, parts[3] + parts[4])]


def test_packets_in_the_wrong_order_are_put_right() -> None:
    packets = [packet(10, 1, True), packet(12, 2, True), packet(11, 2, False),
               packet(13, 3, True)]
    assert frames(PromptJitterBuffer(128, is_video=True), packets) == [
        (1, b'\n'), None, (2, b'\x0b\x0c'), (3, b'\r')]


def test_what_waited_for_a_late_packet_comes_all_at_once() -> None:
    buffer = PromptJitterBuffer(128, is_video=True)
    assert list(buffer.rest()) == []  # before any packet
    for number in (10, 12, 13, 14):
        buffer.add(packet(number, number, True))
    frame = buffer.add(packet(11, 11, True))[1]
    assert frame is not None
    assert [frame.data, *(one.data for one in buffer.rest())] == [b'\x0b', b'\x0c', b'\r', b'\x0e']


def test_a_frame_without_a_mark_comes_with_the_next_one() -> None:
    packets = [packet(10, 1, False), packet(11, 2, False), packet(12, 2, True)]
    buffer = PromptJitterBuffer(128, is_video=True)
    assert frames(buffer, packets) == [None, (1, b'\n'), (2, b'\x0b\x0c')]


VP8_KEY, VP8_DELTA = b'\x10\x02\x00\x9d', b'\x11\x02\x00'
H264_IDR, H264_DELTA = b'\0\0\0\1\x67\x42\0\0\0\1\x65\x88', b'\0\0\0\1\x41\x9a'


@pytest.mark.parametrize(('key', 'delta'), [(VP8_KEY, VP8_DELTA), (H264_IDR, H264_DELTA)])
def test_what_builds_on_a_lost_frame_is_left_out(key: bytes, delta: bytes) -> None:
    buffer = PromptJitterBuffer(8, is_video=True)

    def add(number: int, data: bytes) -> tuple[bool, bool]:
        one = packet(number, number, True)
        one._data = data
        lost, frame = buffer.add(one)
        return lost, [frame, *buffer.rest()] != [None]

    assert add(1, delta) == (False, False)  # the beginning was lost
    assert add(2, key) == (False, True)
    assert add(3, delta) == (False, True)
    assert add(5, delta) == (False, False)  # 4 may still come
    assert [add(number, delta)[1] for number in range(6, 12)] == [False] * 6
    assert add(12, delta) == (True, False)
    assert add(13, delta) == (False, False)
    assert buffer.waits_key
    assert add(14, key) == (False, True)
    assert add(15, delta) == (False, True)
