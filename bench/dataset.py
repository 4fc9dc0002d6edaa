"""The data set: recording at full rate into a large one, and what a hundred thousand samples cost.

Settings: ``samples`` (already stored, 100000), ``seconds`` (of recording, 60), ``rate_hz`` (30),
``folder`` (where to work; a temporary one), ``images`` (photographs to import, one sub-folder a
class; none).
"""

import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from _report import bar, machine, parse

from recognizer_ros.core.config import RecorderConfig
from recognizer_ros.core.lease import TagsMessage
from recognizer_ros.dataset import browse, reader
from recognizer_ros.dataset.edits import SetTags
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.images import Pixels, encode_jpeg
from recognizer_ros.dataset.recording import Recording
from recognizer_ros.dataset.rows import Rows
from recognizer_ros.dataset.sample import NewSample
from recognizer_ros.dataset.selection import Frame
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.dataset.transfer import importer
from recognizer_ros.dataset.transfer.opening import open_source

WIDTH, HEIGHT = 640, 480
SMALL = 1000
PER_BURST = 100
CLASSES = 10
RELABELLED = 10_000
MAX_GROWTH_MIB = 32.0


@dataclass(frozen=True)
class Settings:
    """See the module."""

    samples: int = 100_000
    seconds: float = 60.0
    rate_hz: float = 30.0
    folder: str = ''
    images: str = ''


def run_bench(settings: dict[str, str]) -> dict[str, Any]:
    """Measure in a folder of its own, which is removed afterwards."""
    given = parse(Settings, settings)
    root = Path(tempfile.mkdtemp(prefix='recognizer-bench-', dir=given.folder or None))
    try:
        return _measure(root, given)
    finally:
        shutil.rmtree(root)


def _measure(root: Path, given: Settings) -> dict[str, Any]:
    large, small = root / 'large', root / 'small'
    _prefill(large, given.samples)
    _prefill(small, min(SMALL, given.samples))
    figures: dict[str, float] = {}
    opened_s = time.monotonic()
    with SampleStore(large) as store:
        figures['open_s'] = time.monotonic() - opened_s
        figures |= _record(store, given)
        with SampleStore(small) as other:
            figures |= _cost(other, store)
        figures |= _edit(store)
    figures['list_page_1000_ms'] = _list(large, given.samples)
    if given.images:
        figures |= _import(root / 'imported', Path(given.images))
    bars = {'dropped_frames': bar(figures['dropped_frames'], 0.0, at_least=False),
            'wrong_samples': bar(figures['wrong_samples'], 0.0, at_least=False),
            'memory_growth': bar(figures['memory_growth_mib'], MAX_GROWTH_MIB, at_least=False),
            'cost_large_to_small': bar(figures['cost_large_to_small_ratio'], 1.2, at_least=False),
            'relabel': bar(figures['relabel_10000_s'], 1.0, at_least=False),
            'undo': bar(figures['undo_10000_s'], 1.0, at_least=False),
            'list_page_1000': bar(figures['list_page_1000_ms'], 50.0, at_least=False),
            'open': bar(figures['open_s'], 2.0, at_least=False)}
    if given.images:
        bars['import'] = bar(figures['import_s'], 20.0, at_least=False)
    return {'name': 'dataset', 'machine': machine(), 'bars': bars,
            'figures': {name: round(value, 3) for name, value in figures.items()}}


def _prefill(root: Path, samples: int) -> None:
    """Make a data set of tiny images, without waiting for the disk at each."""
    with SampleStore(root):
        db = sqlite3.connect(root / 'samples.db', isolation_level=None)
        db.execute('BEGIN')
        rows, tile = Rows(db), encode_jpeg(np.zeros((8, 8, 3), np.uint8), 50)
        for number in range(samples):
            burst = number // PER_BURST + 1
            tags = (f'class {burst % CLASSES}',)
            if number % PER_BURST == 0:
                held_out = burst > CLASSES and (burst // CLASSES) % 5 == 0
                db.execute('INSERT INTO bursts (id, source, split) VALUES (?, ?, ?)',
                           (burst, 'bench', held_out))
            name = f'{number * 2654435761 % 2**32:08x}' + f'{number:056x}'
            path = image_path(root, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(tile)
            rows.insert(name, NewSample(tile, tags, number + 1, burst, 'bench', 8, 8))
        db.execute("UPDATE state SET value = 1 WHERE key = 'revision'")
        db.execute('COMMIT')
        db.close()
        os.sync()


def _record(store: SampleStore, given: Settings) -> dict[str, float]:
    """Record as from a camera, changing tags each second; check each sample."""
    recording = Recording(store, RecorderConfig)
    before = reader.snapshot(store.root).samples
    began_ns, wanted, growth = time.time_ns(), dict[int, str](), 0.0
    scene = np.random.default_rng(0).integers(0, 255, (HEIGHT // 16, WIDTH // 16, 3), np.uint8)
    scene = scene.repeat(16, 0).repeat(16, 1)
    settled_mib = _rss_mib()
    total = int(given.seconds * given.rate_hz)
    for number in range(total):
        stamp_ns = began_ns + int(number / given.rate_hz * 1e9)
        time.sleep(max(0.0, (stamp_ns - time.time_ns()) / 1e9))
        tag = f'class {int(number / given.rate_hz) % CLASSES}'
        recording.say(TagsMessage(stamp_ns, 'bench', (tag,), True, 10**9))
        image = np.roll(scene, divmod(number, WIDTH), (0, 1))  # like no other
        recording.offer(Frame(stamp_ns, image), time.time_ns())
        recording.tick(time.time_ns())
        wanted[stamp_ns] = tag
        if number == total // 6:  # after libraries and caches have warmed up
            settled_mib = _rss_mib()
    growth = _rss_mib() - settled_mib
    recording.close()
    status = recording.tick(time.time_ns())
    fresh = reader.snapshot(store.root).samples[len(before):]
    found = {sample.stamp_ns: sample.tags for sample in fresh}
    wrong = sum(found.get(stamp_ns) != (tag,) for stamp_ns, tag in wanted.items())
    return {'recorded_samples': float(len(fresh)), 'dropped_frames': float(status.dropped),
            'wrong_samples': float(wrong), 'memory_growth_mib': growth}


def _rss_mib() -> float:
    pages = int(Path('/proc/self/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE') / 2**20


def _cost(small: SampleStore, large: SampleStore) -> dict[str, float]:
    """Time to store a group, in turns, so that both meet the same disk."""
    spent: dict[SampleStore, list[float]] = {small: [], large: []}
    bursts = {store: store.begin_burst('bench', ('class 1',)) for store in spent}
    rng = np.random.default_rng(1)
    for number in range(60):
        files = [encode_jpeg(_noise(rng), 95) for _ in range(16)]
        for store in (small, large) if number % 2 else (large, small):
            began = time.monotonic()
            store.add([NewSample(data, ('class 1',), time.time_ns(), bursts[store], 'bench',
                                 WIDTH, HEIGHT) for data in files])
            store.stats()
            spent[store].append((time.monotonic() - began) / 16 * 1e3)
    costs = {store: statistics.median(times) for store, times in spent.items()}
    return {'store_sample_small_ms': costs[small], 'store_sample_large_ms': costs[large],
            'cost_large_to_small_ratio': costs[large] / costs[small]}


def _noise(rng: np.random.Generator) -> Pixels:
    return rng.integers(0, 64, (HEIGHT // 4, WIDTH // 4, 3), np.uint8).repeat(4, 0).repeat(4, 1)


def _edit(store: SampleStore) -> dict[str, float]:
    ids = tuple(sample.sha256 for sample in reader.snapshot(store.root).samples[:RELABELLED])
    relabel_s = _seconds(lambda: store.edit(SetTags(ids, ('relabelled',))))
    undo_s = _seconds(store.undo)
    return {'relabel_10000_s': relabel_s, 'undo_10000_s': undo_s}


def _list(root: Path, samples: int) -> float:
    query = browse.Query(limit=100, offset=max(0, samples - 100))
    return statistics.median(_seconds(lambda: browse.page(root, query)) for _ in range(9)) * 1e3


def _import(root: Path, images: Path) -> dict[str, float]:
    with SampleStore(root) as store, open_source(images) as found:
        taken_s = _seconds(lambda: importer.run(store, found, time.time_ns()))
        return {'import_s': taken_s, 'imported_samples': float(store.stats().samples)}


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
