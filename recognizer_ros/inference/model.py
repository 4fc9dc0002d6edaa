"""A model version ready to answer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core.bundle import Bundle
from ..core.errors import ModelError
from ..core.files import sha256_file
from ..core.predictions import Floats, probabilities
from .backend import Backend
from .onnx_runtime import OnnxRuntimeBackend
from .preprocess import Pixels, from_camera, probe, to_input

TOLERANCE = 1e-2
"""Largest difference allowed between the logits on the test frame here and where it was trained:
libraries and processors round differently, other weights differ by far more."""


@dataclass(frozen=True)
class Model:
    """Network, labels and label mode of one version: what a classifier swaps as a whole."""

    bundle: Bundle
    backend: Backend

    def scores(self, image: Pixels, order: str = 'bgr') -> Floats:
        """One score per label, shape (labels,), of an image of shape (h, w, 3)."""
        logits = self.backend.infer(from_camera(image, self.bundle.preprocessing, order))
        return probabilities(logits[0], self.bundle.label_mode)


def load(path: Path, bundle: Bundle,
         backend: Callable[[Path], Backend] = OnnxRuntimeBackend) -> Model:
    """Load a version and run it once on its test frame.

    :raises ModelError: file missing, other bytes than described, or other answers than expected.
    """
    name = f'model version {bundle.version}'
    try:
        found = sha256_file(path)
    except OSError as error:
        raise ModelError(f'{name}: cannot read {path} ({error.strerror})') from error
    if found != bundle.sha256['model.onnx']:
        raise ModelError(f'{name}: {path} is damaged (its SHA-256 is {found[:12]}…)')
    model = Model(bundle, backend(path))
    logits = model.backend.infer(to_input(probe(bundle.preprocessing), bundle.preprocessing))
    if logits.shape != (1, len(bundle.labels)):
        raise ModelError(f'{name}: {logits.shape[-1]} outputs for {len(bundle.labels)} labels')
    expected = np.array(bundle.probe, np.float32)
    error_scale = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    same = np.isfinite(expected).all() and np.all(np.abs(logits[0] - expected) <= error_scale)
    if not same:
        raise ModelError(f'{name}: answers on the test frame differ from those in training')
    return model
