"""What runs a network."""

from typing import Protocol

from ..core.predictions import Floats


class Backend(Protocol):
    """A loaded network. :ivar name: for people, such as ``onnxruntime:cpu``."""

    name: str

    def infer(self, batch: Floats) -> Floats:
        """Probabilities, shape (n, labels), of inputs, shape (n, 3, height, width)."""
