"""Is an image like those that were learned? What decides on the answer "unknown"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..core.errors import ModelError
from ..core.predictions import Floats

BACKGROUND = 'background'
"""The label of samples that show none of the things that are learned."""
MARKS = 100
"""Most numbers kept for a label: more held-out images are thinned out."""
_PREFIX = 'reject.'


@dataclass(frozen=True)
class Reject:
    """How strange an image is, and how strange held-out images of known things are.

    What of the features, scaled to length one, lies outside the directions that known things fill
    is one more logit, beside those of the labels: the less of the softmax is left for known
    labels, the stranger (Wang et al., "ViM: Out-Of-Distribution with Virtual-logit Matching",
    2022). The label BACKGROUND is not a known one, so an image is strange that it claims. All this
    holds where several labels may be true too: each image learned has one at least.

    :param basis: those directions, shape (features, directions), in numbers of half precision.
    :param pull: that logit, of features that lie outside of them altogether.
    :param known: 1 for each known label and 0 for BACKGROUND, shape (labels,).
    :param marks: strangeness of held-out images by answered label, shape (labels, at most MARKS);
        where there are fewer, the smallest is repeated.
    :param counts: how many there are without such, shape (labels,).
    """

    basis: Floats
    pull: float
    known: Floats
    marks: Floats
    counts: Floats

    def __call__(self, rows: Floats, logits: Floats) -> Floats:
        """The share of held-out images, of known things and with the same known label as best
        answer, that looked at least as strange; shape (n,), above 0 to 1.

        To call an image unknown where this is at most 0.05 rejects 5 % of the images of known
        things, for each answer: Vovk et al., "Algorithmic Learning in a Random World", 2005, 4.5
        (Mondrian conformal prediction).

        :param rows: features, shape (n, features). :param logits: shape (n, labels).
        """
        best = np.where(self.known, logits, -np.inf).argmax(1)
        found = strangeness(rows, logits, self.basis, self.pull, self.known)
        counts = self.counts[best]
        as_strange = np.minimum((self.marks[best] >= found[:, None]).sum(1), counts)
        return np.asarray((as_strange + 1) / (counts + 1), np.float32)

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """What :func:`from_tensors` reads back."""
        return {f'{_PREFIX}basis': np.ascontiguousarray(self.basis, np.float16),
                f'{_PREFIX}pull': np.array([self.pull], np.float32),
                f'{_PREFIX}known': np.ascontiguousarray(self.known),
                f'{_PREFIX}marks': np.ascontiguousarray(self.marks),
                f'{_PREFIX}counts': np.ascontiguousarray(self.counts)}


def from_tensors(tensors: Mapping[str, npt.NDArray[Any]], features: int, labels: int
                 ) -> Reject | None:
    """Find it among the tensors of a head; ``None``: the head has none.

    :raises ModelError: shapes that do not go together, or numbers that cannot be.
    :raises KeyError: one is missing.
    """
    if not any(name.startswith(_PREFIX) for name in tensors):
        return None
    basis, pull, known, marks, counts = (
        np.asarray(tensors[f'{_PREFIX}{name}'], np.float32)
        for name in ('basis', 'pull', 'known', 'marks', 'counts'))
    if ((basis.ndim, marks.ndim) != (2, 2) or len(basis) != features or pull.shape != (1,)
            or not known.shape == counts.shape == marks.shape[:1] == (labels,)):
        raise ModelError('the head and what it knows of unknown images do not go together')
    if not all(np.isfinite(part).all() for part in (basis, pull, known, marks, counts)):
        raise ModelError('what the head knows of unknown images holds numbers that are not finite')
    if not (known.any() and counts.min() >= 1 and counts.max() <= marks.shape[1]):
        raise ModelError('what the head knows of unknown images is damaged')
    return Reject(basis, float(pull[0]), known, marks, counts)


def outside(rows: Floats, basis: Floats) -> Floats:
    """The part of features that lies outside of directions, shape (n,), 0 to 1.

    :param rows: shape (n, features). :param basis: orthonormal, shape (features, directions).
    """
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    found: Floats = np.sqrt(np.maximum(1 - np.square(unit @ basis).sum(1), 0))
    return found


def strangeness(rows: Floats, logits: Floats, basis: Floats, pull: float, known: Floats) -> Floats:
    """Log of the odds against all known labels, shape (n,); parameters as in :class:`Reject`."""
    strange = np.logaddexp.reduce(np.where(known, -np.inf, logits), axis=1)
    found: Floats = (np.logaddexp(pull * outside(rows, basis), strange)
                     - np.logaddexp.reduce(np.where(known, logits, -np.inf), axis=1))
    return found
