"""Pictures with numbers that were seen at several places, and what came of them."""

import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from _browser import Seen
from _footage import FILM_S, number_in
from _nodes import Client
from sensor_msgs.msg import Image

from recognizer_ros.nodes import conversions, qos

_STEP_S = 0.01


class ImageRaw:
    """Notes what comes to image_raw. :ivar size: of the last picture, width and height."""

    def __init__(self, client: Client) -> None:
        self.seen: Seen = []
        self.size = (0, 0)
        client.node.create_subscription(Image, 'image_raw', self._take, qos.IMAGE)

    def _take(self, message: Image) -> None:
        now_s = time.time()
        picture, _ = conversions.image_to_array(message)
        number = number_in(picture)
        self.size = picture.shape[1], picture.shape[0]
        self.seen.append((now_s, -1 if number is None else number))


def news(seen: Seen) -> list[float]:
    """When another picture than before was seen."""
    return [at_s for (_, before), (at_s, number) in pairwise(seen) if number != before]


def longest_gap(times_s: Sequence[float], began_s: float) -> float:
    """The longest time without any, seconds."""
    later = [began_s, *(at_s for at_s in times_s if at_s > began_s)]
    return max((now - before for before, now in pairwise(later)), default=float('inf'))


def by_second(seen: Seen, began_s: float) -> list[int]:
    """Pictures in each whole second."""
    counts = defaultdict[int, int](int)
    for at_s, _ in seen:
        counts[int(at_s - began_s)] += at_s > began_s
    return [counts[second] for second in range(max(counts))]


def delays(before: Seen, after: Seen) -> list[float]:
    """Milliseconds from each picture's first place to its second, where it was new there."""
    known = zip(pairwise([(0.0, -1), *after]), _taken(before, after), strict=True)
    return [1e3 * (at_s - taken_s) for ((_, last), (at_s, number)), taken_s in known
            if taken_s is not None and number != last]


def ages(taken: Seen, seen: Seen) -> list[float]:
    """How long ago the newest picture was taken, milliseconds, all the time."""
    known = [(at_s, taken_s) for (at_s, _), taken_s in zip(seen, _taken(taken, seen), strict=True)
             if taken_s is not None]
    found = []
    for (at_s, taken_s), (until_s, _) in pairwise(known):
        steps = int((until_s - at_s) / _STEP_S) + 1
        found += [1e3 * (at_s + step * _STEP_S - taken_s) for step in range(steps)]
    return found


def _taken(before: Seen, after: Seen) -> Iterator[float | None]:
    """When each picture was at its first place; ``None``: not known, as where only the picture of
    the same number, a whole film before, was noted there."""
    left = defaultdict[int, list[float]](list)
    for at_s, number in before:
        left[number].append(at_s)
    for at_s, number in after:
        place = bisect_right(left[number], at_s)
        taken_s = left[number][place - 1] if number != -1 and place else None
        yield taken_s if taken_s is not None and at_s - taken_s < FILM_S / 2 else None
