"""The last layer of a network: from features to scores."""

from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from ..core.errors import ModelError
from ..core.labels import LabelMode
from ..core.predictions import Floats, probabilities


@dataclass(frozen=True)
class Head:
    """A linear layer: ``weight`` (labels, features), ``bias`` (labels,)."""

    weight: Floats
    bias: Floats

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
                           'bias': np.ascontiguousarray(self.bias)}))


def from_bytes(data: bytes) -> Head:
    """Read what :meth:`Head.to_bytes` wrote.

    :raises ModelError: damaged, or numbers that are not finite.
    """
    try:
        parts = load(data)
        head = Head(np.asarray(parts['weight'], np.float32), np.asarray(parts['bias'], np.float32))
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f'the file of the head is damaged ({error})') from error
    if head.weight.ndim != 2 or head.bias.shape != head.weight.shape[:1]:
        raise ModelError('weight and bias of the head do not go together')
    if not (np.isfinite(head.weight).all() and np.isfinite(head.bias).all()):
        raise ModelError('the head holds numbers that are not finite')
    return head
