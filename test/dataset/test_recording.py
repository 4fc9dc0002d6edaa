from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import makers
import pytest
from recorders import LATE, QUEUE, SETTLE, GatedStore, Recorder, S, stored

from recognizer_ros.core.errors import DatasetError, LabelError, RecognizerError
from recognizer_ros.core.lease import TagsMessage
from recognizer_ros.dataset.edits import SetTags
from recognizer_ros.dataset.images import decode
from recognizer_ros.dataset.reader import snapshot
from recognizer_ros.dataset.selection import Frame


def press(at_s: float, *tags: str, lease_s: float = 60, sender: str = 'web') -> TagsMessage:
    return TagsMessage(round(at_s * S), sender, tags, True, round(lease_s * S))


def release(at_s: float) -> TagsMessage:
    return TagsMessage(round(at_s * S), 'web', (), False, 0)


def frame(at_s: float) -> Frame:
    return Frame(round(at_s * S), makers.noise(round(at_s * 1000)))


def test_frames_get_the_tags_in_force_at_their_stamp(recording: Recorder) -> None:
    recording.say(press(1, 'mug'))
    for at_s in (0.9, 1.0, 1.5):
        recording.offer(frame(at_s), int(at_s * S))
    recording.say(press(2, 'pen'))
    recording.say(release(3))
    for at_s in (1.9, 2.0, 2.9, 3.0, 3.1):  # one of them is older than the tags
        recording.offer(frame(at_s), int(3.1 * S))
    found = stored(recording)
    assert {at_s: item.tags for at_s, item in found.items()} == {
        1.0: ('mug',), 1.5: ('mug',), 1.9: ('mug',), 2.0: ('pen',), 2.9: ('pen',)}
    assert found[1.0].burst == found[1.9].burst != found[2.0].burst == found[2.9].burst


def test_a_tags_message_may_come_after_its_frames(recording: Recorder) -> None:
    recording.offer(frame(1.01), int(1.01 * S))
    recording.offer(frame(1.05), int(1.05 * S))
    recording.say(press(1, 'mug'))
    assert set(stored(recording)) == {1.01, 1.05}


def test_a_tags_message_that_comes_too_late_does_not_count(recording: Recorder) -> None:
    recording.offer(frame(1.05), int(1.05 * S))
    recording.tick(int(1.05 * S) + SETTLE)
    recording.say(press(1, 'mug'))
    recording.offer(frame(1.3), int(1.3 * S))
    assert set(stored(recording)) == {1.3}


def test_a_release_that_comes_after_its_frames_still_ends_the_recording(
        recording: Recorder) -> None:
    recording.say(press(1, 'mug'))
    recording.offer(frame(1.5), int(1.5 * S))
    recording.offer(frame(1.55), int(1.55 * S))
    recording.say(release(1.52))
    assert set(stored(recording)) == {1.5}


def test_a_frame_waits_no_longer_than_it_must(recording: Recorder) -> None:
    recording.say(press(1, 'mug'))
    recording.offer(frame(1.5), int(1.5 * S))
    assert recording.tick(int(1.5 * S) + SETTLE - 1).pending == 1
    assert snapshot(recording.store.root).samples == ()
    assert set(stored(recording, int(1.5 * S) + SETTLE)) == {1.5}


def test_the_lease_ends_a_recording_nobody_renews(recording: Recorder) -> None:
    recording.say(press(1, 'mug', lease_s=2))
    for at_s in (2.9, 3.0, 4.0):
        recording.offer(frame(at_s), int(at_s * S))
    assert set(stored(recording)) == {2.9}
    assert not recording.tick(4 * S).recording


def test_a_bad_tags_message_is_refused_and_the_recording_goes_on(recording: Recorder) -> None:
    recording.say(press(1, 'mug'))
    with pytest.raises(LabelError, match='separator'):
        recording.say(press(2, 'a;b'))
    recording.offer(frame(2.5), int(2.5 * S))
    assert stored(recording)[2.5].tags == ('mug',)


def test_the_status_tells_what_is_recorded(recording: Recorder) -> None:
    assert not recording.tick(S // 2).recording
    recording.say(press(1, 'mug', 'pen'))
    for at_s in (1.1, 1.2, 1.3):
        recording.offer(frame(at_s), int(at_s * S))
    stored(recording)
    status = recording.tick(int(1.5 * S))
    assert (status.recording, status.active_tags, status.sender) == (True, ('mug', 'pen'), 'web')
    assert (status.burst, status.burst_samples) == (1, 3)
    assert (status.stats.samples, status.stats.classes) == (3, ('mug', 'pen'))
    assert (status.dropped, status.duplicates, status.error) == (0, 0, '')
    assert status.free_bytes > 0


@pytest.mark.parametrize('order', ['bgr', 'rgb'])
def test_colours_are_stored_right_in_either_order(recording: Recorder, order: str) -> None:
    image = makers.flat(makers.RED)
    recording.say(press(1, 'mug'))
    recording.offer(Frame(2 * S, image if order == 'bgr' else image[:, :, ::-1], order), 2 * S)
    blue, green, red = decode(stored(recording)[2.0].path.read_bytes())[5, 5]
    assert red > 240
    assert max(blue, green) < 15


def test_frames_that_do_not_fit_are_dropped_and_counted(recording: Recorder,
                                                        gated: GatedStore) -> None:
    gated.gate.clear()
    recording.say(press(1, 'mug'))
    recording.offer(frame(1.0), LATE)
    assert gated.waiting.wait(20)
    for number in range(1, QUEUE + 6):
        recording.offer(frame(1 + number / 100), LATE)
    status = recording.tick(LATE)
    assert (status.dropped, status.pending) == (5, QUEUE + 1)
    gated.gate.set()
    assert len(stored(recording)) == QUEUE + 1
    assert recording.tick(LATE).dropped == 5


def test_frames_nobody_wants_are_not_counted_as_dropped(recording: Recorder) -> None:
    for number in range(3 * QUEUE):
        recording.offer(frame(number / 100), number * S // 100)
    status = recording.tick(LATE)
    assert (status.dropped, status.pending, status.stats.samples) == (0, 0, 0)


def test_frames_that_wait_for_their_tags_have_a_limit(recording: Recorder) -> None:
    for number in range(3 * QUEUE):
        recording.offer(frame(1 + number / 1000), S)
    recording.say(press(1, 'mug'))
    assert len(stored(recording)) == QUEUE


def test_frames_that_look_the_same_are_stored_once(recording: Recorder) -> None:
    recording.say(press(1, 'mug'))
    for number in range(5):
        recording.offer(Frame(2 * S + number, makers.flat(makers.RED)), LATE)
    stored(recording)
    makers.wait_for(lambda: recording.tick(LATE).duplicates == 4)
    assert recording.tick(LATE).stats.samples == 1


def test_close_writes_what_waits_and_takes_no_more(gated: GatedStore) -> None:
    recording = Recorder(gated)
    recording.say(press(1, 'mug'))
    for number in range(5):
        recording.offer(frame(1 + number / 100), S)  # not settled yet
    answer = recording.upload(makers.jpeg(makers.noise(1)), ('pen',), 'upload', S)
    recording.close()
    assert answer.result(0)
    assert len(snapshot(gated.root).samples) == 6
    with pytest.raises(RecognizerError):
        recording.upload(makers.jpeg(makers.noise(2)), ('pen',), 'upload', S).result(20)


def test_a_full_disk_is_shown_and_recording_goes_on_once_there_is_room(
        recording: Recorder, gated: GatedStore) -> None:
    recording.say(press(1, 'mug'))
    gated.reserve_bytes = 2**62
    recording.offer(frame(1.1), LATE)
    recording.offer(frame(1.2), LATE)
    makers.wait_for(lambda: recording.tick(LATE).dropped == 2)
    status = recording.tick(LATE)
    assert 'free some room' in status.error
    assert status.stats.samples == 0
    gated.reserve_bytes = 0
    recording.offer(frame(1.3), LATE)
    assert set(stored(recording)) == {1.3}
    status = recording.tick(LATE)
    assert (status.error, status.dropped, status.burst_samples) == ('', 2, 1)


def away(root: Path) -> Callable[[], object]:
    """Take the images away; return what brings them back."""
    elsewhere = root.with_name('elsewhere')
    root.rename(elsewhere)
    return lambda: elsewhere.rename(root)


def test_a_folder_that_vanishes_does_not_end_recording_for_good(recording: Recorder,
                                                                gated: GatedStore) -> None:
    recording.say(press(1, 'mug'))
    bring_back = away(gated.root)
    recording.offer(frame(1.1), LATE)
    makers.wait_for(lambda: recording.tick(LATE).dropped == 1)
    assert 'cannot write' in recording.tick(LATE).error
    with pytest.raises(DatasetError):
        recording.upload(makers.jpeg(makers.noise(1)), ('mug',), 'upload', S).result(20)
    bring_back()
    recording.offer(frame(1.2), LATE)
    assert set(stored(recording)) == {1.2}
    assert recording.tick(LATE).error == ''


def test_frames_held_back_keep_the_tags_of_their_capture(recording: Recorder) -> None:
    """All frames come two seconds late, while tags change every half second."""
    frames = [frame(1 + number / 10) for number in range(40)]
    for number in range(8):
        recording.say(press(1 + number / 2, f'tag {number}'))
    recording.say(release(5))
    for item in frames:
        recording.offer(item, item.stamp_ns + 2 * S)
        makers.wait_for(lambda: recording.tick(LATE).pending < QUEUE)
    found = stored(recording)
    assert {at: item.tags for at, item in found.items()} == {
        item.stamp_ns / S: (f'tag {(item.stamp_ns - S) // (S // 2)}',) for item in frames}
    assert len({item.burst for item in found.values()}) == 8


def test_frames_of_two_presses_may_come_mixed(recording: Recorder) -> None:
    recording.say(press(1, 'mug'))
    recording.say(press(2, 'pen'))
    for at_s in (1.5, 2.5, 1.6, 2.6, 1.7):
        recording.offer(frame(at_s), LATE)
    bursts = {at: item.burst for at, item in stored(recording).items()}
    assert len(set(bursts.values())) == 2
    assert bursts[1.5] == bursts[1.6] == bursts[1.7]


def test_a_jpeg_source_is_stored_as_it_came(recording: Recorder) -> None:
    recording.say(press(1, 'mug'))
    data = makers.jpeg(makers.noise(3))
    recording.offer(Frame(2 * S, data), LATE)
    assert stored(recording)[2.0].path.read_bytes() == data


def test_a_broken_file_costs_only_itself(recording: Recorder) -> None:
    recording.say(press(1, 'mug'))
    good = makers.jpeg(makers.noise(3))
    for number, data in enumerate((makers.jpeg(makers.noise(4)), good[:200], good)):
        recording.offer(Frame((2 + number) * S, data), LATE)
    assert set(stored(recording)) == {2.0, 4.0}
    makers.wait_for(lambda: recording.tick(LATE).dropped == 1)


def test_a_rate_limit_keeps_the_right_share(recording: Recorder) -> None:
    recording.config = replace(recording.config, rate_limit=10.0)
    recording.say(press(1, 'mug'))
    for number in range(60):  # 30 Hz, with jitter
        at_s = 1 + number / 30 + 0.003 * (-1) ** number
        recording.offer(Frame(int(at_s * S), makers.noise(number)), LATE)
        makers.wait_for(lambda: recording.tick(LATE).pending < QUEUE)
    assert 19 <= len(stored(recording)) <= 21
    status = recording.tick(LATE)
    assert status.skipped == 60 - status.stats.samples
    assert status.dropped == 0


def test_near_duplicates_are_left_out_and_a_new_press_begins_anew(recording: Recorder) -> None:
    recording.config = replace(recording.config, near_duplicates=4)
    first, second = makers.noise(1), makers.noise(2)
    almost = first.copy()
    almost[0, 0] += 1
    recording.say(press(1, 'mug'))
    for number, image in enumerate((first, almost, second, first)):
        recording.offer(Frame((2 + number) * S, image), LATE)
    recording.say(release(10))
    recording.say(press(11, 'mug'))
    recording.offer(Frame(12 * S, almost), LATE)
    assert set(stored(recording)) == {2.0, 4.0, 12.0}
    makers.wait_for(lambda: recording.tick(LATE).skipped == 1)
    assert recording.tick(LATE).duplicates == 1


def test_edits_take_their_turn_with_frames(recording: Recorder) -> None:
    recording.say(press(1, 'mug'))
    recording.offer(frame(2), LATE)
    [sample] = stored(recording).values()
    done = recording.submit(lambda store: store.edit(SetTags((sample.sha256,), ('pen',))))
    assert done.result(20).changed == 1
    assert recording.tick(LATE).stats.classes == ('pen',)


def test_an_edit_that_fails_tells_only_who_asked(recording: Recorder) -> None:
    done = recording.submit(lambda store: store.undo())
    with pytest.raises(DatasetError, match='nothing to undo'):
        done.result(20)
    assert recording.tick(LATE).error == ''
