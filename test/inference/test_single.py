from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import makers
import numpy as np
import pytest

from recognizer_ros.core.errors import ModelError
from recognizer_ros.inference.model import Model, load
from recognizer_ros.inference.reject import Reject
from recognizer_ros.inference.single import SingleImages


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Model]:
    def make(version: int = 1, gain: float = 1.0) -> Model:
        made = makers.model(tmp_path, version=version, gain=gain)
        return load(lambda: made.backbone, made.head_bytes(), made.bundle)
    return make


def test_the_same_as_the_live_model_says(model: Callable[..., Model]) -> None:
    first, image = model(), makers.noise(3)
    opinion = SingleImages().judge(image, first, 0.05)
    assert opinion.scores == pytest.approx(first.scores(image))
    assert not opinion.is_unknown(0.05), 'it cannot tell'


def test_unknown_as_live(model: Callable[..., Model]) -> None:
    marks = np.tile(np.linspace(-9, -3, 20, dtype=np.float32), (3, 1))
    reject = Reject(np.eye(3, 2, dtype=np.float32), 12.0, np.ones(3, np.float32), marks,
                    np.full(3, 20, np.float32))
    first = model()
    knowing, images = replace(first, head=replace(first.head, reject=reject)), SingleImages()
    blue, red = makers.flat(makers.BLUE), makers.flat(makers.RED)
    assert images.judge(blue, knowing, 0.05).is_unknown(0.05)
    assert not images.judge(red, knowing, 0.05).is_unknown(0.05)
    assert not images.judge(blue, knowing, 0.0).is_unknown(0.0), 'switched off'


def test_the_network_is_read_once_and_again_when_it_is_another(
        model: Callable[..., Model], monkeypatch: pytest.MonkeyPatch) -> None:
    read, images, image = [], SingleImages(), makers.flat(makers.RED)
    network = Model.network

    def counted(self: Model) -> bytes:
        read.append(self.bundle.version)
        return network(self)

    monkeypatch.setattr(Model, 'network', counted)
    for version, gain in ((1, 1.0), (2, 1.0), (3, 2.0), (3, 2.0)):
        images.judge(image, model(version, gain), 0.0)
    assert read == [1, 3]
    images.forget()
    images.judge(image, model(3, 2.0), 0.0)
    assert read == [1, 3, 3]


def test_a_network_that_is_gone(model: Callable[..., Model], tmp_path: Path) -> None:
    first, images = model(), SingleImages()
    first.find().unlink()
    with pytest.raises(ModelError, match='cannot read'):
        images.judge(makers.flat(makers.RED), first, 0.0)
