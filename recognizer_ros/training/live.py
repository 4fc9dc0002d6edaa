"""The live version as the trainer sees it."""

import logging
from collections.abc import Callable
from pathlib import Path

from ..core.errors import ModelError, RecognizerError
from ..core.labels import LabelMode
from ..core.predictions import Floats
from ..core.preprocessing import Preprocessing
from ..core.scores import Scores
from ..dataset.images import decode
from ..dataset.reader import Sample, Snapshot
from ..inference import model as models
from ..inference.preprocess import from_camera
from ..registry.store import Registry, Version
from .candidate import model_scores
from .nets import Net
from .weights import load_all

_log = logging.getLogger(__name__)


class Live:
    """The version in use; another one after :meth:`set`, or when a person activates one."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self.version: Version | None = None
        self._scores: tuple[int, int, LabelMode, Scores] | None = None
        self.refresh()

    @property
    def number(self) -> int:
        """0: none."""
        return self.version.bundle.version if self.version else 0

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes that it knows; empty when there is none."""
        return self.version.bundle.labels if self.version else ()

    def made_for(self, revision: int, labels: tuple[str, ...], mode: LabelMode) -> bool:
        """Whether it was trained on these very data, and is whole."""
        if not self.version or not self.version.is_whole():
            return False
        bundle = self.version.bundle
        return (bundle.dataset_revision, bundle.labels, bundle.label_mode) == (revision, labels,
                                                                              mode)

    def refresh(self) -> bool:
        """Look which version is live; return whether it is another one than before."""
        before, number = self.number, self._registry.live()
        if number == before:
            return False
        try:
            self.version = self._registry.get(number) if number else None
        except ModelError as error:
            _log.warning('%s', error)
            self.version = None
        return True

    def set(self, version: Version, scores: Scores, revision: int) -> None:
        """Remember a version just promoted and its scores on the data of that revision."""
        self.version = version
        self._scores = (version.bundle.version, revision, scores.mode, scores)

    def load_into(self, net: Net) -> bool:
        """Load its weights, head and all, into a network; return whether they fit."""
        if not self.version:
            return False
        bundle, how = self.version.bundle, self.version.bundle.preprocessing
        if (bundle.net, how.width, how.height) != (net.name, net.width, net.height):
            return False
        try:
            load_all(net, self.version.weights)
        except RecognizerError as error:
            _log.warning('model version %d: %s; training begins anew', bundle.version, error)
            return False
        return True

    def scores(self, snapshot: Snapshot, labels: tuple[str, ...], mode: LabelMode
               ) -> Scores | None:
        """Its scores on held-out samples, by the rules of ``mode`` whatever its own;
        ``None``: there is none, or it cannot be loaded."""
        if not self.version:
            return None
        known = self._scores
        if known and known[:3] == (self.number, snapshot.revision, mode):
            return known[3]
        try:
            model = models.load(self.version.model, self.version.bundle)
        except ModelError as error:
            _log.warning('%s', error)
            return None
        scores = model_scores(model, labels, mode, snapshot,
                              _reader(model.bundle.preprocessing))
        self._scores = (self.number, snapshot.revision, mode, scores)
        return scores


def _reader(how: Preprocessing) -> Callable[[Sample], Floats | None]:
    def read(sample: Sample) -> Floats | None:
        try:
            return from_camera(decode(Path(sample.path).read_bytes()), how)
        except (OSError, RecognizerError):
            return None
    return read
