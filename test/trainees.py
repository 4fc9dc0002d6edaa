"""Small data sets that are easy to learn, and a learner that tells what it does."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import makers
import numpy as np
import torch
from safetensors.torch import save_file

from recognizer_ros.core import config as configs
from recognizer_ros.core.config import TrainerConfig
from recognizer_ros.core.split import Split
from recognizer_ros.dataset import reader
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.registry.store import Registry, Version
from recognizer_ros.training import nets
from recognizer_ros.training.learner import Learner
from recognizer_ros.training.progress import Phase, Progress

WIDTH, HEIGHT = 40, 33
NET = 'mobilenet_v3_small'
BOTH = (Phase.HEAD, Phase.FINETUNE)
HEAD, FINETUNE = (Phase.HEAD,), (Phase.FINETUNE,)
COLOURS = {**makers.COLOURS, 'yellow': (0, 255, 255)}


def coloured(label: str, seed: int) -> makers.Pixels:
    """A noisy image of a colour, or of several side by side: ``red+blue``; 32×32 pixels."""
    colours = [COLOURS[name] for name in label.split('+')]
    image = np.concatenate([makers.flat(colour, 32 // len(colours), 32) for colour in colours], 1)
    noise = makers.noise(zlib.crc32(f'{label} {seed}'.encode()), image.shape[1], 32)
    return (image * 0.8 + noise * 0.2).astype(np.uint8)


def record(data: Path, *labels: str, bursts: int = 2, images: int = 4,
           tags: dict[str, tuple[str, ...]] | None = None) -> None:
    """Store bursts of images of each colour. Of two bursts the second one is held out.

    :param tags: of some labels; else a label's own name, or names.
    """
    with SampleStore(data) as store:
        for label in labels:
            given = (tags or {}).get(label, tuple(label.split('+')))
            for burst in range(bursts):
                number = store.begin_burst('test', given)
                store.add([NewSample(makers.jpeg(coloured(label, burst * 100 + index)), given,
                                     store.revision() * 1000 + index, number, 'test', 32, 32)
                           for index in range(images)])


def colour_backbone(folder: Path) -> str:
    """Make a safetensors file for :data:`NET` whose features tell colours: random weights, and the
    statistics of batch normalisation that go with them. Returns its path."""
    torch.manual_seed(2)
    net = nets.build(NET, 2, WIDTH, HEIGHT)
    for layer in net.module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None  # mean over all batches
    net.module.train()
    with torch.no_grad():
        for _ in range(6):
            colours = torch.randn(16, 3, 1, 1)
            net.module(colours + 0.3 * torch.randn(16, 3, HEIGHT, WIDTH))
    path = folder / 'backbone.safetensors'
    save_file({name: value for name, value in net.module.state_dict().items()
               if not name.startswith(f'{net.head}.')}, path)
    return str(path)


def file_sample(folder: Path, label: str, seed: int, data: bytes | None = None) -> Sample:
    """A sample with a file of its own that belongs to no data set."""
    path = makers.photo(folder / f'{label} {seed}.jpg',
                        makers.jpeg(coloured(label, seed)) if data is None else data)
    return Sample(path.name, path, tuple(label.split('+')), 1, seed, Split.TRAIN)


def config(data: Path, **changes: configs.Value) -> TrainerConfig:
    """Settings for a small network and little data."""
    small: dict[str, configs.Value] = {
        'data': str(data), 'net': NET, 'net_width': WIDTH, 'net_height': HEIGHT, 'weights': 'none',
        'batch_size': 4, 'workers': 1, 'threads': 1, 'background': False, 'augmentation': False}
    return configs.replace(TrainerConfig(), {**small, **changes})


@dataclass
class Seen:
    """A listener that remembers. :ivar told: called with each progress."""

    versions: list[Version] = field(default_factory=list)
    history: list[Progress] = field(default_factory=list)
    told: Callable[[Progress], None] = lambda progress: None
    waiting: list[Version] = field(default_factory=list)
    left_out: list[dict[str, str]] = field(default_factory=list)

    def progress(self, progress: Progress) -> None:
        self.history.append(progress)
        self.told(progress)

    def promoted(self, version: Version) -> None:
        self.versions.append(version)

    def waits(self, version: Version) -> None:
        self.waiting.append(version)

    def unusable(self, found: Mapping[str, str]) -> None:
        self.left_out.append(dict(found))

    @property
    def last(self) -> Progress:
        return self.history[-1]

    @property
    def stages(self) -> list[str]:
        return [version.bundle.stage for version in self.versions]


class Trainee:
    """A learner on a data folder, and what it told."""

    def __init__(self, data: Path, **changes: configs.Value) -> None:
        self.data, self.seen = data, Seen()
        self.registry = Registry(data / 'models', writer=True)
        self.learner = Learner(config(data, **changes), self.registry, self.seen)

    def step(self, stop: Callable[[], bool] = lambda: False,
             stages: tuple[Phase, ...] = BOTH) -> bool:
        """One stage of work on the data as it is."""
        return self.learner.step(stop, lambda: reader.revision(self.data), stages)

    def until(self, condition: Callable[[], Any], stages: tuple[Phase, ...] = BOTH,
              limit: int = 60) -> None:
        """Work until something holds; fail when it does not in so many steps."""
        for _ in range(limit):
            if condition():
                return
            self.step(stages=stages)
        assert condition(), f'it did not happen in {limit} steps: {self.seen.last}'

    def rest(self, stages: tuple[Phase, ...] = BOTH) -> None:
        """Work until there is nothing more to do."""
        for _ in range(60):
            if not self.step(stages=stages):
                return
        raise AssertionError('it never comes to rest')

    def close(self) -> None:
        """Let go of threads and folder."""
        self.learner.close()
        self.registry.close()


@contextmanager
def trainee(data: Path, **changes: configs.Value) -> Iterator[Trainee]:
    """A learner that is closed afterwards."""
    made = Trainee(data, **changes)
    try:
        yield made
    finally:
        made.close()
