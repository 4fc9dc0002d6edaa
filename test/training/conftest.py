import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import trainees

from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.training import frozen, nets
from recognizer_ros.training.batches import Batches
from recognizer_ros.training.export import OnnxExporter
from recognizer_ros.training.pixels import PixelCache


@functools.cache
def _exporter(name: str, width: int, height: int) -> OnnxExporter:
    return OnnxExporter(nets.build(name, 2, width, height))


@pytest.fixture(autouse=True)
def traced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One exporter per network for all tests: tracing takes seconds."""
    torch.set_num_threads(1)
    torch.manual_seed(1)
    monkeypatch.setattr(frozen, 'OnnxExporter',
                        lambda net: _exporter(net.name, net.width, net.height))


@pytest.fixture(scope='session')
def backbone(tmp_path_factory: pytest.TempPathFactory) -> str:
    """See :func:`trainees.colour_backbone`."""
    return trainees.colour_backbone(tmp_path_factory.mktemp('weights'))


@pytest.fixture
def how() -> Preprocessing:
    return Preprocessing(trainees.WIDTH, trainees.HEIGHT)


@pytest.fixture
def cache(how: Preprocessing) -> Iterator[PixelCache]:
    cache = PixelCache(how, 1)
    yield cache
    cache.close()


@pytest.fixture
def batches(cache: PixelCache, how: Preprocessing) -> Batches:
    return Batches(cache, how, torch.device('cpu'))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / 'data'
