"""How far an epoch is."""

import logging
import time

from ..core.config import TrainerConfig
from .finetune import Step
from .progress import Phase, Report

_LOG_S = 1.0
_log = logging.getLogger(__name__)


class EpochReport:
    """Tells of each step, of one epoch after the other; logs one now and then."""

    def __init__(self, config: TrainerConfig, report: Report) -> None:
        self._config, self._report = config, report
        self._epoch, self._images = 0, 0
        self._first: tuple[int, float] | None = None
        self._logged_s = 0.0

    def begin(self, epoch: int, images: int) -> None:
        """Go over to an epoch of so many images; :param epoch: of its run, from 1."""
        self._epoch, self._images, self._first = epoch, images, None
        if epoch == 1:
            self._report.note(message='training the whole network')

    def tell(self, step: Step) -> None:
        """A step is done."""
        now_s = time.monotonic()
        if (step.images // self._config.batch_size % self._config.print_freq == 0
                and now_s - self._logged_s > _LOG_S):
            self._logged_s = now_s
            _log.info('epoch %d: %d of %d images, loss %.3f', self._epoch, step.images,
                      self._images, step.loss)
        rate = self._rate(step.images, now_s)
        self._report.tell(
            Phase.FINETUNE, epoch=self._epoch, epoch_images=step.images, images=self._images,
            loss=step.loss, train_accuracy=step.accuracy, images_per_s=rate,
            eta_s=(self._images - step.images) / rate if rate else None)

    def _rate(self, images: int, now_s: float) -> float:
        """Images a second since the first step that was told of, 0 then: some of the epoch may
        have been shown earlier."""
        self._first = self._first or (images, now_s)
        return (images - self._first[0]) / max(now_s - self._first[1], 1e-6)
