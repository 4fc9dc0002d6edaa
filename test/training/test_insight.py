"""Review and advice on what a real learner has left on disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trainees
from trainees import HEAD, Trainee

from recognizer_ros.core.errors import ModelError
from recognizer_ros.core.insight import Kind
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import reader
from recognizer_ros.dataset.edits import SetSplit, SetTags
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.training import insight as insights
from recognizer_ros.training.insight import Insight


@pytest.fixture
def trainee(data: Path, backbone: str) -> Iterator[Trainee]:
    """That has learned two colours."""
    trainees.record(data, 'red', 'blue', images=6)
    with trainees.trainee(data, weights=backbone) as made:
        made.rest(HEAD)
        yield made


@pytest.fixture
def insight(trainee: Trainee) -> Insight:
    return Insight(trainee.data, trainee.registry)


def relabel(data: Path, ids: list[str], tag: str) -> None:
    with SampleStore(data) as store:
        store.edit(SetTags(tuple(ids), (tag,)), 0)


def held_out(data: Path) -> list[reader.Sample]:
    return list(reader.snapshot(data).part(Split.VALIDATION))


def test_the_table_is_that_of_the_live_version(trainee: Trainee, insight: Insight) -> None:
    found, live = insight.review(), trainee.registry.get(trainee.registry.live()).bundle
    assert found.labels == live.labels == ('blue', 'red')
    assert tuple(map(tuple, found.confusion.tolist())) == live.scores.confusion
    assert (found.model_version, found.dataset_revision) == (live.version, 4)
    assert set(found.ids) == {sample.sha256 for sample in held_out(trainee.data)}
    ids, scores = found.cell('red', 'red')
    assert len(ids) == found.confusion[1, 1]
    assert scores == sorted(scores, reverse=True)
    assert found.cell('red', 'green') == ([], [])


def test_it_is_of_the_tags_as_they_are_now(trainee: Trainee, insight: Insight) -> None:
    before = insight.review()
    wrong = [sample.sha256 for sample in held_out(trainee.data) if sample.tags == ('red',)][:2]
    with SampleStore(trainee.data) as store:  # else some would be needed for training
        store.edit(SetSplit(before.ids, Split.VALIDATION), 0)
    relabel(trainee.data, wrong[:1], 'blue')
    relabel(trainee.data, wrong[1:], 'green')  # which the live version does not know
    after = insight.review()
    assert after.labels == ('blue', 'red', 'green')
    assert after.confusion.sum() == before.confusion.sum()
    assert after.cell('blue', 'red')[0] == wrong[:1]
    assert after.cell('green', 'red')[0] == wrong[1:]
    assert after.dataset_revision > before.dataset_revision


def test_what_has_not_changed_is_not_computed_again(trainee: Trainee, insight: Insight) -> None:
    review, advised = insight.review(), insight.advise()
    assert insight.review() is review
    assert insight.advise() is advised
    trainees.record(trainee.data, 'red', bursts=1, images=8)  # two of them are new
    assert insight.advise() is not advised
    between = insight.review()
    trainee.rest(HEAD)  # another version, or at least more features
    assert insight.review() is not between


def test_advice_names_what_is_short(insight: Insight, trainee: Trainee) -> None:
    found = insight.advise()
    assert (found.dataset_revision, found.model_version) == (4, trainee.registry.live())
    few = [item for item in found.advice if item.kind == Kind.FEW_SAMPLES]
    assert {item.labels for item in few} == {('blue',), ('red',)}
    weights = [item.weight for item in found.advice]
    assert weights == sorted(weights, reverse=True)


def test_wrong_tags_are_found_by_the_features_on_disk(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue', bursts=4, images=8)
    wrong = [sample.sha256 for sample in reader.snapshot(data).samples
             if sample.tags == ('red',)][10:12]
    relabel(data, wrong, 'blue')
    with trainees.trainee(data, weights=backbone) as trainee:
        trainee.rest(HEAD)
        advised = Insight(data, trainee.registry).advise()
    [advice] = [item for item in advised.advice if item.kind == Kind.WRONG_TAGS]
    assert dict(zip(advice.samples, advice.suggestions, strict=True)) == dict.fromkeys(
        wrong, 'red')


def test_of_many_samples_as_many_of_each_class_are_compared(
        insight: Insight, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insights, 'MOST_ROWS', 6)
    insight._now()
    known = insight._known(reader.snapshot(insight._data).samples)
    assert [sample.tags for sample in known.samples] == [('blue',)] * 3 + [('red',)] * 3


def test_without_features_there_is_advice_by_counts_alone(trainee: Trainee, insight: Insight
                                                          ) -> None:
    before = insight.advise()
    trainee.learner.close()
    for file in (trainee.data / 'cache').iterdir():
        file.unlink()
    assert insight.review().confusion.sum() == 0
    assert {item.kind for item in insight.advise().advice} <= {
        item.kind for item in before.advice} - {Kind.WRONG_TAGS, Kind.CONFUSED_PAIR}


def test_a_damaged_file_of_features_is_as_good_as_none(trainee: Trainee, insight: Insight) -> None:
    trainee.learner.close()
    for file in (trainee.data / 'cache').glob('*.db'):
        file.write_bytes(b'no database' * 1000)
    assert insight.review().confusion.sum() == 0


def test_before_there_is_anything(data: Path) -> None:
    with trainees.trainee(data, weights='none') as trainee:
        insight = Insight(data, trainee.registry)
        assert insight.advise().advice == ()
        with pytest.raises(ModelError, match='nothing was learned yet'):
            insight.review()
        trainees.record(data, 'red', bursts=1)
        assert {item.kind for item in insight.advise().advice} == {Kind.FEW_SAMPLES,
                                                                   Kind.FEW_BURSTS}


def test_images_with_several_tags_have_no_table_but_advice(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue', 'red+blue')
    with trainees.trainee(data, weights=backbone) as trainee:
        trainee.rest(HEAD)
        insight = Insight(data, trainee.registry)
        with pytest.raises(ModelError, match='several tags'):
            insight.review()
        assert {item.kind for item in insight.advise().advice} <= {Kind.FEW_SAMPLES,
                                                                   Kind.ONE_LIGHT}
