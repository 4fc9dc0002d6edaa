"""A model version scored on a folder of photographs; needs no PyTorch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .core.errors import DatasetError, ImageError
from .core.predictions import Floats
from .core.scores import Scores
from .dataset import images
from .dataset.transfer import folders
from .inference.model import load
from .inference.scoring import score
from .registry.store import Version


@dataclass(frozen=True)
class Evaluation:
    """:param skipped: photographs that could not be read."""

    scores: Scores
    skipped: tuple[str, ...]


def evaluate(version: Version, folder: Path) -> Evaluation:
    """Score a model version on a folder with one sub-folder a class.

    Classes that the model does not know count as answered wrong.

    :raises DatasetError: no photographs, or none that can be read.
    :raises ModelError: the model cannot be used.
    """
    listed = folders.photos(folder)
    bundle = version.bundle
    loaded = load(lambda: version.backbone, version.head_bytes(), bundle)
    unknown = sorted({photo.label for photo in listed} - set(bundle.labels))
    labels = (*bundle.labels, *unknown)
    rows: list[Floats] = []
    shown: list[str] = []
    skipped: list[str] = []
    for photo in listed:
        try:
            data, _, _ = images.accept(photo.path.read_bytes())
            answer = loaded.scores(images.decode(data))
        except (ImageError, OSError):
            skipped.append(str(photo.path))
            continue
        rows.append(np.pad(answer, (0, len(unknown))))
        shown.append(photo.label)
    if not rows:
        raise DatasetError(f'none of the {len(listed)} files in {folder} is a usable image')
    truth = np.array([[label == name for name in labels] for label in shown])
    return Evaluation(score(np.array(rows), truth, labels, bundle.label_mode), tuple(skipped))
