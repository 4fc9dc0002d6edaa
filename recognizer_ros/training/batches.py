"""From samples to tensors."""

import random
from collections.abc import Iterator, Sequence

import torch
from torchvision.transforms import v2

from ..core.labels import LabelMode
from ..core.preprocessing import Preprocessing
from ..dataset.reader import Sample
from .pixels import PixelCache


class Batches:
    """Inputs and targets of samples.

    :ivar unusable: SHA-256 of samples whose image is missing or damaged; they are left out.
    """

    def __init__(self, cache: PixelCache, how: Preprocessing, device: torch.device) -> None:
        self._cache = cache
        self._device = device
        self._mean = torch.tensor(how.mean, device=device).view(3, 1, 1) * 255
        self._std = torch.tensor(how.std, device=device).view(3, 1, 1) * 255
        self._augment = v2.Compose([
            v2.RandomResizedCrop((how.height, how.width), scale=(0.6, 1.0), ratio=(0.8, 1.25),
                                 antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3),
        ])
        self.unusable: set[str] = set()

    def usable(self, samples: Sequence[Sample]) -> list[Sample]:
        """Leave out what was found unusable."""
        return [sample for sample in samples if sample.sha256 not in self.unusable]

    def plain(self, samples: Sequence[Sample], size: int
              ) -> Iterator[tuple[list[Sample], torch.Tensor]]:
        """Yield samples and their inputs, shape (n, 3, height, width), in order."""
        for start in range(0, len(samples), size):
            kept, pixels = self._load(samples[start:start + size])
            if kept:
                yield kept, self._normalise(torch.stack(pixels))

    def shuffled(self, samples: Sequence[Sample], size: int, rng: random.Random, augment: bool
                 ) -> Iterator[tuple[list[Sample], torch.Tensor]]:
        """Yield samples and inputs in random order; a last batch of one is left out, because
        batch normalisation cannot train on it."""
        order = list(samples)
        rng.shuffle(order)
        for start in range(0, len(order), size):
            kept, pixels = self._load(order[start:start + size])
            if len(kept) < min(2, size):
                continue
            if augment:
                pixels = [self._augment(item) for item in pixels]
            yield kept, self._normalise(torch.stack(pixels))

    def _load(self, samples: Sequence[Sample]) -> tuple[list[Sample], list[torch.Tensor]]:
        kept, pixels = [], []
        for sample, found in zip(samples, self._cache.get(samples), strict=True):
            if found is None:
                self.unusable.add(sample.sha256)
            else:
                kept.append(sample)
                pixels.append(found)
        return kept, pixels

    def _normalise(self, batch: torch.Tensor) -> torch.Tensor:
        moved = batch.to(self._device, torch.float32)
        batch = (moved - self._mean) / self._std
        if self._device.type == 'cuda':
            return batch.contiguous(memory_format=torch.channels_last)
        return batch


def targets(samples: Sequence[Sample], labels: Sequence[str], mode: LabelMode) -> torch.Tensor:
    """Class index of each sample, shape (n,) (single), or 0 / 1 per label, (n, labels) (multi)."""
    index = {label: position for position, label in enumerate(labels)}
    if mode == 'single':
        return torch.tensor([index[sample.tags[0]] for sample in samples])
    hot = torch.zeros(len(samples), len(labels))
    for row, sample in enumerate(samples):
        hot[row, [index[tag] for tag in sample.tags]] = 1
    return hot
