"""What a run learns, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core.errors import TrainingError
from ..core.labels import LabelMode
from ..core.predictions import Floats
from ..core.scores import Scores
from ..core.split import Split
from ..dataset.reader import Snapshot
from ..registry.store import Version


@dataclass(frozen=True)
class Course:
    """What a run learns. :param labels: in the order of the outputs."""

    data: Snapshot
    labels: tuple[str, ...]
    mode: LabelMode

    def is_alike(self, other: 'Course | None') -> bool:
        """Whether the same outputs are learned, be it from other samples."""
        return other is not None and (self.labels, self.mode) == (other.labels, other.mode)

    def check(self) -> None:
        """:raises TrainingError: nothing can be learned of these data, for now; what is needed."""
        data, labels, single = self.data, self.labels, self.mode == 'single'
        everywhere = [label for label in labels if data.counts(Split.TRAIN)[label]
                      == len(data.part(Split.TRAIN))]
        if not labels:
            raise TrainingError('waits for recorded images with tags')
        if len(labels) < 2 and single:
            raise TrainingError(f'waits for a second class: only {labels[0]} is recorded so far')
        if single and data.multi_label:
            raise TrainingError('some images have several tags: set label_mode to multi or auto, '
                                'or give each image one tag')
        if everywhere:
            raise TrainingError(f'waits for images without {everywhere[0]}: all recorded ones '
                                'show it')


def plan(data: Snapshot, known: Sequence[str], asked: str) -> Course:
    """What to learn of a data set.

    :param known: labels of the live version; they keep their places.
    :param asked: ``auto``, ``single`` or ``multi``.
    """
    train = data.counts(Split.TRAIN)
    several = asked == 'multi' or (asked == 'auto' and data.multi_label)
    kept = [label for label in known if train[label]]
    return Course(data, (*kept, *sorted(set(train) - set(kept))), 'multi' if several else 'single')


@dataclass(frozen=True)
class Parts:
    """Files of a version, by name: their bytes, or a version that has the same file.

    :param probe: probabilities on the test frame, shape (labels,).
    """

    backbone_sha256: str
    files: Mapping[str, bytes | Version]
    probe: Floats


@dataclass(frozen=True)
class Candidate:
    """What a stage has made. :param stage: ``head`` or ``finetune``."""

    stage: str
    net: str
    scores: Scores
