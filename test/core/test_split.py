import random
from collections import Counter

import pytest

from recognizer_ros.core.split import Burst, Split, assign, share


def grow(bursts: list[tuple[tuple[str, ...], int]]) -> list[Burst]:
    """Assign bursts one after the other, each with its tags and number of samples."""
    found: list[Burst] = []
    for tags, size in bursts:
        found.append(Burst(assign(found, tags), Counter(dict.fromkeys(tags, size))))
    return found


def held_out(bursts: list[Burst], tag: str) -> float:
    held = sum(burst.counts[tag] for burst in bursts if burst.split == Split.VALIDATION)
    return held / sum(burst.counts[tag] for burst in bursts)


def test_the_first_burst_of_a_class_is_for_training_and_the_second_held_out() -> None:
    bursts = grow([(('mug',), 10), (('pen',), 10), (('mug',), 10), (('pen',), 10)])
    assert [burst.split for burst in bursts] == [Split.TRAIN] * 2 + [Split.VALIDATION] * 2


@pytest.mark.parametrize('seed', range(3))
def test_about_a_fifth_is_held_out_as_data_grows(seed: int) -> None:
    rng = random.Random(seed)
    bursts = grow([((rng.choice(['mug', 'pen', 'cup']),), rng.randint(5, 40))
                   for _ in range(300)])
    for tag in ('mug', 'pen', 'cup'):
        assert 0.17 < held_out(bursts, tag) < 0.23


def test_what_comes_later_does_not_move_an_earlier_burst() -> None:
    plan = [(('mug',), 10), (('mug',), 10), (('pen',), 3), (('mug', 'pen'), 8), (('pen',), 5)]
    whole = [burst.split for burst in grow(plan)]
    assert [[burst.split for burst in grow(plan[:end])] for end in range(len(plan) + 1)] == [
        whole[:end] for end in range(len(plan) + 1)]


def test_a_burst_with_a_new_class_is_for_training_whatever_else_it_shows() -> None:
    bursts = grow([(('mug',), 10), (('mug', 'pen'), 10)])
    assert bursts[1].split == Split.TRAIN


def test_a_class_known_only_from_held_out_samples_goes_to_training() -> None:
    earlier = [Burst(Split.VALIDATION, Counter(mug=10))]
    assert assign(earlier, ('mug',)) == Split.TRAIN


def test_several_tags_are_held_out_when_one_of_them_is_short() -> None:
    earlier = [Burst(Split.TRAIN, Counter(mug=10, pen=10)),
               Burst(Split.VALIDATION, Counter(mug=10))]
    assert assign(earlier, ('mug',)) == Split.TRAIN
    assert assign(earlier, ('mug', 'pen')) == Split.VALIDATION


def test_without_tags_it_is_for_training() -> None:
    assert assign([Burst(Split.TRAIN, Counter(mug=10))], ()) == Split.TRAIN


@pytest.mark.parametrize('count', [4, 5, 10, 20, 33, 100, 1000])
def test_a_shared_burst_ends_with_a_gap_and_a_fifth_held_out(count: int) -> None:
    parts = share(count)
    assert len(parts) == count
    assert parts == sorted(parts, key=[Split.TRAIN, Split.GAP, Split.VALIDATION].index)
    totals = Counter(parts)
    assert totals[Split.TRAIN] >= totals[Split.VALIDATION]
    assert totals[Split.GAP] >= 1
    assert abs(totals[Split.VALIDATION] - count / 5) < 1


@pytest.mark.parametrize('count', [0, 1, 2, 3])
def test_too_few_samples_are_not_shared(count: int) -> None:
    assert share(count) == [Split.TRAIN] * count
