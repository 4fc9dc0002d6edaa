"""What is learned of photographs, and how soon: the head stage and fine-tuning.

Settings: ``images`` (photographs, one sub-folder a class; some are made where none is given),
``group`` (so many images in a row, by name, are one burst; 1), ``net``, ``weights``, ``size``,
``folds`` (of five, how many to try; 0: 5 on a GPU, else 1), ``seeds`` (how many ways to part the
photographs: 3, from seed 1; seed 0 served to choose what is set), ``epochs`` of fine-tuning
(-1: 15 on a GPU, else 1), ``batch`` (32), ``flipped`` (share of wrong tags, 0.05), ``reference``
(compare with one epoch of the reference loop, 1).
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).parent))
from _photographs import labels_of, photographs
from _report import bar, machine, parse
from reference import Reference, make_net

from recognizer_ros.core import config as configs
from recognizer_ros.core.config import TrainerConfig
from recognizer_ros.core.preprocessing import Preprocessing
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.training import device as devices
from recognizer_ros.training import head
from recognizer_ros.training.batches import Batches
from recognizer_ros.training.finetune import FineTune
from recognizer_ros.training.nets import Net
from recognizer_ros.training.pixels import PixelCache

Rows = npt.NDArray[np.float32]
FOLDS, NEW_FRAMES, NEW_HELD_OUT = 5, 30, 20
GRID = [10.0 ** power for power in (-4, -3, -2, -1, 0)]
MAX_BEHIND, MIN_SOONER, MAX_FORGOTTEN, MIN_NEW_RECALL = 0.01, 20.0, 0.01, 0.8
GOAL_FINETUNE, GOAL_EPOCHS, BATCH = 0.876, 15, 64
FIRST_SHARE = 0.05
SOONER = 'times_sooner_than_reference'


@dataclass(frozen=True)
class Settings:
    """See the module."""

    images: str = ''
    group: int = 1
    net: str = 'resnet18'
    weights: str = 'none'
    size: int = 112
    folds: int = 0
    seeds: int = 3
    epochs: int = -1
    batch: int = 32
    flipped: float = 0.05
    reference: int = 1


@dataclass(frozen=True)
class Fold:
    """Indices of samples to train on, and of those held out."""

    train: list[int]
    held: list[int]


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Measure; the bars of accuracy are for photographs with weights that have learned."""
    given = parse(Settings, settings)
    on_gpu = devices.choose().type == 'cuda'
    given = replace(given, folds=given.folds or (FOLDS if on_gpu else 1),
                    epochs=given.epochs if given.epochs >= 0 else (GOAL_EPOCHS if on_gpu else 1))
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    with tempfile.TemporaryDirectory(prefix='recognizer-bench-') as folder:
        samples = photographs(given.images, Path(folder) / 'made')
        bench = _Bench(given, samples, _new_class(Path(folder) / 'new'))
        try:
            return bench.run()
        finally:
            bench.close()


class _Bench:
    def __init__(self, given: Settings, samples: list[Sample], new: list[Sample]) -> None:
        self.given, self.samples, self.new = given, samples, new
        self.labels = labels_of(samples)
        self.truth = np.array([self.labels.index(sample.tags[0]) for sample in samples])
        self.device = devices.choose()
        how = Preprocessing(given.size, given.size)
        self.cache = PixelCache(how, len(os.sched_getaffinity(0)), device=self.device,
                                device_bytes=devices.room_for_pixels(self.device))
        self.batches = Batches(self.cache, how, self.device)
        self.net = make_net(given.net, given.weights, len(self.labels), given.size, self.device)
        self.rows = np.zeros((0, 0), np.float32)
        self.figures: dict[str, float] = {}
        self.bars: dict[str, dict[str, float | bool]] = {}

    def close(self) -> None:
        """Let go of threads."""
        self.cache.close()

    def run(self) -> dict[str, Any]:
        """All parts, one after the other."""
        if self.given.reference:
            self._against_reference(next(iter(self._folds(1))))
        began = time.monotonic()
        self.rows = self._features(self.samples)
        self.figures['embed_all_s'] = time.monotonic() - began
        self._heads()
        self._seventh(next(iter(self._folds(1))))
        if self.given.epochs:
            self._finetune()
        if not self.given.images or self.given.weights == 'none':
            self.bars = {name: found for name, found in self.bars.items() if name == SOONER}
        return {'name': 'head', 'machine': machine(), 'bars': self.bars,
                'figures': {name: round(value, 4) for name, value in self.figures.items()}}

    def _folds(self, seed: int) -> Iterable[Fold]:
        """Bursts are held out whole."""
        bursts = np.arange(len(self.samples)) // self.given.group
        split = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
        found = split.split(bursts, self.truth, bursts)
        return [Fold(list(train), list(held))
                for train, held in islice(found, self.given.folds)]

    def _seeded_folds(self) -> Iterator[tuple[int, Fold]]:
        for seed in range(1, self.given.seeds + 1):
            for fold in self._folds(seed):
                yield seed, fold

    def _pick(self, indices: Iterable[int]) -> list[Sample]:
        return [self.samples[index] for index in indices]

    def _features(self, samples: Sequence[Sample]) -> Rows:
        """What reaches the last layer, shape (n, features)."""
        self.net.module.eval()
        with torch.inference_mode():
            rows: Rows = torch.cat([self.net.features(inputs).float().cpu() for _, inputs in
                                    self.batches.plain(samples, BATCH)]).numpy()
        return rows

    def _against_reference(self, fold: Fold) -> None:
        """How long each takes to the reference's accuracy after one epoch."""
        given, train, held = self.given, self._pick(fold.train), self._pick(fold.held)
        theirs = make_net(given.net, given.weights, len(self.labels), given.size, self.device)
        began = time.monotonic()
        for _ in Reference(theirs, train, self.labels, self.device).epoch():
            pass
        reference_s = time.monotonic() - began
        wanted = self._accuracy(theirs, held, self.truth[fold.held])
        held_rows = self._features(held)
        began, seen = time.monotonic(), 0
        rows, accuracy = np.zeros((0, held_rows.shape[1]), np.float32), 0.0
        order = random.Random(0).sample(range(len(train)), len(train))
        while accuracy < wanted and seen < len(train):
            more = max(2 * seen, int(FIRST_SHARE * len(train)))
            chosen = [train[index] for index in order[:more]]
            rows = np.concatenate([rows, self._features(chosen[seen:])])
            seen = len(chosen)
            if {sample.tags for sample in chosen} == {(label,) for label in self.labels}:
                answers = head.fit(rows, chosen, self.labels, 'single')(held_rows).argmax(1)
                accuracy = float((answers == self.truth[fold.held]).mean())
        took_s = time.monotonic() - began
        self.figures |= {'reference_epoch_s': reference_s, 'reference_accuracy': wanted,
                         'head_reaches_it_s': took_s, 'head_then_accuracy': accuracy,
                         'head_then_images': float(seen)}
        sooner = reference_s / took_s if accuracy >= wanted else 0.0
        self.bars[SOONER] = bar(sooner, MIN_SOONER)

    def _heads(self) -> None:
        """Head accuracy, with right and with some wrong tags, and scikit-learn's best."""
        ours, best, wrong, fit_s = [], [], [], []
        for seed, fold in self._seeded_folds():
            train, rows = self._pick(fold.train), self.rows[fold.train]
            began = time.monotonic()
            fitted = head.fit(rows, train, self.labels, 'single')
            fit_s.append(time.monotonic() - began)
            ours.append(self._right(fitted, fold))
            wrong.append(self._right(head.fit(rows, self._flip(train, seed), self.labels,
                                              'single'), fold))
            model = GridSearchCV(make_pipeline(StandardScaler(),
                                               LogisticRegression(max_iter=1000)),
                                 {'logisticregression__C': GRID}, cv=3, n_jobs=-1)
            model.fit(rows, self.truth[fold.train])
            best.append(model.score(self.rows[fold.held], self.truth[fold.held]))
        self.figures |= {'head_accuracy': _mean(ours), 'best_regression_accuracy': _mean(best),
                         'head_accuracy_lost_by_wrong_tags': _mean(ours) - _mean(wrong),
                         'head_fit_s': _mean(fit_s)}
        self.bars['head_behind_best_regression'] = bar(_mean(best) - _mean(ours), MAX_BEHIND,
                                                       at_least=False)

    def _right(self, fitted: head.Head, fold: Fold) -> float:
        return float((fitted(self.rows[fold.held]).argmax(1) == self.truth[fold.held]).mean())

    def _flip(self, samples: list[Sample], seed: int) -> list[Sample]:
        """Give a share of samples another tag."""
        rng = random.Random(seed)
        chosen = set(rng.sample(range(len(samples)), round(self.given.flipped * len(samples))))
        return [replace(sample, tags=(rng.choice([label for label in self.labels
                                                  if label != sample.tags[0]]),))
                if place in chosen else sample for place, sample in enumerate(samples)]

    def _seventh(self, fold: Fold) -> None:
        """Add a class by a few frames: what do the old ones lose?"""
        rows, fresh = self.rows[fold.train], self._features(self.new)
        train, labels = self._pick(fold.train), (*self.labels, self.new[0].tags[0])
        old = self._right(head.fit(rows, train, self.labels, 'single'), fold)
        grown = head.fit(np.concatenate([rows, fresh[:NEW_FRAMES]]),
                         train + self.new[:NEW_FRAMES], labels, 'single')
        lost = old - self._right(grown, fold)
        recall = float((grown(fresh[NEW_FRAMES:]).argmax(1) == len(labels) - 1).mean())
        self.bars['old_classes_lose'] = bar(lost, MAX_FORGOTTEN, at_least=False)
        self.bars['new_class_recall'] = bar(recall, MIN_NEW_RECALL)

    def _finetune(self) -> None:
        """Accuracy after the epochs, with right and with wrong tags."""
        right, wrong, spent_s = [], [], []
        for seed, fold in self._seeded_folds():
            train = self._pick(fold.train)
            began = time.monotonic()
            right.append(self._tuned(train, fold, seed))
            spent_s.append(time.monotonic() - began)
            wrong.append(self._tuned(self._flip(train, seed), fold, seed))
        self.figures |= {'finetune_accuracy': _mean(right), 'finetune_epochs': self.given.epochs,
                         'finetune_accuracy_lost_by_wrong_tags': _mean(right) - _mean(wrong),
                         'finetune_s': _mean(spent_s), 'finetune_goal': GOAL_FINETUNE}
        self.figures |= {f'finetune_accuracy_seed_{seed}': float(part.mean()) for seed, part in
                         enumerate(np.split(np.array(right), self.given.seeds), 1)}
        if self.given.epochs >= GOAL_EPOCHS:
            self.bars['finetune_beats_best_regression'] = bar(
                _mean(right), self.figures['best_regression_accuracy'])

    def _tuned(self, train: list[Sample], fold: Fold, seed: int) -> float:
        """Fine-tune from the fitted head, as the trainer does; return the held-out accuracy."""
        net = self.net.copy()
        fitted = head.fit(self.rows[fold.train], train, self.labels, 'single')
        net.replace_head(torch.from_numpy(fitted.weight), torch.from_numpy(fitted.bias))
        config = configs.replace(TrainerConfig(), {
            'batch_size': self.given.batch, 'epochs': self.given.epochs, 'seed': seed})
        tuner = FineTune(net, self.labels, 'single', config, self.batches,
                         self.given.weights != 'none')
        for _ in range(self.given.epochs):
            for _ in tuner.epoch(train):
                pass
        return self._accuracy(tuner.averaged, self._pick(fold.held), self.truth[fold.held])

    @torch.inference_mode()
    def _accuracy(self, net: Net, held: Sequence[Sample], truth: npt.NDArray[Any]) -> float:
        net.module.eval()
        answers = torch.cat([net.module(inputs).argmax(1).cpu()
                             for _, inputs in self.batches.plain(held, BATCH)])
        return float((answers.numpy() == truth).mean())


def _new_class(folder: Path) -> list[Sample]:
    """Frames of something that none of the photographs show: stripes, in changing light."""
    rng = np.random.default_rng(7)
    across = np.arange(320)[None, :] + np.zeros((240, 1))
    (folder / 'stripes').mkdir(parents=True)
    for number in range(NEW_FRAMES + NEW_HELD_OUT):
        wave = np.sin(across / rng.uniform(4, 9) + rng.uniform(0, 6))[:, :, None]
        image = 128 + 90 * wave * rng.uniform(0.5, 1, 3) + rng.normal(0, 12, (240, 320, 3))
        cv2.imwrite(str(folder / 'stripes' / f'{number:03}.jpg'),
                    image.clip(0, 255).astype(np.uint8))
    return photographs(str(folder), folder)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
