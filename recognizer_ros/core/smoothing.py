"""Scores smoothed over frames, label by label, so that a swap of models does not begin anew."""

from collections import deque

import numpy as np

from .predictions import Floats

MAX_FRAMES = 100


class Smoother:
    """Remembers the scores of past frames by label.

    ``factor`` 0 or 1: off; below 1: weight of the newest frame in a running mean; above 1: plain
    mean over so many frames.
    """

    def __init__(self) -> None:
        self._mean: dict[str, float] = {}
        self._past: dict[str, deque[float]] = {}

    def __call__(self, scores: Floats, labels: tuple[str, ...], factor: float) -> Floats:
        """Take in one frame's scores, shape (labels,); return the smoothed ones, same shape."""
        if factor in (0, 1):
            self._mean, self._past = {}, {}
            return scores
        if factor < 1:
            self._past = {}
            self._mean = {label: score + (1 - factor) * (self._mean.get(label, score) - score)
                          for label, score in zip(labels, map(float, scores), strict=True)}
            return np.array([self._mean[label] for label in labels], np.float32)
        self._mean = {}
        frames = min(round(factor), MAX_FRAMES)
        self._past = {label: deque((*self._past.get(label, ()), float(score)), maxlen=frames)
                      for label, score in zip(labels, scores, strict=True)}
        return np.array([np.mean(self._past[label]) for label in labels], np.float32)
