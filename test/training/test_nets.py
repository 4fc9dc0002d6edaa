import pytest
import torch

from recognizer_ros.core.errors import NetError
from recognizer_ros.training import nets


def test_an_unknown_net_is_refused_with_one_of_a_like_name() -> None:
    with pytest.raises(NetError, match=r"unknown net 'resnet81': did you mean .*resnet18"):
        nets.build('resnet81', 2, 32, 32)
    with pytest.raises(NetError, match=r"unknown net '!': use a torchvision one, such as"):
        nets.build('!', 2, 32, 32)


def test_a_size_that_the_net_cannot_take_is_refused_with_one_that_it_can() -> None:
    with pytest.raises(NetError, match=r'squeezenet1_1 cannot take 8×8 images .*try 224×224'):
        nets.build('squeezenet1_1', 2, 8, 8)


def test_a_vision_transformer_takes_squares_only() -> None:
    with pytest.raises(NetError, match='vit_b_16 takes square images only: give net_width'):
        nets.build('vit_b_16', 2, 64, 32)
    with pytest.raises(NetError, match='vit_b_16 cannot be made for 40×40 images'):
        nets.build('vit_b_16', 2, 40, 40)


@pytest.mark.parametrize(('name', 'head', 'linear'), [
    ('resnet18', 'fc', True),
    ('mobilenet_v3_small', 'classifier.3', True),
    ('densenet121', 'classifier', True),
    ('squeezenet1_1', 'classifier.1', False),
])
def test_the_last_layer_is_found_and_sized(name: str, head: str, linear: bool) -> None:
    net = nets.build(name, 3, 48, 32)
    assert (net.head, net.has_linear_head, net.outputs) == (head, linear, 3)
    assert net.module(torch.zeros(2, 3, 32, 48)).shape == (2, 3)
    features = net.head_layer.weight.shape[1:]
    net.replace_head(torch.zeros(5, *features), torch.arange(5.0) + 1)
    assert net.outputs == 5
    assert net.module(torch.zeros(1, 3, 32, 48))[0].tolist() == [1, 2, 3, 4, 5]


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
    net.replace_head(torch.zeros(4, 512, 1, 1), torch.zeros(4))
    assert (net.outputs, copied.outputs) == (4, 2)
