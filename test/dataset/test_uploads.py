from concurrent.futures import Future

import makers
import pytest
from recorders import LATE, GatedStore, Recorder, S, stored

from recognizer_ros.core.errors import DiskFullError, ImageError, RecognizerError
from recognizer_ros.dataset.sample import Stored


def test_an_upload_is_a_burst_of_its_own(recording: Recorder) -> None:
    data = makers.jpeg(makers.noise(1))
    first = recording.upload(data, ('mug',), 'upload', S).result(20)
    second = recording.upload(makers.picture(makers.noise(2), 'PNG'), ('mug',), 'upload',
                              2 * S).result(20)
    found = stored(recording)
    assert not first.duplicate
    assert not second.duplicate
    assert found[1.0].path.read_bytes() == data
    assert found[1.0].sha256 == first.sha256
    assert found[1.0].burst != found[2.0].burst


def test_an_upload_of_the_same_file_says_so(recording: Recorder) -> None:
    data = makers.jpeg(makers.noise(1))
    recording.upload(data, ('mug',), 'upload', S).result(20)
    assert recording.upload(data, ('pen',), 'upload', 2 * S).result(20).duplicate
    found = stored(recording)
    assert {at_s: item.tags for at_s, item in found.items()} == {1.0: ('pen',)}
    assert recording.tick(LATE).stats.samples == 1


@pytest.mark.parametrize('data', [b'', b'text', makers.jpeg(makers.noise(0, 200, 100))[:5000],
                                  makers.picture(makers.noise(0), 'GIF')])
def test_an_upload_that_is_no_image_is_refused_and_nothing_stored(recording: Recorder,
                                                                  data: bytes) -> None:
    with pytest.raises(ImageError):
        recording.upload(data, ('mug',), 'upload', S).result(20)
    assert recording.tick(LATE).stats.samples == 0
    recording.upload(makers.jpeg(makers.noise(1)), ('mug',), 'upload', S).result(20)
    assert recording.tick(LATE).stats.samples == 1


def test_too_many_uploads_at_a_time_are_refused(recording: Recorder, gated: GatedStore) -> None:
    gated.gate.clear()
    answers: list[Future[Stored]] = [
        recording.upload(makers.jpeg(makers.noise(number)), ('mug',), 'upload', S + number)
        for number in range(50)]
    refused = [answer for answer in answers if answer.done() and answer.exception()]
    assert 50 - 33 <= len(refused) <= 50 - 32
    with pytest.raises(RecognizerError, match='too many uploads and edits at a time: try again'):
        refused[0].result()
    gated.gate.set()
    for answer in answers:
        if answer not in refused:
            answer.result(20)
    assert len(stored(recording)) == 50 - len(refused)


def test_an_upload_whose_asker_has_gone_does_not_stop_the_writer(recording: Recorder,
                                                                 gated: GatedStore) -> None:
    gated.gate.clear()
    recording.upload(makers.jpeg(makers.noise(0)), ('mug',), 'upload', S)
    assert gated.waiting.wait(20)
    given_up = recording.upload(makers.jpeg(makers.noise(1)), ('mug',), 'upload', 2 * S)
    assert given_up.cancel()
    gated.gate.set()
    recording.upload(makers.jpeg(makers.noise(2)), ('mug',), 'upload', 3 * S).result(20)
    assert 3.0 in stored(recording)


def test_an_upload_to_a_full_disk_is_refused(recording: Recorder, gated: GatedStore) -> None:
    gated.reserve_bytes = 2**62
    with pytest.raises(DiskFullError, match='free some room'):
        recording.upload(makers.jpeg(makers.noise(1)), ('mug',), 'upload', S).result(20)
    gated.reserve_bytes = 0
    recording.upload(makers.jpeg(makers.noise(1)), ('mug',), 'upload', S).result(20)
