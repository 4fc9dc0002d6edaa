"""What the trainer knows of the data and of its model, for people.

It reads what the learner leaves on disk (features, versions) and the data set, so it never waits
for the learner nor keeps it waiting, and answers while learning is off; without PyTorch.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..core.errors import ModelError
from ..core.insight import Advice, Advised
from ..core.split import Split
from ..dataset import reader
from ..dataset.reader import Sample, Snapshot
from ..inference import head as heads
from ..inference.head import Head
from ..registry.store import Registry, Version
from . import coach
from .alone import alone
from .known_features import KnownFeatures, key
from .looks import Looks
from .review import Review, all_labels

MOST_ROWS = 10_000
"""Samples whose features are compared; of more, as many of each class, spread over the time."""
_MOST_LOOKED_AT = 600  # of more than fifty classes no light can be told then
_MOST_ADVICE = 40
_Key = tuple[int, int, int]


class Insight:
    """For one thread. What was computed last is kept until data, model or features change.

    :param data: folder of the data set.
    """

    def __init__(self, data: Path, registry: Registry) -> None:
        self._data, self._registry = data, registry
        self._looks = Looks()
        self._version: Version | None = None
        self._head: Head | None = None
        self._reviewed: tuple[_Key, Review] | None = None
        self._advised: tuple[_Key, Advised] | None = None

    def review(self) -> Review:
        """How the live version answers the held-out samples as they are now.

        :raises ModelError: there is none, or it gives several answers. :raises DatasetError: the
            data set cannot be read.
        """
        now = self._now()
        if not self._version:
            raise ModelError('nothing was learned yet: record two classes, with training on')
        if not self._reviewed or self._reviewed[0] != now:
            with alone():
                self._reviewed = now, self._review(reader.snapshot(self._data))
        return self._reviewed[1]

    def advise(self) -> Advised:
        """What to record or to mend next.

        :raises ModelError: the live version is damaged. :raises DatasetError: the data set cannot
            be read.
        """
        now = self._now()
        if not self._advised or self._advised[0] != now:
            with alone():
                self._advised = now, self._advise()
        return self._advised[1]

    def _now(self) -> _Key:
        """What all answers depend on; take over another live version."""
        number = self._registry.live()
        if number != (self._version.bundle.version if self._version else 0):
            version = self._registry.get(number) if number else None
            self._head = heads.from_bytes(version.head_bytes()) if version else None
            self._version = version
        return reader.revision(self._data), number, self._features().newest() if number else 0

    def _features(self) -> KnownFeatures:
        assert self._version
        assert self._head
        bundle = self._version.bundle
        return KnownFeatures(self._data / 'cache', key(bundle.backbone_sha256,
                                                       bundle.preprocessing),
                             self._head.weight.shape[1])

    def _review(self, data: Snapshot) -> Review:
        """:raises ModelError: several tags an image."""
        assert self._version
        assert self._head
        bundle, held = self._version.bundle, data.part(Split.VALIDATION)
        if bundle.label_mode == 'multi' or any(len(sample.tags) > 1 for sample in held):
            raise ModelError('images have several tags: there is no table of one class against '
                             'another, the scores of each class say how well it is known')
        labels = all_labels(bundle.labels, [sample.tags[0] for sample in held])
        index = {label: place for place, label in enumerate(labels)}
        places, answered, scores = [[np.zeros(0, np.int64)] for _ in range(2)] + [
            [np.zeros(0, np.float32)]]
        for found, rows in self._features().read([sample.sha256 for sample in held]):
            answers = self._head.scores(rows, 'single')
            places.append(found)
            answered.append(answers.argmax(1))
            scores.append(answers.max(1))
        shown = [held[place] for place in np.concatenate(places)]
        return Review(
            labels, tuple(sample.sha256 for sample in shown),
            np.array([index[sample.tags[0]] for sample in shown], np.int64),
            np.concatenate(answered), np.concatenate(scores), data.revision, bundle.version)

    def _advise(self) -> Advised:
        number = self._version.bundle.version if self._version else 0
        if not reader.revision(self._data):
            return Advised((), 0, number)
        data = reader.snapshot(self._data)
        classes = coach.by_class(data.samples)
        advice = coach.too_few(classes)
        if self._version and not data.multi_label and self._version.bundle.label_mode == 'single':
            advice += self._of_features(data)
        for label, samples in classes.items():
            some = coach.spread_out(samples, min(coach.LOOKED_AT,
                                                 _MOST_LOOKED_AT // len(classes)))
            advice += coach.one_light(label, some, self._looks.of(some))
        advice.sort(key=lambda item: -item.weight)
        return Advised(tuple(advice[:_MOST_ADVICE]), data.revision, number)

    def _of_features(self, data: Snapshot) -> list[Advice]:
        advice = coach.confused_pairs(self._review(data))
        known = self._known(data.samples)
        if len(known.samples):
            advice += coach.wrong_tagged(known)
            for twins in coach.seeming_twins(known):
                pictures = self._looks.of(one for pair in twins.pairs for one in pair)
                advice += coach.near_duplicates(twins, pictures)
        return advice

    def _known(self, samples: Sequence[Sample]) -> coach.Known:
        classes = coach.by_class(samples)
        chosen = [sample for group in classes.values()
                  for sample in coach.spread_out(group, MOST_ROWS // len(classes) or 1)]
        places, rows = self._features().all_of([sample.sha256 for sample in chosen])
        return coach.Known(tuple(chosen[place] for place in places), rows)
