from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import trainees

from recognizer_ros.core.config import Value
from recognizer_ros.core.errors import TrainingError
from recognizer_ros.core.labels import LabelMode
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.training import nets
from recognizer_ros.training.batches import Batches
from recognizer_ros.training.finetune import FineTune
from recognizer_ros.training.nets import Net

SINGLE, MULTI = ('red', 'green', 'blue'), ('red', 'blue', 'red+blue')


def samples_of(folder: Path, *labels: str) -> list[Sample]:
    return [trainees.file_sample(folder, label, seed) for label in labels for seed in range(6)]


def net_of(classes: int = 3, name: str = 'resnet18') -> Net:
    return nets.build(name, classes, trainees.WIDTH, trainees.HEIGHT)


def tuner(tmp_path: Path, batches: Batches, mode: LabelMode = 'single', net: Net | None = None,
          **changes: Value) -> FineTune:
    labels = SINGLE if mode == 'single' else ('red', 'blue')
    return FineTune(net or net_of(len(labels)), labels, mode, trainees.config(tmp_path, **changes),
                    batches, pretrained=False)


def limited(net: Net, most: int, error: Callable[[], Exception]) -> list[int]:
    """Let the network fail with more than so many images; return the list of batch sizes."""
    sizes: list[int] = []

    def check(_: torch.nn.Module, args: tuple[torch.Tensor]) -> None:
        sizes.append(len(args[0]))
        if len(args[0]) > most:
            raise error()

    net.module.register_forward_pre_hook(check)
    return sizes


@pytest.mark.parametrize(('mode', 'optimizer'),
                         [('single', 'adam'), ('multi', 'adam'), ('single', 'sgd')])
def test_the_loss_falls_and_the_answers_become_right(tmp_path: Path, batches: Batches,
                                                     mode: LabelMode, optimizer: str) -> None:
    samples = samples_of(tmp_path, *(SINGLE if mode == 'single' else MULTI))
    rate = 0.003 if optimizer == 'adam' else 0.2
    tune = tuner(tmp_path, batches, mode, batch_size=6, optimizer=optimizer, learning_rate=rate)
    ends = [list(tune.epoch(samples))[-1] for _ in range(4)]
    assert ends[-1].loss < 0.75 * ends[0].loss
    assert ends[-1].accuracy > 0.85


def test_an_epoch_shows_as_many_images_as_there_are(tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, *SINGLE)
    steps = list(tuner(tmp_path, batches).epoch(samples))
    assert [step.images for step in steps] == [4, 8, 12, 16, 18]
    assert all(0 <= step.accuracy <= 1 for step in steps)


def test_unusable_images_are_remembered_and_others_shown(tmp_path: Path,
                                                         batches: Batches) -> None:
    samples = samples_of(tmp_path, *SINGLE)
    for sample in samples[:2]:
        sample.path.write_bytes(b'damaged')
    net = net_of()
    sizes = limited(net, 18, MemoryError)
    assert [step.images for step in tuner(tmp_path, batches, net=net, batch_size=18).epoch(samples)
            ] == [18]
    assert sizes == [18]
    assert batches.unusable.keys() == {sample.sha256 for sample in samples[:2]}


def test_where_nothing_is_usable_there_is_no_step(tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, 'red')
    for sample in samples:
        sample.path.unlink()
    assert list(tuner(tmp_path, batches).epoch(samples)) == []
    assert list(tuner(tmp_path, batches).epoch([])) == []


def test_an_epoch_left_goes_on_where_it_was_left(tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, *SINGLE)
    whole, parted = (tuner(tmp_path, batches, net=seeded()) for _ in range(2))
    expected = list(whole.epoch(samples))
    found = []
    while not found or found[-1].images < len(samples):
        found.append(next(parted.epoch(samples)))  # leaves it after each batch
    assert found == expected
    for mine, other in zip(parted.averaged.module.state_dict().values(),
                           whole.averaged.module.state_dict().values(), strict=True):
        assert torch.equal(mine, other)


def seeded() -> Net:
    torch.manual_seed(5)
    return net_of()


def test_with_other_samples_an_epoch_begins_anew(tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, *SINGLE)
    tune = tuner(tmp_path, batches)
    next(tune.epoch(samples))
    assert [step.images for step in tune.epoch(samples[:12])] == [4, 8, 12]


@pytest.mark.parametrize('error', [MemoryError, lambda: torch.OutOfMemoryError('CUDA'),
                                   lambda: RuntimeError('DefaultCPUAllocator: not enough memory')])
def test_out_of_memory_halves_the_batch_and_goes_on(
        tmp_path: Path, batches: Batches, error: Callable[[], Exception],
        caplog: pytest.LogCaptureFixture) -> None:
    samples, net = samples_of(tmp_path, *SINGLE), net_of()
    sizes = limited(net, 4, error)
    tune = tuner(tmp_path, batches, net=net, batch_size=16)
    assert [step.images for step in tune.epoch(samples)] == [4, 8, 12, 16, 18]
    assert sizes == [16, 8, 4, 4, 4, 4, 4]
    assert (tune.batch_size, tune.halvings) == (4, 2)
    assert 'out of memory with 16 images in a batch of resnet18' in caplog.text


def test_a_halved_batch_takes_the_steps_of_its_size(tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, *SINGLE)
    moved = []
    for size, most in ((4, 99), (16, 4)):
        net = seeded()
        first = net.head_layer.bias.detach().clone()
        limited(net, most, MemoryError)
        next(tuner(tmp_path, batches, net=net, batch_size=size).epoch(samples))
        moved.append(float((net.head_layer.bias.detach() - first).norm()))
    assert moved[1] == pytest.approx(moved[0], rel=0.05)


def test_out_of_memory_in_the_first_steps_end_does_no_harm(
        tmp_path: Path, batches: Batches, monkeypatch: pytest.MonkeyPatch) -> None:
    left, zeros_like = [3], torch.zeros_like

    def scarce(*args: torch.Tensor, **options: object) -> torch.Tensor:
        left[0] -= 1
        if left[0] == 0:  # in the middle of what the optimizer keeps of the weights
            raise MemoryError
        return zeros_like(*args, **options)  # type: ignore[call-overload, no-any-return]

    tune = tuner(tmp_path, batches, batch_size=8)
    monkeypatch.setattr(torch, 'zeros_like', scarce)
    steps = list(tune.epoch(samples_of(tmp_path, *SINGLE)))
    assert (steps[-1].images, tune.halvings) == (18, 1)


def test_when_the_smallest_batch_does_not_fit_it_says_so(tmp_path: Path,
                                                         batches: Batches) -> None:
    net = net_of()
    limited(net, 0, MemoryError)
    tune = tuner(tmp_path, batches, net=net)
    with pytest.raises(TrainingError, match=r'too little memory to train resnet18 with 40×33'):
        next(tune.epoch(samples_of(tmp_path, *SINGLE)))


def test_other_errors_are_not_taken_for_lack_of_memory(tmp_path: Path, batches: Batches) -> None:
    net = net_of()
    limited(net, 0, lambda: RuntimeError('shapes differ'))
    with pytest.raises(RuntimeError, match='shapes differ'):
        next(tuner(tmp_path, batches, net=net).epoch(samples_of(tmp_path, *SINGLE)))


@pytest.mark.parametrize(('name', 'size'), [('resnet18', 2), ('squeezenet1_1', 1)])
def test_batch_normalisation_never_sees_a_single_image(tmp_path: Path, batches: Batches,
                                                       name: str, size: int) -> None:
    samples, net = samples_of(tmp_path, *SINGLE)[:5], net_of(3, name)
    sizes = limited(net, 99, MemoryError)
    steps = list(tuner(tmp_path, batches, net=net, batch_size=1).epoch(samples))
    assert set(sizes) == {size}
    assert steps[-1].images == 5
    list(tuner(tmp_path, batches, net=net, batch_size=4).epoch(samples))
    assert sizes[-2:] == [4, 4]
    assert list(tuner(tmp_path, batches, net=net).epoch(samples[:1]))[-1].images == 1


def test_the_average_lags_behind_the_weights(tmp_path: Path, batches: Batches) -> None:
    samples, net = samples_of(tmp_path, *SINGLE), net_of()
    first = net.head_layer.weight.detach().clone()
    tune = tuner(tmp_path, batches, net=net)
    for _ in range(3):
        for _ in tune.epoch(samples):
            pass
    averaged = tune.averaged
    assert (averaged.name, averaged.outputs) == ('resnet18', 3)
    moved = (net.head_layer.weight.detach() - first).norm()
    lagged = (averaged.head_layer.weight.detach() - first).norm()
    assert 0 < lagged < moved
    counts = [int(item.module.state_dict()['bn1.num_batches_tracked']) for item in (net, averaged)]
    assert counts == [15, 15]


def test_larger_batches_take_larger_steps(tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, *SINGLE)
    moved = []
    for size in (4, 16):
        net = seeded()
        first = net.head_layer.bias.detach().clone()
        next(tuner(tmp_path, batches, net=net, batch_size=size).epoch(samples))
        moved.append(float((net.head_layer.bias.detach() - first).norm()))
    # Adam's first step is as long as its rate, which grows with the root of the batch.
    assert moved[1] == pytest.approx(2 * moved[0], rel=0.05)


def test_a_rare_class_is_shown_as_often_as_a_common_one(tmp_path: Path, batches: Batches) -> None:
    samples = samples_of(tmp_path, 'red', 'green')[4:]  # two red, six green
    net = net_of()
    net.replace_head(torch.zeros_like(net.head_layer.weight), torch.tensor([0.0, 9.0, 0.0]))
    step = next(tuner(tmp_path, batches, net=net, batch_size=8).epoch(samples))
    assert step.accuracy == 0.5  # all are called green
