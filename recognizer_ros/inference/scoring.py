"""Scores of a model's answers, by scikit-learn."""

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from ..core.labels import LabelMode
from ..core.predictions import Floats
from ..core.scores import ClassScore, Scores

_BINS = 15
Bools = npt.NDArray[np.bool_]
NAN = float('nan')


def score(scores: Floats, truth: Bools, labels: tuple[str, ...], mode: LabelMode,
          warning: str = '') -> Scores:
    """Score answers against the truth.

    Classes without a sample are left out of all means.

    :param scores: probabilities, shape (samples, labels).
    :param truth: which labels hold, same shape; for ``single`` one a row, or none where the
        sample shows nothing that the model knows: such an answer is wrong.
    """
    if not len(truth):
        return Scores(0, NAN, NAN, NAN, NAN, NAN, labels, warning=warning or 'nothing is held out',
                      mode=mode)
    if mode == 'single':
        answers = np.eye(len(labels), dtype=bool)[scores.argmax(1)]
        confusion = truth.T.astype(int) @ answers
        correct, confidence = (answers & truth).any(1), scores.max(1)
    else:
        confusion = np.zeros((0, 0), int)
        answers = scores >= 0.5
        correct, confidence = answers == truth, np.maximum(scores, 1 - scores)
    # scikit-learn takes a single column for a yes-or-no task: one more keeps them classes.
    columns = metrics.precision_recall_fscore_support(_widened(truth), _widened(answers),
                                                      zero_division=0)
    precision, recall, f1, support = (column[:-1] for column in columns)
    seen = support > 0
    return Scores(
        samples=len(truth),
        accuracy=float((answers == truth).all(1).mean()),
        balanced_accuracy=float(recall[seen].mean()),
        macro_f1=float(f1[seen].mean()),
        mean_average_precision=_mean_ap(scores, truth, seen) if mode == 'multi' else NAN,
        calibration_error=_calibration_error(confidence.ravel(), correct.ravel()),
        labels=labels,
        per_class=tuple(ClassScore(float(p), float(r), float(f), int(s)) for p, r, f, s in
                        zip(precision, recall, f1, support, strict=True)),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        warning=warning,
        mode=mode,
    )


def _widened(columns: Bools) -> Bools:
    return np.pad(columns, ((0, 0), (0, 1)))


def _mean_ap(scores: Floats, truth: Bools, seen: Bools) -> float:
    return float(metrics.average_precision_score(truth[:, seen], scores[:, seen],
                                                 average='macro'))


def _calibration_error(confidence: Floats, correct: Bools) -> float:
    """Expected calibration error with equal bins (Guo et al., 2017); scikit-learn has none."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    counts = np.bincount(bins, minlength=_BINS)
    gap = np.bincount(bins, confidence, _BINS) - np.bincount(bins, correct, _BINS)
    return float(np.abs(gap).sum() / counts.sum())
