"""Motion JPEG over HTTP: servers that are good, bad, broken and silent."""

import threading
import time

import cv2
import numpy as np
import pytest
from servers import Gate, Server, all_of, answer, jpeg, mean, multipart, part

from recognizer_ros.capture.open import open_source
from recognizer_ros.core.errors import SourceError


def noise():
    """A picture that has no two bytes alike."""
    image = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    return cv2.imencode('.jpg', image)[1].tobytes()


def test_motion_jpeg_frames_come_as_they_are_sent(stream):
    gate = Gate()
    steps = [multipart()]
    for level in (30, 60, 100, 140):
        steps += [part(jpeg(level)), gate]
    with Server(steps) as server:
        source = stream(f'http://{server.address}/stream')
        found, _ = all_of(source, gate)
    assert found == [30, 60, 100, 140]


def test_a_picture_of_another_size_is_shown_too(stream):
    gate = Gate()
    big, small = part(jpeg(50)), part(jpeg(200, 160, 96))
    with Server([multipart(), big, gate, small, gate]) as server:
        source = stream(f'http://{server.address}/')
        assert source.read().image.shape == (240, 320, 3)
        gate.open()
        while (frame := source.read()).image.shape == (240, 320, 3):
            pass
        assert (frame.image.shape, mean(frame)) == ((96, 160, 3), 200)


def test_a_cut_picture_is_not_shown(stream):
    whole, cut = part(jpeg(50)), part(noise())
    with Server([multipart(), whole, whole, cut[:len(cut) // 2]]) as server:
        found, said = all_of(stream(f'http://{server.address}/'))
    assert set(found) == {50}
    assert said == '' or 'check' in said


def test_damaged_pictures_are_left_out(stream):
    gate = Gate()
    good, bad, half = part(jpeg(50)), part(bytes(9000)), part(noise()[:20_000])
    steps = [multipart(), good, gate, half, part(jpeg(70)), gate, bad,
             part(jpeg(90)), gate]
    with Server(steps) as server:
        assert all_of(stream(f'http://{server.address}/'), gate)[0] == [50, 70, 90]


def test_garbage_between_pictures_is_an_error(stream):
    """The camera opens it again; see test_feed.py."""
    gate = Gate()
    with Server([multipart(), part(jpeg(50)), gate, b'garbage\r\n' * 900, Gate()]) as server:
        found, said = all_of(stream(f'http://{server.address}/'), gate)
    assert found == [50]
    assert 'sends what is no video' in said


def test_a_boundary_that_is_not_the_one_promised(stream):
    pictures = [part(jpeg(50), 'other')] * 4
    with Server([multipart('frame'), *pictures]) as server:
        assert set(all_of(stream(f'http://{server.address}/'))[0]) == {50}


def test_only_damaged_pictures_are_an_error(stream, monkeypatch):
    monkeypatch.setattr('recognizer_ros.capture.stream._BAD_PACKETS', 5)
    good, bad = part(jpeg(50)), part(b'\xff\xd8\xff' + bytes(3000) + b'\xff\xd9')
    with Server([multipart(), good, good, *[bad] * 20, Gate()]) as server:
        found, said = all_of(stream(f'http://{server.address}/'))
    assert set(found) == {50}
    assert 'only damaged pictures' in said


@pytest.mark.parametrize('cut', ['between', 'in mid-frame'])
def test_a_server_that_stops_is_noticed(cut, stream):
    good = part(jpeg(50))
    end = [] if cut == 'between' else [good[:200]]
    with Server([multipart(), good, good, good, *end, Gate()]) as server:
        began_s = time.monotonic()
        found, said = all_of(stream(f'http://{server.address}/', read_s=0.5))
    assert set(found) == {50}
    assert 'does not answer: check the network' in said
    assert time.monotonic() - began_s < 10


@pytest.mark.parametrize(('steps', 'says'), [
    ([answer('401 Unauthorized', 'WWW-Authenticate: Basic realm="x"')], 'user or password'),
    ([answer('403 Forbidden')], 'user or password'),
    ([answer('404 Not Found')], 'check the path'),
    ([answer('500 Internal Server Error')], 'check the address'),
    ([answer('200 OK', 'Content-Type: text/html', body=b'<html>' * 900)], 'what is no video'),
    ([answer('200 OK')], 'check the'),
    ([b'nonsense\r\n\r\n'], 'check the'),
    ([], 'check the'),
    ([Gate()], 'does not answer'),
    ([multipart(), Gate()], 'does not answer')])
def test_what_a_server_refuses_is_told_without_the_password(steps, says, stream):
    with Server(steps) as server:
        uri = f'http://robot:hunter2@{server.address}/cam?token=s3cret'
        found, said = all_of(stream(uri, open_s=0.5))
    assert found == []
    assert says in said
    assert f'http://robot:***@{server.address}/cam?token=***' in said
    assert 'hunter2' not in said
    assert 's3cret' not in said
    assert '\n' not in said


@pytest.mark.parametrize('scheme', ['http', 'rtsp'])
def test_a_server_that_is_not_there(scheme, stream):
    with Server([]) as server:
        address = server.address
    assert 'is refused: start the server' in all_of(stream(f'{scheme}://{address}/'))[1]


def test_a_password_is_sent(stream):
    def script(head):
        if b'Authorization: Basic cm9ib3Q6aHVudGVyMg==' in head:
            return [multipart(), *[part(jpeg(50))] * 4]
        return [answer('401 Unauthorized', 'WWW-Authenticate: Basic realm="x"')]

    with Server(script) as server:
        assert set(all_of(stream(f'http://robot:hunter2@{server.address}/'))[0]) == {50}


def test_closing_ends_the_thread_of_a_silent_server_and_it_is_not_opened_twice(stream):
    with Server([multipart(), Gate()]) as server:
        uri = f'http://{server.address}/'
        source = stream(uri, open_s=1.0)
        source.close()
        assert source.read() is None
        with pytest.raises(SourceError, match='still hangs'):
            stream(uri)
        thread = next(item for item in threading.enumerate() if item.name == f'source {uri}')
        thread.join(10)
        assert not thread.is_alive()
        stream(uri).close()


def test_stop_ends_a_read_of_a_silent_server(stream, stop):
    with Server([Gate()]) as server:
        source = stream(f'http://{server.address}/')
        answers = []
        reader = threading.Thread(target=lambda: answers.append(source.read()), daemon=True)
        reader.start()
        began_s = time.monotonic()
        stop.set()
        reader.join(5)
        assert answers == [None]
        assert time.monotonic() - began_s < 0.9


def test_a_stream_that_is_back_plays_again(config, clock, stop):
    """By the URI, as the camera opens it."""
    with Server([multipart(), *[part(jpeg(50))] * 4]) as server:
        for _ in range(2):
            source = open_source(config(f'http://{server.address}/'), clock, stop)
            assert source.read().image.shape == (24, 32, 3)
            source.close()
