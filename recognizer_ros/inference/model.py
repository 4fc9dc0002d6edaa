"""A model version ready to answer."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.bundle import BACKBONE, HEAD, Bundle
from ..core.errors import ModelError
from ..core.files import sha256_file
from ..core.predictions import Floats
from ..core.preprocessing import Preprocessing
from . import head as heads
from .backend import Backend
from .head import Head
from .onnx_runtime import OnnxRuntimeBackend
from .preprocess import Pixels, from_camera, probe, to_input

TOLERANCE = 1e-2
"""Largest difference allowed between the scores on the test frame here and where it was trained:
libraries and processors round differently, other weights differ by far more."""


@dataclass(frozen=True)
class Model:
    """Network, labels and label mode of one version: what a classifier swaps as a whole.

    :param backend: the network up to its features. :param probe: features of the test frame.
    """

    bundle: Bundle
    backend: Backend
    head: Head
    probe: Floats

    def scores(self, image: Pixels, order: str = 'bgr') -> Floats:
        """One score per label, shape (labels,), of an image of shape (h, w, 3)."""
        features = self.backend.infer(from_camera(image, self.bundle.preprocessing, order))
        scores: Floats = self.head.scores(features, self.bundle.label_mode)[0]
        return scores


def load(backbone: Path, head: bytes, bundle: Bundle,
         backend: Callable[[Path], Backend] = OnnxRuntimeBackend,
         former: Model | None = None) -> Model:
    """Load a version and run it once on its test frame.

    :param backbone: the file of the network. :param head: the file of its last layer.
    :param former: a model in use: when only the head differs, its backbone is shared.
    :raises ModelError: file missing, other bytes than described, or other answers than expected.
    """
    name = f'model version {bundle.version}'
    if former and _backbone(former.bundle) == _backbone(bundle):
        network, features = former.backend, former.probe
    else:
        _check_file(backbone, bundle, name)
        network = backend(backbone)
        features = network.infer(to_input(probe(bundle.preprocessing), bundle.preprocessing))
    if hashlib.sha256(head).hexdigest() != bundle.sha256[HEAD]:
        raise ModelError(f'{name}: its head is damaged')
    try:
        model = Model(bundle, network, heads.from_bytes(head), features)
    except ModelError as error:
        raise ModelError(f'{name}: {error}') from error
    if features.shape != (1, *model.head.weight.shape[1:]) or len(model.head.bias) != len(
            bundle.labels):
        raise ModelError(f'{name}: a head of shape {model.head.weight.shape} for '
                         f'{len(bundle.labels)} labels and features of shape {features.shape}')
    scores = model.head.scores(features, bundle.label_mode)
    if not np.all(np.abs(scores[0] - np.array(bundle.probe)) <= TOLERANCE):  # NaN is never within
        raise ModelError(f'{name}: answers on the test frame differ from those in training')
    return model


def _backbone(bundle: Bundle) -> tuple[str, Preprocessing]:
    """What features depend on."""
    return bundle.sha256[BACKBONE], bundle.preprocessing


def _check_file(path: Path, bundle: Bundle, name: str) -> None:
    try:
        found = sha256_file(path)
    except OSError as error:
        raise ModelError(f'{name}: cannot read {path} ({error.strerror})') from error
    if found != bundle.sha256[BACKBONE]:
        raise ModelError(f'{name}: {path} is damaged (its SHA-256 is {found[:12]}…)')
