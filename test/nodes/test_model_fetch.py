import re
from collections.abc import Iterator
from pathlib import Path

import makers
import pytest
from fake_trainer import FakeTrainer
from robots import NAMES, OTHER_NAMES, Robot, update
from ros_graph import ACTIVATE, DEACTIVATE, Graph, wait_for

from recognizer_ros.core.bundle import BACKBONE, HEAD, WEIGHTS
from recognizer_ros.inference.model_cache import Network
from recognizer_ros.msg import ModelUpdate
from recognizer_ros.nodes import conversions, lifecycle, model_fetch, qos
from recognizer_ros.nodes.model_fetch import ModelFetch
from recognizer_ros.nodes.trainer import Trainer
from recognizer_ros.registry.store import Registry, Version
from recognizer_ros.srv import ActivateModel

HALF = 100


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelFetch, 'chunk', 20)


@pytest.fixture
def robot(graph: Graph, tmp_path: Path) -> Robot:
    return Robot(graph, tmp_path)


@pytest.fixture
def trainer(robot: Robot) -> Iterator[FakeTrainer]:
    with FakeTrainer(robot.graph) as trainer:
        wait_for(robot.node._fetch._client.service_is_ready)
        yield trainer


def far(robot: Robot, trainer: FakeTrainer, version: int, gain: float = 2.0) -> ModelUpdate:
    """A version that only the trainer has."""
    made = makers.model(robot.folder, OTHER_NAMES, version, gain=gain)
    trainer.offer(made)
    made.backbone.unlink()
    return update(made)


def kept(robot: Robot) -> set[str]:
    return {path.name for path in (robot.cache / 'models').glob('*')}


def registered(data: Path) -> None:
    """Three versions of a trainer; the second was live, the third is."""
    registry = Registry(data / 'models', writer=True)
    for number, labels in ((1, NAMES), (2, NAMES), (3, OTHER_NAMES)):
        source = makers.model(data / 'source', labels, number, gain=number)
        files: dict[str, bytes | Version] = {
            BACKBONE: source.backbone.read_bytes(), WEIGHTS: b'weights', HEAD: source.head_bytes()}
        registry.point_to(registry.add(source.bundle, files))
    registry.close()


def test_a_trainer_that_shares_no_disk_serves_its_versions(
        robot: Robot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_fetch, '_local', lambda *_: (None, 'not here'))
    registered(robot.folder)
    updates = robot.graph.listen(ModelUpdate, 'model', qos.LATCHED)
    robot.graph.start(Trainer, data=str(robot.folder), enabled=False, net='resnet18',
                      weights='none', net_width=32, net_height=32, augmentation=False, workers=1)
    wait_for(lambda: robot.version == 3)
    assert robot.answer(makers.RED).results[0].class_id == 'rot'
    for version in (0, 3):  # back and forth
        assert robot.graph.call(ActivateModel, 'activate_model',
                                ActivateModel.Request(version=version)).success
        wait_for(lambda number=version or 2: robot.version == number)
    stamps = {conversions.nanoseconds(message.stamp): message.model.version
              for message in list(updates)}
    assert [stamps[stamp] for stamp in sorted(stamps)] == [3, 2, 3]
    assert kept(robot) == {f'{message.sha256}.onnx' for message in list(updates)}


def test_a_head_for_the_network_in_use_needs_no_bytes(robot: Robot, trainer: FakeTrainer) -> None:
    robot.say(far(robot, trainer, 1))
    wait_for(lambda: robot.version == 1)
    trainer.forget()
    robot.say(far(robot, trainer, 2))
    wait_for(lambda: robot.version == 2)
    assert trainer.asked[-1] > 0
    assert trainer.asked.count(0) == 1


def test_a_network_fetched_before_is_not_fetched_again(robot: Robot, trainer: FakeTrainer) -> None:
    for version, gain in ((1, 2.0), (2, 3.0), (3, 2.0)):
        robot.say(far(robot, trainer, version, gain))
        wait_for(lambda number=version: robot.version == number)
    assert trainer.asked.count(0) == 2


def test_progress_is_told_and_the_announcement_said_again_does_not_begin_anew(
        robot: Robot, trainer: FakeTrainer) -> None:
    said = far(robot, trainer, 5)
    trainer.hang_at(HALF)
    robot.say(said)
    wait_for(trainer.hangs.is_set)
    told = robot.graph.diagnosed('classifier', 'fetching model version 5: 0 of 1 MiB')
    assert told.level == lifecycle.WARN
    for _ in range(3):
        robot.say(said)
    other = update(makers.model(robot.folder, NAMES, 9))
    other.bundle = '{'
    robot.say(other)  # heard after those
    robot.graph.diagnosed('classifier', 'model version 9: model bundle is damaged')
    trainer.go_on()
    wait_for(lambda: robot.version == 5)
    assert trainer.asked == [*range(0, HALF + 1, 20), *range(HALF, said.size, 20)]


def test_deactivation_ends_a_transfer_and_activation_resumes_it(robot: Robot,
                                                                trainer: FakeTrainer) -> None:
    said = far(robot, trainer, 5)
    trainer.hang_at(HALF)
    robot.say(said)
    wait_for(trainer.hangs.is_set)
    assert robot.graph.change('classifier', DEACTIVATE)
    assert kept(robot) == {f'{said.sha256}.part'}
    trainer.go_on()
    assert robot.graph.change('classifier', ACTIVATE)  # the announcement is latched
    wait_for(lambda: robot.version == 5)
    assert trainer.asked[-1] > HALF
    assert trainer.asked.count(0) == 1
    assert kept(robot) == {f'{said.sha256}.onnx'}


@pytest.mark.parametrize('uri', ['file://{}', 'file://localhost{}'])
def test_a_file_of_this_machine_is_used_where_it_lies(tmp_path: Path, uri: str) -> None:
    data = makers.colour_net()
    version = makers.stored(tmp_path / 'ä folder', data, b'', makers.bundle())
    assert model_fetch._local(uri.format(version.backbone.as_uri()[7:]),
                              Network.of(version.bundle)) == (version.backbone, '')


@pytest.mark.parametrize(('uri', 'why'), [
    ('https://robot/model', 'is no file:// of this machine'),
    ('file://robot/model', 'is no file:// of this machine'), ('', 'is no file://'),
    ('file:///nowhere', r'cannot be read here \(No such file'),
    ('file:///a%00b', r'cannot be read here \(.*null'), ('file:///dev/zero', 'another SHA-256'),
    ('file:///tmp', 'another SHA-256'), ('http://[', 'cannot be read here')])
def test_what_a_uri_names_that_is_not_the_file_is_told(uri: str, why: str) -> None:
    path, told = model_fetch._local(uri, Network(1, 5, 'a' * 64))
    assert path is None
    assert re.search(why, told), told
