"""Does it notice what it never learned? Each class in turn is left out of training.

Two scores are compared on images held out from everything: the chance that the classifier's
parameter ``unknown`` is compared with (``reject``), and the largest probability (``softmax``).
For each: ``auroc``, and ``accepted``, the share of unknown images that pass where 5 % of the known
ones do not. ``near`` are images of the class left out; ``far`` are noise, plain colours, rendered
objects and parts of two holiday photographs. ``at_0.05`` tells what ``unknown: 0.05`` does.
``background``: another class is left out too, or given as samples tagged background.

Settings: ``images`` (photographs, one sub-folder a class; some are made where none is given),
``net``, ``weights``, ``size``, ``seeds`` (how many ways to part the photographs, 3).
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from sklearn.datasets import load_sample_images
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

sys.path.insert(0, str(Path(__file__).parent))
from _photographs import labels_of, photographs
from _report import bar, machine, parse
from reference import make_net

from recognizer_ros.capture.pattern import OBJECTS
from recognizer_ros.capture.scene import Scene
from recognizer_ros.capture.stage import Stage
from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.inference.reject import BACKGROUND
from recognizer_ros.training import device as devices
from recognizer_ros.training import head as heads
from recognizer_ros.training import reject as rejects
from recognizer_ros.training.batches import Batches
from recognizer_ros.training.candidate import truth
from recognizer_ros.training.pixels import PixelCache

Rows = npt.NDArray[np.float32]
FOLDS, BATCH, FAR_EACH, FALSE_REJECTS = 5, 64, 30, 0.05
WIDTH, HEIGHT = 320, 240
SCORES = ('reject', 'softmax')


@dataclass(frozen=True)
class Settings:
    """See the module."""

    images: str = ''
    net: str = 'resnet18'
    weights: str = 'none'
    size: int = 112
    seeds: int = 3


@dataclass(frozen=True)
class Familiar:
    """How familiar images look by each of SCORES, shape (n,)."""

    reject: Rows
    softmax: Rows


@dataclass(frozen=True)
class Part:
    """Samples and their features, shape (n, features)."""

    samples: list[Sample]
    rows: Rows

    def of(self, places: npt.NDArray[Any]) -> 'Part':
        """Some of them."""
        return Part([self.samples[place] for place in places], self.rows[places])

    def without(self, *labels: str) -> 'Part':
        """All but those of some classes."""
        return self.of(np.array([place for place, sample in enumerate(self.samples)
                                 if sample.tags[0] not in labels], int))

    def only(self, label: str) -> 'Part':
        """Those of a class."""
        return self.without(*{sample.tags[0] for sample in self.samples} - {label})

    def renamed(self, label: str, new: str) -> 'Part':
        """One class under another name."""
        return Part([replace(sample, tags=(new,)) if sample.tags == (label,) else sample
                     for sample in self.samples], self.rows)


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Measure; the bars are for photographs with weights that have learned."""
    given = parse(Settings, settings)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory(prefix='recognizer-bench-') as folder:
        near, far = _features(given, [photographs(given.images, Path(folder) / 'made'),
                                      _far(Path(folder) / 'far')])
    figures, bars = _compared(given, near, far), {}
    if given.images and given.weights != 'none':
        for kind in ('near', 'far'):
            gain = figures[f'{kind}_auroc_reject'] - figures[f'{kind}_auroc_softmax']
            bars[f'{kind}_auroc_above_softmax'] = bar(gain, 0.0)
    return {'name': 'unknown', 'machine': machine(), 'bars': bars,
            'figures': {name: round(value, 4) for name, value in figures.items()}}


def _compared(given: Settings, near: Part, far: Part) -> dict[str, float]:
    found: dict[str, list[float]] = {}

    def note(name: str, value: float) -> None:
        found.setdefault(name, []).append(value)

    labels = labels_of(near.samples)
    for train, held, test in _parts(near, given.seeds):
        for label, other in zip(labels, (*labels[1:], labels[0]), strict=True):
            known, near_by, far_off = _asked(
                (train.without(label), held.without(label)),
                [test.without(label), near.only(label), far])
            for name in SCORES:
                for kind, strange in (('near', near_by), ('far', far_off)):
                    auroc, accepted = _rates(getattr(known, name), getattr(strange, name))
                    note(f'{kind}_auroc_{name}', auroc)
                    note(f'{kind}_accepted_{name}', accepted)
                    note(f'{kind}_auroc_{name}: {label}', auroc)
                    note(f'{kind}_accepted_{name}: {label}', accepted)
            for name, part in (('known', known), ('near', near_by), ('far', far_off)):
                note(f'at_0.05_{name}_rejected', float((part.reject <= FALSE_REJECTS).mean()))
            for name, parts in (('without', [part.without(label, other) for part in
                                             (train, held)]),
                                ('with', [part.without(label).renamed(other, BACKGROUND)
                                          for part in (train, held)])):
                known, near_by, far_off = _asked(
                    (parts[0], parts[1]), [test.without(label, other), near.only(label), far])
                note(f'near_auroc_reject_{name}_background', _rates(known.reject,
                                                                    near_by.reject)[0])
                note(f'far_auroc_reject_{name}_background', _rates(known.reject,
                                                                   far_off.reject)[0])
    return {name: float(np.mean(values)) for name, values in sorted(found.items())}


def _parts(whole: Part, seeds: int) -> Iterator[tuple[Part, Part, Part]]:
    """To train on, held out for the trainer, and held out from it: 3 : 1 : 1."""
    tags = [sample.tags[0] for sample in whole.samples]
    for seed in range(1, seeds + 1):
        split = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        folds = [places for _, places in split.split(tags, tags)]
        yield whole.of(np.concatenate(folds[2:])), whole.of(folds[0]), whole.of(folds[1])


def _asked(learned: tuple[Part, Part], shown: Sequence[Part]) -> list[Familiar]:
    """Learn as the trainer does, then look at others."""
    train, held = learned
    labels = labels_of(train.samples)
    head = heads.fit(train.rows, train.samples, labels, 'single')
    head = heads.calibrate(head, held.rows, truth(held.samples, labels), 'single')
    reject = rejects.fit(head, labels, train.rows, truth(train.samples, labels), held.rows,
                         truth(held.samples, labels), rejects.Directions())
    assert reject, 'too few images: give some hundred'
    return [Familiar(reject(part.rows, head(part.rows)),
                     head.scores(part.rows, 'single').max(1)) for part in shown]


def _rates(known: Rows, strange: Rows) -> tuple[float, float]:
    """Area under the curve, and the share of strange images accepted at 5 % false rejects."""
    auroc = roc_auc_score([True] * len(known) + [False] * len(strange),
                          np.concatenate([known, strange]))
    limit = np.sort(known)[int(FALSE_REJECTS * len(known))]
    return float(auroc), float((strange >= limit).mean())


def _features(given: Settings, groups: Sequence[list[Sample]]) -> list[Part]:
    """What reaches the last layer."""
    how, device = Preprocessing(given.size, given.size), devices.choose()
    net = make_net(given.net, given.weights, 2, given.size, device)
    net.module.eval()
    cache = PixelCache(how, len(os.sched_getaffinity(0)), device=device, device_bytes=0)
    try:
        with torch.inference_mode():
            return [Part(samples, torch.cat([
                net.features(inputs).float().cpu()
                for _, inputs in Batches(cache, how, device).plain(samples, BATCH)]).numpy())
                for samples in groups]
    finally:
        cache.close()


def _far(folder: Path) -> list[Sample]:
    """Images that are nothing like the photographs, one sub-folder a kind."""
    rng, photos = np.random.default_rng(0), load_sample_images().images
    for kind in ('noise', 'plain', 'objects', 'photographs'):
        (folder / kind).mkdir(parents=True)
    for number in range(FAR_EACH):
        noise = rng.normal(0, 1, (HEIGHT, WIDTH, 3))
        stage = Stage(number, WIDTH, HEIGHT)
        photo = photos[number % len(photos)][:, :, ::-1]
        size = int(rng.integers(100, 400))
        y, x = (int(rng.integers(0, length - size)) for length in photo.shape[:2])
        for kind, image in (('noise', 128 + 70 * noise),
                            ('plain', rng.integers(0, 255, 3) + 4 * noise),
                            ('objects', Scene(stage, (OBJECTS[number % len(OBJECTS)],)).frame(0)),
                            ('photographs', photo[y:y + size, x:x + size])):
            cv2.imwrite(str(folder / kind / f'{number:03}.jpg'),
                        np.clip(image, 0, 255).astype(np.uint8))
    return photographs(str(folder), folder)
