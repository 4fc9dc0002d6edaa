"""What training leaves out is set aside by the recorder, over DDS."""

from pathlib import Path

import pytest
import trainees
from ros_graph import ACTIVATE, DEACTIVATE, Graph, Heard, wait_for

from recognizer_ros.core.split import Split
from recognizer_ros.dataset import reader
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.msg import DatasetStatus, TrainingStatus
from recognizer_ros.nodes import qos
from recognizer_ros.nodes.recorder import Recorder
from recognizer_ros.nodes.trainer import Trainer
from recognizer_ros.srv import EditSamples, ListSamples

SMALL = {'net': trainees.NET, 'weights': 'none', 'net_width': trainees.WIDTH,
         'net_height': trainees.HEIGHT, 'augmentation': False, 'workers': 1, 'epochs': 1,
         'threads': 1, 'background': False, 'batch_size': 4}
REASONS = ('the image is damaged: send it again, or save it anew with an image program',
           'the image file is missing')


class Watched:
    """A recorder and a trainer on one folder, in which two images are unusable."""

    def __init__(self, graph: Graph, data: Path) -> None:
        self.graph, self.data = graph, data
        trainees.record(data, 'red', 'blue', images=6)
        self.bad, self.gone = reader.snapshot(data).part(Split.TRAIN)[:2]
        self.whole = {item: item.path.read_bytes() for item in (self.bad, self.gone)}
        self.bad.path.write_bytes(b'rubbish')
        self.dataset: Heard = graph.listen(DatasetStatus, 'dataset', qos.LATCHED)
        self.training: Heard = graph.listen(TrainingStatus, 'training', qos.LATCHED)

    def delete(self) -> None:
        """A recorder that starts would find it by itself: do it afterwards."""
        self.gone.path.unlink()

    def aside(self) -> dict[str, str]:
        answer = self.graph.call(ListSamples, 'list_samples', ListSamples.Request(
            state=ListSamples.Request.STATE_QUARANTINED))
        assert all(sample.quarantined for sample in answer.samples)
        return {sample.id: sample.reason for sample in answer.samples}

    def wait_learned(self, revision: int) -> TrainingStatus:
        wait_for(lambda: self.training and self.training[-1].dataset_revision >= revision
                 and self.training[-1].state == TrainingStatus.STATE_DONE)
        return self.training[-1]

    def expected(self) -> dict[str, str]:
        return dict(zip((self.bad.sha256, self.gone.sha256), REASONS, strict=True))


@pytest.fixture
def watched(graph: Graph, tmp_path: Path) -> Watched:
    return Watched(graph, tmp_path / 'data')


def tagged(samples: list[Sample], label: str) -> int:
    return sum(label in sample.tags for sample in samples)


def shown(graph: Graph) -> dict[str, str]:
    return {item.key: item.value for item in graph.diagnosed('trainer', '').values}


@pytest.mark.slow
def test_unusable_images_are_set_aside_and_used_again_when_repaired(graph: Graph,
                                                                    watched: Watched) -> None:
    data = str(watched.data)
    graph.start(Recorder, data=data)
    watched.delete()
    graph.start(Trainer, data=data, **SMALL)
    wait_for(lambda: watched.dataset and watched.dataset[-1].quarantined == 2)
    assert watched.aside() == watched.expected()
    status = watched.dataset[-1]
    unusable = [watched.bad, watched.gone]
    assert dict(zip(status.classes, status.class_samples, strict=True)) == {
        label: 12 - tagged(unusable, label) for label in ('blue', 'red')}
    learned = watched.wait_learned(status.revision)
    assert learned.enabled
    assert dict(zip(learned.classes, learned.class_samples, strict=True)) == {
        label: 6 - tagged(unusable, label) for label in ('blue', 'red')}
    assert TrainingStatus.STATE_FAILED not in {item.state for item in list(watched.training)}
    assert shown(graph)['samples left out'] == '2'
    assert shown(graph)['last reason'] in REASONS

    for sample, whole in watched.whole.items():
        sample.path.write_bytes(whole)
    restored = graph.call(EditSamples, 'edit_samples', EditSamples.Request(
        operation=EditSamples.Request.RESTORE, ids=[sample.sha256 for sample in unusable]))
    assert (restored.success, restored.changed) == (True, 2)
    learned = watched.wait_learned(restored.revision)
    assert list(learned.class_samples) == [6, 6]
    assert watched.aside() == {}
    assert shown(graph)['samples left out'] == '2', 'none was found unusable again'


@pytest.mark.slow
def test_they_wait_until_there_is_a_recorder_that_works(graph: Graph, watched: Watched) -> None:
    data = str(watched.data)
    graph.start(Recorder, data=data)
    watched.delete()
    assert graph.change('recorder', DEACTIVATE)  # it answers, and refuses
    graph.start(Trainer, data=data, **SMALL)
    watched.wait_learned(0)
    wait_for(lambda: shown(graph)['samples left out'] == '2')
    assert reader.stats(watched.data).quarantined == 0
    assert graph.change('recorder', ACTIVATE)
    wait_for(lambda: watched.dataset[-1].quarantined == 2)
    assert watched.aside() == watched.expected()
