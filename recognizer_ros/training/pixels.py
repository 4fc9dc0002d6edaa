"""Decoded images, resized for the network and kept in memory."""

import logging
import os
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import numpy as np
import torch

from ..core.errors import DatasetError, ImageError
from ..core.preprocessing import Preprocessing
from ..dataset.image_files import MISSING
from ..dataset.images import decode
from ..dataset.reader import Sample
from ..inference.preprocess import Pixels, resize
from .device import is_out_of_memory

LIMIT_BYTES = 2 * 2**30
_GROWTH = 1.5
_log = logging.getLogger(__name__)
_CPU = torch.device('cpu')


class PixelCache:
    """Pixels of samples, in one uint8 tensor (rows, 3, height, width), R, G, B; for any thread.

    The tensor lies on the GPU while it fits there, so that pixels are moved once and not in each
    epoch; else in main memory.

    :param workers: threads that decode.
    :param limit_bytes: of main memory; the least recently used go first.
    :param device: the GPU, if any. :param device_bytes: the most to take of its memory.
    """

    def __init__(self, how: Preprocessing, workers: int, limit_bytes: int = LIMIT_BYTES,
                 device: torch.device = _CPU, device_bytes: int = 0) -> None:
        self._how = how
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix='decode')
        self._rows: OrderedDict[str, int] = OrderedDict()
        self._one_at_a_time = Lock()
        image_bytes = how.width * how.height * 3
        self._limit = max(1, limit_bytes // image_bytes)
        self._device_limit = device_bytes // image_bytes
        self._table = torch.empty((0, 3, how.height, how.width), dtype=torch.uint8,
                                  device=device if self._device_limit else _CPU)

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    @property
    def on_device(self) -> bool:
        """Whether the pixels lie in the GPU's memory, and not in main memory."""
        return self._device_limit > 0

    def get(self, samples: Sequence[Sample]
            ) -> tuple[list[Sample], torch.Tensor, dict[str, str]]:
        """Return the usable samples, their pixels, shape (n, 3, height, width), uint8, and for
        those whose file is missing or damaged, by SHA-256, why they are left out.

        :raises DatasetError: none can be read: their folder is gone.
        """
        with self._one_at_a_time:
            return self._get(samples)

    def _get(self, samples: Sequence[Sample]
             ) -> tuple[list[Sample], torch.Tensor, dict[str, str]]:
        asked = {sample.sha256: sample for sample in samples}
        for sha256 in asked:
            if sha256 in self._rows:
                self._rows.move_to_end(sha256)
        problems = self._add([sample for sha256, sample in asked.items()
                              if sha256 not in self._rows], len(asked))
        kept = [sample for sample in samples if sample.sha256 in self._rows]
        rows = torch.tensor([self._rows[sample.sha256] for sample in kept], dtype=torch.int64)
        return kept, self._table.index_select(0, move(rows, self._table.device)), problems

    def _add(self, missing: Sequence[Sample], asked: int) -> dict[str, str]:
        """Decode and keep; return why not. :param asked: so many images are in use and must not
        go for these."""
        found: list[tuple[str, Pixels]] = []
        problems: dict[str, str] = {}
        for sample, pixels in zip(missing, self._pool.map(self._decode, missing), strict=True):
            if isinstance(pixels, str):
                problems[sample.sha256] = pixels
            else:
                found.append((sample.sha256, pixels))
        if found:
            self._keep(found, asked)
        return problems

    def _keep(self, found: Sequence[tuple[str, Pixels]], asked: int) -> None:
        self._make_room(len(found), asked)
        rows = []
        for sha256, _ in found:
            if len(self._rows) < len(self._table):
                row = len(self._rows)
            else:
                _, row = self._rows.popitem(last=False)
            self._rows[sha256] = row
            rows.append(row)
        fresh = torch.from_numpy(np.stack([pixels for _, pixels in found])).permute(0, 3, 1, 2)
        device = self._table.device
        self._table[torch.tensor(rows, device=device)] = fresh.to(device)

    def _make_room(self, more: int, asked: int) -> None:
        """Grow the table as far as it may; leave the GPU when it does not hold them."""
        wanted = len(self._rows) + more
        if self.on_device and wanted > self._device_limit:
            self.leave_device()
        limit = max(self._device_limit if self.on_device else self._limit, asked)
        if wanted <= len(self._table) or len(self._table) >= limit:
            return
        size = min(limit, max(wanted, int(len(self._table) * _GROWTH)))
        try:
            grown = self._table.new_empty((size, *self._table.shape[1:]))
        except RuntimeError as error:
            if not self.on_device or not is_out_of_memory(error):
                raise
            self.leave_device()
            self._make_room(more, asked)
            return
        grown[:len(self._table)] = self._table
        self._table = grown

    def leave_device(self) -> None:
        """Keep the pixels in main memory from now on: the network needs the GPU's."""
        if not self.on_device:
            return
        _log.info('decoded images do not fit into the memory of the GPU any more: they are kept '
                  'in main memory')
        self._device_limit = 0
        newest = list(self._rows)[-self._limit:]
        # Row by row: a copy of the table may be larger than what is left of the GPU.
        table = torch.empty((len(newest), *self._table.shape[1:]), dtype=torch.uint8)
        for place, sha256 in enumerate(newest):
            table[place] = self._table[self._rows[sha256]]
        self._table = table
        self._rows = OrderedDict((sha256, place) for place, sha256 in enumerate(newest))

    def _decode(self, sample: Sample) -> Pixels | str:
        """Pixels, or what is wrong with the file."""
        try:
            small = resize(decode(sample.path.read_bytes()), self._how.width, self._how.height)
        except ImageError as error:
            return str(error)
        except OSError as error:
            images = sample.path.parent.parent
            if not os.access(images, os.R_OK | os.X_OK):  # no fault of the sample
                raise DatasetError(f'{images} cannot be read: is its disk there?') from error
            return (MISSING if isinstance(error, FileNotFoundError)
                    else f'the image file cannot be read: {error.strerror or error}')
        return small[:, :, ::-1]


def move(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Move a tensor from main memory without waiting for it to arrive."""
    if device.type != 'cuda':
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)
