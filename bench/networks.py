"""Every classification network of torchvision: new head, one training step, export, and its ONNX
file against torch on photographs.

Settings: ``nets`` (name patterns, "," between them, ``*``), ``size`` (pixels; what a net cannot
take becomes what its refusal names, 224), ``images`` (a folder of photographs, looked for in all
its sub-folders; none: noise), ``count`` (how many of them, 4), ``jobs`` (nets at the same time,
each in a process of its own on one core; 1: one after the other, in this process).
"""

import fnmatch
import gc
import json
import os
import re
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import torch
import torchvision

sys.path.insert(0, str(Path(__file__).parent))
from _report import machine, parse

from recognizer_ros.core.errors import ConfigError, TrainingError
from recognizer_ros.core.predictions import Floats
from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.images import decode
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.inference.head import Head
from recognizer_ros.inference.onnx_file import Backbone
from recognizer_ros.inference.onnx_runtime import OnnxRuntimeBackend
from recognizer_ros.inference.preprocess import from_camera
from recognizer_ros.training import head as heads
from recognizer_ros.training import nets
from recognizer_ros.training.embeddings import features
from recognizer_ros.training.export import OnnxExporter
from recognizer_ros.training.nets import Net

MAX_DIFFERENCE = 1e-4
LABELS = ('one', 'two', 'three')
TOGETHER, SETTLING = 4, 16
LIMIT_S = 900.0


@dataclass(frozen=True)
class Settings:
    """See the module."""

    nets: str = '*'
    size: int = 224
    images: str = ''
    count: int = 4
    jobs: int = 1


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Try each network, the largest first."""
    given = parse(Settings, settings)
    chosen = sorted({name for pattern in given.nets.split(',')
                     for name in fnmatch.filter(nets.names(), pattern)}, key=_work, reverse=True)
    photographs = sorted(Path(given.images).rglob('*.jpg')) if given.images else []
    if not chosen or (given.images and len(photographs) < given.count):
        raise ConfigError(f'no net is like {given.nets!r}, or {given.images!r} holds too few '
                          'photographs')
    if given.jobs > 1:
        return _summary(_side_by_side(chosen, given))
    step = len(photographs) / max(1, given.count)
    shown = [photographs[int(number * step)] for number in range(given.count) if photographs]
    return _summary({name: _attempt(name, given, shown) for name in chosen})


def _work(name: str) -> float:
    """What one image costs, in 1e9 multiplications."""
    return float(torchvision.models.get_model_weights(name).DEFAULT.meta['_ops'])


def _side_by_side(chosen: list[str], given: Settings) -> dict[str, dict[str, Any]]:
    """Each network by this very bench in a process of its own."""
    cores: SimpleQueue[int] = SimpleQueue()
    allowed = sorted(os.sched_getaffinity(0))
    for number in range(given.jobs):
        cores.put(allowed[number % len(allowed)])

    def alone(name: str) -> dict[str, Any]:
        asked = asdict(replace(given, nets=name, jobs=1))
        argv = [sys.executable, '-m', 'recognizer_ros.cli', 'bench', 'networks', '--json']
        argv += [word for item in asked.items() for word in ('--set', '{}={}'.format(*item))]
        try:
            done = subprocess.run(argv, stdout=subprocess.PIPE, timeout=LIMIT_S, check=False)
            row: dict[str, Any] = json.loads(done.stdout)['networks'][name]
        except subprocess.TimeoutExpired:
            row = {'failure': f'not done after {LIMIT_S:.0f} s'}
        except ValueError:
            row = {'failure': f'its process ended with status {done.returncode}'}
        if 'seconds' not in row:
            print(name, row, file=sys.stderr, flush=True)
        return row

    def pin() -> None:
        os.sched_setaffinity(0, {cores.get()})  # of this thread, and of the processes it starts

    with ThreadPoolExecutor(given.jobs, initializer=pin) as pool:
        return dict(zip(chosen, pool.map(alone, chosen), strict=True))


def _summary(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    differences = {name: row['difference'] for name, row in rows.items() if 'difference' in row}
    failed = sorted(name for name, row in rows.items() if 'failure' in row)
    refused = {name: row['refused'] for name, row in rows.items() if 'refused' in row}
    worst = max(differences.values(), default=0.0)
    return {
        'name': 'networks', 'machine': machine(),
        'figures': {'networks': len(rows), 'exported': len(differences), 'refused': refused,
                    'peak_memory_gib': max(resource.getrusage(who).ru_maxrss for who in (
                        resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**20},
        'bars': {'difference': {'value': worst, 'bar': MAX_DIFFERENCE,
                                'ok': worst <= MAX_DIFFERENCE},
                 'failed': {'value': len(failed), 'bar': 0, 'ok': not failed, 'nets': failed}},
        'networks': dict(sorted(rows.items()))}


def _attempt(name: str, given: Settings, photographs: list[Path]) -> dict[str, Any]:
    began = time.monotonic()
    torch.manual_seed(0)
    try:
        row = _through(_built(name, given.size), given.count, photographs)
    except TrainingError as error:
        row = {'refused': str(error)}
    except Exception as error:
        row = {'failure': f'{type(error).__name__}: {error}'[:300]}
    row['seconds'] = round(time.monotonic() - began, 1)
    print(name, row, file=sys.stderr, flush=True)
    gc.collect()
    return row


def _built(name: str, size: int) -> Net:
    try:
        return nets.build(name, 2, size, size)
    except nets.NetError as error:
        better = re.search(r'net_width (\d+) and net_height (\d+)', str(error))
        if not better:
            raise
        return nets.build(name, 2, int(better[1]), int(better[2]))


def _through(net: Net, count: int, photographs: list[Path]) -> dict[str, Any]:
    how = Preprocessing(net.width, net.height)
    inputs = ([from_camera(decode(path.read_bytes()), how) for path in photographs] or
              list(np.random.default_rng(0).normal(size=(count, 1, 3, net.height, net.width))
                   .astype(np.float32)))
    some = torch.from_numpy(np.concatenate(inputs[::-(-len(inputs) // SETTLING)]))
    loss = _train(net, some[:TOGETHER])
    _settle(net, some, inputs)
    began = time.monotonic()
    exporter = OnnxExporter(net)
    traced_s = time.monotonic() - began
    began = time.monotonic()
    backbone = exporter.prepare(net, how).backbone
    prepared_s = time.monotonic() - began
    began = time.monotonic()
    layer = net.head_layer
    head = Head(layer.weight.detach().numpy(), layer.bias.detach().numpy())
    made = Backbone(backbone.alone({})).with_head(head, 'single', {})
    assembled_s = time.monotonic() - began
    difference, spread = _compare(net, OnnxRuntimeBackend(made), inputs)
    return {'difference': difference, 'spread': spread, 'loss': loss, 'size': net.width,
            'features': net.head_layer.in_features, 'images': len(inputs),
            'mib': round(len(made) / 2**20, 1), 'trace_s': round(traced_s, 2),
            'prepare_s': round(prepared_s, 2), 'assemble_s': round(assembled_s, 3)}


def _train(net: Net, batch: torch.Tensor) -> float:
    """A new head, then one step of all layers; return the loss."""
    net.grow_head(('a', 'b'), LABELS)
    net.module.train()
    optimizer = torch.optim.SGD(net.module.parameters(), lr=1e-3)
    loss = torch.nn.functional.cross_entropy(net.module(batch),
                                             torch.arange(len(batch)) % len(LABELS))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    if not torch.isfinite(loss):
        raise ValueError(f'loss {float(loss)}')
    return round(float(loss.detach()), 4)


@torch.no_grad()
def _settle(net: Net, batch: torch.Tensor, inputs: list[Floats]) -> None:
    """Give batch normalisation the statistics of these images, and the net a head fitted as the
    trainer does: random ones make answers that are all alike, which would hide a difference."""
    layers = [layer for layer in net.module.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    for layer in layers:
        layer.momentum = 1.0
    net.module.train()
    net.module(batch)
    rows = np.concatenate([features(net.backbone(), torch.from_numpy(one)) for one in inputs])
    shown = [Sample('', Path(), (LABELS[place % len(LABELS)],), 1, place, Split.TRAIN)
             for place in range(len(rows))]
    head = heads.fit(rows, shown, LABELS, 'single')
    net.replace_head(torch.from_numpy(head.weight), torch.from_numpy(head.bias))


@torch.inference_mode()
def _compare(net: Net, backend: OnnxRuntimeBackend, inputs: list[Floats]) -> tuple[float, float]:
    """The largest difference, and how far the answers to different images lie apart."""
    net.module.eval()
    wanted, found = [], []
    for start in range(0, len(inputs), TOGETHER):
        batch = np.concatenate(inputs[start:start + TOGETHER])
        wanted.append(net.module(torch.from_numpy(batch)).softmax(1).numpy())
        found.append(backend.infer(batch))
    answers = np.concatenate(found)
    return (float(np.abs(answers - np.concatenate(wanted)).max()),
            float((answers.max(0) - answers.min(0)).max()))
