"""Versions with random weights, for benches that swap them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from recognizer_ros.core.bundle import BACKBONE, HEAD, Bundle
from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.core.scores import Scores
from recognizer_ros.inference.head import Head
from recognizer_ros.registry.store import Registry, Version
from recognizer_ros.training import nets
from recognizer_ros.training.candidate import backbone_sha256
from recognizer_ros.training.export import OnnxExporter

CLASSES = 6
_NAN = float('nan')


def make_versions(root: Path, net: str, size: int, backbones: int, heads: int
                  ) -> Iterator[Version]:
    """So many backbones of a network, each with so many heads; labels begin with the version."""
    how = Preprocessing(size, size)
    with contextlib.closing(Registry(root, writer=True)) as registry:
        exporter: OnnxExporter | None = None
        for seed in range(backbones):
            torch.manual_seed(seed)
            made = nets.build(net, CLASSES, size, size)
            made.module.eval()
            exporter = exporter or OnnxExporter(made)
            prepared, backbone = exporter.prepare(made, how), None
            for number in range(heads):
                weight = np.random.default_rng([seed, number]).normal(
                    0, 0.01, (CLASSES, prepared.probe.shape[1])).astype(np.float32)
                head = Head(weight, np.zeros(CLASSES, np.float32))
                version = 1 + seed * heads + number
                labels = tuple(f'{version} {name}' for name in 'abcdef')
                backbone = registry.add(
                    _bundle(version, net, labels, how, backbone_sha256(made),
                            tuple(map(float, prepared.answer(head.weight, head.bias, 'single')))),
                    {BACKBONE: backbone or prepared.backbone.alone({}), HEAD: head.to_bytes()})
                yield backbone


def _bundle(version: int, net: str, labels: tuple[str, ...], how: Preprocessing, sha256: str,
            probe: tuple[float, ...]) -> Bundle:
    return Bundle(
        version=version, parent=version - 1, stage='head', net=net, labels=labels,
        label_mode='single', preprocessing=how, scores=Scores(0, *[_NAN] * 5, labels),
        dataset_revision=1, created_ns=version, probe=probe, sha256={}, size=0,
        backbone_sha256=sha256)
