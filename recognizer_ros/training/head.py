"""A linear head on the features of a frozen backbone, fitted by scikit-learn.

Fitting the head before fine-tuning also keeps the first steps from spoiling the features
(Kumar et al., "Fine-Tuning can Distort Pretrained Features", 2022).
"""

import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from ..core.labels import LabelMode
from ..dataset.reader import Sample
from .batches import Batches
from .nets import Net

Array = npt.NDArray[np.float32]
_STRENGTH = 0.01
_ITERATIONS = 300
_BATCH = 16


class FeatureCache:
    """Features of samples by one frozen backbone; a new backbone needs a new cache.

    :param limit: samples kept; the oldest go first.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._kept: OrderedDict[str, Array] = OrderedDict()
        self._limit = limit

    def get(self, net: Net, batches: Batches, samples: Sequence[Sample],
            stop: Callable[[], bool]) -> tuple[list[Sample], Array]:
        """Return the usable samples and their features, shape (n, features); computes what is
        missing. ``stop``: asked between batches; what is not computed then is left out."""
        missing = [sample for sample in samples if sample.sha256 not in self._kept]
        for kept, inputs in batches.plain(missing, _BATCH):
            for sample, row in zip(kept, features(net, inputs), strict=True):
                self._kept[sample.sha256] = row
            if stop():
                break
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        known = [sample for sample in samples if sample.sha256 in self._kept]
        return known, np.array([self._kept[sample.sha256] for sample in known], np.float32)


@torch.inference_mode()
def features(net: Net, inputs: torch.Tensor) -> Array:
    """What reaches the last layer, shape (n, features), in evaluation mode."""
    caught: list[torch.Tensor] = []
    hook = net.head_layer.register_forward_pre_hook(lambda _, args: caught.append(args[0]))
    try:
        net.module.eval()
        net.module(inputs)
    finally:
        hook.remove()
    rows: Array = caught[0].float().cpu().numpy()
    return rows


@dataclass(frozen=True)
class Head:
    """A linear layer: ``weight`` (labels, features), ``bias`` (labels,)."""

    weight: Array
    bias: Array

    def __call__(self, rows: Array) -> Array:
        """Logits, shape (n, labels), of features, shape (n, features)."""
        logits: Array = rows @ self.weight.T + self.bias
        return logits


def fit(rows: Array, samples: Sequence[Sample], labels: Sequence[str], mode: LabelMode) -> Head:
    """Fit a class-balanced logistic regression on features, shape (n, features).

    Every label must occur in some sample, and not in all of them.
    """
    mean, scale = rows.mean(0), rows.std(0) + 1e-6
    scaled = (rows - mean) / scale
    model = LogisticRegression(C=_STRENGTH, class_weight='balanced', max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', ConvergenceWarning)  # a head nearly fitted is good enough
        weight, bias = (_softmax if mode == 'single' else _sigmoid)(model, scaled, samples, labels)
    weight = weight / scale
    return Head(weight.astype(np.float32), (bias - weight @ mean).astype(np.float32))


def _softmax(model: LogisticRegression, rows: Array, samples: Sequence[Sample],
             labels: Sequence[str]) -> tuple[Array, Array]:
    index = {label: position for position, label in enumerate(labels)}
    model.fit(rows, [index[sample.tags[0]] for sample in samples])
    if len(labels) > 2:
        return model.coef_, model.intercept_
    # Two classes: scikit-learn gives the difference of the two rows.
    signs = np.array([[-0.5], [0.5]], np.float32)
    return signs * model.coef_, (signs * model.intercept_)[:, 0]


def _sigmoid(model: LogisticRegression, rows: Array, samples: Sequence[Sample],
             labels: Sequence[str]) -> tuple[Array, Array]:
    hot = np.array([[label in sample.tags for label in labels] for sample in samples])
    fitted = OneVsRestClassifier(model).fit(rows, hot)
    return (np.vstack([part.coef_ for part in fitted.estimators_]),
            np.concatenate([part.intercept_ for part in fitted.estimators_]))
