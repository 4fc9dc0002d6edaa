"""Any of torchvision's classification networks, with as many outputs as there are labels."""

import copy
import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
import torchvision
from torch import nn

from ..core.errors import NetError

MAX_BYTES = 2**31 - 2**20
"""Of weights: an ONNX file is one protocol buffer, and those end at 2 GiB."""
_SQUEEZED_FEATURES = 512
_LEAST_MOMENTUM = 0.1
_MAXVIT_STEP = 224  # five halvings, then windows of 7
_WORKING_SIZES = (32, 64, 96, 128, 224)
# torchvision's own weights for these two want inputs from -1 to 1: they convert them.
_INCEPTIONS = {'googlenet', 'inception_v3'}


def names() -> list[str]:
    """All networks that :func:`build` knows."""
    return sorted(torchvision.models.list_models(module=torchvision.models))


@dataclass(frozen=True)
class Net:
    """A network whose last layer is linear, on pooled features, and gives the logits.

    :param head: dotted name of that layer.
    """

    name: str
    module: nn.Module
    head: str
    width: int
    height: int

    @property
    def head_layer(self) -> nn.Linear:
        """The last layer."""
        layer = self.module.get_submodule(self.head)
        assert isinstance(layer, nn.Linear)
        return layer

    @property
    def outputs(self) -> int:
        """How many labels it answers for."""
        return self.head_layer.out_features

    def features(self, inputs: torch.Tensor) -> torch.Tensor:
        """What reaches the last layer, shape (n, features)."""
        with _caught(self.head_layer) as caught:
            self.module(inputs)
        return caught[0]

    def backbone(self) -> nn.Module:
        """The network without its last layer, in evaluation mode: the outputs are the features.
        It shares the weights, and may be used by another thread."""
        shared = {id(tensor): tensor for tensor in (*self.module.parameters(),
                                                    *self.module.buffers())}
        module = copy.deepcopy(self.module, shared)
        _put(module, self.head, nn.Identity())
        return module.eval()

    def replace_head(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Set the last layer: ``weight`` (classes, features) and ``bias`` (classes,)."""
        layer = nn.Linear(weight.shape[1], len(bias))
        device = next(self.module.parameters()).device
        layer.weight = nn.Parameter(weight.to(device, torch.float32))
        layer.bias = nn.Parameter(bias.to(device, torch.float32))
        _put(self.module, self.head, layer.train(self.module.training))

    def to(self, device: torch.device) -> None:
        """Move it, with the memory layout that convolutions like best there."""
        self.module.to(device)
        if device.type == 'cuda':
            self.module.to(memory_format=torch.channels_last)

    def copy(self) -> 'Net':
        """Another network with the same weights."""
        return replace(self, module=copy.deepcopy(self.module))

    def grow_head(self, old: Sequence[str], new: Sequence[str]) -> None:
        """Give the last layer a row for each of the labels ``new``: those known keep theirs, by
        name; the others begin at zero weight and the bias of the least likely class."""
        weight, bias = self.head_layer.weight.detach(), self.head_layer.bias.detach()
        rows = torch.zeros(len(new), *weight.shape[1:])
        shifts = torch.full((len(new),), float(bias.min()))
        for position, label in enumerate(new):
            if label in old:
                rows[position] = weight[old.index(label)].cpu()
                shifts[position] = bias[old.index(label)].cpu()
        self.replace_head(rows, shifts)


def build(name: str, classes: int, width: int, height: int) -> Net:
    """Make a network with random weights.

    :raises NetError: unknown, too large to be exported, or it cannot take images of this size.
    """
    _check_name(name)
    best = _fitting(name, width, height)
    if best != (width, height):
        raise _size_error(name, (width, height), best, '')
    module = _construct(name, classes, width, height)
    net = Net(name, module, _find_head(module), width, height)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d) and layer.momentum is not None:
            # Some have 0.01 or less: a short run would be scored with the statistics of noise.
            layer.momentum = max(layer.momentum, _LEAST_MOMENTUM)
    _check_forward(net)
    return net


def _check_name(name: str) -> None:
    if name not in names():
        near = difflib.get_close_matches(name, names(), 3)
        hint = (f'did you mean {" or ".join(near)}?' if near
                else 'use a torchvision one, such as resnet18')
        raise NetError(f'unknown net {name!r}: {hint}')
    size = 4 * torchvision.models.get_model_weights(name).DEFAULT.meta['num_params']
    if size > MAX_BYTES:
        raise NetError(f'{name} has {size / 2**30:.1f} GiB of weights and an ONNX file holds 2: '
                       'choose a smaller net, such as resnet18')


def _fitting(name: str, width: int, height: int) -> tuple[int, int]:
    """The nearest larger size for networks that are made for one size only."""
    if name.startswith('vit_'):
        patch = int(name.rpartition('_')[2])
        side = -(-max(width, height) // patch) * patch
        return side, side
    if name == 'maxvit_t':
        return (-(-width // _MAXVIT_STEP) * _MAXVIT_STEP,
                -(-height // _MAXVIT_STEP) * _MAXVIT_STEP)
    return width, height


def _size_error(name: str, asked: tuple[int, int], better: tuple[int, int], why: str) -> NetError:
    return NetError(f'{name} cannot take {asked[0]}×{asked[1]} images{why and f" ({why})"}: give '
                    f'net_width {better[0]} and net_height {better[1]}')


def _construct(name: str, classes: int, width: int, height: int) -> nn.Module:
    options: dict[str, object] = {}
    if name in _INCEPTIONS:
        options = {'aux_logits': False, 'init_weights': True, 'transform_input': True}
    elif name.startswith('vit_'):
        options = {'image_size': width}
    elif name == 'maxvit_t':
        options = {'input_size': (height, width)}
    module: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=classes,
                                                     **options)
    if name.startswith('squeezenet'):
        # Its last convolution sees one pixel at a time, so the mean may be taken before it. Its
        # last ReLU goes: it could never answer no where several labels may hold.
        _put(module, 'classifier', nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.5),
            nn.Linear(_SQUEEZED_FEATURES, classes)))
    elif name == 'maxvit_t':
        head = module.get_submodule(_find_head(module))  # it has no bias
        assert isinstance(head, nn.Linear)
        _put(module, _find_head(module), nn.Linear(head.in_features, classes))
    return module


def _find_head(module: nn.Module) -> str:
    names: list[str] = [name for name, part in module.named_modules()
                        if isinstance(part, nn.Linear)]
    return names[-1]


def _put(module: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, child = name.rpartition('.')
    setattr(module.get_submodule(parent), child, layer)


@contextmanager
def _caught(layer: nn.Module) -> Iterator[list[torch.Tensor]]:
    """The inputs and outputs of a layer, as they come."""
    seen: list[torch.Tensor] = []
    hook = layer.register_forward_hook(lambda _, given, answer: seen.extend((*given, answer)))
    try:
        yield seen
    finally:
        hook.remove()


@torch.no_grad()
def _check_forward(net: Net) -> None:
    net.module.eval()
    try:
        with _caught(net.head_layer) as caught:
            answer = net.module(torch.zeros(1, 3, net.height, net.width))
    except (RuntimeError, AssertionError, ValueError) as error:
        why = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise _size_error(net.name, (net.width, net.height), _working(net), why) from error
    if len(caught) != 2 or caught[0].ndim != 2 or answer is not caught[1]:
        raise NetError(f'cannot find the last layer of {net.name}: use another net')


def _working(net: Net) -> tuple[int, int]:
    """The first size, not smaller than the network's, that it can take."""
    for side in _WORKING_SIZES:
        width, height = max(net.width, side), max(net.height, side)
        try:
            net.module(torch.zeros(1, 3, height, width))
        except (RuntimeError, AssertionError, ValueError):
            continue
        break
    return width, height
