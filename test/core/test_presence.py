from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recognizer_ros.core.config import ClassifierConfig
from recognizer_ros.core.labels import LabelMode
from recognizer_ros.core.presence import MAX_GAP_NS, Change, Presence, Rules, rules_of

RULES = Rules(min_frames=3, min_score=0.6)
STEP_NS = 100
MUG, CUP, NONE = {'mug': 0.75, 'cup': 0.25}, {'mug': 0.25, 'cup': 0.75}, {'mug': 0.5, 'cup': 0.5}
BOTH = {'mug': 0.75, 'cup': 0.75}


class Watcher:
    """Shows frames one step apart."""

    def __init__(self, mode: LabelMode = 'single', rules: Rules = RULES) -> None:
        self.presence, self.mode, self.rules, self.now_ns = Presence(), mode, rules, 10**18

    def show(self, scores: dict[str, float], times: int = 1, unknown: bool = False,
             step_ns: int = STEP_NS) -> list[Change]:
        found: list[Change] = []
        for _ in range(times):
            self.now_ns += step_ns
            found += self.presence.see(self.now_ns, scores, self.mode, self.rules, unknown)
        return found


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


def test_a_label_enters_after_so_many_frames_in_a_row_and_once(watcher: Watcher) -> None:
    assert watcher.show(MUG, 2) == []
    assert watcher.show(MUG) == [Change('entered', 'mug', 0.75)]
    assert watcher.show(MUG, 20) == []


def test_it_leaves_after_so_many_frames_without_it_and_once(watcher: Watcher) -> None:
    watcher.show(MUG, 11)
    assert watcher.show(NONE, 2) == []
    assert watcher.show(NONE) == [Change('left', 'mug', 0.5, duration_ns=10 * STEP_NS)]
    assert watcher.show(NONE, 20) == []


def test_a_flicker_neither_enters_nor_leaves(watcher: Watcher) -> None:
    for _ in range(5):
        assert watcher.show(MUG, 2) + watcher.show(NONE) == []
    watcher.show(MUG, 3)
    for _ in range(5):
        assert watcher.show(NONE, 2) + watcher.show(MUG) == []


def test_one_frame_can_be_enough() -> None:
    watcher = Watcher(rules=replace(RULES, min_frames=1))
    assert watcher.show(MUG) == [Change('entered', 'mug', 0.75)]
    assert watcher.show(NONE) == [Change('left', 'mug', 0.5)]


def test_a_score_at_the_limit_counts() -> None:
    assert Watcher(rules=replace(RULES, min_score=0.75)).show(MUG, 3)
    assert not Watcher(rules=replace(RULES, min_score=0.76)).show(MUG, 9)


def test_single_label_counts_the_best_and_multi_label_all() -> None:
    scores = {'mug': 0.9, 'cup': 0.8}
    single, multi = Watcher('single'), Watcher('multi')
    assert [change.label for change in single.show(scores, 9)] == ['mug']
    assert [change.label for change in multi.show(scores, 9)] == ['cup', 'mug']


def test_who_leaves_is_told_before_who_enters(watcher: Watcher) -> None:
    watcher.show(MUG, 3)
    assert [(change.event, change.label) for change in watcher.show(CUP, 3)] == [
        ('left', 'mug'), ('entered', 'cup')]


def test_an_unknown_image_shows_nothing(watcher: Watcher) -> None:
    assert watcher.show(MUG, 9, unknown=True) == []
    watcher.show(MUG, 3)
    assert watcher.show(MUG, 3, unknown=True) == [Change('left', 'mug', 0.75, 2 * STEP_NS)]


def test_labels_that_nobody_asked_for_are_not_told() -> None:
    watcher = Watcher('multi', replace(RULES, labels=frozenset({'cup', 'plate'})))
    assert [change.label for change in watcher.show(BOTH, 9)] == ['cup']


def test_a_swap_keeps_labels_that_live_on_and_ends_the_others() -> None:
    watcher = Watcher('multi')
    watcher.show(BOTH, 5)
    swapped = watcher.show({'mug': 0.7, 'plate': 0.7})
    assert swapped == [Change('left', 'cup', 0.0, 4 * STEP_NS)]
    assert watcher.show({'mug': 0.7, 'plate': 0.1}, 9) == []
    assert watcher.show(NONE, 3)[0].duration_ns == 14 * STEP_NS


def test_a_swap_does_not_begin_to_count_anew(watcher: Watcher) -> None:
    watcher.show(MUG, 2)
    assert watcher.show({'mug': 0.8, 'plate': 0.2}) == [Change('entered', 'mug', 0.8)]


def test_settings_count_from_the_next_frame_on(watcher: Watcher) -> None:
    watcher.show(MUG, 2)
    watcher.rules = replace(RULES, min_frames=5)
    assert watcher.show(MUG, 2) == []
    watcher.rules = replace(RULES, min_frames=2)
    assert [change.event for change in watcher.show(MUG)] == ['entered']
    watcher.rules = replace(RULES, min_score=0.9)
    assert [change.event for change in watcher.show(MUG, 3)] == ['left']


def test_a_label_of_no_interest_any_more_leaves_at_once(watcher: Watcher) -> None:
    watcher.show(MUG, 3)
    watcher.rules = replace(RULES, labels=frozenset({'cup'}))
    assert watcher.show(MUG) == [Change('left', 'mug', 0.75, 2 * STEP_NS)]


@pytest.mark.parametrize('step_ns', [0, STEP_NS, MAX_GAP_NS])
def test_slow_cameras_and_frames_without_stamps_count(watcher: Watcher, step_ns: int) -> None:
    assert [change.event for change in watcher.show(MUG, 3, step_ns=step_ns)] == ['entered']
    left = watcher.show(NONE, 3, step_ns=step_ns)
    assert left == [Change('left', 'mug', 0.5, 2 * step_ns)]


@pytest.mark.parametrize('jump_ns', [MAX_GAP_NS + 1, -1, -10**18], ids=['gap', 'late', 'set'])
def test_after_a_gap_or_a_jump_back_counting_begins_anew(watcher: Watcher, jump_ns: int) -> None:
    watcher.show(MUG, 2)
    assert watcher.show(MUG, step_ns=jump_ns) == []
    assert [change.event for change in watcher.show(MUG, 2)] == ['entered']
    watcher.show(NONE, 2)
    assert watcher.show(NONE, step_ns=jump_ns) == []
    assert watcher.show(NONE, 2) == [Change('left', 'mug', 0.5, 2 * STEP_NS)]


def test_what_is_there_stays_over_a_gap_which_is_no_part_of_its_duration(
        watcher: Watcher) -> None:
    watcher.show(MUG, 3)
    assert watcher.show(MUG, step_ns=10 * MAX_GAP_NS) == []
    watcher.show(MUG, 2)
    assert watcher.show(NONE, 3)[0].duration_ns == 4 * STEP_NS


@given(frames=st.lists(st.tuples(
    st.dictionaries(st.sampled_from('abcd'), st.sampled_from([0.0, 0.5, 1.0]), min_size=1),
    st.integers(-10, 2 * MAX_GAP_NS), st.sampled_from(['single', 'multi']), st.booleans(),
    st.integers(1, 3))))
def test_whatever_comes_each_label_enters_and_leaves_in_turn(
        frames: Iterable[tuple[dict[str, float], int, LabelMode, bool, int]]) -> None:
    presence, there, stamp_ns = Presence(), set(), 0
    for scores, step_ns, mode, unknown, min_frames in frames:
        stamp_ns += step_ns
        for change in presence.see(stamp_ns, scores, mode, Rules(min_frames, 0.5), unknown):
            assert (change.label in there) == (change.event == 'left')
            assert change.duration_ns >= 0
            there ^= {change.label}
        assert there <= scores.keys()
        assert there <= presence._stays.keys() <= scores.keys()


def test_rules_come_from_the_parameters() -> None:
    config = ClassifierConfig(events_min_frames=7, events_min_score=0.25,
                              events_labels=' Coffee  mug, grün;;')
    assert rules_of(config) == Rules(7, 0.25, frozenset({'coffee mug', 'grün'}))
    assert rules_of(ClassifierConfig()).labels == frozenset()
