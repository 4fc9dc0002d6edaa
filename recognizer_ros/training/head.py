"""A linear head on the features of a frozen backbone, fitted by scikit-learn.

Fitting the head before fine-tuning also keeps the first steps from spoiling the features
(Kumar et al., "Fine-Tuning can Distort Pretrained Features", 2022).
"""

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
from scipy import optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier

from ..core.labels import LabelMode
from ..core.predictions import probabilities
from ..dataset.reader import Sample
from ..inference.head import Head
from ..inference.scoring import Bools
from .alone import alone
from .embeddings import Array

_STRENGTH = 0.01
_ITERATIONS = 300
_LEAST_TO_CALIBRATE = 20


def fit(rows: Array, samples: Sequence[Sample], labels: Sequence[str], mode: LabelMode,
        start: Mapping[str, tuple[Array, float]] | None = None) -> Head:
    """Fit a class-balanced logistic regression on features, shape (n, features).

    Every label must occur in some sample, and not in all of them.

    :param start: rows and biases to begin with, of the labels known already.
    """
    mean, scale = rows.mean(0), rows.std(0) + 1e-6
    scaled = (rows - mean) / scale
    model = LogisticRegression(C=_STRENGTH, class_weight='balanced', max_iter=_ITERATIONS)
    begin = _scaled_start(start or {}, labels, mean, scale)
    with warnings.catch_warnings(), alone():
        warnings.simplefilter('ignore', ConvergenceWarning)  # a head nearly fitted is good enough
        weight, bias = (_softmax(model, scaled, samples, labels, begin) if mode == 'single' else
                        _sigmoid(model, scaled, samples, labels))
    weight = weight / scale
    return Head(weight.astype(np.float32), (bias - weight @ mean).astype(np.float32))


def calibrate(head: Head, rows: Array, truth: Bools, mode: LabelMode) -> Head:
    """Scale a head so that its probabilities are as often right as they say, by one temperature
    (Guo et al., "On Calibration of Modern Neural Networks", 2017); the order of answers stays.

    :param rows: held-out features, shape (n, features). :param truth: shape (n, labels).
    """
    if len(rows) < _LEAST_TO_CALIBRATE:
        return head
    logits = head(rows).astype(np.float64)

    def loss(log_temperature: float) -> float:
        found = probabilities(logits / np.exp(log_temperature), mode).astype(np.float64)
        found = found.clip(1e-9, 1 - 1e-9)
        right = np.log(found) * truth
        return -float((right if mode == 'single' else right + np.log(1 - found) * ~truth).sum())

    with alone():
        best = float(np.exp(optimize.minimize_scalar(loss, bounds=(-3, 3), method='bounded').x))
    return Head(head.weight / np.float32(best), head.bias / np.float32(best))


def _scaled_start(start: Mapping[str, tuple[Array, float]], labels: Sequence[str], mean: Array,
                  scale: Array) -> tuple[Array, Array] | None:
    """Rows on the features that the solver sees; zero for what is new."""
    if not any(label in start for label in labels):
        return None
    zero = (np.zeros(len(mean), np.float32), 0.0)
    rows = np.array([start.get(label, zero)[0] for label in labels], np.float32)
    biases = np.array([start.get(label, zero)[1] for label in labels], np.float32)
    return rows * scale, biases + rows @ mean


def _softmax(model: LogisticRegression, rows: Array, samples: Sequence[Sample],
             labels: Sequence[str], start: tuple[Array, Array] | None) -> tuple[Array, Array]:
    index = {label: position for position, label in enumerate(labels)}
    if start and len(labels) > 2:
        model.set_params(warm_start=True)
        model.coef_, model.intercept_ = start
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
