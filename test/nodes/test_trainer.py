import hashlib
import itertools
from pathlib import Path
from typing import Any

import makers
import numpy as np
import onnxruntime
import pytest
from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from robots import stored
from ros_graph import ACTIVATE, DEACTIVATE, Graph, Heard, wait_done, wait_for
from std_srvs.srv import SetBool

from recognizer_ros.action import Train
from recognizer_ros.core import bundle as bundles
from recognizer_ros.core.bundle import BACKBONE, HEAD, WEIGHTS, Bundle
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.inference import head as heads
from recognizer_ros.msg import DatasetStatus, ModelUpdate, TrainingStatus
from recognizer_ros.nodes import lifecycle, qos
from recognizer_ros.nodes.trainer import Trainer
from recognizer_ros.srv import ActivateModel, GetModel, ListModels

SMALL = {'net': 'resnet18', 'weights': 'none', 'net_width': 32, 'net_height': 32,
         'augmentation': False, 'workers': 1}
FOREVER = 10_000
CHUNK = 100


def record(data: Path, labels: tuple[str, ...] = ('red', 'blue'), first_seed: int = 0) -> int:
    """Bursts of images of a colour, with some noise; return the revision."""
    rng = np.random.default_rng(first_seed)
    with SampleStore(data) as store:
        for label in labels:
            for _ in range(3):
                burst = store.begin_burst('test', (label,))
                images = [np.clip(makers.flat(makers.COLOURS[label]) * 0.8
                                  + rng.integers(0, 50, (24, 32, 3)), 0, 255).astype(np.uint8)
                          for _ in range(6)]
                store.add([NewSample(makers.jpeg(image), (label,), number + 1, burst, 'test', 32,
                                     24) for number, image in enumerate(images)])
        return store.revision()


class Client:
    """Asks a trainer."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.status: Heard = graph.listen(TrainingStatus, 'training', qos.LATCHED)
        self.models: Heard = graph.listen(ModelUpdate, 'model', qos.LATCHED)
        self.feedback: list[Any] = []
        self._train = ActionClient(graph.tester, Train, 'train')

    def train(self, stage: int, epochs: int = 1, label_mode: str = '') -> Any:
        """Handle of a goal."""
        assert self._train.wait_for_server(30)
        goal = Train.Goal(stage=stage, epochs=epochs, label_mode=label_mode)
        return wait_done(self._train.send_goal_async(goal, self.feedback.append))

    def wait_finetune(self) -> None:
        wait_for(lambda: any(item.feedback.status.state == TrainingStatus.STATE_FINETUNE
                             for item in list(self.feedback)))

    def states(self) -> set[int]:
        return {message.state for message in list(self.status)}

    def activate(self, version: int) -> Any:
        return self.graph.call(ActivateModel, 'activate_model',
                               ActivateModel.Request(version=version))

    def models_listed(self) -> Any:
        return self.graph.call(ListModels, 'list_models', ListModels.Request())

    def chunk(self, version: int, offset: int, length: int = CHUNK, file: str = '') -> Any:
        return self.graph.call(GetModel, 'get_model', GetModel.Request(
            version=version, file=file, offset=offset, length=length))

    def close(self) -> None:
        self._train.destroy()


def wait_logged(capfd: pytest.CaptureFixture[str], text: str) -> None:
    """Wait for a text on standard error, where the nodes' log goes."""
    heard: list[str] = []
    wait_for(lambda: heard.append(capfd.readouterr().err) or text in ''.join(heard))


@pytest.fixture
def client(graph: Graph) -> Any:
    made = Client(graph)
    yield made
    made.close()


@pytest.fixture
def known(graph: Graph, client: Client, tmp_path: Path) -> list[Bundle]:
    """Two versions, the second live, and a trainer that is switched off."""
    versions = stored(tmp_path, 2)
    graph.start(Trainer, data=str(tmp_path), enabled=False, **SMALL)
    return versions


def test_the_live_model_is_announced_also_to_who_comes_late(graph: Graph, known: list[Bundle],
                                                            client: Client) -> None:
    late = graph.listen(ModelUpdate, 'model', qos.LATCHED)
    for update in (client.models.wait(), late.wait()):
        assert (update.model.version, update.model.live) == (2, True)
        assert bundles.from_json(update.bundle).labels == ('red', 'green')
        assert (update.sha256, update.size) == (known[1].sha256[BACKBONE], known[1].size)
        assert hashlib.sha256(bytes(update.head)).hexdigest() == known[1].sha256[HEAD]
        file = Path(update.uri.removeprefix('file://'))
        assert hashlib.sha256(file.read_bytes()).hexdigest() == update.sha256


def test_models_are_listed_newest_first(known: list[Bundle], client: Client) -> None:
    answer = client.models_listed()
    assert (answer.success, answer.live_version) == (True, 2)
    assert [(item.version, item.live, list(item.labels)) for item in answer.models] == [
        (2, True, ['red', 'green']), (1, False, ['red', 'green'])]


def test_going_back_announces_the_older_model(known: list[Bundle], client: Client) -> None:
    client.models.wait()
    back = client.activate(0)  # 0: the one before
    assert (back.success, back.live_version, back.message) == (True, 1, '')
    wait_for(lambda: client.models[-1].model.version == 1)
    assert client.models[-1].sha256 == known[0].sha256[BACKBONE]
    assert client.models_listed().live_version == 1
    assert client.activate(2).live_version == 2
    wait_for(lambda: client.models[-1].model.version == 2)


def test_a_version_that_is_not_there_is_refused(known: list[Bundle], client: Client) -> None:
    answer = client.activate(9)
    assert (answer.success, answer.live_version) == (False, 2)
    assert 'no model version 9: known are 1, 2' in answer.message
    assert not client.chunk(9, 0).success


@pytest.mark.parametrize('file', ['', BACKBONE, WEIGHTS, HEAD])
@pytest.mark.parametrize('version', [1, 0])
def test_pieces_of_a_model_make_the_file(known: list[Bundle], client: Client,
                                         version: int, file: str) -> None:
    data = b''
    while piece := client.chunk(version, len(data), file=file):
        assert piece.success
        assert len(piece.data) <= CHUNK
        if not piece.data:
            break
        data += bytes(piece.data)
    wanted = known[version - 1]  # 0: the live one, which is the last
    assert (piece.version, piece.size) == (wanted.version, len(data))
    assert hashlib.sha256(data).hexdigest() == piece.sha256 == wanted.sha256[file or BACKBONE]


@pytest.mark.parametrize('file', ['bundle.json', '../live'])
def test_no_other_file_is_given(known: list[Bundle], client: Client, file: str) -> None:
    answer = client.chunk(1, 0, file=file)
    assert (answer.success, bytes(answer.data)) == (False, b'')
    assert f'model version 1 has no file {file!r}: ask for {BACKBONE}' in answer.message


def test_an_offset_behind_any_end_gives_nothing(known: list[Bundle], client: Client) -> None:
    answer = client.chunk(1, 2**64 - 1)
    assert (answer.success, bytes(answer.data)) == (True, b'')


def test_a_live_version_without_head_does_not_keep_the_trainer_from_starting(
        graph: Graph, client: Client, tmp_path: Path) -> None:
    stored(tmp_path, 1)
    (tmp_path / 'models' / '0001' / HEAD).unlink()
    graph.start(Trainer, data=str(tmp_path), enabled=False, **SMALL)
    assert client.models_listed().live_version == 1
    assert len(client.models) == 0


def test_without_data_it_waits_and_the_switch_is_a_parameter(graph: Graph, client: Client,
                                                             tmp_path: Path) -> None:
    node = graph.start(Trainer, data=str(tmp_path), **SMALL)
    wait_for(lambda: client.status and client.status[-1].state
                    == TrainingStatus.STATE_WAITING and 'waits' in client.status[-1].message)
    assert client.status[-1].enabled
    assert graph.call(SetBool, 'trainer/set_enabled', SetBool.Request(data=False)).success
    wait_for(lambda: client.status[-1].state == TrainingStatus.STATE_OFF
                    and not client.status[-1].enabled)
    assert node.get_parameter('enabled').value is False
    assert graph.set('trainer', enabled=True).successful
    wait_for(lambda: client.status[-1].state == TrainingStatus.STATE_WAITING
                    and client.status[-1].enabled)


def test_services_of_a_trainer_that_is_not_configured_say_so(
        graph: Graph, client: Client, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    graph.start(Trainer, autostart=False, data=str(tmp_path), **SMALL)
    for answer in (client.models_listed(), client.activate(1), client.chunk(1, 0)):
        assert (answer.success, answer.message) == (False, 'the trainer is not configured')
    assert not client.train(Train.Goal.STAGE_BOTH).accepted
    wait_logged(capfd, 'goal refused: the trainer is not active')


def test_a_goal_of_an_unknown_stage_is_refused_and_the_log_says_why(
        known: list[Bundle], client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    assert not client.train(9).accepted
    wait_logged(capfd, 'goal refused: unknown stage 9: send one of 0, 1, 2')


def test_an_unknown_network_is_refused_with_a_reason(graph: Graph, tmp_path: Path) -> None:
    graph.start(Trainer, data=str(tmp_path), **{**SMALL, 'net': 'resnet1'})
    assert graph.diagnosed('trainer', 'resnet1').level == lifecycle.ERROR


@pytest.mark.slow
def test_what_is_recorded_is_learned_and_a_new_class_as_well(graph: Graph, client: Client,
                                                             tmp_path: Path) -> None:
    record(tmp_path)
    graph.start(Trainer, data=str(tmp_path), epochs=1, **SMALL)
    wait_for(lambda: client.status and client.status[-1].state
                    == TrainingStatus.STATE_DONE)
    first = client.status[-1]
    assert (first.net, first.label_mode, list(first.classes)) == (
        'resnet18', 'single', ['blue', 'red'])
    assert first.live_version >= 1
    assert first.best_accuracy == pytest.approx(1.0)
    assert client.states() & {TrainingStatus.STATE_FINETUNE, TrainingStatus.STATE_EXPORT}
    assert TrainingStatus.STATE_FAILED not in client.states()
    update = client.models.wait()
    session = onnxruntime.InferenceSession(update.uri.removeprefix('file://'))
    assert session.get_outputs()[0].shape[-1] == 512
    assert heads.from_bytes(bytes(update.head)).weight.shape == (2, 512)

    revision = record(tmp_path, ('green',), 7)
    telling = graph.speak(DatasetStatus, 'dataset', qos.LATCHED)
    bursts = itertools.count(8)

    def told() -> bool:  # the next burst begins before it was told that the former is over
        telling.publish(DatasetStatus(revision=revision, burst=next(bursts), recording=True,
                                      pending=1))
        return 'green' in client.models[-1].model.labels

    wait_for(told)
    assert list(client.models[-1].model.labels[:2]) == list(update.model.labels)
    assert client.models[-1].model.dataset_revision == revision


@pytest.mark.slow
def test_training_on_request(graph: Graph, client: Client, tmp_path: Path,
                             capfd: pytest.CaptureFixture[str]) -> None:
    record(tmp_path)
    graph.start(Trainer, data=str(tmp_path), enabled=False, patience=1000, **SMALL)
    goal = client.train(Train.Goal.STAGE_HEAD)
    assert goal.accepted
    answer = wait_done(goal.get_result_async())
    assert (answer.status, answer.result.success) == (GoalStatus.STATUS_SUCCEEDED, True)
    assert answer.result.version == 1
    assert list(answer.result.metrics.labels) == ['blue', 'red']
    assert client.models.wait().model.version == 1
    assert client.feedback

    client.feedback.clear()
    goal = client.train(Train.Goal.STAGE_FINETUNE, FOREVER)
    assert goal.accepted
    client.wait_finetune()
    assert not client.train(Train.Goal.STAGE_HEAD).accepted  # one at a time
    wait_logged(capfd, 'goal refused: training on request is under way already')
    wait_done(goal.cancel_goal_async())
    answer = wait_done(goal.get_result_async())
    assert answer.status == GoalStatus.STATUS_CANCELED
    assert not client.train(9).accepted  # no such stage

    goal = client.train(Train.Goal.STAGE_BOTH, 1, 'sometimes')
    answer = wait_done(goal.get_result_async())
    assert answer.status == GoalStatus.STATUS_ABORTED
    assert 'label_mode must be one of auto, single, multi' in answer.result.message

    goal = client.train(Train.Goal.STAGE_FINETUNE, FOREVER)
    assert goal.accepted
    client.feedback.clear()
    client.wait_finetune()
    assert graph.change('trainer', DEACTIVATE)  # ends it
    answer = wait_done(goal.get_result_async())
    assert answer.status == GoalStatus.STATUS_ABORTED
    assert answer.result.message
    assert not client.train(Train.Goal.STAGE_HEAD).accepted
    assert graph.change('trainer', ACTIVATE)
    assert wait_done(client.train(Train.Goal.STAGE_HEAD).get_result_async()).status in (
        GoalStatus.STATUS_SUCCEEDED, GoalStatus.STATUS_ABORTED)
