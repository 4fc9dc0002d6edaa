"""Small pictures of samples: whether two are alike, and in what light they were taken."""

from collections import OrderedDict
from collections.abc import Iterable

import cv2
import numpy as np

from ..core.predictions import Floats
from ..dataset.reader import Sample

LIGHT = ('brightness and colour of the mean of 24 images (grey world: Buchsbaum, 1980), from the '
         'darkest to the lightest but a tenth at each end')
_WIDTH, _HEIGHT = 16, 12
_MOST = 5000
_ALIKE_LEVELS = 12.0
_GREY = np.array([0.114, 0.587, 0.299], np.float32)


class Looks:
    """Pictures of 16×12 pixels, shape (12, 16, 3), B, G, R; the newest 5,000 stay in memory."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Floats] = OrderedDict()

    def of(self, samples: Iterable[Sample]) -> dict[str, Floats]:
        """Pictures by SHA-256; images that cannot be read are left out."""
        found = {}
        for sample in samples:
            small = self._kept.get(sample.sha256)
            if small is None:
                small = _small(sample)
            if small is not None:
                found[sample.sha256] = self._kept[sample.sha256] = small
                self._kept.move_to_end(sample.sha256)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return found


def alike(one: Floats, other: Floats) -> bool:
    """Whether two pictures are almost the same, but for brightness and colour of the light."""
    one, other = (picture - picture.mean((0, 1)) for picture in (one, other))
    return float(np.abs(one - other).mean()) < _ALIKE_LEVELS


def spread(pictures: Iterable[Floats]) -> tuple[float, float]:
    """How much the light varies, in photographic stops (factors of two): its brightness, and its
    colour (red or blue against green)."""
    means = np.array([picture.mean((0, 1)) for picture in pictures]) + 1
    blue, red = np.log2(means[:, 0] / means[:, 1]), np.log2(means[:, 2] / means[:, 1])
    bright, blue_span, red_span = (float(np.quantile(values, 0.9) - np.quantile(values, 0.1))
                                   for values in (np.log2(means @ _GREY), blue, red))
    return bright, max(blue_span, red_span)


def _small(sample: Sample) -> Floats | None:
    try:
        data = np.frombuffer(sample.path.read_bytes(), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_REDUCED_COLOR_8)
    except (OSError, cv2.error):
        return None
    if image is None:
        return None
    small = cv2.resize(image, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)
