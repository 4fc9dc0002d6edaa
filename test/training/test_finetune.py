from pathlib import Path

import pytest
import torch
import trainees

from recognizer_ros.core.config import Value
from recognizer_ros.core.labels import LabelMode
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.training import nets
from recognizer_ros.training.batches import Batches
from recognizer_ros.training.finetune import FineTune

SINGLE, MULTI = ('red', 'green', 'blue'), ('red', 'blue', 'red+blue')


def samples_of(folder: Path, *labels: str) -> list[Sample]:
    return [trainees.file_sample(folder, label, seed) for label in labels for seed in range(6)]


def tuner(tmp_path: Path, batches: Batches, mode: LabelMode = 'single',
          **changes: Value) -> FineTune:
    net = nets.build('resnet18', 3 if mode == 'single' else 2, trainees.WIDTH, trainees.HEIGHT)
    return FineTune(net, SINGLE if mode == 'single' else ('red', 'blue'), mode,
                    trainees.config(tmp_path, **changes), batches, pretrained=False)


@pytest.mark.parametrize('mode', ['single', 'multi'])
@pytest.mark.parametrize('optimizer', ['adam', 'sgd'])
def test_the_loss_falls_and_the_answers_become_right(tmp_path: Path, batches: Batches,
                                                     mode: LabelMode, optimizer: str) -> None:
    samples = samples_of(tmp_path, *(SINGLE if mode == 'single' else MULTI))
    rate = 0.001 if optimizer == 'adam' else 0.02
    tune = tuner(tmp_path, batches, mode, optimizer=optimizer, learning_rate=rate)
    ends = [list(tune.epoch(samples))[-1] for _ in range(8 if optimizer == 'adam' else 20)]
    assert ends[-1].loss < ends[0].loss / 2
    assert ends[-1].accuracy > 0.9


def test_an_epoch_shows_each_image_once(tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, *SINGLE)
    steps = list(tuner(tmp_path, batches).epoch(samples[:16]))
    assert [step.images for step in steps] == [4, 8, 12, 16]
    assert all(0 <= step.accuracy <= 1 for step in steps)


def test_unusable_images_do_not_count(tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, *SINGLE)
    for sample in samples[:2]:
        sample.path.write_bytes(b'damaged')
    steps = list(tuner(tmp_path, batches, batch_size=18).epoch(samples))
    assert [step.images for step in steps] == [16]
    assert batches.unusable == {sample.sha256 for sample in samples[:2]}


def test_the_average_lags_behind_the_weights_and_stays_when_they_go_on(
        tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, *SINGLE)
    net = nets.build('resnet18', 3, trainees.WIDTH, trainees.HEIGHT)
    first = net.head_layer.weight.detach().clone()
    tune = FineTune(net, SINGLE, 'single', trainees.config(tmp_path), batches, pretrained=False)
    for _ in range(3):
        for _ in tune.epoch(samples):
            pass
    averaged = tune.averaged
    assert (averaged.name, averaged.outputs) == ('resnet18', 3)
    moved = (net.head_layer.weight.detach() - first).norm()
    lagged = (averaged.head_layer.weight.detach() - first).norm()
    assert 0 < lagged < moved


def test_weights_that_have_learned_move_a_tenth_as_far(tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, *SINGLE)
    moved = []
    for pretrained in (False, True):
        torch.manual_seed(0)
        net = nets.build('resnet18', 3, trainees.WIDTH, trainees.HEIGHT)
        first = net.head_layer.weight.detach().clone()
        tune = FineTune(net, SINGLE, 'single', trainees.config(tmp_path, optimizer='sgd'),
                        batches, pretrained)
        next(tune.epoch(samples))
        moved.append(float((net.head_layer.weight.detach() - first).norm()))
    assert moved[1] == pytest.approx(moved[0] / 10, rel=0.01)


def test_a_rare_class_weighs_as_much_as_a_common_one(tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, 'red', 'green')[4:]  # two red, six green
    net = nets.build('resnet18', 3, trainees.WIDTH, trainees.HEIGHT)
    net.replace_head(torch.zeros_like(net.head_layer.weight), torch.tensor([0.0, 4.0, 0.0]))
    tune = FineTune(net, SINGLE, 'single', trainees.config(tmp_path, batch_size=8), batches, False)
    # Red is answered wrong with a loss near 4, green right with one near 0: half and half.
    assert next(tune.epoch(samples)).loss == pytest.approx(2, abs=0.1)
