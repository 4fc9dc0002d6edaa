"""How a run went, epoch by epoch: a table, and a file for TensorBoard."""

import csv
import io
import logging
import time
from dataclasses import asdict, dataclass, fields
from math import isnan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_type_hints

from ..core.scores import Scores

CURVES, EVENTS = 'curves.csv', 'events.out.tfevents.recognizer'
_MOST_ROWS = 1000
_NAN = float('nan')
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """What came of a stage: of fitting a head, or of one epoch of fine-tuning.

    :param created_ns: Unix time. :param epoch: of its run; 0: a head.
    :param loss: mean over the epoch, likewise ``train_accuracy``. The rest: on held-out samples.
    """

    created_ns: int
    stage: str
    dataset_revision: int
    epoch: int
    loss: float
    train_accuracy: float
    samples: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    mean_average_precision: float
    calibration_error: float


class Curves:
    """The newest rows, oldest first; any thread may look at them."""

    def __init__(self) -> None:
        self.rows: tuple[Row, ...] = ()

    @property
    def epoch(self) -> int:
        """Of fine-tuning, the last one; 0: none yet."""
        return next((row.epoch for row in reversed(self.rows) if row.epoch), 0)

    def add(self, stage: str, dataset_revision: int, scores: Scores, epoch: int = 0,
            loss: float = _NAN, train_accuracy: float = _NAN) -> None:
        """See :class:`Row`."""
        self._append(Row(
            time.time_ns(), stage, dataset_revision, epoch, loss, train_accuracy, scores.samples,
            scores.accuracy, scores.balanced_accuracy, scores.macro_f1,
            scores.mean_average_precision, scores.calibration_error))

    def read(self, data: bytes) -> None:
        """Begin with what :meth:`table` wrote; what is damaged is left out."""
        self.rows = ()
        try:
            for line in csv.DictReader(io.StringIO(data.decode())):
                self._append(Row(**{name: kind(line[name])
                                    for name, kind in get_type_hints(Row).items()}))
        except (ValueError, KeyError, TypeError, csv.Error) as error:
            _log.warning('training curves are damaged from row %d on: %s', len(self.rows) + 1,
                         error)

    def _append(self, row: Row) -> None:
        self.rows = (*self.rows, row)[-_MOST_ROWS:]

    def table(self) -> bytes:
        """A CSV file with a heading."""
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(field.name for field in fields(Row))
        writer.writerows(asdict(row).values() for row in self.rows)
        return out.getvalue().encode()

    def events(self) -> bytes:
        """A file for TensorBoard; empty where tensorboardX is not installed."""
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            return b''
        with TemporaryDirectory() as folder:
            with SummaryWriter(folder) as writer:
                for step, found in enumerate(self.rows):
                    for tag, value in _scalars(found).items():
                        writer.add_scalar(tag, value, step, found.created_ns / 1e9)
            return next(Path(folder).iterdir()).read_bytes()


def _scalars(found: Row) -> dict[str, float]:
    """By TensorBoard's names, without what is not known."""
    values = {f'held_out/{name}': getattr(found, name) for name in (
        'accuracy', 'balanced_accuracy', 'macro_f1', 'mean_average_precision',
        'calibration_error')}
    values |= {'train/loss': found.loss, 'train/accuracy': found.train_accuracy,
               'train/epoch': found.epoch}
    return {tag: value for tag, value in values.items() if not isnan(value)}
