"""The live version as the trainer sees it."""

import logging
from collections.abc import Sequence

import numpy as np
import torch

from ..core.errors import ImageError, ModelError, RecognizerError
from ..core.labels import LabelMode
from ..core.predictions import Floats
from ..core.scores import Scores
from ..dataset.images import decode
from ..dataset.reader import Sample
from ..inference import head as heads
from ..inference import model as models
from ..inference.scoring import score
from ..registry.store import Registry, Version
from .candidate import truth
from .course import Course
from .frozen import Frozen
from .nets import Net
from .weights import load_backbone_file

_log = logging.getLogger(__name__)


class Live:
    """The version in use; another one after :meth:`set`, or when a person activates one."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.version: Version | None = None
        self._whole = True
        self._seen = 0
        self._answers: dict[str, Floats] = {}
        self._model: models.Model | None = None
        self.refresh()

    @property
    def number(self) -> int:
        """0: none."""
        return self.version.bundle.version if self.version else 0

    @property
    def headline(self) -> float | None:
        """The score that it was stored with; ``None``: there is no version."""
        return self.version.bundle.scores.headline if self.version else None

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes that it knows; empty when there is none."""
        return self.version.bundle.labels if self.version else ()

    def made_for(self, revision: int, labels: tuple[str, ...], mode: LabelMode) -> bool:
        """Whether it was trained on these very data, and is whole."""
        if not self.version or not self._whole:
            return False
        bundle = self.version.bundle
        return (bundle.dataset_revision, bundle.labels, bundle.label_mode) == (revision, labels,
                                                                              mode)

    def has_moved(self) -> bool:
        """Whether somebody has made another version live."""
        return self._registry.live() != self._seen

    def refresh(self) -> bool:
        """Look which version is live; return whether it is another one than before."""
        if not self.has_moved():
            return False
        number = self._registry.live()
        try:
            self.set(self._registry.get(number) if number else None)
            self._whole = self.version is not None and self.version.is_whole()
        except ModelError as error:
            _log.warning('%s', error)
            self.set(None)
        self._seen = number
        return True

    def set(self, version: Version | None) -> None:
        """Remember a version just promoted."""
        self.version, self._whole, self._answers = version, True, {}
        self._seen = self.number

    def load_into(self, net: Net) -> bool:
        """Load its weights, head and all, into a network; return whether they fit."""
        if not self.version:
            return False
        bundle, how = self.version.bundle, self.version.bundle.preprocessing
        if (bundle.net, how.width, how.height) != (net.name, net.width, net.height):
            return False
        try:
            if not self._whole:  # versions to come would share the damaged file
                raise ModelError('one of its files is damaged')
            head = heads.from_bytes(self.version.head_bytes())
            load_backbone_file(net, self.version.weights)
            net.replace_head(torch.from_numpy(head.weight), torch.from_numpy(head.bias))
        except RecognizerError as error:
            _log.warning('model version %d: %s; training begins anew', bundle.version, error)
            return False
        return True

    def scores(self, samples: Sequence[Sample], course: Course, frozen: Frozen) -> Scores | None:
        """Its scores on held-out samples, by the rules of the run whatever its own;
        ``None``: there is none, or it cannot be loaded.

        :param frozen: a backbone whose features of the samples are known.
        """
        if not self.version or not self._whole:
            return None
        bundle = self.version.bundle
        try:
            if bundle.backbone_sha256 == frozen.sha256:
                known, rows = frozen.embeddings.of(samples)
                head = heads.from_bytes(self.version.head_bytes())
                answers = list(head.scores(rows, bundle.label_mode)) if known else []
            else:
                known = [sample for sample in samples if self._answer(sample) is not None]
                answers = [self._answers[sample.sha256] for sample in known]
        except ModelError as error:
            _log.warning('%s', error)
            return None
        table = np.zeros((len(known), len(course.labels)), np.float32)
        for place, label in enumerate(course.labels):
            if label in bundle.labels:
                table[:, place] = [row[bundle.labels.index(label)] for row in answers]
        return score(table, truth(known, course.labels), course.labels, course.mode,
                     course.data.warning)

    def _answer(self, sample: Sample) -> Floats | None:
        """Its probabilities for a sample; ``None``: the image cannot be used.

        :raises ModelError: the model cannot be loaded.
        """
        if sample.sha256 not in self._answers:
            version = self.version
            assert version
            if not self._model or self._model.bundle is not version.bundle:
                self._model = models.load(
                    lambda: version.backbone, version.head_bytes(), version.bundle)
            try:
                image = decode(sample.path.read_bytes())
            except (OSError, ImageError):
                return None
            self._answers[sample.sha256] = self._model.scores(image)
        return self._answers[sample.sha256]
