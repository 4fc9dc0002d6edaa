"""What the camera is pointed at, and when Record is held."""

import random
from dataclasses import dataclass
from pathlib import Path

from ..capture.uri import OBJECTS
from ..core.errors import DemoError
from ..dataset.transfer import folders

_HELD_BACK = 0.2
_MIN_PHOTOS = 10
_UNSEEN_SEED = 1000


@dataclass(frozen=True)
class Scene:
    """Something to point the camera at. :param seconds: how long it is shown."""

    label: str
    input: str
    seconds: float


@dataclass(frozen=True)
class Plan:
    """:param record: bursts to record, in order. :param unseen: scenes never recorded."""

    record: tuple[Scene, ...]
    unseen: tuple[Scene, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Classes, in the order in which they are first recorded."""
        return tuple(dict.fromkeys(scene.label for scene in self.record))


def rendered(bursts: int, burst_s: float, unseen: int, unseen_s: float) -> Plan:
    """Rendered objects, all of them in one place (background, light) after the other."""
    return Plan(
        tuple(Scene(name, f'pattern://{name}?seed={place}', burst_s)
              for place in range(bursts) for name in OBJECTS),
        tuple(Scene(name, f'pattern://{name}?seed={_UNSEEN_SEED + place}', unseen_s)
              for place in range(unseen) for name in OBJECTS))


def photographs(folder: Path, work: Path, bursts: int, rate_hz: float, burst_s: float,
                seed: int = 0) -> Plan:
    """Photographs, one sub-folder a class: a fifth of each is never recorded.

    :param work: where folders of links are made, one for each burst.
    :raises DatasetError: the folder holds no photographs by class.
    :raises DemoError: too few of them.
    """
    rng = random.Random(seed)
    of_class: dict[str, list[Path]] = {}
    for photo in folders.photos(folder):
        of_class.setdefault(photo.label, []).append(photo.path)
    few = [name for name, paths in of_class.items() if len(paths) < _MIN_PHOTOS]
    if few or len(of_class) < 2:
        raise DemoError(f'{folder} needs two classes or more of at least {_MIN_PHOTOS} '
                        'photographs each'
                        + (f': {few[0]} has {len(of_class[few[0]])}' if few else ''))
    record: list[list[Scene]] = [[] for _ in range(bursts)]
    unseen = []
    for place, (label, paths) in enumerate(sorted(of_class.items())):
        rng.shuffle(paths)
        held = max(2, round(len(paths) * _HELD_BACK))
        unseen.append(_scene(label, paths[:held], work / f'unseen-{place}', rate_hz, 60.0))
        for burst in range(bursts):
            part = paths[held + burst::bursts]
            record[burst].append(_scene(label, part, work / f'record-{place}-{burst}', rate_hz,
                                        burst_s))
    return Plan(tuple(scene for burst in record for scene in burst), tuple(unseen))


def _scene(label: str, paths: list[Path], folder: Path, rate_hz: float, limit_s: float) -> Scene:
    folder.mkdir(parents=True)
    for number, path in enumerate(paths):
        (folder / f'{number:05d}{path.suffix}').symlink_to(path.absolute())
    return Scene(label, f'folder://{folder.absolute()}', min(limit_s, len(paths) / rate_hz))
