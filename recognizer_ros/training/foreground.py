"""Training in the foreground, for the command line."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import torch

from ..core.config import TrainerConfig
from ..core.errors import RecognizerError, TrainingError
from ..dataset import reader
from ..dataset.edits import Quarantine
from ..dataset.store import SampleStore
from ..registry.store import Registry, Version
from .learner import Learner
from .progress import Phase, Progress


@dataclass
class Printer:
    """Shows progress on one line of a terminal.

    :ivar last: what was shown last. :ivar left_out: SHA-256 of samples, and why.
    """

    out: TextIO
    last: Progress = field(default_factory=Progress)
    left_out: dict[str, str] = field(default_factory=dict)

    def progress(self, progress: Progress) -> None:
        """Show it, when it is worth a new line or a change of the line."""
        if progress.phase == Phase.FINETUNE and progress.images:
            self.out.write(f'\repoch {progress.epoch}: {progress.epoch_images} of '
                           f'{progress.images}, loss {progress.loss or 0:.3f}, '
                           f'{progress.images_per_s:.1f} images/s ')
        elif progress.message and progress.message != self.last.message:
            self.out.write(f'\n{progress.message}\n')
        self.out.flush()
        self.last = progress

    def promoted(self, version: Version) -> None:
        """Show it."""
        scores = version.bundle.scores
        self.out.write(f'\nmodel version {version.bundle.version} ({version.bundle.stage}): '
                       f'held-out score {scores.headline:.3f} on {scores.samples} samples\n')

    def waits(self, version: Version) -> None:
        """The progress says so."""

    def unusable(self, found: Mapping[str, str]) -> None:
        """Show them."""
        self.left_out.update(found)
        for sample, reason in found.items():
            self.out.write(f'\nwarning: sample {sample} is left out: {reason}\n')


def train(config: TrainerConfig, registry: Registry, printer: Printer) -> Version:
    """Train until the held-out score stops rising or the epochs are done; return the live version.

    :raises TrainingError: nothing can be learned from the data, and why.
    """
    torch.set_num_threads(config.threads or len(os.sched_getaffinity(0)))
    learner = Learner(config, registry, printer)
    learner.begin(config)
    revision = reader.revision(Path(config.data))
    try:
        while learner.step(lambda: False, lambda: revision):
            pass
        live = learner.live.version
    finally:
        learner.close()
        _set_aside(Path(config.data), printer)
    if printer.last.phase == Phase.WAITING or not live:
        raise TrainingError(f'nothing was trained: {printer.last.message}')
    return live


def _set_aside(data: Path, printer: Printer) -> None:
    """Tell the data set what was left out."""
    if not printer.left_out:
        return
    try:
        with SampleStore(data) as store:
            for reason in sorted(set(printer.left_out.values())):
                edit = Quarantine(tuple(sample for sample, why in printer.left_out.items()
                                        if why == reason), reason)
                printer.out.write(f'\n{store.edit(edit).description}\n')
    except RecognizerError as error:
        printer.out.write(f'\nwarning: the samples left out are not set aside: {error}\n')
