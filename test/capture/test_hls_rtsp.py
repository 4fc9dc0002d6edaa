"""Video over the network: HLS and RTSP servers that are good, bad and silent."""

import time
from fractions import Fraction

import av
import numpy as np
import pytest
from servers import Gate, Server, all_of, answer, mean, refusal, rtsp

# --- HLS ---

def playlist(folder, video_levels, live=False):
    """Pieces of ten pictures of one level each, and the list of them."""
    lines = ['#EXTM3U', '#EXT-X-VERSION:3', '#EXT-X-TARGETDURATION:1', '#EXT-X-MEDIA-SEQUENCE:0']
    for number, level in enumerate(video_levels):
        with av.open(str(folder / f'{number}.ts'), 'w', format='mpegts') as container:
            stream = container.add_stream('mpeg2video', rate=50)
            stream.width, stream.height, stream.pix_fmt = 64, 48, 'yuv420p'
            for index in range(10):
                picture = np.full((48, 64, 3), level, np.uint8)
                frame = av.VideoFrame.from_ndarray(picture, format='bgr24')
                frame.pts, frame.time_base = number * 10 + index, Fraction(1, 50)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        lines += ['#EXTINF:0.2,', f'{number}.ts']
    lines += [] if live else ['#EXT-X-ENDLIST']
    (folder / 'live.m3u8').write_text('\n'.join(lines) + '\n')


def files_of(folder):
    def script(head):
        path = folder / head.split()[1].decode().lstrip('/')
        if not path.is_file():
            return [answer('404 Not Found')]
        kind = 'video/mp2t' if path.suffix == '.ts' else 'application/vnd.apple.mpegurl'
        return [answer('200 OK', f'Content-Type: {kind}', body=path.read_bytes())]
    return script


def test_hls_is_played_at_its_own_speed_to_the_end(tmp_path, stream):
    playlist(tmp_path, (50, 120, 190))
    with Server(files_of(tmp_path)) as server:
        source = stream(f'http://{server.address}/live.m3u8')
        first, began_s = source.read(), time.monotonic()
        found, said = all_of(source)
    assert said == ''
    assert mean(first) == 50
    assert sorted(set(found)) == [50, 120, 190]
    assert found == sorted(found)
    assert time.monotonic() - began_s > 0.45


def test_a_live_hls_begins_with_its_newest_piece(tmp_path, stream):
    playlist(tmp_path, (50, 120, 190), live=True)
    with Server(files_of(tmp_path)) as server:
        first = stream(f'http://{server.address}/live.m3u8').read()
    assert mean(first) == 190


def test_a_playlist_cannot_name_files_of_this_machine(tmp_path, stream):
    playlist(tmp_path, (50,))
    text = (tmp_path / 'live.m3u8').read_text()
    (tmp_path / 'live.m3u8').write_text(text.replace('0.ts', f'file://{tmp_path}/0.ts'))
    with Server(files_of(tmp_path)) as server:
        found, said = all_of(stream(f'http://{server.address}/live.m3u8'))
    assert (found, bool(said)) == ([], True)


# --- RTSP ---

def h264(video_levels, size=(64, 48)):
    """Key frames as lists of NAL units."""
    codec = av.CodecContext.create('libx264', 'w')
    codec.width, codec.height = size
    codec.pix_fmt, codec.time_base = 'yuv420p', Fraction(1, 25)
    codec.options = {'tune': 'zerolatency', 'preset': 'ultrafast', 'g': '1', 'bf': '0'}
    pictures = []
    for index, level in enumerate(video_levels):
        picture = np.full((size[1], size[0], 3), level, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format='bgr24').reformat(format='yuv420p')
        frame.pts = index
        pictures += [units(bytes(packet)) for packet in codec.encode(frame)]
    return pictures


def units(stream):
    """NAL units of a byte stream (ITU-T H.264, annex B)."""
    found = stream.replace(b'\0\0\0\1', b'\0\0\1').split(b'\0\0\1')[1:]
    return [unit for unit in found if unit[0] & 31 != 6]  # no comments of the encoder


def test_rtsp_frames_come_as_they_are_sent(stream):
    gate = Gate()
    frames = h264((40,) * 16)
    for picture in h264((100, 160)):
        frames += [gate, picture, picture]  # the second one shows that the first is complete
    with Server(lambda head: rtsp(head, frames)) as server:
        source = stream(f'rtsp://{server.address}/cam')
        assert mean(source.read()) == 40
        for level in (100, 160):
            gate.open()
            while mean(source.read()) != level:
                pass


def test_rtsp_with_another_size_in_the_stream(stream):
    gate = Gate()
    frames = [*h264((40,) * 16), gate, *h264((160,) * 3, (96, 64)), gate]
    with Server(lambda head: rtsp(head, frames)) as server:
        source = stream(f'rtsp://{server.address}/cam')
        assert source.read().image.shape == (48, 64, 3)
        gate.open()
        while source.read().image.shape != (64, 96, 3):
            pass


@pytest.mark.parametrize(('script', 'says'), [
    (lambda head: refusal(head, '401 Unauthorized'), 'user or password'),
    (lambda head: refusal(head, '404 Not Found'), 'check the path'),
    (lambda head: [Gate()], 'does not answer'),
    (lambda head: rtsp(head, [Gate()]), 'does not answer'),
    (lambda head: [], 'check the')])
def test_what_an_rtsp_server_refuses_is_told_without_the_password(script, says, stream):
    with Server(script) as server:
        found, said = all_of(stream(f'rtsp://robot:hunter2@{server.address}/cam', 0.5, 0.5))
    assert found == []
    assert says in said
    assert f'rtsp://robot:***@{server.address}/cam' in said
    assert 'hunter2' not in said


def test_an_rtsp_server_that_stops_is_noticed(stream):
    frames = [*h264((40,) * 16), Gate()]
    with Server(lambda head: rtsp(head, frames)) as server:
        found, said = all_of(stream(f'rtsp://{server.address}/cam', read_s=0.5))
    assert set(found) == {40}
    assert 'does not answer' in said
