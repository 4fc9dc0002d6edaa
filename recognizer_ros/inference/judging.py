"""From the features of an image to what a model makes of it: live, and of a single image."""

from dataclasses import dataclass

import numpy as np

from ..core.config import ClassifierConfig
from ..core.labels import LabelMode
from ..core.predictions import UNKNOWN, Floats, Prediction, probabilities, select
from ..core.smoothing import Smoother
from .head import Head


@dataclass(frozen=True)
class Opinion:
    """Of one image, or the mean over some.

    :param scores: one per label, shape (labels,).
    :param familiarity: share of held-out images that looked at least as strange; 1 where nobody
        asks, or the model cannot tell.
    """

    scores: Floats
    familiarity: np.float32

    def is_unknown(self, share: float) -> bool:
        """It shows none of the labels. :param share: setting ``unknown``."""
        return bool(self.familiarity <= np.float32(share))

    def smoothed(self, smoother: Smoother, labels: tuple[str, ...], factor: float) -> 'Opinion':
        """The mean over this and the images before. :param factor: setting ``smoothing``."""
        # No label is empty, so that stands for being familiar.
        smooth = smoother(np.append(self.scores, self.familiarity), (*labels, ''), factor)
        return Opinion(smooth[:-1], smooth[-1])

    def results(self, labels: tuple[str, ...], config: ClassifierConfig
                ) -> tuple[Prediction, ...]:
        """What is answered: the labels that count, best first, or that it is unknown."""
        if self.is_unknown(config.unknown):
            return (Prediction(UNKNOWN, 1 - float(self.familiarity)),)
        return select(self.scores, labels, config.threshold, config.top_k)


def judge(head: Head, mode: LabelMode, features: Floats, unknown: float) -> Opinion:
    """What a last layer makes of features, shape (1, F). :param unknown: the setting."""
    logits = head(features)
    familiarity = head.reject(features, logits)[0] if unknown and head.reject else np.float32(1)
    return Opinion(probabilities(logits, mode)[0], familiarity)
