"""What a learner makes of a data set; each test begins with images on disk."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import makers
import numpy as np
import pytest
import trainees
from trainees import FINETUNE, HEAD, trainee

from recognizer_ros.core import bundle
from recognizer_ros.core.errors import ExportError, NetError, WeightsError
from recognizer_ros.dataset import reader
from recognizer_ros.inference import model as models
from recognizer_ros.inference.head import Head, from_bytes
from recognizer_ros.registry.store import Version
from recognizer_ros.training import frozen, head
from recognizer_ros.training.export import OnnxExporter
from recognizer_ros.training.lanes import Lanes
from recognizer_ros.training.progress import Phase


def answer(version: Version, label: str) -> tuple[str, ...]:
    """What a stored version says of an image that it has not seen: the label with the highest
    score, or all with at least one half."""
    model = models.load(lambda: version.backbone, version.head_bytes(), version.bundle)
    scores = model.scores(trainees.coloured(label, 999))
    if version.bundle.label_mode == 'single':
        return (version.bundle.labels[int(scores.argmax())],)
    return tuple(name for name, score in zip(version.bundle.labels, scores, strict=True)
                 if score >= 0.5)


def blind_head(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the head stage find a head that always answers the first label."""
    monkeypatch.setattr(head, 'fit', lambda rows, samples, labels, mode, start: Head(
        np.zeros((len(labels), rows.shape[1]), np.float32),
        -np.arange(len(labels), dtype=np.float32)))


def test_it_waits_while_there_is_no_data(data: Path) -> None:
    with trainee(data) as one:
        assert not one.step()
        assert (one.seen.last.phase, one.seen.last.message) == (
            Phase.WAITING, 'waits for recorded images with tags')


def test_it_waits_while_no_image_has_a_tag(data: Path) -> None:
    trainees.record(data, 'red', tags={'red': ()})
    with trainee(data) as one:
        one.rest()
        assert one.seen.last.message == 'waits for recorded images with tags'


def test_it_waits_for_a_second_class_and_goes_on_when_it_comes(data: Path, backbone: str) -> None:
    trainees.record(data, 'red')
    with trainee(data, weights=backbone) as one:
        one.rest()
        assert one.seen.last.message == 'waits for a second class: only red is recorded so far'
        trainees.record(data, 'blue')
        assert one.step()
        assert one.seen.versions[0].bundle.labels == ('blue', 'red')


def test_it_waits_for_images_without_a_class_that_all_show(data: Path) -> None:
    trainees.record(data, 'red+blue', 'red')
    with trainee(data) as one:
        one.rest()
        assert one.seen.last.phase == Phase.WAITING
        assert one.seen.last.message == 'waits for images without red: all recorded ones show it'


def test_the_first_version_is_a_head_that_tells_the_classes(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'green', 'blue')
    with trainee(data, weights=backbone) as one:
        assert one.step()
        version, = one.seen.versions
        made = version.bundle
        assert (made.version, made.parent, made.stage, made.net) == (1, 0, 'head', trainees.NET)
        assert (made.labels, made.label_mode) == (('blue', 'green', 'red'), 'single')
        assert (made.preprocessing.width, made.preprocessing.height) == (
            trainees.WIDTH, trainees.HEIGHT)
        assert made.dataset_revision == reader.revision(data)
        assert (made.scores.samples, made.scores.accuracy) == (12, 1)
        assert one.registry.live() == 1
        for label in made.labels:
            assert answer(version, label) == (label,)


def test_fine_tuning_makes_the_next_version_when_it_is_better(
        data: Path, backbone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    blind_head(monkeypatch)
    trainees.record(data, 'red', 'blue', images=8)
    with trainee(data, weights=backbone, learning_rate=0.02, patience=60) as one:
        one.until(lambda: len(one.seen.versions) == 2)
        first, second = (version.bundle for version in one.seen.versions)
        assert (first.stage, second.stage, second.parent) == ('head', 'finetune', 1)
        assert second.scores.accuracy > first.scores.accuracy == 0.5
        assert second.backbone_sha256 != first.backbone_sha256
        assert one.registry.live() == 2


def test_both_stages_tell_what_is_unknown_if_enough_is_held_out(
        data: Path, backbone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trainees.record(data, 'red', 'blue', images=9)
    with trainee(data, weights=backbone, learning_rate=0.02, patience=60) as one:
        one.step(stages=HEAD)
        blind_head(monkeypatch)
        trainees.record(data, 'green', images=9)
        one.until(lambda: one.seen.stages == ['head', 'head', 'finetune'])
        few, head_stage, finetuned = (from_bytes(version.head_bytes()).reject
                                      for version in one.seen.versions)
    assert few is None
    assert head_stage
    assert finetuned
    np.testing.assert_array_equal(head_stage.counts, [27, 27, 27])
    np.testing.assert_array_equal(finetuned.counts, [27, 27, 27])
    assert not np.array_equal(head_stage.basis, finetuned.basis)


def test_an_equal_score_makes_no_new_version(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone, patience=3) as one:
        one.rest()
        assert one.seen.last.phase == Phase.DONE
        assert max(item.epoch for item in one.seen.history) >= 3
        assert one.seen.stages == ['head']
        assert one.registry.numbers() == [1]


def test_epochs_are_limited(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone, epochs=2) as one:
        one.rest()
        assert max(item.epoch for item in one.seen.history) == 2
        trainees.record(data, 'green')
        one.rest()
        later = [item.epoch for item in one.seen.history if item.phase == Phase.FINETUNE
                 and 'green' in item.classes]
        assert max(later) == 2, 'a new class is fine-tuned anew'


def test_a_new_run_counts_its_own_epochs(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone, epochs=3) as one:
        one.rest()
        one.seen.history.clear()
        one.learner.begin(trainees.config(data, weights=backbone, epochs=1))
        one.rest(stages=FINETUNE)
        epochs = {item.epoch for item in one.seen.history if item.phase == Phase.FINETUNE}
        assert epochs == {1}


def test_a_class_recorded_later_is_known_to_the_next_version(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'yellow')
    with trainee(data, weights=backbone) as one:
        one.until(lambda: one.seen.versions, HEAD)
        one.step()
        trainees.record(data, 'blue')
        one.until(lambda: len(one.seen.versions) == 2)
        first, version = one.seen.versions
        assert version.bundle.labels == ('red', 'yellow', 'blue'), 'known ones keep their place'
        assert version.bundle.reason == 'it knows blue'
        assert version.backbone.samefile(first.backbone), 'only the head is new'
        for label in version.bundle.labels:
            assert answer(version, label) == (label,)


def test_a_class_recorded_during_an_epoch_is_learned_at_once(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue', images=8)
    with trainee(data, weights=backbone) as one:
        one.until(lambda: one.seen.versions)
        asked: list[None] = []

        def record_green() -> bool:
            asked.append(None)
            if len(asked) == 1:
                trainees.record(data, 'green')
            return False

        assert one.step(stop=record_green)
        assert len(asked) < 8, 'the epoch was left'
        assert one.step()
        assert one.seen.versions[-1].bundle.labels == ('blue', 'red', 'green')


def test_as_many_classes_with_other_names_get_a_version_with_the_right_ones(
        data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone) as one:
        one.until(lambda: one.seen.versions)
        assert one.seen.versions[0].bundle.labels == ('blue', 'red')
        trainees.record(data, 'blue', tags={'blue': ('sky',)})  # the same images
        one.until(lambda: len(one.seen.versions) == 2)
        version = one.seen.versions[1]
        assert version.bundle.labels == ('red', 'sky')
        assert answer(version, 'blue') == ('sky',)
        assert answer(version, 'red') == ('red',)
        assert answer(one.registry.get(1), 'blue') == ('blue',)


def test_an_epoch_that_is_left_makes_no_version_and_does_not_count(
        data: Path, backbone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    blind_head(monkeypatch)
    trainees.record(data, 'red', 'blue', images=8)
    with trainee(data, weights=backbone, epochs=1, learning_rate=0.05) as one:
        one.until(lambda: one.seen.versions)
        for images in (4, 8, 12):  # it goes on where it was left
            assert one.step(stop=lambda: True)
            assert (one.seen.last.epoch, one.seen.last.epoch_images) == (1, images)
        assert one.seen.stages == ['head']
        one.rest()
        assert max(item.epoch for item in one.seen.history) == 1


def test_a_head_that_is_left_is_fitted_the_next_time(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue', images=10)
    with trainee(data, weights=backbone) as one:
        assert one.step(stop=lambda: True)
        assert one.seen.versions == []
        assert one.step()
        assert one.seen.stages == ['head']


def test_damaged_and_deleted_images_among_good_ones_are_passed_over(
        data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue', images=6)
    samples = reader.snapshot(data).samples
    samples[0].path.write_bytes(b'damaged')
    samples[1].path.unlink()
    samples[-1].path.write_bytes(b'')
    with trainee(data, weights=backbone, epochs=1) as one:
        one.rest()
        assert one.seen.last.phase == Phase.DONE
        assert one.seen.versions[0].bundle.scores.samples == 11
        assert one.seen.versions[0].bundle.scores.accuracy == 1
        assert {item.images for item in one.seen.history if item.phase == Phase.FINETUNE} == {10}


def test_an_image_that_is_damaged_between_epochs_does_not_end_training(
        data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone) as one:
        one.step(stages=FINETUNE)
        for sample in reader.snapshot(data).samples[:3]:
            sample.path.unlink()
        assert one.step(stages=FINETUNE)


def test_what_cannot_be_used_is_told_and_used_again_when_repaired(data: Path,
                                                                  backbone: str) -> None:
    trainees.record(data, 'red', 'blue', images=6)
    bad = reader.snapshot(data).samples[0]
    whole = bad.path.read_bytes()
    bad.path.write_bytes(b'damaged')
    with trainee(data, weights=backbone, epochs=1) as one:
        one.rest()
        assert [list(found) for found in one.seen.left_out] == [[bad.sha256]]
        assert 'the image is damaged' in one.seen.left_out[0][bad.sha256]
        bad.path.write_bytes(whole)
        one.seen.history.clear()
        trainees.record(data, 'green', images=6)
        one.rest()
        assert len(one.seen.left_out) == 1
        assert {item.images for item in one.seen.history if item.phase == Phase.FINETUNE} == {18}


def test_a_restart_goes_on_from_the_live_version(data: Path, backbone: str) -> None:
    trainees.record(data, 'yellow', 'red')
    with trainee(data, weights=backbone) as one:
        one.until(lambda: one.seen.versions)
        first = one.seen.versions[0].bundle
    with trainee(data) as two:  # without the file: the version has all weights
        assert two.step()
        assert two.seen.history[0].live_version == 1
        trainees.record(data, 'blue')
        two.until(lambda: two.seen.versions and len(two.seen.versions[-1].bundle.labels) == 3)
        made = two.seen.versions[-1].bundle
        assert made.version == made.parent + 1 > 1
        assert made.labels == (*first.labels, 'blue')
        assert made.backbone_sha256 == first.backbone_sha256


def test_another_net_is_trained_while_the_old_model_stays_until_it_is_beaten(
        data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone) as one:
        one.until(lambda: one.seen.versions)
    with trainee(data, net='squeezenet1_1', net_width=32, net_height=32, patience=2) as two:
        two.rest()
        assert max(item.epoch for item in two.seen.history) >= 2
        assert two.registry.live() == 1, 'a score of 1 cannot be beaten'
        trainees.record(data, 'green')
        two.until(lambda: two.registry.live() != 1)
        made = two.registry.get(two.registry.live()).bundle
        assert (made.net, made.parent) == ('squeezenet1_1', 1)
        assert made.labels == ('blue', 'red', 'green')


def test_a_version_that_a_person_activates_is_where_it_goes_on(data: Path,
                                                               backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone) as one:
        one.until(lambda: one.seen.versions)
        trainees.record(data, 'green')
        one.until(lambda: len(one.seen.versions) == 2)
        one.registry.activate(1)
        one.rest()
        assert one.registry.live() == 1, 'it stays'
        assert one.seen.last.message == (
            'version 1 was activated by hand and stays until there is new data')
        trainees.record(data, 'yellow')
        one.until(lambda: len(one.seen.versions) == 3)
        made = one.seen.versions[2].bundle
        assert (made.parent, made.labels) == (1, ('blue', 'red', 'green', 'yellow'))


def test_a_damaged_live_version_is_replaced(data: Path, backbone: str,
                                            caplog: pytest.LogCaptureFixture) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone) as one:
        one.until(lambda: one.seen.versions)
        version = one.seen.versions[0]
    version.weights.write_bytes(b'')
    version.backbone.write_bytes(b'')
    with caplog.at_level(logging.WARNING), trainee(data, weights=backbone) as two:
        two.until(lambda: two.seen.versions)
        assert two.seen.versions[0].bundle.reason == 'the live version cannot be used any more'
        assert answer(two.seen.versions[0], 'red') == ('red',)
    assert 'training begins anew' in caplog.text


@pytest.mark.parametrize('name', [bundle.BACKBONE, bundle.WEIGHTS, bundle.HEAD])
def test_a_damaged_file_of_the_live_version_is_not_handed_on(data: Path, backbone: str,
                                                             name: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone) as one:
        one.until(lambda: one.seen.versions)
        path = one.seen.versions[0].folder / name
    *kept, last = path.read_bytes()
    path.write_bytes(bytes([*kept, last ^ 1]))
    with trainee(data, weights=backbone) as two:
        two.until(lambda: two.seen.versions)
        assert two.seen.versions[0].is_whole()
        assert answer(two.seen.versions[0], 'red') == ('red',)


def test_after_a_restart_the_live_version_is_scored_on_all_that_is_held_out(
        data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue', images=20)
    with trainee(data, weights=backbone) as one:
        one.until(lambda: one.seen.versions)
    with trainee(data, weights=backbone, batch_size=40) as two:
        two.until(lambda: two.seen.history and two.seen.last.epoch == 2)
        assert two.seen.last.best_accuracy == 1


def test_of_many_images_each_class_is_learned_at_once_also_a_rare_one(
        data: Path, backbone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frozen, '_AT_ONCE', 8)
    monkeypatch.setattr(frozen, '_OF_EACH', 5)
    trainees.record(data, 'blue', images=61)
    trainees.record(data, 'red', images=1)
    with trainee(data, weights=backbone) as one:
        assert one.step()
        version, = one.seen.versions
        assert version.bundle.scores.samples == 6, 'five blue ones, one red one'
        assert [answer(version, label) for label in ('red', 'blue')] == [('red',), ('blue',)]


def test_the_first_image_with_two_tags_turns_to_several_labels(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'green', 'blue')
    with trainee(data, weights=backbone) as one:
        one.until(lambda: one.seen.versions)
        assert one.step(), 'fine-tuning is under way'
        trainees.record(data, 'red+blue', bursts=8)  # so many that some are held out
        one.until(lambda: len(one.seen.versions) == 2)
        version = one.seen.versions[1]
        assert (version.bundle.label_mode, one.seen.last.label_mode) == ('multi', 'multi')
        assert version.bundle.labels == ('blue', 'green', 'red')
        assert set(answer(version, 'red+blue')) == {'red', 'blue'}
        assert version.bundle.scores.mode == 'multi'


def test_images_with_several_tags_and_one_label_mode_are_explained(data: Path) -> None:
    trainees.record(data, 'red', 'blue', 'red+blue')
    with trainee(data, label_mode='single') as one:
        one.rest()
        assert one.seen.last.phase == Phase.WAITING
        assert one.seen.last.message == ('some images have several tags: set label_mode to multi '
                                         'or auto, or give each image one tag')


def test_several_labels_may_be_asked_for(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone, label_mode='multi') as one:
        one.until(lambda: one.seen.versions)
        version = one.seen.versions[0]
        assert version.bundle.label_mode == 'multi'
        assert answer(version, 'red') == ('red',)


def test_a_failed_export_is_an_error_and_the_next_try_makes_the_version(
        data: Path, backbone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trainees.record(data, 'red', 'blue')

    def fail(*_: object) -> None:
        raise ExportError('no')

    with trainee(data, weights=backbone) as one:
        with monkeypatch.context() as patch:
            patch.setattr(OnnxExporter, 'prepare', fail)
            for _ in range(2):
                with pytest.raises(ExportError):
                    one.step()
        assert one.registry.numbers() == []
        one.until(lambda: one.seen.versions)
        assert one.registry.live() == 1


def test_a_failed_version_with_a_new_class_leaves_the_known_ones_as_they_were(
        data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone) as one:
        one.until(lambda: one.seen.versions)
        trainees.record(data, 'green')
        in_the_way = makers.photo(data / 'models' / '.new-2', b'')
        with pytest.raises(Exception, match='cannot write to'):
            one.step()
        in_the_way.unlink()
        one.until(lambda: len(one.seen.versions) == 2)
        version = one.seen.versions[1]
        assert version.bundle.labels == ('blue', 'red', 'green')
        assert {answer(version, label) for label in ('red', 'blue')} == {('red',), ('blue',)}


def test_old_versions_are_removed(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone, keep_versions=2) as one:
        one.until(lambda: one.seen.versions)
        for number, label in enumerate(('green', 'yellow'), 2):
            trainees.record(data, label)
            one.until(lambda number=number: len(one.seen.versions) == number)
        assert one.registry.numbers() == [2, 3]


def test_an_unknown_net_is_refused_at_once(data: Path) -> None:
    with pytest.raises(NetError, match='unknown net'):
        trainees.Trainee(data, net='resnet81')


def test_weights_of_another_net_are_an_error_that_can_be_tried_again(data: Path,
                                                                     backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone, net='squeezenet1_1', net_width=32, net_height=32) as one:
        for _ in range(2):
            with pytest.raises(WeightsError, match='does not hold weights of squeezenet1_1'):
                one.step()


def test_progress_tells_the_classes_and_how_far_it_is(data: Path, backbone: str) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone, epochs=1) as one:
        one.rest()
        phases = list(dict.fromkeys(item.phase for item in one.seen.history))
        assert phases == [Phase.WAITING, Phase.HEAD, Phase.EXPORT, Phase.FINETUNE, Phase.DONE]
        tuning = [item for item in one.seen.history if item.phase == Phase.FINETUNE]
        assert [(item.epoch_images, item.images) for item in tuning] == [(4, 8), (8, 8)]
        assert tuning[-1].eta_s == 0
        assert tuning[-1].loss is not None
        last = one.seen.last
        assert (last.classes, last.class_samples) == (('blue', 'red'), (4, 4))
        assert (last.live_version, last.best_accuracy) == (1, 1)


def test_a_head_is_published_while_a_step_of_fine_tuning_is_under_way(
        data: Path, backbone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trainees.record(data, 'red', 'blue')
    with trainee(data, weights=backbone) as one, ThreadPoolExecutor(1) as executor:
        one.rest(HEAD)
        published, begun = threading.Event(), False

        def behind(work: Callable[[], Any]) -> 'Future[Any]':
            nonlocal begun
            if not begun:
                trainees.record(data, 'green')
                begun = True
            return executor.submit(lambda: published.wait(20) and work())

        monkeypatch.setattr(one.learner, '_lanes', Lanes(behind))
        monkeypatch.setattr(one.seen, 'told', lambda progress: progress.live_version == 2
                            and published.set())
        one.step(stages=FINETUNE)
        assert begun
        assert published.is_set(), 'it did not wait for the step'
        assert one.seen.versions[1].bundle.labels == ('blue', 'red', 'green')


def test_random_views_are_embedded_when_there_is_nothing_else_to_do(
        data: Path, backbone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    trainees.record(data, 'red', 'blue')
    rows: list[int] = []
    fit = head.fit
    monkeypatch.setattr(head, 'fit', lambda given, *rest: rows.append(len(given)) or fit(
        given, *rest))
    with trainee(data, weights=backbone, augmentation=True) as one:
        one.rest(HEAD)
    assert rows == [8, 16]


def test_a_restart_goes_on_with_the_epoch(data: Path, backbone: str,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    blind_head(monkeypatch)
    trainees.record(data, 'red', 'blue', images=8)
    settings: dict[str, Any] = {'weights': backbone, 'learning_rate': 0.02, 'patience': 60}
    with trainee(data, **settings) as one:
        one.until(lambda: 'finetune' in one.seen.stages)
        epoch = one.seen.last.epoch
        score = one.seen.versions[-1].bundle.scores.headline
    with trainee(data, **settings) as two:
        two.until(lambda: len(two.seen.history) and two.seen.last.epoch > epoch)
        tuning = [item for item in two.seen.history if item.phase == Phase.FINETUNE]
        assert tuning[0].epoch == epoch + 1
        assert two.seen.last.best_accuracy >= score


def test_a_restart_on_the_same_data_makes_no_version(data: Path, backbone: str) -> None:
    trainees.record(data, 'blue', 'red')
    with trainee(data, weights=backbone) as first:
        assert first.step(stages=HEAD)
        assert len(first.seen.versions) == 1
    with trainee(data, weights=backbone) as second:
        second.rest(HEAD)
        assert second.seen.versions == []
