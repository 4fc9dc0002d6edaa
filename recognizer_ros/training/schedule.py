"""How the learning rate goes in a run whose end nobody knows beforehand."""

import math
from dataclasses import dataclass

WARM_UP_STEPS = 30
HORIZON_EPOCHS, HORIZON_FROM_SCRATCH_EPOCHS = 15, 45
"""After so many epochs at a fixed rate a net hardly gains any more, with weights that have learned
and without."""


@dataclass(frozen=True)
class Schedule:
    """A linear warm-up, then a cosine down to a floor, which holds from the horizon on.

    A run goes on until the held-out score stops rising. A rate that never falls would keep the
    score jumping, and patience would end the run on a lucky epoch; one that falls to zero would
    stop learning while the score still rises. So it falls within a usual run's length, and a
    longer one goes on learning slowly. It goes by epochs, not by steps, so that images recorded
    meanwhile do not move its end.

    :param epochs: until the floor.
    """

    epochs: int = HORIZON_EPOCHS
    floor: float = 0.02

    def factor(self, step: int, epochs_done: float) -> float:
        """Return what to multiply the learning rate with.

        :param step: steps taken since the run began. :param epochs_done: with the part of one.
        """
        warm = min(1.0, (step + 1) / WARM_UP_STEPS)
        done = min(1.0, epochs_done / self.epochs)
        return warm * (self.floor + (1 - self.floor) * (1 + math.cos(math.pi * done)) / 2)
