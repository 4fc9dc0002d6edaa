"""Training of the whole network."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..core.config import TrainerConfig
from ..core.labels import LabelMode
from ..dataset.reader import Sample
from .batches import Batches, targets
from .nets import Net

_WARM_UP = 30
_DECAY = 0.95
_SGD_MOMENTUM = 0.9
_PRETRAINED_RATE = 0.1
_MAX_POSITIVE_WEIGHT = 10.0


@dataclass(frozen=True)
class Step:
    """The epoch so far. :param loss: mean; :param accuracy: share of images answered right."""

    images: int
    loss: float
    accuracy: float


class FineTune:
    """Trains a network on labelled samples, epoch by epoch.

    :param labels: in the order of the network's outputs.
    :param pretrained: the weights are worth keeping: a tenth of the learning rate.
    """

    def __init__(self, net: Net, labels: Sequence[str], mode: LabelMode, config: TrainerConfig,
                 batches: Batches, pretrained: bool) -> None:
        self._net, self._labels, self._mode = net, labels, mode
        self._config, self._batches = config, batches
        self._rng = random.Random(config.seed)
        parameters = net.module.parameters()
        rate = config.learning_rate * (_PRETRAINED_RATE if pretrained else 1)
        self._optimizer: torch.optim.Optimizer = (
            torch.optim.Adam(parameters, lr=rate, fused=True) if config.optimizer == 'adam' else
            torch.optim.SGD(parameters, lr=rate, momentum=_SGD_MOMENTUM, nesterov=True))
        mean_of = get_ema_multi_avg_fn(_DECAY)  # type: ignore[no-untyped-call]
        self._mean = AveragedModel(net.module, multi_avg_fn=mean_of, use_buffers=True)
        self._warm_up = torch.optim.lr_scheduler.LinearLR(
            self._optimizer, start_factor=1 / _WARM_UP, total_iters=_WARM_UP)

    @property
    def averaged(self) -> Net:
        """The network with a moving average of its weights over the last steps: better and
        steadier than the weights of any one step (Izmailov et al., 2018)."""
        return replace(self._net, module=self._mean.module)

    def epoch(self, samples: Sequence[Sample]) -> Iterator[Step]:
        """Train on all samples once, in random order; yield after each batch.

        Whoever stops iterating early has no epoch.
        """
        loss_of = self._loss(samples)
        seen, loss_sum, right = 0, 0.0, 0.0
        for kept, inputs in self._batches.shuffled(samples, self._config.batch_size, self._rng,
                                                   self._config.augmentation):
            wanted = targets(kept, self._labels, self._mode).to(inputs.device)
            self._net.module.train()
            with torch.autocast(inputs.device.type, torch.bfloat16,
                                enabled=inputs.device.type == 'cuda'):
                logits = self._net.module(inputs)
            loss = loss_of(logits.float(), wanted)
            self._optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self._optimizer.step()
            self._warm_up.step()
            self._mean.update_parameters(self._net.module)
            seen += len(kept)
            loss_sum += float(loss.detach()) * len(kept)
            right += self._right(logits.detach(), wanted)
            yield Step(seen, loss_sum / seen, right / seen)

    def _right(self, logits: torch.Tensor, wanted: torch.Tensor) -> float:
        if self._mode == 'single':
            return float((logits.argmax(1) == wanted).sum())
        return float(((logits > 0) == (wanted > 0.5)).all(1).sum())

    def _loss(self, samples: Sequence[Sample]) -> nn.Module:
        """Class-balanced loss: a rare class counts as much as a common one."""
        device = next(self._net.module.parameters()).device
        counts = targets(samples, self._labels, 'multi').sum(0).clamp(min=1)
        if self._mode == 'single':
            weight = len(samples) / (len(self._labels) * counts)
            return nn.CrossEntropyLoss(weight=weight.to(device))
        positive = ((len(samples) - counts) / counts).clamp(max=_MAX_POSITIVE_WEIGHT)
        return nn.BCEWithLogitsLoss(pos_weight=positive.to(device))
