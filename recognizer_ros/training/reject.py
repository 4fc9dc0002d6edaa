"""What an image looks like that shows something unknown, by those that show what is known."""

from collections.abc import Sequence

import numpy as np
from sklearn.utils.extmath import randomized_svd

from ..core.predictions import Floats
from ..inference.head import Head
from ..inference.reject import BACKGROUND, MARKS, Reject, outside, strangeness
from ..inference.scoring import Bools
from .alone import alone

_DIRECTIONS = 128
_ROWS = 1000
_LEAST, _LEAST_OF_CLASS = 20, 50
_ROUNDING = 1e-4
_GROWTH = 1.1


class Directions:
    """The directions that the features of one backbone, scaled to length one, fill most.

    They hardly change with a few more samples, so they are found anew only for other labels, and
    where a tenth has been added.
    """

    def __init__(self) -> None:
        self._found: tuple[tuple[str, ...], int, Floats] | None = None

    def __call__(self, labels: Sequence[str], rows: Floats) -> Floats:
        """Shape (features, directions), of half precision; no directions: too few rows.

        :param rows: features of samples with these labels, shape (n, features).
        """
        if self._found:
            known, count, basis = self._found
            if known == tuple(labels) and count <= len(rows) < count * _GROWTH:
                return basis
        basis = _directions(_thinned_rows(rows))
        self._found = tuple(labels), len(rows), basis
        return basis


def fit(head: Head, labels: Sequence[str], rows: Floats, truth: Bools, held_rows: Floats,
        held_truth: Bools, directions: Directions) -> Reject | None:
    """Learn from samples with a label other than BACKGROUND; ``None``: they are too few.

    The directions and their weight come from the samples that the head was fitted on, the
    marks from held-out samples alone: on samples that it was fitted on, a head is too sure. Where
    those lie in the same bursts, a new scene looks stranger than they do.

    :param rows: features of samples it was fitted on, shape (n, features), and ``truth``, which
        labels hold, shape (n, labels). :param held_rows: those of held-out samples.
    """
    known = np.array([label != BACKGROUND for label in labels])
    rows, held = rows[truth[:, known].any(1)], held_rows[held_truth[:, known].any(1)]
    if len(held) < _LEAST:
        return None
    with alone():
        basis, mask = directions(labels, rows), known.astype(np.float32)
        if not basis.size:
            return None
        rows = _thinned_rows(rows)
        pull = _pull(outside(rows, basis), np.logaddexp.reduce(head(rows)[:, known], axis=1))
        marks, counts = _marks(head(held), strangeness(held, head(held), basis, pull, mask), mask)
    return Reject(basis, pull, mask, marks, counts)


def _thinned_rows(rows: Floats) -> Floats:
    """More take longer and say no more."""
    return rows[::-(-len(rows) // _ROWS) or 1]


def _directions(rows: Floats) -> Floats:
    count = min(_DIRECTIONS, rows.shape[1] // 4, len(rows) // 4)
    if not count:
        return np.zeros((rows.shape[1], 0), np.float32)
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    basis = randomized_svd(unit, count, n_iter=1, random_state=0)[2].T
    return np.ascontiguousarray(basis, np.float16).astype(np.float32)


def _pull(outside_part: Floats, evidence: Floats) -> float:
    """Make it vary as much as what speaks for known labels. ViM has both of one mean instead: of
    fine-tuned networks, whose logits are large, that lets pass more images of another kind."""
    return float(evidence.std()) / max(float(outside_part.std()), _ROUNDING)


def _marks(logits: Floats, found: Floats, known: Floats) -> tuple[Floats, Floats]:
    """Of the held-out samples with a label as best answer, or where those are few, of all."""
    best = np.where(known, logits, -np.inf).argmax(1)
    groups = [found[best == label] for label in range(len(known))]
    chosen = [_thinned(group if len(group) >= _LEAST_OF_CLASS else found) for group in groups]
    marks = np.array([np.pad(part, (MARKS - len(part), 0), 'edge') for part in chosen])
    return marks.astype(np.float32), np.array([len(part) for part in chosen], np.float32)


def _thinned(found: Floats) -> Floats:
    """At most ``MARKS`` of them, sorted, with as many between each two."""
    count = min(len(found), MARKS)
    return np.quantile(found, np.arange(1, count + 1) / (count + 1), method='weibull')
