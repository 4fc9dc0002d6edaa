import threading

import numpy as np
import pytest

from recognizer_ros.capture.open import check_uri, open_source
from recognizer_ros.core.errors import SourceError


@pytest.mark.parametrize('uri', [
    '/dev/video0', '/dev/video12', 'v4l2:///dev/video1', '/dev/v4l/by-id/usb-camera',
    'pattern://', 'pattern://apple', 'pattern://apple+mug?seed=3', 'pattern://?seed=4',
    'csi://0', 'rtsp://host', 'rtsp://me:p%40ss@192.168.1.2:8554/cam', 'rtsp://[fe80::1]:554/a',
    'http://host/video.mjpg?size=1', 'https://host:8443/live.m3u8', 'webrtc://@:8554/input',
    'webrtc://', 'topic://image_raw', 'topic:///front/image_raw/compressed',
    'folder:///data/photos', 'folder://photos', 'file:///data/clip.mp4', 'file://clip.mp4'])
def test_good_uris_pass_without_a_look_at_the_disk(uri):
    check_uri(uri)


@pytest.mark.parametrize(('uri', 'names', 'way_out'), [
    ('', "''", 'pattern://'),
    ('rtp://host/stream', 'rtp://host/stream', 'rtsp://HOST'),
    ('rtsp://', 'rtsp://', 'HOST[:PORT]'),
    ('rtsp://host:99999/', 'rtsp://host:99999/', 'HOST[:PORT]'),
    ('rtsp://host:x/', 'rtsp://host:x/', 'HOST[:PORT]'),
    ('http:///video', 'http:///video', 'http://'),
    ('http://host/a b', 'a b', 'HOST[:PORT]'),
    ('csi://', 'csi://', 'csi://0'),
    ('csi://front', 'csi://front', 'csi://0'),
    ('csi://0 ! filesink', 'filesink', 'csi://0'),
    ('topic://', 'topic://', 'topic://image_raw'),
    ('topic://a//b', 'a//b', 'topic://image_raw'),
    ('topic://9a', '9a', 'topic://image_raw'),
    ('FILE://x', 'FILE://x', 'file://PATH'),
    ('video0', 'video0', '/dev/videoN'),
    ('/dev/sda', '/dev/sda', '/dev/videoN'),
    ('/dev/video', '/dev/video', '/dev/videoN'),
    ('v4l2://camera', 'camera', '/dev/videoN'),
    ('/data/clip.mp4', '/data/clip.mp4', 'file:///data/clip.mp4'),
    ('file://', 'file://', 'file:///absolute/path'),
    ('folder://', 'folder://', 'folder:///absolute/path'),
    ('folder://a\0b', 'zero byte', 'leave it out'),
    ('pattern://pear', 'pear', 'apple'),
    ('pattern://apple+', "''", 'apple'),
    ('pattern://apple+mug+box+ball', '4 objects', 'at most 3'),
    ('pattern://apple?sed=1', 'sed=1', 'seed=N'),
    ('pattern://apple?seed=-1', '-1', 'seed=1'),
    ('pattern://apple?seed=1.5', '1.5', 'seed=1'),
    ('pattern://apple?seed=', "''", 'seed=1')])
def test_bad_uris_are_named_with_the_way_out_in_one_line(uri, names, way_out):
    with pytest.raises(SourceError) as error:
        check_uri(uri)
    message = str(error.value)
    assert names in message
    assert way_out in message
    assert '\n' not in message


@pytest.mark.parametrize('uri', [
    'rtp://me:hunter2@host/', 'rtsp://me:hunter2@host:x/', 'rtsp://me:hunter2@/cam',
 'http://:hunter2@host:0/', 'http://me:hun@hunter2@host:0/',
    'http://a:0/?user=me&password=hunter2&x=1', 'http://a:0/?AccessToken=hunter2'])
def test_errors_show_no_password(uri):
    with pytest.raises(SourceError) as error:
        check_uri(uri)
    assert 'hunter2' not in str(error.value)


@pytest.mark.parametrize(('uri', 'match'), [
    ('webrtc://@:8554/input', 'by the node camera only'),
    ('topic://image_raw', 'by the node camera only'),
    ('csi://0', 'needs jetson_utils, or an OpenCV with GStreamer'),
    ('file://{}/none.mp4', 'no file .*none.mp4'),
    ('file://{}', 'no file'),
    ('folder://{}/none', 'no folder .*none'),
    ('folder://{}', 'no photo in folder'),
    ('/dev/video999', 'no camera at /dev/video999: plug one in'),
    ('nonsense://', 'unknown source')])
def test_what_is_missing_is_named(uri, match, tmp_path, config, clock, stop):
    with pytest.raises(SourceError, match=match):
        open_source(config(uri.format(tmp_path)), clock, stop)


@pytest.mark.parametrize('kind', ['pattern', 'folder', 'file'])
def test_every_kind_gives_stamped_bgr_frames(kind, tmp_path, config, clock, stop, photo, video):
    photo(tmp_path / 'photos' / 'a.png', 80)
    video(tmp_path / 'clip.mp4')
    uri = {'pattern': 'pattern://box', 'folder': f'folder://{tmp_path}/photos',
           'file': f'file://{tmp_path}/clip.mp4'}[kind]
    source = open_source(config(uri, loop=True), clock, stop)
    frames = [source.read() for _ in range(3)]
    source.close()
    source.close()
    assert [frame.stamp_ns for frame in frames] == [1, 2, 3]
    for frame in frames:
        assert frame.image.shape == (24, 32, 3)
        assert frame.image.dtype == np.uint8
        assert frame.image.flags.c_contiguous


@pytest.mark.parametrize('kind', ['pattern', 'folder', 'file'])
def test_stop_ends_a_read_that_waits(kind, tmp_path, config, clock, stop, photo, video):
    photo(tmp_path / 'photos' / 'a.png', 80)
    video(tmp_path / 'clip.mp4')
    uri = {'pattern': 'pattern://box', 'folder': f'folder://{tmp_path}/photos',
           'file': f'file://{tmp_path}/clip.mp4'}[kind]
    source = open_source(config(uri, rate=0.1, loop=True), clock, stop)
    assert source.read() is not None
    answers = []
    reader = threading.Thread(target=lambda: answers.append(source.read()), daemon=True)
    reader.start()
    stop.set()
    reader.join(5)
    assert answers == [None]
    assert source.read() is None
    source.close()
