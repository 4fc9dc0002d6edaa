"""A run of fine-tuning: where it begins, how far it is, when it rests."""

from ..core.config import TrainerConfig
from . import nets
from .batches import Batches
from .course import Course
from .finetune import FineTune
from .frozen import Frozen
from .nets import Net


class Tuning:
    """Of one run after the other, the one under way.

    :param pretrained: the initial weights had learned.
    :ivar epoch: whole epochs of this run.
    """

    def __init__(self, config: TrainerConfig, batches: Batches, pretrained: bool) -> None:
        self._config, self._batches = config, batches
        self.pretrained = pretrained
        self._tuner: FineTune | None = None
        self._course: Course | None = None
        self.epoch, self._idle, self._best = 0, 0, -1.0

    @property
    def rests(self) -> bool:
        """The epochs are done, or the held-out score has stopped rising."""
        done = 0 < self._config.epochs <= self.epoch
        return done or self._idle >= self._config.patience

    def resume(self, epoch: int) -> None:
        """Go on from a version made after so many epochs on these data."""
        self.epoch = epoch

    def restart(self, config: TrainerConfig) -> None:
        """The next epoch begins a new run."""
        self._config, self._tuner, self._course = config, None, None
        self.epoch = 0
        self.hope()

    def hope(self) -> None:
        """There are other data: what did not get better may do so now."""
        self._idle, self._best = 0, -1.0

    def take(self, course: Course) -> None:
        """Learn something else from the next epoch on; what has been learned is kept, but for a
        run that had come to rest: its learning rate has fallen."""
        if self.rests or (self._course and self._course.mode != course.mode):
            self.restart(self._config)
        self.hope()

    def tuner(self, course: Course, frozen: Frozen) -> FineTune:
        """The run under way, or a new one from a backbone's weights; when classes have come, one
        that begins with what the former has learned."""
        if self._tuner and course.is_alike(self._course):
            return self._tuner
        if self._tuner and self._course:
            net = self._tuner.averaged.copy()
            net.grow_head(self._course.labels, course.labels)
            self.epoch = 0
        else:
            net = self._initial(course, frozen)
        self._course = course
        self._tuner = FineTune(net, course.labels, course.mode, self._config, self._batches,
                               self.pretrained, epochs_done=self.epoch)
        return self._tuner

    def _initial(self, course: Course, frozen: Frozen) -> Net:
        """A backbone's weights with its head; one fitted on the features of random weights has
        far too large weights to begin with."""
        net = frozen.net.copy()
        if not (self.pretrained or (frozen.base and frozen.base.bundle.stage == 'finetune')):
            layer = nets.build(net.name, len(course.labels), net.width, net.height).head_layer
            net.replace_head(layer.weight.detach(), layer.bias.detach())
        elif frozen.labels != course.labels:
            net.grow_head(frozen.labels, course.labels)
        return net

    def count(self, headline: float) -> None:
        """An epoch is whole, with this held-out score."""
        self.epoch += 1
        self._idle = 0 if headline > self._best else self._idle + 1
        self._best = max(self._best, headline)
