import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope='module')
def bench() -> ModuleType:
    """The bench that does the same a hundred times."""
    path = Path(__file__).parents[2] / 'bench' / 'crash.py'
    spec = importlib.util.spec_from_file_location('bench_crash', path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(bench: ModuleType,
                                                                tmp_path: Path) -> None:
    found = bench.survive(tmp_path / 'data', kills=10, seed=1)
    assert found.problems == []
    assert not found.wrong
    assert found.kills == 10
    assert found.stored > 50
    assert found.edits > 10
    assert len(found.killed_in) > 1, 'it was never killed while it worked'
    assert max(found.starts_s) < 10, 'five times what it should take'
