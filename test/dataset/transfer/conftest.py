from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from recognizer_ros.dataset import browse
from recognizer_ros.dataset.browse import Listed, Query
from recognizer_ros.dataset.image_files import image_path
from recognizer_ros.dataset.store import SampleStore
from recognizer_ros.dataset.transfer import importer
from recognizer_ros.dataset.transfer.importer import Imported
from recognizer_ros.dataset.transfer.opening import open_source
from recognizer_ros.dataset.transfer.source import Options

FIRST_NS = 1000

Take = Callable[..., Imported]


@pytest.fixture
def take(tmp_path: Path) -> Take:
    """Import a path into the data set ``data``, or another one."""
    def take(path: Path, options: Options | None = None, into: str = 'data') -> Imported:
        with open_source(path, options) as source, SampleStore(tmp_path / into) as store:
            return importer.run(store, source, FIRST_NS)
    return take


@pytest.fixture
def held(tmp_path: Path) -> Callable[..., list[Listed]]:
    """All samples of a data set, oldest first; bursts numbered from 1 as they occur."""
    def held(name: str = 'data') -> list[Listed]:
        root = tmp_path / name
        found = browse.page(root, Query(limit=browse.MAX_LIMIT)).samples
        numbers: dict[int, int] = {}
        for sample in sorted(found, key=lambda sample: sample.burst):
            numbers.setdefault(sample.burst, len(numbers) + 1)
            assert image_path(root, sample.sha256).is_file()
        return sorted((replace(sample, burst=numbers[sample.burst]) for sample in found),
                      key=lambda sample: (sample.stamp_ns, sample.sha256))
    return held
