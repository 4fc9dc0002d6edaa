"""Any of torchvision's classification networks, with as many outputs as there are labels."""

import copy
import difflib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torchvision
from torch import nn

from ..core.errors import NetError

_NO_AUXILIARY = {'aux_logits': False, 'init_weights': True}
_SPECIAL: dict[str, dict[str, bool]] = {'googlenet': _NO_AUXILIARY, 'inception_v3': _NO_AUXILIARY}


def names() -> list[str]:
    """All networks that :func:`build` knows."""
    return sorted(torchvision.models.list_models(module=torchvision.models))


@dataclass(frozen=True)
class Net:
    """A network and where its last layer is.

    :param head: dotted name of the layer whose outputs are the logits.
    """

    name: str
    module: nn.Module
    head: str
    width: int
    height: int

    @property
    def head_layer(self) -> nn.Module:
        """The last layer."""
        return self.module.get_submodule(self.head)

    @property
    def outputs(self) -> int:
        """How many labels it answers for."""
        return len(self.head_layer.bias)  # type: ignore[arg-type]

    @property
    def has_linear_head(self) -> bool:
        """The last layer is linear on pooled features, so it can be fitted by itself."""
        return isinstance(self.head_layer, nn.Linear)

    def replace_head(self, weight: torch.Tensor, bias: torch.Tensor) -> None:
        """Set the last layer: ``weight`` (classes, features, …) and ``bias`` (classes,)."""
        layer = copy.deepcopy(self.head_layer)
        device = next(self.module.parameters()).device
        layer.weight = nn.Parameter(weight.to(device, torch.float32))
        layer.bias = nn.Parameter(bias.to(device, torch.float32))
        size = 'out_features' if self.has_linear_head else 'out_channels'
        setattr(layer, size, len(bias))
        parent, _, child = self.head.rpartition('.')
        setattr(self.module.get_submodule(parent), child, layer)

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
        layer = self.head_layer
        assert isinstance(layer.weight, torch.Tensor)
        assert isinstance(layer.bias, torch.Tensor)
        weight, bias = layer.weight.detach(), layer.bias.detach()
        rows = torch.zeros(len(new), *weight.shape[1:])
        shifts = torch.full((len(new),), float(bias.min()))
        for position, label in enumerate(new):
            if label in old:
                rows[position] = weight[old.index(label)].cpu()
                shifts[position] = bias[old.index(label)].cpu()
        self.replace_head(rows, shifts)


def build(name: str, classes: int, width: int, height: int) -> Net:
    """Make a network with random weights.

    :raises NetError: unknown, or it cannot take images of this size.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), 3)
        hint = (f'did you mean {" or ".join(near)}?' if near
                else 'use a torchvision one, such as resnet18')
        raise NetError(f'unknown net {name!r}: {hint}')
    module = _construct(name, classes, width, height)
    net = Net(name, module, _find_head(module, classes, name), width, height)
    _check_size(net)
    return net


def _construct(name: str, classes: int, width: int, height: int) -> nn.Module:
    options: dict[str, object] = dict(_SPECIAL.get(name, {}))
    if name.startswith('vit_'):
        if width != height:
            raise NetError(f'{name} takes square images only: give net_width = net_height')
        options['image_size'] = width
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            module: nn.Module = torchvision.models.get_model(
                name, weights=None, num_classes=classes, **options)
    except (ValueError, AssertionError, RuntimeError) as error:
        raise NetError(f'{name} cannot be made for {width}×{height} images: '
                       f'{str(error) or "size not allowed"}; try 224×224') from error
    if name.startswith('squeezenet'):
        # Its last step is a ReLU, which could never answer no where several labels may hold.
        module.get_submodule('classifier').add_module('2', nn.Identity())
    return module


def _find_head(module: nn.Module, classes: int, name: str) -> str:
    outputs = [layer for layer, part in module.named_modules()
               if classes == getattr(part, 'out_features', getattr(part, 'out_channels', None))]
    if not outputs:
        raise NetError(f'cannot find the last layer of {name}: use another net')
    return str(outputs[-1])


@torch.no_grad()
def _check_size(net: Net) -> None:
    net.module.eval()
    try:
        net.module(torch.zeros(1, 3, net.height, net.width))
    except (RuntimeError, AssertionError, ValueError) as error:
        raise NetError(f'{net.name} cannot take {net.width}×{net.height} images '
                       f'({str(error).splitlines()[0][:120]}): try 224×224') from error
