import itertools
import time
from dataclasses import replace

import makers
import pytest

from recognizer_ros.core.errors import DatasetError, LabelError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.browse import Listed, Query, State, find, page
from recognizer_ros.dataset.edits import Delete, SetSplit, SetTags
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.reader import snapshot
from recognizer_ros.dataset.store import SampleStore


@pytest.fixture
def mixed(store: SampleStore) -> SampleStore:
    """72 samples of all kinds: shared and pinned bursts, several tags and none, stamps that come
    twice, some deleted, some set aside, one of them both."""
    for number, tags in enumerate([('mug',), ('pen',), ('mug', 'pen'), ('mug',), (), ('cup',)]):
        burst = store.begin_burst('test', tags)
        store.add([makers.sample(12 * number + index, tags, burst, 1 + (7 * index + number) % 40)
                   for index in range(12)])
    store.edit(SetTags(makers.names([3, 30, 50]), ('can', 'mug')))
    store.edit(SetSplit(makers.names([13]), Split.VALIDATION))
    for seed in (5, 17, 40):
        image_path(store.root, makers.name(seed)).unlink()
    store.close()
    store = SampleStore(store.root)
    store.edit(Delete(makers.names([0, 40, 41, 60, 61])))
    return store


def everything(store: SampleStore) -> list[Listed]:
    """All there is, one by one, newest first."""
    ids = dict(store._index.db.execute('SELECT sha256, id FROM samples'))
    return sorted((find(store.root, name) for name in ids),
                  key=lambda item: (item.stamp_ns, ids[item.sha256]), reverse=True)


def in_state(item: Listed, state: State) -> bool:
    return {State.NORMAL: not item.quarantined and not item.deleted,
            State.QUARANTINED: bool(item.quarantined), State.DELETED: item.deleted}[state]


def matches(item: Listed, query: Query) -> bool:
    """The same, said in the simplest way."""
    return (in_state(item, query.state)
            and (not query.tags or bool(set(query.tags) & set(item.tags)))
            and query.burst in (0, item.burst) and query.split in (None, item.split)
            and query.since_ns <= item.stamp_ns
            and (not query.until_ns or item.stamp_ns < query.until_ns))


def test_filters_in_all_combinations_find_what_a_look_at_each_sample_finds(
        mixed: SampleStore) -> None:
    with mixed:
        known = everything(mixed)
        assert len(known) == 72
        found = set[int]()
        for tags, burst, split, since_ns, until_ns, state in itertools.product(
                [(), ('mug',), ('can', 'pen'), ('unknown',)], [0, 1, 3, 99],
                [None, *Split], [0, 9], [0, 30], State):
            query = Query(tags, burst, split, since_ns, until_ns, state)
            expected = tuple(item for item in known if matches(item, query))
            result = page(mixed.root, query)
            assert (result.samples, result.total) == (expected, len(expected)), query
            assert result.revision == mixed.revision()
            found.add(result.total)
        assert len(found) > 15, 'the filters hardly differ'


@pytest.mark.parametrize('limit', [1, 7, 64, 1000])
def test_pages_together_are_all_samples_once(mixed: SampleStore, limit: int) -> None:
    with mixed:
        for query in (Query(), Query(('mug',)), Query(split=Split.TRAIN)):
            whole = page(mixed.root, replace(query, limit=1000))
            parts = [page(mixed.root, replace(query, offset=offset, limit=limit))
                     for offset in range(0, whole.total + limit, limit)]
            assert sum((part.samples for part in parts), ()) == whole.samples
            assert len(whole.samples) == whole.total > 0
            assert {part.total for part in parts} == {whole.total}
            assert parts[-1].samples == ()


def test_the_split_listed_is_the_one_that_training_sees(mixed: SampleStore) -> None:
    with mixed:
        seen = {item.sha256: item.split for item in snapshot(mixed.root).samples}
        assert set(seen.values()) == set(Split)
        for split in (None, *Split):
            listed = page(mixed.root, Query(split=split, limit=1000)).samples
            assert {item.sha256: item.split for item in listed if item.tags} == {
                name: value for name, value in seen.items() if split in (None, value)}


def test_all_that_is_known_of_a_sample(store: SampleStore) -> None:
    burst = store.begin_burst('test', ('pen', 'mug'), Split.VALIDATION)
    store.add([makers.sample(0, ('pen', 'mug'), burst, 5, 'upload')])
    expected = Listed(makers.name(0), ('mug', 'pen'), 5, burst, 'upload', Split.VALIDATION, True,
                      32, 24, '', False)
    assert page(store.root, Query()).samples == (expected,)
    assert find(store.root, makers.name(0)) == expected
    store.edit(Delete((makers.name(0),)))
    image_path(store.root, makers.name(0)).unlink()
    store.close()
    with SampleStore(store.root):
        assert find(store.root, makers.name(0)) == replace(
            expected, deleted=True, quarantined='the image file is missing')


def test_tags_are_found_however_they_are_written(mixed: SampleStore) -> None:
    with mixed:
        assert page(mixed.root, Query((' MUG',))) == page(mixed.root, Query(('mug',)))


@pytest.mark.parametrize(('query', 'error', 'said'), [
    (Query(limit=0), DatasetError, 'a page has 1 to 1000 samples and an offset from 0'),
    (Query(limit=1001), DatasetError, '1 to 1000'),
    (Query(offset=-1), DatasetError, 'offset from 0'),
    (Query(('a;b',)), LabelError, 'separator'),
])
def test_a_query_that_makes_no_sense_is_refused(store: SampleStore, query: Query,
                                                error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        page(store.root, query)


def test_where_there_is_nothing_nothing_is_found(store: SampleStore) -> None:
    result = page(store.root, Query())
    assert (result.samples, result.total, result.revision) == ((), 0, 0)
    with pytest.raises(DatasetError, match="no sample 'abc': list the samples anew"):
        find(store.root, 'abc')


LAST_PAGE = [Query(offset=99_900), Query(('mug', 'pen'), offset=49_900),
             Query(split=Split.TRAIN, offset=79_900), Query(('pen',), split=Split.VALIDATION),
             Query(since_ns=50_001, offset=49_900), Query(until_ns=50_001, offset=49_900),
             Query(burst=900), Query(state=State.DELETED), Query(state=State.QUARANTINED)]


def test_the_thousandth_page_comes_at_once(store: SampleStore) -> None:
    makers.fill(store, 100_000, 100, ('mug', 'pen', 'cup', 'can'))
    slowest_s = 0.0
    for query in LAST_PAGE:
        took_s = []
        for _ in range(3):
            start = time.perf_counter()
            result = page(store.root, query)
            took_s.append(time.perf_counter() - start)
        assert result.total == 0 if query.state else len(result.samples) == 100
        print(f'{min(took_s) * 1000:.1f} ms, {result.total} match: {query}')
        slowest_s = max(slowest_s, min(took_s))
    assert slowest_s < 0.5, 'ten times what it should take'
