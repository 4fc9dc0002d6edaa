"""Images that are almost the same picture."""

import numpy as np

from ..core.predictions import Floats
from .known_features import Ints

METHOD = ('cosine of centred features of at least 0.95 (as Abbas et al., "SemDeDup", 2023), '
          'checked on small pictures')
_ALIKE = 0.95
_BLOCK = 512


def twins(rows: Floats) -> Ints:
    """For each image the place of an earlier one that is almost the same picture; -1: there is
    none. Each is compared with at most the 511 recorded before it: so many of one class are alike
    only by neighbourhood in time.

    :param rows: features less their mean over all classes, shape (n, features), oldest first.
    """
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    found = np.full(len(rows), -1, np.int64)
    for start in range(0, len(rows), _BLOCK):
        block = unit[start:start + _BLOCK]
        alike = block @ block.T >= _ALIKE
        first = np.zeros(len(block), bool)  # no twin of an earlier one
        for place in range(len(block)):
            earlier = alike[place, :place] & first[:place]
            first[place] = not earlier.any()
            if not first[place]:
                found[start + place] = start + earlier.argmax()
    return found
