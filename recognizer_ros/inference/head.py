"""The last layer of a network: from features to scores."""

from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ..core.errors import ModelError
from ..core.labels import LabelMode
from ..core.predictions import Floats, probabilities
from .reject import Reject, from_tensors


@dataclass(frozen=True)
class Head:
    """A linear layer: ``weight`` (labels, features), ``bias`` (labels,).

    :param reject: tells images of unknown things; ``None``: too few were held out to know.
    """

    weight: Floats
    bias: Floats
    reject: Reject | None = None

    def __call__(self, rows: Floats) -> Floats:
        """Logits, shape (n, labels), of features, shape (n, features)."""
        logits: Floats = rows @ self.weight.T + self.bias
        return logits

    def scores(self, rows: Floats, mode: LabelMode) -> Floats:
        """Probabilities, shape (n, labels), of features, shape (n, features)."""
        return probabilities(self(rows), mode)

    def to_bytes(self) -> bytes:
        """A safetensors file."""
        return bytes(save({'weight': np.ascontiguousarray(self.weight),
                           'bias': np.ascontiguousarray(self.bias),
                           **(self.reject.tensors() if self.reject else {})}))


def from_bytes(data: bytes) -> Head:
    """Read what :meth:`Head.to_bytes` wrote.

    :raises ModelError: damaged, or numbers that are not finite.
    """
    try:
        parts = load(data)
        weight, bias = (np.asarray(parts[name], np.float32) for name in ('weight', 'bias'))
        if weight.ndim != 2 or bias.shape != weight.shape[:1]:
            raise ModelError('weight and bias of the head do not go together')
        reject = from_tensors(parts, weight.shape[1], len(bias))
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f'the file of the head is damaged ({error})') from error
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise ModelError('the head holds numbers that are not finite')
    return Head(weight, bias, reject)
