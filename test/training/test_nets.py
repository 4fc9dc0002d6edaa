import pytest
import torch

from recognizer_ros.core.errors import NetError
from recognizer_ros.training import nets


def test_all_80_classification_networks_of_torchvision_are_known() -> None:
    known = nets.names()
    assert len(known) >= 80
    assert {'alexnet', 'maxvit_t', 'vit_h_14'} <= set(known)
    assert not any(name.startswith('quantized') for name in known)


def test_an_unknown_net_is_refused_with_one_of_a_like_name() -> None:
    with pytest.raises(NetError, match=r"unknown net 'resnet81': did you mean .*resnet18"):
        nets.build('resnet81', 2, 32, 32)
    with pytest.raises(NetError, match=r"unknown net '!': use a torchvision one, such as"):
        nets.build('!', 2, 32, 32)


@pytest.mark.parametrize(('name', 'asked', 'better'), [
    ('squeezenet1_1', (8, 8), (32, 32)),
    ('squeezenet1_1', (200, 4), (200, 32)),
    ('alexnet', (33, 40), (64, 64)),
    ('vit_b_32', (40, 40), (64, 64)),
    ('vit_b_32', (64, 32), (64, 64)),
    ('maxvit_t', (320, 200), (448, 224)),
])
def test_a_size_that_a_net_cannot_take_is_refused_with_one_that_it_can(
        name: str, asked: tuple[int, int], better: tuple[int, int]) -> None:
    with pytest.raises(NetError, match=rf'{name} cannot take {asked[0]}×{asked[1]} images.*: give '
                                       f'net_width {better[0]} and net_height {better[1]}$'
                       ) as raised:
        nets.build(name, 2, *asked)
    assert '\n' not in str(raised.value)
    if name != 'maxvit_t':  # it takes seconds
        assert nets.build(name, 2, *better).outputs == 2


@pytest.mark.parametrize('name', ['vit_h_14', 'regnet_y_128gf'])
def test_a_net_that_fits_no_onnx_file_is_refused_before_it_is_made(name: str) -> None:
    with pytest.raises(NetError, match=rf'{name} has 2\.4 GiB of weights and an ONNX file holds '
                                       '2: choose a smaller net'):
        nets.build(name, 2, 224, 224)


@pytest.mark.parametrize(('name', 'head'), [
    ('resnet18', 'fc'),
    ('mobilenet_v3_small', 'classifier.3'),
    ('densenet121', 'classifier'),
    ('squeezenet1_1', 'classifier.3'),
    ('googlenet', 'fc'),
    ('shufflenet_v2_x0_5', 'fc'),
])
def test_the_last_layer_is_found_and_sized(name: str, head: str) -> None:
    net = nets.build(name, 3, 48, 32)
    assert (net.head, net.outputs) == (head, 3)
    images = torch.randn(2, 3, 32, 48)
    assert net.module(images).shape == (2, 3)
    features = net.features(images)
    assert features.shape == (2, net.head_layer.in_features)
    torch.testing.assert_close(net.head_layer(features), net.module(images))
    torch.testing.assert_close(net.backbone()(images), features)
    net.replace_head(torch.zeros(5, features.shape[1]), torch.arange(5.0) + 1)
    assert net.outputs == 5
    assert net.module(images[:1])[0].tolist() == [1, 2, 3, 4, 5]


@pytest.mark.slow
def test_a_last_layer_without_bias_gets_one() -> None:
    net = nets.build('maxvit_t', 2, 224, 224)
    net.grow_head(('a', 'b'), ('b', 'new', 'a'))
    assert net.outputs == 3
    assert net.module(torch.zeros(1, 3, 224, 224)).shape == (1, 3)


@pytest.mark.parametrize('name', ['resnet18', 'squeezenet1_1'])
def test_a_grown_head_keeps_the_rows_of_known_labels_by_name(name: str) -> None:
    net = nets.build(name, 3, 32, 32)
    net.replace_head(net.head_layer.weight.detach(), torch.tensor([0.5, -0.25, 0.125]))
    image = torch.randn(1, 3, 32, 32)
    before = net.module(image)[0]
    net.grow_head(('a', 'b', 'c'), ('c', 'new', 'a'))
    after = net.module(image)[0]
    assert torch.allclose(after[[2, 0]], before[[0, 2]], atol=1e-6)
    assert float(after[1].detach()) == -0.25  # the bias of the least likely class


def test_a_squeezenet_can_answer_no() -> None:
    net = nets.build('squeezenet1_1', 2, 32, 32)
    net.replace_head(torch.zeros_like(net.head_layer.weight), torch.tensor([-3.0, 2.0]))
    assert net.module(torch.zeros(1, 3, 32, 32))[0].tolist() == [-3, 2]


def test_a_copy_does_not_change_with_its_original() -> None:
    net = nets.build('squeezenet1_1', 2, 32, 32)
    copied = net.copy()
    net.replace_head(torch.zeros(4, 512), torch.zeros(4))
    assert (net.outputs, copied.outputs) == (4, 2)


def test_inputs_of_an_inception_net_are_those_of_its_published_weights() -> None:
    """They were trained on -1 to 1; all else in torchvision on ImageNet's mean and deviation."""
    module = nets.build('googlenet', 2, 32, 32).module
    black = -torch.tensor([0.485, 0.456, 0.406]) / torch.tensor([0.229, 0.224, 0.225])
    seen: list[torch.Tensor] = []
    first = module.get_submodule('conv1')
    first.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    module(black.view(1, 3, 1, 1).expand(1, 3, 32, 32))
    torch.testing.assert_close(seen[0], torch.full((1, 3, 32, 32), -1.0))


@pytest.mark.parametrize('name', ['mobilenet_v3_small', 'mnasnet0_5', 'efficientnet_v2_s',
                                  'shufflenet_v2_x0_5'])
def test_batch_normalisation_keeps_up_with_a_short_run(name: str) -> None:
    layers = [layer for layer in nets.build(name, 2, 32, 32).module.modules()
              if isinstance(layer, torch.nn.BatchNorm2d)]
    assert len(layers) > 20
    assert {layer.momentum for layer in layers} == {0.1}


def patches(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two easy classes: a bright left half, or a bright right half; with noise."""
    draw = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, 32, 32, generator=draw)
    right = torch.randint(2, (count,), generator=draw)
    images[right == 0, :, :, :16] += 1.5
    images[right == 1, :, :, 16:] += 1.5
    return images, right


def test_a_short_run_from_random_weights_learns() -> None:
    """With the momentum that this network comes with, 0.01, the statistics of batch normalisation
    lag far behind the weights, and all images get the same answer."""
    torch.manual_seed(0)
    module = nets.build('mobilenet_v3_small', 2, 32, 32).module
    images, right = patches(256, 0)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    module.train()
    for _ in range(4):
        for batch, wanted in zip(images.split(16), right.split(16), strict=True):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(module(batch), wanted).backward()
            optimizer.step()
    held, truth = patches(200, 1)
    with torch.inference_mode():
        answers = module.eval()(held).argmax(1)
    assert float((answers == truth).float().mean()) > 0.8
