"""The data set when its writer is killed: ``kill -9`` at random moments of recording and editing.

Settings: ``kills`` (100), ``seed`` (0), ``folder`` (where to work; a temporary one).
"""

import hashlib
import json
import os
import platform
import random
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import recognizer_ros
from recognizer_ros.core.errors import ConfigError, DatasetError
from recognizer_ros.dataset import reader
from recognizer_ros.dataset.browse import Query, State, page
from recognizer_ros.dataset.edits import AddTags, Delete, Purge, RenameClass, Restore, SetTags
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.store import SampleStore

MAX_START_S = 2.0
_LIFE_S = 0.4
_EDIT_S = 0.01
_START_S = 60.0
_CLASSES = ('cup', 'mug', 'pen', 'can')
_EDITS = {kind.__name__: kind for kind in (AddTags, Delete, Purge, RenameClass, Restore, SetTags)}

Kept = tuple[frozenset[str], bool]
"""Tags of a sample, and whether it is deleted."""
Samples = dict[str, Kept]


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Kill, restart and compare, many times."""
    kinds = {'kills': int, 'seed': int, 'folder': Path}
    try:
        given: dict[str, Any] = {name: kinds[name](value) for name, value in settings.items()}
    except (KeyError, ValueError) as error:
        raise ConfigError(f'bad setting ({error}): the bench crash has {", ".join(kinds)}'
                          ) from error
    with tempfile.TemporaryDirectory(prefix='crash-', dir=given.pop('folder', None)) as folder:
        found = survive(Path(folder) / 'data', given.get('kills', 100), given.get('seed', 0))
    figures = {
        'kills_count': found.kills, 'acknowledged_samples_count': found.stored,
        'acknowledged_edits_count': found.edits, 'unfinished_done_count': found.done,
        'unfinished_undone_count': found.not_done, 'killed_in_count': dict(found.killed_in),
        'restart_worst_s': max(found.starts_s), 'problems': found.problems[:5]}
    bars = {name: {'value': found.wrong[name], 'bar': 0, 'ok': not found.wrong[name]}
            for name in ('lost_samples', 'wrong_samples', 'rows_without_file', 'orphans',
                         'wrong_counts')}
    bars['restart_worst_s'] = {'value': max(found.starts_s), 'bar': MAX_START_S,
                               'ok': max(found.starts_s) < MAX_START_S}
    return {'name': 'crash', 'machine': f'{len(os.sched_getaffinity(0))} cores, '
            f'{platform.machine()}, {platform.system()}', 'figures': figures, 'bars': bars}


@dataclass
class Survival:
    """What was seen over all kills. :param wrong: how often each promise was broken."""

    kills: int = 0
    stored: int = 0
    edits: int = 0
    done: int = 0
    not_done: int = 0
    killed_in: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    starts_s: list[float] = field(default_factory=list)

    def blame(self, what: str, names: set[str]) -> None:
        """Note a broken promise."""
        if names:
            self.wrong[what] += len(names)
            self.problems.append(f'{what} after kill {self.kills}: {sorted(names)[:3]}')


def survive(root: Path, kills: int, seed: int) -> Survival:
    """Let a process write to a data folder, kill it, and compare what it was told is stored with
    what is there; ``kills`` times."""
    rng, found, expected = random.Random(seed), Survival(), Expected()
    for number in range(kills):
        unfinished = None
        for kind, action in _killed(root, rng, seed * 1000 + number):
            if kind == 'try':
                unfinished = action
            elif kind == 'ok' and unfinished:
                expected.apply(unfinished)
                found.stored += len(unfinished[1]) if unfinished[0] == 'add' else 0
                found.edits += unfinished[0] != 'add'
            unfinished = unfinished if kind == 'try' else None
        found.kills += 1
        found.killed_in[unfinished[0] if unfinished else 'between'] += 1
        start = time.perf_counter()
        with SampleStore(root) as store:
            found.starts_s.append(time.perf_counter() - start)
            expected = _compare(store, expected, unfinished, found)
    for name in expected.samples:
        data = (root / 'images' / name[:2] / f'{name}.jpg').read_bytes()
        found.blame('wrong_samples', {name} - {hashlib.sha256(data).hexdigest()})
    return found


@dataclass
class Expected:
    """What must be stored, by what was acknowledged; and edits done and undone."""

    samples: Samples = field(default_factory=dict)
    done: list[Samples] = field(default_factory=list)
    undone: list[Samples] = field(default_factory=list)

    def copy(self) -> 'Expected':
        """One of its own."""
        return Expected(dict(self.samples), list(map(dict, self.done)),
                        list(map(dict, self.undone)))

    def apply(self, action: list[Any]) -> None:
        """Do what the writer did."""
        kind, *values = action
        if kind == 'add':
            self.samples.update({name: (frozenset(tags), False) for name, tags
                                 in values[0].items()})
        elif kind in ('undo', 'redo'):
            source, target = ((self.done, self.undone) if kind == 'undo'
                              else (self.undone, self.done))
            before = source.pop() if source else {}
            if before:
                target.append({name: self.samples[name] for name in before})
            self.samples.update(before)
        elif kind == 'Purge':
            for name in values[0]:
                del self.samples[name]
                for step in (*self.done, *self.undone):
                    step.pop(name, None)
            self.done, self.undone = list(filter(None, self.done)), list(filter(None, self.undone))
        else:
            self._edit(kind, values)

    def _edit(self, kind: str, values: list[Any]) -> None:
        before: Samples = {}
        for name, (tags, deleted) in self.samples.items():
            if kind == 'RenameClass':
                after = (tags - {values[0]} | {values[1]} if values[0] in tags else tags, deleted)
            elif name not in values[0]:
                continue
            else:
                after = {'Delete': (tags, True), 'Restore': (tags, False),
                         'SetTags': (frozenset(values[-1]), deleted),
                         'AddTags': (tags | set(values[-1]), deleted)}[kind]
            if after != (tags, deleted):
                before[name] = (tags, deleted)
                self.samples[name] = after
        if before:
            self.done.append(before)
            self.undone.clear()


def _compare(store: SampleStore, before: Expected, unfinished: list[Any] | None,
             found: Survival) -> Expected:
    """Blame what is wrong; return what is expected from now on."""
    real, expected = _listed(store.root), before
    if unfinished:
        after = before.copy()
        after.apply(unfinished)
        happened = real == after.samples != before.samples
        found.done += happened
        found.not_done += not happened
        expected = after if happened else before
    files = {path.stem for path in (store.root / 'images').rglob('*') if path.is_file()}
    found.blame('lost_samples', expected.samples.keys() - real.keys())
    found.blame('wrong_samples', {name for name, kept in real.items()
                                  if expected.samples.get(name) != kept})
    found.blame('rows_without_file', real.keys() - files)
    found.blame('orphans', files - real.keys())
    usable = [tags for tags, deleted in real.values() if not deleted]
    stats = store.stats()
    right = (stats == reader.stats(store.root) and stats.samples == len(usable)
             and dict(zip(stats.classes, stats.class_samples, strict=True))
             == Counter(tag for tags in usable for tag in tags))
    found.blame('wrong_counts', set() if right else {str(stats)})
    return expected


def _listed(root: Path) -> Samples:
    """All samples in the index; those set aside are lost."""
    found: Samples = {}
    for state in (State.NORMAL, State.DELETED):
        offset = 0
        while part := page(root, Query(state=state, offset=offset, limit=1000)).samples:
            found.update({item.sha256: (frozenset(item.tags), item.deleted) for item in part})
            offset += len(part)
    return found


def _killed(root: Path, rng: random.Random, seed: int) -> Iterator[tuple[str, Any]]:
    """Start a writer and kill it; what it said until then."""
    package = str(Path(recognizer_ros.__file__).parents[1])
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(
        [package, *filter(None, [os.environ.get('PYTHONPATH')])])}
    with subprocess.Popen([sys.executable, __file__, str(root), str(seed)], env=environment,
                          stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        said = _until_killed(writer, writer.stdout.fileno(), rng)
    for line in said.split(b'\n')[:-1]:
        yield tuple(json.loads(line))


def _until_killed(writer: subprocess.Popen[bytes], pipe: int, rng: random.Random) -> bytes:
    """Kill it at a random moment: half the time of all, half the time of an edit, which are
    shorter than storing and would be hit too rarely."""
    said, within_edit = b'', rng.random() < 0.5
    end = time.monotonic() + _START_S
    while (left_s := end - time.monotonic()) > 0:
        if not select.select([pipe], [], [], left_s)[0]:
            continue
        block = os.read(pipe, 1 << 16)
        if not block:
            raise DatasetError(f'the writer ended by itself, status {writer.wait()}')
        if not said and not within_edit:
            end = time.monotonic() + rng.uniform(0, _LIFE_S)
        said += block
        if within_edit and b'"try"' in block and b'"add"' not in block and rng.random() < 0.2:
            within_edit, end = False, time.monotonic() + rng.uniform(0, _EDIT_S)
    writer.kill()
    while block := os.read(pipe, 1 << 16):
        said += block
    return said


def write(root: Path, seed: int) -> None:
    """Record and edit until killed; say each thing before it is done and after."""
    rng = random.Random(seed)
    _say('start')
    with SampleStore(root) as store:
        while True:
            if rng.random() < 0.4:
                _record(store, rng)
            else:
                _edit(store, rng)


def _record(store: SampleStore, rng: random.Random) -> None:
    tags = tuple(sorted(rng.sample(_CLASSES, rng.randint(0, 2))))
    burst = store.begin_burst('bench', tags)
    for _ in range(rng.randint(1, 3)):
        images = [rng.randbytes(rng.randint(100, 20_000)) for _ in range(rng.randint(1, 8))]
        _say('try', 'add', {hashlib.sha256(data).hexdigest(): tags for data in images})
        store.add([NewSample(data, tags, time.time_ns(), burst, 'bench', 640, 480)
                   for data in images])
        _say('ok')


def _edit(store: SampleStore, rng: random.Random) -> None:
    kind = rng.choice([*_EDITS, 'undo', 'redo'])
    state = State.DELETED if kind in ('Purge', 'Restore') else State.NORMAL
    known = [item.sha256 for item in page(store.root, Query(state=state, limit=1000)).samples]
    ids = tuple(rng.sample(known, min(len(known), rng.randint(1, 40))))
    tags = tuple(rng.sample(_CLASSES, rng.randint(1, 2)))
    values = {'undo': (), 'redo': (), 'RenameClass': rng.sample(_CLASSES, 2),
              'SetTags': (ids, tags), 'AddTags': (ids, tags)}.get(kind, (ids,))
    if values and not values[0]:
        return
    _say('try', kind, *values)
    try:
        getattr(store, kind)() if not values else store.edit(_EDITS[kind](*values))
        _say('ok')
    except DatasetError:  # nothing to undo, no such class
        _say('refused')


def _say(kind: str, *action: object) -> None:
    os.write(1, json.dumps([kind, action]).encode() + b'\n')


if __name__ == '__main__':
    write(Path(sys.argv[1]), int(sys.argv[2]))
