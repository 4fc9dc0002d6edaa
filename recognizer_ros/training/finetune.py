"""Training of the whole network."""

import logging
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn

from ..core.config import TrainerConfig
from ..core.errors import TrainingError
from ..core.labels import LabelMode
from ..dataset.reader import Sample
from .augment import Strength
from .batches import Batches, balanced, targets
from .device import empty_cache, is_out_of_memory
from .nets import Net
from .pixels import move
from .schedule import HORIZON_EPOCHS, HORIZON_FROM_SCRATCH_EPOCHS, Schedule
from .stepper import COMPILE_AFTER_S, Stepper

_USUAL_BATCH = 32
_MAX_POSITIVE_WEIGHT = 10.0
_TELL_S = 0.25
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """The epoch so far. On a GPU, loss and accuracy are renewed a few times a second and at the
    epoch's end: asking more often would keep the GPU waiting.

    :param images: of the epoch, shown so far, also before it was interrupted.
    :param loss: mean. :param accuracy: share of images answered right.
    """

    images: int
    loss: float
    accuracy: float


class FineTune:
    """Trains a network on labelled samples, epoch by epoch.

    Classes come equally often, see :func:`~recognizer_ros.training.batches.balanced`. Batches are
    all of one size; the last one of an epoch is filled up. A network with batch normalisation
    needs two images in a batch at least, and gets them.

    :param labels: in the order of the network's outputs.
    :param pretrained: the weights have learned: the learning rate falls sooner.
    :param compile_after_s: see :class:`~recognizer_ros.training.stepper.Stepper`.
    :param epochs_done: of the run that is resumed: its learning rate has fallen so far.
    :ivar batch_size: images in a step now. :ivar halvings: how often memory ran out.
    """

    def __init__(self, net: Net, labels: Sequence[str], mode: LabelMode, config: TrainerConfig,
                 batches: Batches, pretrained: bool,
                 compile_after_s: float = COMPILE_AFTER_S, epochs_done: float = 0.0) -> None:
        self._net, self._labels, self._mode = net, labels, mode
        self._batches = batches
        self._strength = Strength() if config.augmentation else None
        self._rng = random.Random(config.seed)
        self._chance = torch.Generator().manual_seed(config.seed)
        self._least = 2 if _has_batch_norm(net.module) else 1
        self.batch_size, self.halvings = max(config.batch_size, self._least), 0
        self._power = 0.5 if config.optimizer == 'adam' else 1.0
        self._stepper = Stepper(net.module, len(labels), mode, config.optimizer,
                                config.learning_rate, compile_after_s)
        self._schedule = Schedule(config.epochs or (
            HORIZON_EPOCHS if pretrained else HORIZON_FROM_SCRATCH_EPOCHS))
        self._steps, self._epochs_done, self._compiled = 0, epochs_done, False
        self._samples: list[Sample] = []
        self._pending: list[Sample] = []
        self._shown = 0
        self._told, self._told_s = (0.0, 0.0), 0.0

    @property
    def averaged(self) -> Net:
        """The network with a moving average of its weights over the last steps: better and
        steadier than the weights of any one step (Izmailov et al., 2018)."""
        return replace(self._net, module=self._stepper.averaged)

    def epoch(self, samples: Sequence[Sample]) -> Iterator[Step]:
        """Train on as many images as there are samples; yield after each batch.

        Whoever stops iterating early has no epoch; with the same samples the next call goes on
        where it was left, else it begins anew.

        :raises TrainingError: the memory does not suffice for the smallest batch.
        """
        if not self._pending or self._samples != list(samples):
            self._begin(samples)
        while self._pending:
            size = min(self.batch_size, max(len(self._samples), self._least))
            batch = self._pending[:size]
            trained = self._try(batch + self._fill(size - len(batch)))
            if trained is None:
                continue  # again, with a smaller batch
            del self._pending[:len(batch)]
            self._epochs_done += len(batch) / len(self._samples)
            if trained:
                self._steps += 1
                self._shown += size
                yield self._tell()

    def _begin(self, samples: Sequence[Sample]) -> None:
        self._samples = list(samples)
        self._pending = balanced(samples, len(samples), self._rng) if samples else []
        self._shown, self._told_s = 0, 0.0
        self._stepper.restart_totals()
        if self._mode == 'multi' and self._pending:
            counts = targets(self._pending, self._labels, 'multi').sum(0).clamp(min=1)
            weights = ((len(self._pending) - counts) / counts).clamp(max=_MAX_POSITIVE_WEIGHT)
            self._stepper.positive.copy_(weights)

    def _fill(self, count: int) -> list[Sample]:
        return balanced(self._samples, count, self._rng) if count else []

    def _try(self, batch: list[Sample]) -> bool | None:
        """Take a step; ``False``: no image of the batch is usable, ``None``: out of memory."""
        try:
            kept, inputs = self._batches.for_training(batch, self._chance, self._strength)
            if not kept:
                return False
            wanted = move(targets(kept, self._labels, self._mode), inputs.device)
            self._stepper.run(inputs, wanted, self._factor(len(kept)))
            if self._stepper.compiled and not self._compiled:
                self._batches.compile()
                self._compiled = True
            return True
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        self._make_do(len(batch))
        return None

    def _factor(self, size: int) -> float:
        """Of the learning rate, for a batch of this size.

        So the noise of steps is the same with any batch: for Adam see Malladi et al., "On the
        SDEs and Scaling Rules for Adaptive Gradient Algorithms", 2022; for SGD see Goyal et al.,
        "Accurate, Large Minibatch SGD", 2017.
        """
        factor = self._schedule.factor(self._steps, self._epochs_done)
        return factor * math.pow(size / _USUAL_BATCH, self._power)

    def _make_do(self, size: int) -> None:
        """Go on with less memory."""
        self._stepper.recover()
        if size > self._least:
            self.batch_size = max(self._least, size // 2)
            self.halvings += 1
            _log.warning('out of memory with %d images in a batch of %s: going on with %d', size,
                         self._net.name, self.batch_size)
        elif not self._batches.leave_device():
            raise TrainingError(
                f'too little memory to train {self._net.name} with {self._net.width}×'
                f'{self._net.height} images: choose a smaller net, net_width or net_height')
        empty_cache(self._batches.device)

    def _tell(self) -> Step:
        now = time.monotonic()
        last = not self._pending
        if last or self._batches.device.type == 'cpu' or now - self._told_s >= _TELL_S:
            loss, right = self._stepper.totals()
            self._told = loss / self._shown, right / self._shown
            self._told_s = now
        return Step(len(self._samples) - len(self._pending), *self._told)


def _has_batch_norm(module: nn.Module) -> bool:
    return any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in module.modules())
