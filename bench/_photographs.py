"""The photographs that benches learn of, or images made in their place."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from recognizer_ros.core.errors import ConfigError
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.reader import Sample

_CLASSES, _IMAGES = 6, 40
_WIDTH, _HEIGHT = 640, 480


def photographs(images: str, folder: Path) -> list[Sample]:
    """Samples of a folder with one sub-folder a class; without one, of images made for it.

    :raises ConfigError: there are no JPEGs.
    """
    root = Path(images) if images else _make(folder)
    found = [Sample(hashlib.sha256(path.read_bytes()).hexdigest(), path, (path.parent.name,),
                    number, number, Split.TRAIN)
             for number, path in enumerate(sorted(root.glob('*/*.jp*g')), 1)]
    if not found:
        raise ConfigError(f'{root} has no JPEG files in sub-folders: give images=FOLDER')
    return found


def labels_of(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Classes, sorted."""
    return tuple(sorted({sample.tags[0] for sample in samples}))


def _make(folder: Path) -> Path:
    """Write soft random images of as many hues as classes, in a camera's size."""
    rng = np.random.default_rng(0)
    for number in range(_CLASSES * _IMAGES):
        label = number % _CLASSES
        coarse = rng.integers(0, 255, (_HEIGHT // 40, _WIDTH // 40, 3), np.uint8)
        coarse[:, :, label % 3] //= 2 + label // 3
        path = folder / f'class {label}' / f'{number}.jpg'
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), cv2.resize(coarse, (_WIDTH, _HEIGHT)))
    return folder
