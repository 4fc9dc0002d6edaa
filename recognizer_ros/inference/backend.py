"""What runs a network."""

from typing import Protocol

from ..core.predictions import Floats


class Backend(Protocol):
    """A loaded network. :ivar name: for people, such as ``onnxruntime:cpu``."""

    name: str

    def infer(self, batch: Floats) -> Floats:
        """Logits, shape (n, classes), of inputs, shape (n, 3, height, width); n is 1 unless the
        network was exported for more."""
