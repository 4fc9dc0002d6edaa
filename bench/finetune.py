"""Speed of fine-tuning, against the reference loop and the bare network.

Settings: ``images`` (photographs, one sub-folder a class; some are made where none is given),
``net``, ``weights``, ``size``, ``batch`` (0: 16 on a CPU, 256 on a GPU), ``seconds`` (of each
round), ``rounds`` (in turns), ``threads`` (0: all cores).
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import torch

sys.path.insert(0, str(Path(__file__).parent))
from _photographs import labels_of, photographs
from _report import bar, machine, parse
from reference import Reference, make_net

from recognizer_ros.core import config as configs
from recognizer_ros.core.config import TrainerConfig
from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.training import device as devices
from recognizer_ros.training.batches import Batches
from recognizer_ros.training.finetune import FineTune
from recognizer_ros.training.nets import Net
from recognizer_ros.training.pixels import PixelCache

MIN_RATIO_CPU, GOAL_RATIO_GPU = 2.0, 100.0
MIN_OF_BARE, MAX_WAIT = 0.7, 0.05
WARM_UP, TIMED = 10, 40


@dataclass(frozen=True)
class Settings:
    """See the module."""

    images: str = ''
    net: str = 'resnet18'
    weights: str = 'none'
    size: int = 112
    batch: int = 0
    seconds: float = 20.0
    rounds: int = 3
    threads: int = 0


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Measure both loops in turns, so that both meet the same machine."""
    given = parse(Settings, settings)
    torch.set_num_threads(given.threads or len(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory(prefix='recognizer-bench-') as folder:
        return _measure(given, photographs(given.images, Path(folder)))


def _measure(given: Settings, samples: list[Sample]) -> dict[str, Any]:
    device = devices.choose()
    on_gpu = device.type == 'cuda'
    batch, labels = given.batch or (256 if on_gpu else 16), labels_of(samples)
    ours = _Ours(given, samples, labels, device, batch)
    net = make_net(given.net, given.weights, len(labels), given.size, device)
    reference = Reference(net, samples, labels, device)
    rates: list[tuple[float, float]] = []
    for _ in range(given.rounds):
        rates.append((reference.images_per_s(given.seconds), ours.images_per_s(given.seconds)))
    ratio = statistics.median(mine / theirs for theirs, mine in rates)
    mine = statistics.median(pair[1] for pair in rates)
    wait = max(0.0, 1 - mine / ours.images_per_s_without_data())
    figures = {'reference_images_per_s': statistics.median(pair[0] for pair in rates),
               'finetune_images_per_s': mine, 'first_epoch_images_per_s': ours.first_images_per_s,
               'ratio': ratio, 'waiting_for_data_share': wait, 'batch_size': float(batch)}
    bars = {'waiting_for_data_share': bar(wait, MAX_WAIT, at_least=False)}
    ours.close()
    if on_gpu:
        bare = {name: batch / seconds for name, seconds in bare_steps(given, batch, device)}
        figures |= {f'bare_{name}_images_per_s': rate for name, rate in bare.items()}
        figures['goal_ratio'] = GOAL_RATIO_GPU
        bars['share_of_bare'] = bar(mine / max(bare.values()), MIN_OF_BARE)
    else:
        bars['ratio'] = bar(ratio, MIN_RATIO_CPU)
    return {'name': 'finetune', 'machine': machine(), 'bars': bars,
            'figures': {name: round(value, 3) for name, value in figures.items()}}


class _Ours:
    """Fine-tuning as the trainer does it."""

    def __init__(self, given: Settings, samples: list[Sample], labels: tuple[str, ...],
                 device: torch.device, batch: int) -> None:
        how = Preprocessing(given.size, given.size)
        # Small sets are shown several times over, so that an epoch is not a handful of steps.
        times = 50 * batch // len(samples) if device.type == 'cuda' else 1
        self._samples = samples * max(1, times)
        self._batch, self._seconds = batch, given.seconds
        self._cache = PixelCache(how, len(os.sched_getaffinity(0)), device=device,
                                 device_bytes=devices.room_for_pixels(device))
        self._batches = Batches(self._cache, how, device)
        config = configs.replace(TrainerConfig(), {'batch_size': batch})
        net = make_net(given.net, given.weights, len(labels), given.size, device)
        self._tuner = FineTune(net, labels, 'single', config, self._batches,
                               given.weights != 'none', compile_after_s=0.0)
        began = time.monotonic()
        for _ in self._tuner.epoch(self._samples):
            pass
        self.first_images_per_s = len(self._samples) / (time.monotonic() - began)

    def images_per_s(self, seconds: float) -> float:
        """Train whole epochs for so long at least."""
        shown, began = 0, time.monotonic()
        while time.monotonic() - began < seconds:
            for _ in self._tuner.epoch(self._samples):
                pass
            shown += len(self._samples)
        return shown / (time.monotonic() - began)

    def images_per_s_without_data(self) -> float:
        """Train on the same inputs again and again: nothing is decoded, chosen or augmented."""
        same = self._batches.for_training(self._samples[:self._batch], torch.Generator(), None)
        with mock.patch.object(self._batches, 'for_training', return_value=same):
            return self.images_per_s(self._seconds)

    def close(self) -> None:
        """Let go of threads."""
        self._cache.close()


def seconds_of(work: Callable[[], object], device: torch.device, times: int) -> float:
    """Mean time of some work, after a warm-up."""
    for _ in range(WARM_UP):
        work()
    _wait(device)
    began = time.monotonic()
    for _ in range(times):
        work()
    _wait(device)
    return (time.monotonic() - began) / times


def _wait(device: torch.device) -> None:
    if device.type == 'cuda':
        torch.cuda.synchronize(device)


def bare_steps(given: Settings, batch: int, device: torch.device) -> list[tuple[str, float]]:
    """Seconds of a step on random tensors, by way of doing it; those that work here."""
    found = []
    for name, compiled, graphed in (('eager', False, False), ('graphed', False, True),
                                    ('compiled', True, False), ('compiled_graphed', True, True)):
        with suppress(Exception):  # no compiler, say
            net = make_net(given.net, 'none', 6, given.size, device)
            step = _bare_step(net, batch, device, compiled)
            found.append((name, seconds_of(_graph(step) if graphed else step, device, TIMED)))
    return found


def _bare_step(net: Net, batch: int, device: torch.device, compiled: bool) -> Callable[[], None]:
    module = net.module.train()
    forward = torch.compile(module) if compiled else module
    inputs = torch.randn(batch, 3, net.height, net.width, device=device).to(
        torch.bfloat16, memory_format=torch.channels_last)
    wanted = torch.randint(0, net.outputs, (batch,), device=device)
    optimizer = torch.optim.Adam(module.parameters(), fused=True, capturable=True)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16):
            loss = torch.nn.functional.cross_entropy(forward(inputs), wanted)
        loss.backward()
        optimizer.step()

    return step


def _graph(step: Callable[[], None]) -> Callable[[], None]:
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UP):
            step()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay
