"""How a model answers held-out samples, and which samples it answers so."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.predictions import Floats
from .known_features import Ints


@dataclass(frozen=True)
class Review:
    """Answers to held-out samples with one tag each.

    :param labels: classes. :param ids: of the samples. :param truth: the class of each, a place in
        ``labels``; ``answered``: likewise. :param scores: of the answers, 0 to 1.
    """

    labels: tuple[str, ...]
    ids: tuple[str, ...]
    truth: Ints
    answered: Ints
    scores: Floats
    dataset_revision: int = 0
    model_version: int = 0

    @property
    def confusion(self) -> Ints:
        """Shape (labels, labels); row = true class, column = answered class."""
        table = np.zeros((len(self.labels), len(self.labels)), np.int64)
        np.add.at(table, (self.truth, self.answered), 1)
        return table

    def cell(self, truth: str, answer: str) -> tuple[list[str], list[float]]:
        """Samples of one cell, the surest answer first, and their scores."""
        if truth not in self.labels or answer not in self.labels:
            return [], []
        places = np.flatnonzero((self.truth == self.labels.index(truth))
                                & (self.answered == self.labels.index(answer)))
        places = places[np.argsort(-self.scores[places], kind='stable')]
        return [self.ids[place] for place in places], [float(self.scores[p]) for p in places]


def all_labels(known: Sequence[str], tags: Sequence[str]) -> tuple[str, ...]:
    """The classes of a model, and those that it does not know and never answers."""
    return (*known, *sorted(set(tags) - set(known)))
