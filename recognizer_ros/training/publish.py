"""From a candidate to a version: compared with the live one, stored, made live."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

from ..core.bundle import Bundle
from ..core.preprocessing import Preprocessing
from ..core.scores import Scores
from ..registry.promotion import Decision, decide
from ..registry.store import Registry, Version
from .course import Candidate, Course, Parts
from .curves import CURVES, EVENTS, Curves
from .live import Live
from .progress import Phase, Report

_log = logging.getLogger(__name__)


class Publisher:
    """Keeps the registry.

    :param keep: versions on disk.
    :ivar auto_promote: make versions live; else they wait for a person.
    """

    def __init__(self, registry: Registry, live: Live, how: Preprocessing, keep: int,
                 auto_promote: bool) -> None:
        self._registry, self._live, self._how, self._keep = registry, live, how, keep
        self.auto_promote = auto_promote
        self._waiting: tuple[int, Scores] | None = None

    def judge(self, course: Course, candidate: Candidate, live: Scores | None) -> Decision:
        """Compare with the live version's scores on the same held-out samples, and where versions
        wait for a person, with the one that waits."""
        tuned = candidate.stage == 'finetune'
        decision = decide(candidate.scores, live, self._live.labels, strict=tuned)
        if decision.promote and not self.auto_promote and self._waiting:
            revision, scores = self._waiting
            if (revision, scores.labels) == (course.data.revision, course.labels):
                decision = decide(candidate.scores, scores, scores.labels, strict=True)
        _log.info('%s on revision %d: score %.3f on %d held-out samples; %s', candidate.stage,
                  course.data.revision, candidate.scores.headline, candidate.scores.samples,
                  decision.reason)
        return decision

    def offer(self, course: Course, candidate: Candidate, live: Scores | None,
              make: Callable[[], Parts], report: Report) -> Version | None:
        """Publish a candidate if it is good enough; ``None``: the live version stays.

        :param live: scores of the live version on the same samples. :param make: its files.
        :raises DiskFullError: nothing has changed. :raises ExportError: likewise.
        """
        decision = self.judge(course, candidate, live)
        if not decision.promote:
            report.tell(report.now.phase,
                        message=f'version {self._live.number} stays: {decision.reason}')
            return None
        report.tell(Phase.EXPORT, message=f'exporting a version: {decision.reason}')
        version = self._publish(course, candidate, decision.reason, make(), live)
        went_live = self._live.version is version
        if went_live:
            report.note(live_version=self._live.number, best_accuracy=candidate.scores.headline)
        said = 'is live' if went_live else 'waits to be activated'
        report.tell(Phase.EXPORT,
                    message=f'version {version.bundle.version} {said}: {decision.reason}')
        return version

    def _publish(self, course: Course, candidate: Candidate, reason: str, parts: Parts,
                 live: Scores | None) -> Version:
        """Store a version and make it live, unless that is left to a person."""
        version = self._registry.add(Bundle(
            version=0, parent=self._live.number, stage=candidate.stage, net=candidate.net,
            labels=course.labels, label_mode=course.mode, preprocessing=self._how,
            scores=_compared(candidate.scores, live, self._live.labels),
            dataset_revision=course.data.revision, created_ns=time.time_ns(),
            probe=tuple(map(float, parts.probe)), sha256={}, size=0,
            backbone_sha256=parts.backbone_sha256, reason=reason), parts.files)
        number = version.bundle.version
        if not self.auto_promote:
            self._waiting = course.data.revision, candidate.scores
            _log.info('version %d (%s) waits to be activated: %s', number, candidate.stage, reason)
        elif self._live.has_moved():
            _log.info('version %d (%s) does not go live: somebody has just activated version %d',
                      number, candidate.stage, self._registry.live())
        else:
            self._registry.point_to(version)
            self._live.set(version)
            _log.info('version %d (%s) is live: %s', number, candidate.stage, reason)
        self._registry.prune(self._keep)
        return version

    def attach(self, version: Version, curves: Curves) -> None:
        """Keep with a version how the run went.

        :raises DiskFullError: that is missing then.
        """
        files = {CURVES: curves.table(), EVENTS: curves.events()}
        self._registry.attach(version, {name: data for name, data in files.items() if data})


def _compared(scores: Scores, live: Scores | None, known: tuple[str, ...]) -> Scores:
    """With what has become of each class that the live version knows."""
    if not live:
        return scores
    before = {label: item.recall for label, item in zip(live.labels, live.per_class, strict=True)
              if label in known and item.support}
    return replace(scores, per_class=tuple(
        replace(item, change=item.recall - before[label]) if label in before else item
        for label, item in zip(scores.labels, scores.per_class, strict=True)))
