"""Images one at a time, beside those of the camera."""

from ..core.bundle import BACKBONE
from .judging import Opinion, judge
from .model import Model
from .onnx_runtime import OnnxRuntimeBackend
from .preprocess import Pixels


class SingleImages:
    """Runs networks of its own, in one thread of the CPU: two runs of one session share its
    threads, and some backends cannot do it at all. The last network stays loaded. Not for several
    threads at once.
    """

    def __init__(self) -> None:
        self._loaded: tuple[str, OnnxRuntimeBackend] | None = None

    def judge(self, image: Pixels, model: Model, unknown: float) -> Opinion:
        """What a model makes of an image, shape (h, w, 3), in the order B, G, R.

        :param unknown: the setting. :raises ModelError: its network cannot be loaded or run.
        """
        bundle, backend = model.bundle, self._backend(model)
        features = backend.infer(backend.prepare(image, 'bgr', bundle.preprocessing))
        return judge(model.head, bundle.label_mode, features, unknown)

    def forget(self) -> None:
        """Free the network."""
        self._loaded = None

    def _backend(self, model: Model) -> OnnxRuntimeBackend:
        name = model.bundle.sha256[BACKBONE]
        if not self._loaded or self._loaded[0] != name:
            self._loaded = None  # before there are two
            self._loaded = name, OnnxRuntimeBackend(model.network(), threads=1)
        return self._loaded[1]
