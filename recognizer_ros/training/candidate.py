"""What is asked of a network that may become a version."""

import hashlib
from collections.abc import Sequence

import numpy as np
from safetensors.torch import save

from ..dataset.reader import Sample
from ..inference.scoring import Bools
from .nets import Net


def truth(samples: Sequence[Sample], labels: Sequence[str]) -> Bools:
    """Which labels hold, shape (samples, labels)."""
    return np.array([[label in sample.tags for label in labels] for sample in samples],
                    bool).reshape(len(samples), len(labels))


def weights_of(net: Net) -> bytes:
    """The weights of all but the last layer as a safetensors file."""
    return save({name: tensor.detach().cpu().contiguous()
                 for name, tensor in net.module.state_dict().items()
                 if not name.startswith(f'{net.head}.')})


def backbone_sha256(net: Net) -> str:
    """SHA-256 of all weights but the last layer's."""
    digest = hashlib.sha256()
    for name, tensor in sorted(net.module.state_dict().items()):
        if not name.startswith(f'{net.head}.'):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
