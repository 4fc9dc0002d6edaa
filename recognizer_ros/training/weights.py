"""Initial weights of a network."""

import logging
import re
from pathlib import Path
from typing import Any

import torch
import torchvision
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..core.errors import WeightsError
from .nets import Net

_log = logging.getLogger(__name__)
# torchvision's files of DenseNet are older than the names of its layers.
_OLD_NAME = re.compile(r'(denselayer\d+\.(?:norm|conv))\.([12]\.)')


def load_initial(net: Net, weights: str) -> bool:
    """Load ``imagenet``, ``none`` or a safetensors file into a network, but for its last layer.

    :return: whether the network has learned weights now; when a download fails it goes on without.
    :raises WeightsError: the file is missing or belongs to another network.
    """
    if weights == 'none':
        return False
    if weights != 'imagenet':
        load_backbone(net, _read(Path(weights).expanduser()), weights)
        return True
    try:
        chosen = torchvision.models.get_model_weights(net.name).DEFAULT
        state = chosen.get_state_dict(progress=False, check_hash=True)
        load_backbone(net, {_OLD_NAME.sub(r'\1\2', key): value for key, value in state.items()},
                      'imagenet')
    except (OSError, RuntimeError) as error:
        _log.warning('ImageNet weights could not be downloaded (%s): training begins with random '
                     'ones and needs many more images; where there is no network give '
                     'weights:=PATH', error)
        return False
    return True


def load_backbone(net: Net, state: dict[str, Any], source: str) -> None:
    """Load a state dict into all but the last layer.

    :raises WeightsError: names or shapes differ.
    """
    own = net.module.state_dict()
    body = {key: value for key, value in state.items()
            if not key.startswith(f'{net.head}.') and key in own}
    wrong = [key for key in own if not key.startswith(f'{net.head}.')
             and not key.endswith('num_batches_tracked')
             and (key not in body or body[key].shape != own[key].shape)]
    # A safetensors file of a backbone may leave out the whole classifier, hidden layers included.
    classifier = net.head.split('.')[0] + '.'
    wrong = [key for key in wrong if not (key.startswith(classifier) and key not in body)]
    if wrong or not body:
        named = f' ({wrong[0]} is missing or of another shape)' if wrong else ''
        raise WeightsError(f'{source} does not hold weights of {net.name}{named}: choose the net '
                           'it was made for')
    whole = {key: value.to(torch.float32) if value.is_floating_point() else value
             for key, value in body.items()}
    net.module.load_state_dict(whole, strict=False)


def _read(path: Path) -> dict[str, Any]:
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise WeightsError(f'weights file {path} does not exist: give imagenet, none or the path '
                           'of a safetensors file') from error
    except (SafetensorError, OSError) as error:
        raise WeightsError(f'weights file {path} is not a safetensors file') from error


def load_backbone_file(net: Net, path: Path) -> None:
    """Load a version's own weights into all but the last layer.

    :raises WeightsError: the file is missing, damaged, or of another network.
    """
    load_backbone(net, _read(path), str(path))
