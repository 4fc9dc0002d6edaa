"""A model version ready to answer."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.bundle import BACKBONE, HEAD, Bundle
from ..core.errors import ModelError
from ..core.predictions import Floats
from ..core.preprocessing import Preprocessing
from . import head as heads
from .backend import Backend
from .head import Head
from .onnx_runtime import OnnxRuntimeBackend
from .preprocess import Pixels, probe

TOLERANCE = 1e-2
"""Largest difference allowed between the scores on the test frame here and where it was trained:
libraries and processors round differently, other weights differ by far more."""


@dataclass(frozen=True)
class Model:
    """Network, labels and label mode of one version: what a classifier swaps as a whole.

    :param backend: the network up to its features. :param probe: features of the test frame.
    :param find: gives the file of the network; may raise ModelError.
    """

    bundle: Bundle
    backend: Backend
    head: Head
    probe: Floats
    find: Callable[[], Path]

    def network(self) -> bytes:
        """The file of the network. :raises ModelError: it cannot be read, or is damaged."""
        return _read(self.find(), self.bundle)

    def scores(self, image: Pixels, order: str = 'bgr') -> Floats:
        """One score per label, shape (labels,), of an image of shape (h, w, 3)."""
        prepared = self.backend.prepare(image, order, self.bundle.preprocessing)
        scores: Floats = self.head.scores(self.backend.infer(prepared), self.bundle.label_mode)[0]
        return scores


def on_cpu(network: bytes, _: Bundle) -> Backend:
    """The backend that works everywhere."""
    return OnnxRuntimeBackend(network)


def load(find: Callable[[], Path], head: bytes, bundle: Bundle,
         backend: Callable[[bytes, Bundle], Backend] = on_cpu,
         former: Model | None = None) -> Model:
    """Load a version and run it once on its test frame.

    :param find: gives the file of the network; may raise ModelError. :param head: the file of its
        last layer. :param backend: runs the network in such a file.
    :param former: a model in use: when only the head differs, its backbone is shared.
    :raises ModelError: file missing, other bytes than described, or other answers than expected.
    """
    name = f'model version {bundle.version}'
    if former and _backbone(former.bundle) == _backbone(bundle):
        network, features = former.backend, former.probe
    else:
        # From memory: the very bytes that were checked, and none beside them.
        network, how = backend(_read(find(), bundle), bundle), bundle.preprocessing
        features = network.infer(network.prepare(probe(how), 'rgb', how))
    if hashlib.sha256(head).hexdigest() != bundle.sha256[HEAD]:
        raise ModelError(f'{name}: its head is damaged')
    try:
        model = Model(bundle, network, heads.from_bytes(head), features, find)
    except ModelError as error:
        raise ModelError(f'{name}: {error}') from error
    if features.shape != (1, *model.head.weight.shape[1:]) or len(model.head.bias) != len(
            bundle.labels):
        raise ModelError(f'{name}: a head of shape {model.head.weight.shape} for '
                         f'{len(bundle.labels)} labels and features of shape {features.shape}')
    scores = model.head.scores(features, bundle.label_mode)
    if not np.isfinite(scores).all():
        raise ModelError(f'{name}: answers on the test frame with numbers that are not finite')
    if not np.all(np.abs(scores[0] - np.array(bundle.probe)) <= TOLERANCE):  # NaN is never within
        raise ModelError(f'{name}: answers on the test frame differ from those in training')
    return model


def _backbone(bundle: Bundle) -> tuple[str, Preprocessing]:
    """What features depend on."""
    return bundle.sha256[BACKBONE], bundle.preprocessing


def _read(path: Path, bundle: Bundle) -> bytes:
    name = f'model version {bundle.version}'
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f'{name}: cannot read {path} ({error.strerror})') from error
    found = hashlib.sha256(data).hexdigest()
    if found != bundle.sha256[BACKBONE]:
        raise ModelError(f'{name}: {path} is damaged (its SHA-256 is {found[:12]}…)')
    return data
