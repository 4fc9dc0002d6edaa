import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Mapping

import pytest

from recognizer_ros.core.split import Burst, Split, assign, dominant, rebalance, share

TRAIN, HELD_OUT = Split.TRAIN, Split.VALIDATION


class Grown:
    """Bursts assigned one after the other."""

    def __init__(self, plan: list[tuple[tuple[str, ...], int]] | None = None) -> None:
        self.train: Counter[str] = Counter()
        self.held_out: Counter[str] = Counter()
        self.splits: list[Split] = []
        for tags, size in plan or []:
            self.splits.append(assign(self.train, self.held_out, tags))
            side = self.train if self.splits[-1] == TRAIN else self.held_out
            side.update(dict.fromkeys(tags, size))


def bursts(*given: tuple[Split, str] | tuple[Split, str, bool]) -> dict[int, Burst]:
    """Bursts from 1: split, a letter for each sample of a class, and whether it is pinned."""
    return {key: Burst(what[0], len(what) > 2 and bool(what[2]), Counter(what[1]))
            for key, what in enumerate(given, 1)}


def sides(given: Mapping[int, Burst]) -> dict[str, set[Split]]:
    found: dict[str, set[Split]] = defaultdict(set)
    for burst in given.values():
        for name in burst.counts:
            found[name].add(burst.split)
    return found


def moved(given: Mapping[int, Burst]) -> dict[int, Burst]:
    moves = rebalance(given)
    return {key: Burst(moves.get(key, burst.split), burst.pinned, burst.counts)
            for key, burst in given.items()}


def random_bursts(rng: random.Random) -> dict[int, Burst]:
    return {key: Burst(rng.choice([TRAIN, HELD_OUT]), rng.random() < 0.2,
                       {name: rng.choice([1, 2, 5, 40])
                        for name in rng.sample('abcd', rng.randint(0, 3))})
            for key in range(1, rng.randint(1, 9))}


def test_the_first_burst_of_a_class_is_for_training_and_the_second_held_out() -> None:
    grown = Grown([(('mug',), 10), (('pen',), 10), (('mug',), 10), (('pen',), 10)])
    assert grown.splits == [TRAIN] * 2 + [HELD_OUT] * 2


@pytest.mark.parametrize('seed', range(3))
def test_about_a_fifth_is_held_out_as_data_grows(seed: int) -> None:
    rng = random.Random(seed)
    grown = Grown([((rng.choice(['mug', 'pen', 'cup']),), rng.randint(5, 40))
                   for _ in range(300)])
    for tag in ('mug', 'pen', 'cup'):
        assert 0.17 < grown.held_out[tag] / (grown.held_out[tag] + grown.train[tag]) < 0.23


@pytest.mark.parametrize(('train', 'held_out', 'tags', 'expected'), [
    ({'mug': 10}, {}, ('mug', 'pen'), TRAIN),
    ({}, {'mug': 10}, ('mug',), TRAIN),
    ({'mug': 10, 'pen': 10}, {'mug': 10}, ('mug',), TRAIN),
    ({'mug': 10, 'pen': 10}, {'mug': 10}, ('mug', 'pen'), HELD_OUT),
    ({'mug': 10}, {}, (), TRAIN),
    ({'mug': 81}, {'mug': 19}, ('mug',), HELD_OUT),
    ({'mug': 80}, {'mug': 20}, ('mug',), TRAIN),
], ids=['a new class', 'known from held-out samples only', 'enough held out',
        'one of them is short', 'no tags', 'just under a fifth', 'a fifth'])
def test_which_bursts_are_held_out(train: dict[str, int], held_out: dict[str, int],
                                   tags: tuple[str, ...], expected: Split) -> None:
    assert assign(Counter(train), Counter(held_out), tags) == expected


def test_asking_changes_no_counts() -> None:
    train = Counter(mug=1)
    assign(train, Counter(), ('mug', 'pen'))
    assert train == Counter(mug=1)
    assert 'pen' not in train


@pytest.mark.parametrize(('given', 'expected'), [
    (bursts((TRAIN, 'a'), (HELD_OUT, 'a')), {}),
    (bursts((TRAIN, 'a'), (TRAIN, 'a'), (TRAIN, 'a')), {3: HELD_OUT}),
    (bursts((HELD_OUT, 'a'), (HELD_OUT, 'a'), (HELD_OUT, 'a')), {1: TRAIN}),
    (bursts((TRAIN, 'a')), {}),
    (bursts((HELD_OUT, 'a')), {1: TRAIN}),
    (bursts((HELD_OUT, 'a', True)), {}),
    (bursts((TRAIN, 'a'), (TRAIN, 'a', True)), {1: HELD_OUT}),
    (bursts((TRAIN, 'a', True), (TRAIN, 'a', True)), {}),
    (bursts((TRAIN, 'a'), (TRAIN, 'ab'), (HELD_OUT, 'b')), {1: HELD_OUT}),
    (bursts((TRAIN, 'ab'), (TRAIN, 'ab')), {2: HELD_OUT}),
    (bursts((TRAIN, 'a'), (HELD_OUT, '')), {}),
    (bursts((TRAIN, 'aa'), (TRAIN, 'a'), (TRAIN, 'aa')), {2: HELD_OUT}),
    (bursts((HELD_OUT, 'a'), (HELD_OUT, 'aa'), (HELD_OUT, 'a')), {2: TRAIN}),
    (bursts((TRAIN, 'a' * 8), (TRAIN, 'a')), {2: HELD_OUT}),
    (bursts((TRAIN, 'a' * 8), (TRAIN, 'a', True)), {}),
    (bursts((TRAIN, 'a' * 8), (TRAIN, 'abb'), (HELD_OUT, 'b')), {}),
    (bursts((TRAIN, 'a' * 9), (TRAIN, 'a')), {}),
    (bursts((TRAIN, 'a' * 9, True), (TRAIN, 'a')), {2: HELD_OUT}),
    (bursts((HELD_OUT, 'a' * 9), (HELD_OUT, 'a')), {1: TRAIN}),
    (bursts((HELD_OUT, 'a' * 9 + 'b'), (TRAIN, 'a'), (HELD_OUT, 'bb')), {3: TRAIN}),
    (bursts((HELD_OUT, 'a' * 9 + 'bb'), (TRAIN, 'a'), (HELD_OUT, 'b')), {1: TRAIN}),
], ids=['both sides', 'none held out', 'none for training', 'one burst', 'one burst, held out',
        'one burst, held out by a person', 'the last one is pinned', 'all pinned',
        'the last one would be missed', 'two classes at once', 'without tags', 'the smallest',
        'the largest', 'nearly all in one is not in question', 'too little would be left',
        'another class would have too little left', 'nearly all in one',
        'nearly all in a pinned one', 'nearly all in one, held out', 'the larger of two',
        'one that is shared anyway'])
def test_an_edit_moves_as_few_bursts_as_it_can(given: dict[int, Burst],
                                               expected: dict[int, Split]) -> None:
    assert rebalance(given) == expected


@pytest.mark.parametrize('seed', range(3))
def test_after_moving_no_class_lacks_a_side_that_one_more_move_could_give(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(200):
        check_moves(random_bursts(rng))


def check_moves(before: dict[int, Burst]) -> None:
    after = moved(before)
    assert rebalance(after) == {}
    shared = {name for name in 'abcd' if shares(before, name)}

    def well(given: Mapping[int, Burst]) -> set[tuple[str, Split]]:
        return {(name, side) for name, found in sides(given).items() for side in found
                if name not in shared or side == TRAIN}

    assert well(after) >= well(before)
    assert starved(after) <= starved(before)
    for key, burst in after.items():
        assert not burst.pinned or burst == before[key]
        if not burst.pinned:
            other = Burst(HELD_OUT if burst.split == TRAIN else TRAIN, False, burst.counts)
            further = {**after, key: other}
            assert not well(further) > well(after) or starved(further) & burst.counts.keys()


def shares(given: Mapping[int, Burst], name: str) -> bool:
    """The class lies in one burst, or one that is not pinned holds nearly all of it."""
    found = {key: burst.counts[name] for key, burst in given.items() if name in burst.counts}
    most = dominant(found)
    return len(found) == 1 or (most is not None and not given[most].pinned)


def starved(given: Mapping[int, Burst]) -> set[str]:
    """Classes with less than half of their samples for training."""
    held_out: Counter[str] = Counter()
    for burst in given.values():
        held_out.update({name: count if burst.split == HELD_OUT else -count
                         for name, count in burst.counts.items()})
    return {name for name, more in held_out.items() if more > 0}


def test_classes_with_bursts_of_their_own_always_get_both_sides() -> None:
    rng = random.Random(1)
    for _ in range(100):
        given = {key: Burst(rng.choice([TRAIN, HELD_OUT]), False,
                            {rng.choice('abc'): rng.choice([1, 2, 5, 40])})
                 for key in range(1, 10)}
        assert all(found == {TRAIN, HELD_OUT} for name, found in sides(moved(given)).items()
                   if not shares(given, name))


@pytest.mark.parametrize(('counts', 'expected'), [
    ({}, None), ({7: 1}, 7), ({7: 345, 8: 1}, 7), ({8: 1, 7: 9}, 7), ({8: 2, 7: 17}, None),
    ({1: 1, 2: 1, 3: 345, 4: 1}, 3), ({1: 1, 2: 1, 3: 345, 4: 1, 5: 1}, None)])
def test_a_burst_with_nearly_all_samples_of_a_class_is_found_among_few(
        counts: dict[int, int], expected: int | None) -> None:
    assert dominant(counts) == expected


@pytest.mark.parametrize('count', [*range(4, 60), 100, 1000, 12_345])
def test_a_shared_burst_ends_with_a_gap_and_a_fifth_held_out(count: int) -> None:
    parts = share(count)
    assert parts
    gap, held_out = parts
    assert 0 < gap < held_out < count
    assert gap >= count - held_out, 'more is held out than is for training'
    assert 0.13 * count < count - held_out < 0.33 * count


@pytest.mark.parametrize('count', [0, 1, 2, 3])
def test_too_few_samples_are_not_shared(count: int) -> None:
    assert share(count) is None


def test_the_parts_of_a_growing_burst_move_rarely_and_never_back() -> None:
    found = [parts for count in range(4, 10_000) if (parts := share(count))]
    assert all(now >= before for before, now in itertools.pairwise(found))
    assert len(set(found)) < 100
