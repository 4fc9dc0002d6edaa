"""The thread that keeps a source open."""

import itertools
import os
import threading

import makers
import numpy as np
import pytest
from servers import Gate, Server, answer, jpeg, multipart, part

from recognizer_ros.capture import failures
from recognizer_ros.capture import feed as feeds
from recognizer_ros.capture.feed import Feed
from recognizer_ros.capture.source import Frame
from recognizer_ros.core.errors import SourceError


@pytest.fixture
def opened(config, clock):
    """Make a feed; what it delivers is in ``heard``."""
    made = []

    def make(uri, deliver=None, incoming=None, **options):
        heard = []
        feed = Feed(config(uri, **options), clock, deliver or heard.append, incoming)
        feed.heard = heard
        made.append(feed)
        return feed

    yield make
    for feed in made:
        feed.close()


@pytest.fixture
def impatient(monkeypatch):
    """Wait for milliseconds where it would be seconds."""
    monkeypatch.setattr(failures, 'BACK_OFF_S', (0.001,))


class Flapping:
    """A source that is opened again and again: each time as the next of the scripts says."""

    def __init__(self, *scripts):
        self.scripts, self.opened, self.closed = scripts, 0, 0
        self.steps = iter(())

    def __call__(self, *_):
        self.steps = iter(self.scripts[self.opened % len(self.scripts)])
        self.opened += 1
        return self

    def read(self):
        step = next(self.steps, None)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self):
        self.closed += 1


@pytest.fixture
def flapping(monkeypatch):
    def make(*scripts):
        source = Flapping(*scripts)
        monkeypatch.setattr(feeds, 'open_source', source)
        return source
    return make


FRAME = Frame(np.zeros((2, 2, 3), np.uint8), 1)


def lines(caplog):
    return [record.getMessage() for record in caplog.records if record.name == feeds.__name__]


def test_a_failure_is_told_with_the_next_try_and_it_plays_when_it_is_there(
        tmp_path, photo, opened, caplog):
    feed = opened(f'folder://{tmp_path}/later', loop=True)
    makers.wait_for(lambda: feed.status().state == 'failed')
    status = feed.status()
    assert status.reason.startswith(f'no folder {tmp_path}/later')
    assert status.failures >= 1
    assert 0 < status.retry_s < 13
    photo(tmp_path / 'later' / 'a.png', 80)
    makers.wait_for(lambda: feed.status().state == 'playing')
    assert feed.status().retry_s == 0
    assert lines(caplog)[0] == status.reason


def test_the_end_of_a_folder_is_not_a_failure_and_it_rests(tmp_path, photo, opened, caplog):
    photo(tmp_path / 'a' / '1.png', 80)
    photo(tmp_path / 'b' / '1.png', 80)
    feed = opened(f'folder://{tmp_path}/a')
    makers.wait_for(lambda: feed.status().state == 'ended')
    assert (feed.frames, feed.status().failures, lines(caplog)) == (1, 0, [])
    feed.switch(feed._config.__class__(input=f'folder://{tmp_path}/b', input_rate=240.0))
    makers.wait_for(lambda: feed.frames > 3)


def test_a_source_that_flaps_between_two_errors_logs_each_once(flapping, impatient, opened,
                                                               caplog):
    source = flapping([SourceError('it is refused')], [FRAME, SourceError('it broke off')])
    feed = opened('pattern://')
    makers.wait_for(lambda: source.opened > 200)
    assert feed.status().failures >= 199
    said = lines(caplog)
    assert [line for line in said if line.startswith('it ')] == ['it is refused', 'it broke off']
    assert len(said) <= 4


def test_errors_that_are_never_the_same_are_bounded(flapping, impatient, opened, caplog):
    source = flapping(*[[SourceError(f'error {number}')] for number in range(500)])
    opened('pattern://')
    makers.wait_for(lambda: source.opened > 300)
    assert len(lines(caplog)) <= failures.PER_MINUTE


def test_a_source_that_ends_at_once_backs_off(flapping, opened):
    """Half a second before the second time, one before the third, and so on."""
    source = flapping([FRAME])
    feed = opened('pattern://')
    makers.wait_for(lambda: feed.status().failures == 3)
    assert feed.status().retry_s > 1.2
    assert 'has ended: it is opened again' in feed.status().reason
    assert source.closed == source.opened == 3


def test_a_receiver_that_fails_does_not_end_the_feed(opened, impatient, caplog):
    heard = []

    def deliver(frame):
        heard.append(frame)
        if len(heard) < 4:
            raise RuntimeError('no room')

    feed = opened('pattern://apple', deliver)
    makers.wait_for(lambda: len(heard) > 6)
    assert feed.status().failures == 3
    assert lines(caplog)[0] == 'pattern://apple failed (RuntimeError: no room)'


def test_frames_that_stay_away_are_told(opened, monkeypatch, config):
    monkeypatch.setattr(feeds, '_LATE_S', 0.01)

    class Once:
        given = False

        def read(self, stop):
            if self.given:
                stop.wait()
                return None
            self.given = True
            return FRAME

    feed = opened('webrtc://@:8554/input', incoming=Once())
    makers.wait_for(lambda: feed.status().state == 'late')
    assert feed.heard[0].image.shape == (24, 32, 3)
    assert feed.status().failures == 0


def test_passwords_are_in_no_log_and_no_status(opened, impatient, caplog):
    with Server([answer('401 Unauthorized')]) as server:
        feed = opened(f'http://robot:hunter2@{server.address}/')
        makers.wait_for(lambda: feed.status().failures > 3)
    makers.wait_for(lambda: 'refused' in feed.status().reason)
    assert 'hunter2' not in caplog.text + feed.status().reason
    assert f'http://robot:***@{server.address}/ wants another user' in caplog.text


def test_it_plays_again_when_a_server_is_back_after_each_kind_of_failure(
        opened, impatient):
    good, gate = part(jpeg(50)), Gate()
    scripts = iter([[answer('404 Not Found')], [multipart(), good, good, good, good[:99]],
                    [b'nonsense\r\n\r\n'], []])
    healthy = [multipart(), good, good, good, gate]
    with Server(lambda _: next(scripts, healthy)) as server:
        feed = opened(f'http://{server.address}/')
        makers.wait_for(lambda: feed.status().failures >= 4 and feed.status().state == 'playing')
        assert next(scripts, None) is None
        gate.open()


def test_nothing_is_left_of_many_failures(opened, impatient):
    good = part(jpeg(50))
    scripts = itertools.cycle([
        [answer('404 Not Found')], [multipart(), good, good[:99]], [b'nonsense\r\n\r\n'], [],
        [multipart(), good, b'garbage\r\n' * 500]])
    with Server(lambda _: next(scripts)) as server:
        feed = opened(f'http://{server.address}/')
        makers.wait_for(lambda: feed.status().failures >= 20)
        files, threads = len(os.listdir('/proc/self/fd')), threading.active_count()
        makers.wait_for(lambda: feed.status().failures >= 100)
        makers.wait_for(lambda: len(os.listdir('/proc/self/fd')) <= files)
        makers.wait_for(lambda: threading.active_count() <= threads)
    assert feed.frames > 20


def test_nothing_is_left_of_many_feeds(config, clock):
    before = threading.active_count()
    with Server([Gate()]) as server:
        for uri in ('pattern://apple', f'http://{server.address}/') * 3:
            Feed(config(uri), clock, lambda _: None).close()
    makers.wait_for(lambda: threading.active_count() <= before, 15)
