"""A backbone that stays as it is while heads are fitted on it."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from ..core.bundle import BACKBONE, HEAD, WEIGHTS
from ..core.preprocessing import Preprocessing
from ..core.scores import Scores
from ..core.split import Split
from ..dataset.reader import Sample
from ..inference.head import Head
from ..inference.onnx_runtime import OnnxRuntimeBackend
from ..inference.reject import Reject
from ..inference.scoring import score
from ..registry.store import Version
from . import head as heads
from . import reject as rejects
from .batches import Batches
from .candidate import backbone_sha256, truth, weights_of
from .course import Course, Parts
from .embeddings import Embeddings, FeatureFile
from .export import OnnxExporter, Prepared
from .known_features import key
from .nets import Net

VIEW = 1
"""The random variant that is used beside the images themselves, where augmentation is on: on
photographs one more view of each brings a head 0.9 points, two more bring no more."""
_AT_ONCE = 64
_OF_EACH, _TOGETHER = 24, 4
_PATIENCE_S = 0.25


@dataclass(frozen=True)
class Fitted:
    """A head and its scores.

    :param held_out: the samples that it was scored on. :param complete: all samples were used.
    """

    head: Head
    scores: Scores
    held_out: list[Sample]
    complete: bool = True


class Frozen:
    """A network whose last layer alone changes.

    :param cache: folder for features. :param limit_bytes: of that folder.
    :ivar base: a version with this backbone; ``None``: none is stored yet.
    :ivar labels: of the last layer; empty when it was never trained.
    """

    def __init__(self, net: Net, how: Preprocessing, cache: Path, limit_bytes: int,
                 base: Version | None, exporter: OnnxExporter | None = None) -> None:
        self.net, self._how, self._cache, self._limit_bytes = net, how, cache, limit_bytes
        self._exporter = exporter or OnnxExporter(net)
        self.base = base
        self.labels = base.bundle.labels if base else ()
        self.sha256 = backbone_sha256(net)
        self.embeddings = Embeddings(net)
        self._directions = rejects.Directions()

    def close(self) -> None:
        """Let go of files."""
        self.embeddings.close()

    def settle_in(self) -> 'Frozen':
        """Do beforehand what a version waits for, and keep features on disk from now on.

        :raises ExportError: it cannot be exported.
        """
        file = self._prepared.backbone.alone({})
        if next(self.net.module.parameters()).device.type == 'cpu':
            backend = OnnxRuntimeBackend(file)  # takes two thirds of PyTorch's time
            self.embeddings.run = lambda inputs: backend.infer(inputs.numpy())
        self.embeddings.keep_in(FeatureFile(self._cache, key(self.sha256, self._how),
                                            self._limit_bytes))
        return self

    @cached_property
    def _prepared(self) -> Prepared:
        return self._exporter.prepare(self.net, self._how)

    def successor(self, net: Net, labels: tuple[str, ...], base: Version | None) -> 'Frozen':
        """Another backbone of the same architecture."""
        made = Frozen(net, self._how, self._cache, self._limit_bytes, base, self._exporter)
        made.labels = labels
        return made

    @property
    def head(self) -> Head:
        """The last layer."""
        layer = self.net.head_layer
        return Head(layer.weight.detach().cpu().numpy(), layer.bias.detach().cpu().numpy())

    def settle(self, head: Head, labels: tuple[str, ...], version: Version) -> None:
        """Take over a head that has become a version."""
        self.net.replace_head(torch.from_numpy(head.weight), torch.from_numpy(head.bias))
        self.labels, self.base = labels, version

    def fit(self, course: Course, batches: Batches, stop: Callable[[], bool]) -> Fitted | None:
        """Fit a head and score it; ``None``: stopped, or no image of some class is usable.

        Where many features are missing, a few of each class must do: somebody waits.
        """
        train = batches.usable(course.data.part(Split.TRAIN))
        held = batches.usable(course.data.part(Split.VALIDATION))
        self._embed_quickly(course, [*train, *held], batches, stop)
        shown, rows = self.embeddings.of(train)
        if stop() or {tag for sample in shown for tag in sample.tags} != set(course.labels):
            return None
        varied, more = self.embeddings.of(train, VIEW)
        layer = self.head
        start = {label: (layer.weight[index], float(layer.bias[index]))
                 for index, label in enumerate(self.labels)}
        found = heads.fit(np.concatenate([rows, more]), [*shown, *varied], course.labels,
                          course.mode, start)
        complete = not self.embeddings.missing([*train, *held])
        return self._scored(found, course, held, complete)

    def _embed_quickly(self, course: Course, samples: Sequence[Sample], batches: Batches,
                       stop: Callable[[], bool]) -> None:
        """Compute features that are missing, the newest first; where a head is in use already, no
        longer than somebody likes to wait, if there are some of each class."""
        few = [*_few(self.embeddings.missing(samples))][::-1]
        began = time.monotonic()
        for start in range(0, len(few), _TOGETHER):
            late = self.labels and time.monotonic() - began > _PATIENCE_S
            if stop() or (late and self._covers(course)):
                return
            self.embeddings.compute(batches, few[start:start + _TOGETHER], stop)

    def _covers(self, course: Course) -> bool:
        known, _ = self.embeddings.of(course.data.part(Split.TRAIN))
        return {tag for sample in known for tag in sample.tags} == set(course.labels)

    def score(self, course: Course) -> Fitted:
        """The last layer as it is, and its scores on the held-out samples whose features are
        known."""
        return self._scored(self.head, course, course.data.part(Split.VALIDATION), True)

    def _scored(self, head: Head, course: Course, held_out: Sequence[Sample],
                complete: bool) -> Fitted:
        held, rows = self.embeddings.of(held_out)
        wanted = truth(held, course.labels)
        if held:
            head = heads.calibrate(head, rows, wanted, course.mode)
        answers = (head.scores(rows, course.mode) if held
                   else np.zeros((0, len(course.labels)), np.float32))
        return Fitted(head, score(answers, wanted, course.labels, course.mode,
                                  course.data.warning), held, complete)

    def parts(self, head: Head, course: Course) -> Parts:
        """The files of a version with another head.

        :raises ExportError: it cannot be exported.
        """
        probe = self._prepared.answer(head.weight, head.bias, course.mode)
        head = replace(head, reject=self._reject(head, course))
        base = self.base
        return Parts(self.sha256, {BACKBONE: base or self._prepared.backbone.alone({}),
                                   WEIGHTS: base or weights_of(self.net),
                                   HEAD: head.to_bytes()}, probe)

    def _reject(self, head: Head, course: Course) -> Reject | None:
        shown, rows = self.embeddings.of(course.data.part(Split.TRAIN))
        held, held_rows = self.embeddings.of(course.data.part(Split.VALIDATION))
        return rejects.fit(head, course.labels, rows, truth(shown, course.labels), held_rows,
                           truth(held, course.labels), self._directions)


def _few(missing: Sequence[Sample]) -> Sequence[Sample]:
    """All, or where they are many some of each class, spread over the time."""
    if len(missing) <= _AT_ONCE:
        return missing
    alike: dict[tuple[tuple[str, ...], Split], list[Sample]] = defaultdict(list)
    for sample in missing:
        alike[sample.tags, sample.split].append(sample)
    return [sample for group in alike.values() for sample in group[::-(-len(group) // _OF_EACH)]]
