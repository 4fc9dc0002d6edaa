"""Decoded images, resized for the network and kept in memory."""

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import torch

from ..core.errors import ImageError
from ..core.preprocessing import Preprocessing
from ..dataset.images import decode
from ..dataset.reader import Sample
from ..inference.preprocess import resize

LIMIT_BYTES = 2 * 2**30


class PixelCache:
    """Pixels of samples, as uint8 tensors (3, height, width) in the order R, G, B.

    :param workers: threads that decode. :param limit_bytes: the least recently used go first.
    """

    def __init__(self, how: Preprocessing, workers: int, limit_bytes: int = LIMIT_BYTES) -> None:
        self._how = how
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix='decode')
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._room = max(1, limit_bytes // (how.width * how.height * 3))

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def get(self, samples: Sequence[Sample]) -> list[torch.Tensor | None]:
        """Pixels of each sample; ``None`` where the file is missing or damaged."""
        missing = [sample for sample in samples if sample.sha256 not in self._kept]
        fresh = dict(zip((sample.sha256 for sample in missing),
                         self._pool.map(self._decode, missing), strict=True))
        found = [self._kept.get(sample.sha256, fresh.get(sample.sha256)) for sample in samples]
        for sample in samples:
            pixels = fresh.get(sample.sha256)
            if pixels is not None:
                self._kept[sample.sha256] = pixels
            if sample.sha256 in self._kept:
                self._kept.move_to_end(sample.sha256)
        while len(self._kept) > self._room:
            self._kept.popitem(last=False)
        return found

    def _decode(self, sample: Sample) -> torch.Tensor | None:
        try:
            small = resize(decode(sample.path.read_bytes()), self._how.width, self._how.height)
        except (ImageError, OSError):
            return None
        return torch.from_numpy(small[:, :, ::-1].copy()).permute(2, 0, 1).contiguous()
