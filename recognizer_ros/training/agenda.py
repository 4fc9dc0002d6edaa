"""What there is to learn, and what of it is due."""

from pathlib import Path

from ..core.config import TrainerConfig
from ..core.errors import TrainingError
from ..core.split import Split
from ..dataset.reader import snapshot
from .course import Course, plan
from .curves import Curves
from .live import Live
from .progress import Phase, Report
from .tuning import Tuning


class Agenda:
    """Follows the data set and the live version.

    :ivar course: ``None``: nothing can be learned for now. :ivar taken: revision of the data that
        it was made of; -1: none was read.
    :ivar head_due: a head is to be fitted. :ivar refit_due: another one is, once all features are
        known. :ivar chosen: a person has activated the live version, which stays until there is
        something new.
    """

    def __init__(self, live: Live, tuning: Tuning, curves: Curves, report: Report) -> None:
        self._live, self._tuning, self._curves, self._report = live, tuning, curves, report
        self.course: Course | None = None
        self.taken = -1
        self.head_due = self.refit_due = self.chosen = False
        self._restarted = True

    def begin(self) -> None:
        """Read the data again for a new run."""
        self.course, self.taken = None, -1
        self._restarted = self.chosen = False

    def stay(self) -> None:
        """A person has chosen the live version."""
        self.head_due, self.chosen = False, True

    def all_known(self) -> None:
        """All features are known."""
        if self.refit_due and self.course:
            self.head_due, self.refit_due = True, False

    def take(self, revision: int, config: TrainerConfig) -> None:
        """Read the data set; see what is to be learned now.

        :raises DatasetError: it cannot be read.
        """
        course = plan(snapshot(Path(config.data)), self._live.labels, config.label_mode)
        self.taken, self.chosen = revision, False
        counts = course.data.counts(Split.TRAIN)
        self._report.note(
            dataset_revision=course.data.revision, label_mode=course.mode,
            classes=course.labels, class_samples=tuple(counts[label] for label in course.labels))
        try:
            course.check()
        except TrainingError as problem:
            self.course = None
            self._report.tell(Phase.WAITING, message=str(problem))
            return
        if self.course and course.mode != self.course.mode:
            self._report.tell(Phase.HEAD, message=f'the data set is {course.mode}-label now: '
                                                  'a new run begins')
        self._tuning.take(course)
        self.course, self.head_due = course, True
        if self._restarted and self._live.made_for(course.data.revision, course.labels,
                                                   course.mode):
            self.head_due = False
            self._tuning.resume(self._curves.epoch)
        self._restarted = False
