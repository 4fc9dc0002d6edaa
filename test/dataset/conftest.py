from collections.abc import Iterator
from pathlib import Path

import pytest
from recorders import GatedStore, Recorder

from recognizer_ros.dataset.store import SampleStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SampleStore]:
    with SampleStore(tmp_path / 'data') as store:
        yield store


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[GatedStore]:
    with GatedStore(tmp_path / 'data') as store:
        yield store


@pytest.fixture
def recording(gated: GatedStore) -> Iterator[Recorder]:
    recording = Recorder(gated)
    yield recording
    gated.gate.set()
    recording.close()
