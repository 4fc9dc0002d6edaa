"""Which tags were in force when a frame was captured.

A value machine without a clock: times are arguments, nanoseconds on the clock that stamps images.
"""

from collections import deque
from dataclasses import dataclass

from .errors import LabelError
from .labels import normalise

MAX_LEASE_NS = 120 * 10**9
_HISTORY = 256


@dataclass(frozen=True)
class TagsMessage:
    """One word of an operator; as ``msg/Tags``."""

    stamp_ns: int
    sender: str
    tags: tuple[str, ...]
    recording: bool
    lease_ns: int


@dataclass
class Interval:
    """``tags`` hold for frames stamped in [start_ns, end_ns). ``press`` counts presses."""

    press: int
    sender: str
    tags: tuple[str, ...]
    start_ns: int
    end_ns: int


class TagTimeline:
    """The intervals of the recent past in which Record was held, and by whom.

    The first sender holds Record until it releases it or its lease lapses; what others send
    meanwhile takes effect only from then on.
    """

    def __init__(self) -> None:
        self._intervals: deque[Interval] = deque(maxlen=_HISTORY)
        self._newest: dict[str, int] = {}
        self._presses = 0

    def apply(self, message: TagsMessage) -> bool:
        """Take in one message; return False when it came too late to count.

        :raises LabelError: it breaks the rules of ``msg/Tags``.
        """
        tags = _checked(message)
        if message.stamp_ns <= self._newest.get(message.sender, 0):
            return False
        self._remember(message.sender, message.stamp_ns)
        held = self._open(message.sender, message.stamp_ns)
        if not message.recording:
            if held:
                held.end_ns = message.stamp_ns
        elif held and held.tags == tags:
            held.end_ns = message.stamp_ns + min(message.lease_ns, MAX_LEASE_NS)
        else:
            self._begin(message, tags, held)
        return True

    def at(self, stamp_ns: int) -> Interval | None:
        """Return what was in force for a frame of this stamp; the earliest press wins."""
        return next((interval for interval in self._intervals
                     if interval.start_ns <= stamp_ns < interval.end_ns), None)

    def is_certain(self, stamp_ns: int) -> bool:
        """Whether a frame was captured before the last word of who held Record then. What one
        sender says comes in order, so nothing that is still to come changes its tags."""
        held = self.at(stamp_ns)
        return held is not None and stamp_ns < self._newest.get(held.sender, 0)

    def _begin(self, message: TagsMessage, tags: tuple[str, ...], held: Interval | None) -> None:
        if held:  # other tags while Record is held: a new burst from here on
            held.end_ns = message.stamp_ns
        self._presses += 1
        end_ns = message.stamp_ns + min(message.lease_ns, MAX_LEASE_NS)
        if len(self._intervals) == _HISTORY:
            self._intervals.remove(min(self._intervals, key=lambda one: one.end_ns))
        # Right after its own past: changing tags must not let those who wait overtake.
        place = _HISTORY
        if held and held in self._intervals:
            place = self._intervals.index(held) + 1
        self._intervals.insert(
            place, Interval(self._presses, message.sender, tags, message.stamp_ns, end_ns))

    def _open(self, sender: str, stamp_ns: int) -> Interval | None:
        return next((interval for interval in reversed(self._intervals)
                     if interval.sender == sender and interval.end_ns > stamp_ns), None)

    def _remember(self, sender: str, stamp_ns: int) -> None:
        self._newest.pop(sender, None)
        self._newest[sender] = stamp_ns
        while len(self._newest) > _HISTORY:
            del self._newest[next(iter(self._newest))]


def _checked(message: TagsMessage) -> tuple[str, ...]:
    tags = normalise(message.tags)
    if message.stamp_ns <= 0:
        raise LabelError('Tags message without a stamp: fill in `stamp`')
    if not message.sender:
        raise LabelError('Tags message without a sender: fill in `sender`')
    if message.recording and not tags:
        raise LabelError('recording without tags: set at least one tag first')
    if message.recording and message.lease_ns <= 0:
        raise LabelError('recording without a lease: fill in `lease`')
    return tags
