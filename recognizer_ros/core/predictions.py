"""From a network's outputs to answers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .labels import LabelMode

Floats = npt.NDArray[np.float32]
UNKNOWN = 'unknown'
"""The answer to an image of something that was not learned."""


@dataclass(frozen=True)
class Prediction:
    """A label and its score, 0 to 1."""

    label: str
    score: float


def probabilities(logits: Floats, mode: LabelMode) -> Floats:
    """Softmax (single) or sigmoid (multi) over the last axis; same shape as ``logits``."""
    if mode == 'multi':
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))), np.float32)
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True), np.float32)


def select(scores: Floats, labels: tuple[str, ...], threshold: float,
           top_k: int) -> tuple[Prediction, ...]:
    """The best ``top_k`` labels whose score is at least ``threshold``, best first.

    :param scores: one score per label, shape (labels,).
    """
    order = np.argsort(-scores, kind='stable')[:top_k]
    return tuple(Prediction(labels[i], float(scores[i])) for i in order if scores[i] >= threshold)


def overlay_text(prediction: Prediction) -> str:
    """One line in the original Recognizer's format."""
    return f'{prediction.score * 100:05.2f}% {prediction.label}'
