"""What runs a network."""

from typing import Any, Protocol

from ..core.predictions import Floats
from ..core.preprocessing import Preprocessing
from .preprocess import Pixels


class Backend(Protocol):
    """A loaded backbone. Not for several threads at once.

    :ivar name: for people, such as ``onnxruntime:cpu``.
    """

    name: str

    def prepare(self, image: Pixels, order: str, how: Preprocessing) -> Any:
        """An image, shape (h, w, 3), channels in ``order`` bgr or rgb, as :meth:`infer` takes it.
        """

    def infer(self, prepared: Any) -> Floats:
        """Features of one image, shape (1, F).

        :raises ModelError: the network cannot be run.
        """
