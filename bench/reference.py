"""The training loop that others are compared with: written as the original Recognizer's works.

One image a step, two worker processes that decode, recolour, flip and resize the whole photograph
in each epoch, all layers, Adam.

Settings: ``images`` (photographs, one sub-folder a class; some are made where none is given),
``net``, ``weights``, ``size``, ``seconds``.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

sys.path.insert(0, str(Path(__file__).parent))
from _photographs import labels_of, photographs
from _report import machine, parse

from recognizer_ros.core.preprocessing import IMAGENET_MEAN, IMAGENET_STD
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.training import device as devices
from recognizer_ros.training import nets
from recognizer_ros.training.nets import Net
from recognizer_ros.training.weights import load_initial

WORKERS = 2
RATE = 0.001


@dataclass(frozen=True)
class Settings:
    """See the module."""

    images: str = ''
    net: str = 'resnet18'
    weights: str = 'none'
    size: int = 112
    seconds: float = 30.0


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Measure the reference loop alone."""
    given = parse(Settings, settings)
    with tempfile.TemporaryDirectory(prefix='recognizer-bench-') as folder:
        samples = photographs(given.images, Path(folder))
        labels = labels_of(samples)
        device = devices.choose()
        net = make_net(given.net, given.weights, len(labels), given.size, device)
        rate = Reference(net, samples, labels, device).images_per_s(given.seconds)
    return {'name': 'reference', 'machine': machine(), 'bars': {},
            'figures': {'reference_images_per_s': round(rate, 1)}}


def make_net(name: str, weights: str, classes: int, size: int, device: torch.device) -> Net:
    """A network with initial weights, on the device."""
    torch.manual_seed(0)
    net = nets.build(name, classes, size, size)
    load_initial(net, weights)
    net.to(device)
    return net


class _Photographs(Dataset[tuple[torch.Tensor, int]]):
    def __init__(self, samples: Sequence[Sample], labels: Sequence[str], size: int) -> None:
        self._files = [(sample.path, labels.index(sample.tags[0])) for sample in samples]
        self._prepare = transforms.Compose([
            transforms.ColorJitter(0.3, 0.3, 0.3), transforms.RandomHorizontalFlip(),
            transforms.Resize((size, size)), transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)])

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, place: int) -> tuple[torch.Tensor, int]:
        path, label = self._files[place]
        return self._prepare(Image.open(path).convert('RGB')), label


class Reference:
    """The loop, for a network that lies on the device already."""

    def __init__(self, net: Net, samples: Sequence[Sample], labels: Sequence[str],
                 device: torch.device) -> None:
        self._module, self._device = net.module, device
        self._loader = DataLoader(_Photographs(samples, labels, net.width), batch_size=1,
                                  shuffle=True, num_workers=WORKERS)
        self._optimizer = torch.optim.Adam(net.module.parameters(), lr=RATE)
        self._loss = torch.nn.CrossEntropyLoss()

    def epoch(self) -> Iterator[float]:
        """Train on all images; yield the loss after each."""
        self._module.train()
        for inputs, wanted in self._loader:
            loss = self._loss(self._module(inputs.to(self._device)), wanted.to(self._device))
            self._optimizer.zero_grad()
            loss.backward()
            self._optimizer.step()
            yield loss.item()

    def images_per_s(self, seconds: float) -> float:
        """Train for so long; the start of the workers does not count."""
        shown, began = -1, 0.0
        while True:
            for _ in self.epoch():
                shown += 1
                if shown == 0:
                    began = time.monotonic()
                elif time.monotonic() - began > seconds:
                    return shown / (time.monotonic() - began)
