"""From samples to tensors."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch

from ..core.labels import LabelMode
from ..core.preprocessing import Preprocessing
from ..dataset.reader import Sample
from . import augment
from .augment import Strength
from .device import is_out_of_memory
from .pixels import PixelCache, move


class Batches:
    """Inputs and targets of samples.

    :param tell: called with samples newly found unusable, as in ``unusable``.
    :ivar unusable: SHA-256 of samples whose image is missing or damaged, and why; they are left
        out.
    """

    def __init__(self, cache: PixelCache, how: Preprocessing, device: torch.device,
                 tell: Callable[[Mapping[str, str]], None] = lambda _: None) -> None:
        self._cache = cache
        self._device = device
        self._tell = tell
        mean = torch.tensor(how.mean, device=device).view(3, 1, 1)
        std = torch.tensor(how.std, device=device).view(3, 1, 1)
        self._scale, self._shift = 1 / (255 * std), -mean / std
        self._vary = self._vary_plain
        self.unusable: dict[str, str] = {}

    @property
    def device(self) -> torch.device:
        """Where inputs lie."""
        return self._device

    def usable(self, samples: Sequence[Sample]) -> list[Sample]:
        """Leave out what was found unusable."""
        return [sample for sample in samples if sample.sha256 not in self.unusable]

    def plain(self, samples: Sequence[Sample], size: int
              ) -> Iterator[tuple[list[Sample], torch.Tensor]]:
        """Yield samples and their inputs, shape (n, 3, height, width), in order."""
        for start in range(0, len(samples), size):
            kept, pixels = self._load(samples[start:start + size])
            if kept:
                yield kept, self._normalise(pixels.float())

    def for_training(self, samples: Sequence[Sample], chance: torch.Generator,
                     strength: Strength | None) -> tuple[list[Sample], torch.Tensor]:
        """Return as many samples and inputs: unusable ones are replaced by others of the batch,
        so that all batches are of one shape. Both are empty when none is usable.

        :param strength: of augmentation; ``None``: none.
        """
        kept, pixels = self._load(samples)
        if kept and len(kept) < len(samples):
            places = [place % len(kept) for place in range(len(samples))]
            kept, pixels = [kept[place] for place in places], pixels[places]
        if not kept or not strength:
            return kept, self._normalise(pixels.float())
        variants = move(augment.draw(len(kept), chance, strength), self._device)
        return kept, self._vary(pixels, variants)

    def compile(self) -> None:
        """Compile what augments, where that is possible."""
        if self._vary != self._vary_plain:
            return
        plain, compiled = self._vary, torch.compile(self._vary, dynamic=False)

        def attempt(pixels: torch.Tensor, variants: torch.Tensor) -> torch.Tensor:
            try:
                return compiled(pixels, variants)
            except Exception as error:  # a compiler that is missing, for one
                if is_out_of_memory(error):
                    raise
                self._vary = plain
                return plain(pixels, variants)

        self._vary = attempt

    def _vary_plain(self, pixels: torch.Tensor, variants: torch.Tensor) -> torch.Tensor:
        return self._normalise(augment.apply(pixels.float(), variants))

    def leave_device(self) -> bool:
        """Let go of the GPU's memory; return whether there was something to let go of."""
        held = self._cache.on_device
        self._cache.leave_device()
        return held

    def _load(self, samples: Sequence[Sample]) -> tuple[list[Sample], torch.Tensor]:
        kept, pixels, problems = self._cache.get(samples)
        if fresh := {name: why for name, why in problems.items() if name not in self.unusable}:
            self.unusable |= fresh
            self._tell(fresh)
        return kept, pixels if pixels.device == self._device else move(pixels, self._device)

    def _normalise(self, images: torch.Tensor) -> torch.Tensor:
        return torch.addcmul(self._shift, images, self._scale)


def balanced(samples: Sequence[Sample], draws: int, rng: random.Random) -> list[Sample]:
    """Draw samples such that each class comes equally often, in random order.

    Repeating images of a rare class, each time as another variant, gives steadier steps than
    weighing its loss: with small batches a single heavy image would rule its batch. An image of
    several tags counts for its rarest one. With classes of one size each image comes equally
    often; a class's own images always do, within one.
    """
    counts = Counter(tag for sample in samples for tag in sample.tags)
    order = list(samples)
    rng.shuffle(order)
    rarest = {id(item): min(item.tags, key=lambda tag: (counts[tag], tag)) for item in order}
    order.sort(key=lambda item: rarest[id(item)])
    sizes = Counter(rarest.values())
    # Systematic sampling: equal steps along a line on which all classes are of one length.
    ends = np.cumsum([1 / sizes[rarest[id(item)]] for item in order])
    steps = (np.arange(draws) + rng.uniform(0.05, 0.95)) * ends[-1] / draws
    chosen = [order[place] for place in np.searchsorted(ends, steps)]
    rng.shuffle(chosen)
    return chosen


def targets(samples: Sequence[Sample], labels: Sequence[str], mode: LabelMode) -> torch.Tensor:
    """Class index of each sample, shape (n,) (single), or 0 / 1 per label, (n, labels) (multi)."""
    index = {label: position for position, label in enumerate(labels)}
    if mode == 'single':
        return torch.tensor([index[sample.tags[0]] for sample in samples])
    hot = torch.zeros(len(samples), len(labels))
    for row, sample in enumerate(samples):
        hot[row, [index[tag] for tag in sample.tags]] = 1
    return hot
