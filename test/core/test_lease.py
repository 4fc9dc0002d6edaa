import pytest

from recognizer_ros.core.errors import LabelError
from recognizer_ros.core.lease import MAX_LEASE_NS, TagsMessage, TagTimeline

S = 10**9


def press(at_s: float, *tags: str, sender: str = 'web', lease_s: float = 10) -> TagsMessage:
    return TagsMessage(int(at_s * S), sender, tags or ('mug',), True, int(lease_s * S))


def release(at_s: float, sender: str = 'web') -> TagsMessage:
    return TagsMessage(int(at_s * S), sender, (), False, 0)


def timeline(*messages: TagsMessage) -> TagTimeline:
    line = TagTimeline()
    for message in messages:
        assert line.apply(message)
    return line


def tags_at(line: TagTimeline, at_s: float) -> tuple[str, ...] | None:
    interval = line.at(int(at_s * S))
    return interval.tags if interval else None


def press_at(line: TagTimeline, at_s: float) -> int | None:
    interval = line.at(int(at_s * S))
    return interval.press if interval else None


def test_nothing_is_in_force_before_anybody_speaks() -> None:
    assert tags_at(TagTimeline(), 1) is None


def test_tags_hold_from_the_stamp_of_the_press_to_that_of_the_release() -> None:
    line = timeline(press(1, 'Mug '), release(2))
    assert [tags_at(line, at) for at in (0.999, 1, 1.999, 2)] == [None, ('mug',), ('mug',), None]


def test_a_late_frame_gets_the_tags_of_its_capture() -> None:
    line = timeline(press(1, 'mug'), release(2), press(3, 'pen'), release(4))
    assert tags_at(line, 1.5) == ('mug',)
    assert tags_at(line, 2.5) is None
    assert tags_at(line, 3.5) == ('pen',)


def test_a_lease_lapses_by_itself() -> None:
    line = timeline(press(1, lease_s=2))
    assert tags_at(line, 2.999) == ('mug',)
    assert tags_at(line, 3) is None


def test_a_lease_has_a_longest_time() -> None:
    line = timeline(press(1, lease_s=100_000))
    longest_s = MAX_LEASE_NS / S
    assert tags_at(line, longest_s + 0.9) == ('mug',)
    assert tags_at(line, longest_s + 1) is None


def test_renewals_keep_one_press() -> None:
    line = timeline(press(1, lease_s=2), press(2, lease_s=2), press(3.5, lease_s=2))
    assert {press_at(line, at) for at in (1, 2.5, 3.4, 5.4)} == {1}
    assert tags_at(line, 5.5) is None


def test_renewed_after_it_lapsed_is_a_new_press_with_a_gap() -> None:
    line = timeline(press(1, lease_s=2), press(4, lease_s=2))
    assert [press_at(line, at) for at in (2, 3.5, 4)] == [1, None, 2]


def test_other_tags_while_held_are_a_new_press() -> None:
    line = timeline(press(1, 'mug'), press(2, 'mug', 'pen'))
    assert (press_at(line, 1.9), tags_at(line, 1.9)) == (1, ('mug',))
    assert (press_at(line, 2), tags_at(line, 2)) == (2, ('mug', 'pen'))


def test_another_sender_does_not_change_or_end_what_is_held() -> None:
    line = timeline(press(1, 'mug'), press(2, 'pen', sender='joystick'),
                    release(3, sender='joystick'), release(4))
    assert [tags_at(line, at) for at in (1.5, 2.5, 3.5, 4)] == [('mug',)] * 3 + [None]


def test_another_sender_that_still_holds_takes_over_at_the_release() -> None:
    line = timeline(press(1, 'mug'), press(2, 'pen', sender='joystick'), release(3))
    assert tags_at(line, 2.9) == ('mug',)
    assert tags_at(line, 3) == ('pen',)


def test_another_sender_takes_over_when_the_lease_lapses() -> None:
    line = timeline(press(1, 'mug', lease_s=2), press(2, 'pen', sender='joystick'))
    assert tags_at(line, 2.9) == ('mug',)
    assert tags_at(line, 3) == ('pen',)


def test_changing_tags_does_not_give_record_to_another_sender() -> None:
    line = timeline(press(1, 'mug'), press(2, 'pen', sender='joystick'), press(3, 'cup'),
                    release(4))
    assert [tags_at(line, at) for at in (2.5, 3.5, 4.5)] == [('mug',), ('cup',), ('pen',)]


def test_messages_out_of_order_do_not_count() -> None:
    line = timeline(press(1, 'mug'), release(3))
    assert not line.apply(press(2, 'pen'))
    assert not line.apply(release(3))
    assert tags_at(line, 2.5) == ('mug',)
    assert tags_at(line, 3.5) is None


def test_order_counts_for_each_sender_alone() -> None:
    line = timeline(press(5, 'pen', sender='joystick'), press(1, 'mug', lease_s=2))
    assert tags_at(line, 1.5) == ('mug',)
    assert tags_at(line, 5.5) == ('pen',)


def test_a_release_without_a_press_does_nothing() -> None:
    line = timeline(release(1), press(2))
    assert (tags_at(line, 1.5), tags_at(line, 2)) == (None, ('mug',))


@pytest.mark.parametrize(('message', 'said'), [
    (TagsMessage(0, 'web', ('mug',), True, S), 'without a stamp'),
    (TagsMessage(-S, 'web', ('mug',), True, S), 'without a stamp'),
    (TagsMessage(S, '', ('mug',), True, S), 'without a sender'),
    (TagsMessage(S, 'web', (), True, S), 'without tags'),
    (TagsMessage(S, 'web', (' ', ''), True, S), 'without tags'),
    (TagsMessage(S, 'web', ('mug',), True, 0), 'without a lease'),
    (TagsMessage(S, 'web', ('mug',), True, -1), 'without a lease'),
    (TagsMessage(S, 'web', ('a,b',), True, S), 'separator'),
    (TagsMessage(S, 'web', ('x' * 65,), False, 0), 'too long'),
])
def test_a_message_that_breaks_the_rules_is_refused_and_changes_nothing(
        message: TagsMessage, said: str) -> None:
    line = timeline(press(0.5, 'cup', lease_s=1))
    with pytest.raises(LabelError, match=said):
        line.apply(message)
    assert tags_at(line, 1.2) == ('cup',)
    assert tags_at(line, 1.6) is None


def test_the_distant_past_is_forgotten_and_the_present_kept() -> None:
    line = TagTimeline()
    for second in range(1, 1001):
        line.apply(press(second, f'tag {second}', sender=f'sender {second}', lease_s=1))
    assert tags_at(line, 1) is None
    assert tags_at(line, 999.5) == ('tag 999',)


def test_the_one_who_holds_record_may_change_tags_for_ever() -> None:
    line = timeline(*(press(second, f'tag {second % 7}') for second in range(1, 1001)))
    assert tags_at(line, 1000.5) == ('tag 6',)
