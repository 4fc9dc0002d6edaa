import struct

import av
import numpy as np
import pytest

from recognizer_ros.capture.pacer import Pacer
from recognizer_ros.capture.video import VideoSource
from recognizer_ros.core.errors import SourceError


@pytest.fixture
def opened(config, clock, fake_time):
    """Open a video on a clock that needs no waiting."""
    def make(path, **options):
        return VideoSource(str(path), config('', **options), clock, fake_time,
                           Pacer(fake_time, fake_time.now))
    return make


def levels(source, count=100):
    frames = iter(source.read, None)
    return [round(frame.image.mean()) for _, frame in zip(range(count), frames, strict=False)]


def jpegs(data):
    """Where the pictures of a Motion JPEG begin."""
    return [at for at in range(len(data)) if data.startswith(b'\xff\xd8\xff', at)]


@pytest.mark.parametrize(('name', 'codec'), [
    ('a.mp4', 'mpeg4'), ('a.mkv', 'mpeg4'), ('a.avi', 'mjpeg'), ('a.mjpeg', 'mjpeg'),
    ('a.y4m', 'wrapped_avframe')])
def test_all_frames_in_order_then_the_end(name, codec, tmp_path, video, opened):
    source = opened(video(tmp_path / name, codec=codec))
    assert levels(source) == pytest.approx([20, 40, 60, 80, 100, 120], abs=6)
    assert source.read() is None
    assert source.skipped.count == 0


def test_loop_starts_again(tmp_path, video, opened):
    source = opened(video(tmp_path / 'a.mp4', frames=2), loop=True)
    assert levels(source, 5) == pytest.approx([20, 40, 20, 40, 20], abs=6)
    source.close()


def test_it_plays_at_the_speed_of_its_time_stamps(tmp_path, video, opened, fake_time):
    source = opened(video(tmp_path / 'a.mkv', frames=6, rate=5))
    assert len(levels(source)) == 6
    assert fake_time.now_s - 100.0 == pytest.approx(1.0, abs=0.01)


def test_a_faster_video_is_thinned_out_not_slowed_down(tmp_path, video, opened, fake_time):
    source = opened(video(tmp_path / 'a.mp4', frames=9, rate=40), rate=10.0)
    assert levels(source) == pytest.approx([20, 100, 180], abs=6)
    assert fake_time.now_s - 100.0 == pytest.approx(0.2, abs=0.01)


def test_frames_have_the_size_asked_for_or_their_own(tmp_path, video, opened):
    path = video(tmp_path / 'a.mp4')
    assert opened(path, width=20, height=20).read().image.shape == (20, 20, 3)
    assert opened(path, width=0, height=0).read().image.shape == (48, 64, 3)


def test_a_damaged_piece_is_left_out_and_counted(tmp_path, video, opened):
    path = video(tmp_path / 'a.avi', frames=8, codec='mjpeg')
    data = path.read_bytes()
    start = jpegs(data)[3]
    path.write_bytes(data[:start] + bytes(600) + data[start + 600:])
    source = opened(path)
    assert levels(source) == pytest.approx([20, 40, 60, 100, 120, 140, 160], abs=6)
    assert source.skipped.count == 1
    assert source.skipped.names == ('at 0.12 s',)


def test_a_file_cut_short_plays_what_there_is(tmp_path, video, opened):
    path = video(tmp_path / 'a.mkv', frames=8, codec='mjpeg')
    data = path.read_bytes()
    path.write_bytes(data[:jpegs(data)[5] + 100])
    assert levels(opened(path)) == pytest.approx([20, 40, 60, 80, 100], abs=6)


def test_a_video_filmed_upright_is_shown_upright(tmp_path, video, opened):
    path = video(tmp_path / 'a.mp4')
    data = bytearray(path.read_bytes())
    # The matrix of the track header (ISO 14496-12, 8.3.2) of a phone that was held upright.
    one = 1 << 16
    at = data.index(b'tkhd') + 44
    data[at:at + 36] = struct.pack('>9i', 0, one, 0, -one, 0, 0, 48 * one, 0, 1 << 30)
    path.write_bytes(data)
    assert opened(path, width=0, height=0).read().image.shape == (64, 48, 3)


@pytest.mark.parametrize('content', [b'', b'not a video' * 100, bytes(5000)])
def test_what_is_no_video_cannot_be_opened(content, tmp_path, opened):
    (tmp_path / 'a.mp4').write_bytes(content)
    with pytest.raises(SourceError, match='cannot be opened as video'):
        opened(tmp_path / 'a.mp4')


def test_a_file_without_pictures_cannot_be_opened(tmp_path, opened):
    with av.open(str(tmp_path / 'a.wav'), 'w') as container:
        stream = container.add_stream('pcm_s16le', rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), 's16', 'mono')
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
    with pytest.raises(SourceError, match='no video track'):
        opened(tmp_path / 'a.wav')


def test_a_looped_video_that_disappears_is_an_error(tmp_path, video, opened):
    path = video(tmp_path / 'a.mp4', frames=2)
    source = opened(path, loop=True)
    path.unlink()
    with pytest.raises(SourceError, match='cannot be opened'):
        levels(source, 3)
