import threading

import numpy as np
import pytest

from recognizer_ros.capture.newest import LiveSource, Newest
from recognizer_ros.capture.source import Frame
from recognizer_ros.core.errors import SourceError


def frame(number):
    return Frame(np.zeros((1, 1, 3), np.uint8), number)


def test_the_newest_value_wins_and_is_given_once(stop):
    newest = Newest('silent')
    newest.put(1)
    newest.put(2)
    newest.put(None)
    assert newest.read(stop) == 2
    newest.end('over')
    with pytest.raises(SourceError, match='over'):
        newest.read(stop)


def test_a_value_before_the_end_is_still_given(stop):
    newest = Newest('silent')
    newest.put(1)
    newest.end('')
    assert newest.read(stop) == 1
    assert newest.read(stop) is None


def test_silence_is_an_error(stop):
    with pytest.raises(SourceError, match='nothing came'):
        Newest('nothing came', silence_s=0.01).read(stop)


def test_an_error_of_a_library_is_told_without_passwords(stop):
    def broken(_):
        yield frame(1)
        raise RuntimeError('no rtsp://me:secret@host')

    source = LiveSource('camera', broken, stop, 'check the cable')
    assert source.read().stamp_ns == 1
    with pytest.raises(SourceError) as error:
        source.read()
    assert str(error.value) == 'camera failed (no rtsp://me:***@host): check the cable'
    source.close()


def test_what_the_generator_holds_is_freed_however_it_ends(stop):
    for end in ('closed', 'stopped', 'over', 'error'):
        freed = threading.Event()

        def frames(closed, end=end, freed=freed):
            try:
                yield frame(1)
                if end == 'error':
                    raise SourceError('broken')
                while end != 'over' and not closed.wait(0.001):
                    yield None
            finally:
                freed.set()

        source = LiveSource(end, frames, stop, 'check')
        source.read()
        if end == 'stopped':
            stop.set()
        elif end == 'closed':
            source.close()
        assert freed.wait(5), end
        source.close()
        stop.clear()
