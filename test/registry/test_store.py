import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import makers
import pytest

from recognizer_ros.core.errors import DataLockedError, DatasetError, DiskFullError, ModelError
from recognizer_ros.registry.store import BUNDLE, MODEL, WEIGHTS, Registry, Version

DRAFT = replace(makers.bundle(version=0), sha256={}, size=0)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(tmp_path / 'models', writer=True)
    yield registry
    registry.close()


def add(registry: Registry, parent: int = 0) -> Version:
    """Add a version whose files are like no other's."""
    number = len(registry.numbers()) + 1
    return registry.add(replace(DRAFT, parent=parent), b'model %d' % number,
                        b'weights %d' % number)


def test_an_empty_registry(registry: Registry) -> None:
    assert (registry.numbers(), registry.versions()) == ([], [])
    assert (registry.live(), registry.previous()) == (0, 0)


def test_a_folder_that_is_not_there_is_an_empty_registry_for_a_reader(tmp_path: Path) -> None:
    registry = Registry(tmp_path / 'none')
    assert (registry.numbers(), registry.versions(), registry.live()) == ([], [], 0)
    assert not (tmp_path / 'none').exists()
    with pytest.raises(ModelError, match='there is no model version 1: known are none'):
        registry.activate(1)


def test_number_checksums_and_size_are_filled_in(registry: Registry) -> None:
    version = registry.add(DRAFT, b'abc', b'weights')
    assert (version.bundle.version, version.bundle.size) == (1, 3)
    assert version.bundle.sha256[MODEL] == (
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    assert set(version.bundle.sha256) == {MODEL, WEIGHTS}
    assert version.model.read_bytes() == b'abc'
    assert version.weights.read_bytes() == b'weights'


def test_what_was_added_is_read_back_by_another_process(registry: Registry) -> None:
    for _ in range(3):
        add(registry)
    reader = Registry(registry.root)
    assert reader.numbers() == [1, 2, 3]
    assert [version.bundle.version for version in reader.versions()] == [3, 2, 1]
    assert reader.get(2).bundle.labels == DRAFT.labels


def test_a_version_is_read_in_pieces(registry: Registry) -> None:
    version = registry.add(DRAFT, bytes(range(10)), b'')
    assert [version.read(offset, 4) for offset in (0, 4, 8, 12)] == [
        bytes(range(4)), bytes(range(4, 8)), bytes(range(8, 10)), b'']
    version.model.unlink()
    with pytest.raises(ModelError, match=r'cannot read .*model\.onnx: No such file'):
        version.read(0, 4)


def test_adding_does_not_make_live(registry: Registry) -> None:
    add(registry)
    assert registry.live() == 0


def test_activation_remembers_the_one_before(registry: Registry) -> None:
    for _ in range(3):
        add(registry)
    seen = []
    for number in (1, 2, 3, 3, 1):
        assert registry.activate(number).bundle.version == number
        seen.append((registry.live(), registry.previous()))
    assert seen == [(1, 0), (2, 1), (3, 2), (3, 2), (1, 3)]
    assert Registry(registry.root).live() == 1


def test_rollback_goes_to_the_one_before_and_back_again(registry: Registry) -> None:
    for _ in range(2):
        registry.activate(add(registry).bundle.version)
    assert registry.activate(0).bundle.version == 1
    assert (registry.live(), registry.previous()) == (1, 2)
    assert registry.activate(0).bundle.version == 2
    assert (registry.live(), registry.previous()) == (2, 1)


def test_rollback_without_one_before_is_refused(registry: Registry) -> None:
    registry.activate(add(registry).bundle.version)
    with pytest.raises(ModelError, match='there is no'):
        registry.activate(0)
    assert registry.live() == 1


def test_an_unknown_version_is_refused_with_those_known(registry: Registry) -> None:
    add(registry)
    add(registry)
    with pytest.raises(ModelError, match='there is no model version 7: known are 1, 2'):
        registry.activate(7)
    assert registry.live() == 0


def test_the_live_pointer_is_not_moved_to_a_damaged_file(registry: Registry) -> None:
    registry.activate(add(registry).bundle.version)
    damaged, missing = add(registry), add(registry)
    damaged.model.write_bytes(b'nodel 2')
    missing.model.unlink()
    for number in (2, 3):
        with pytest.raises(ModelError, match=f'the file of model version {number} is damaged'):
            registry.activate(number)
    assert registry.live() == 1


@pytest.mark.parametrize('data', [b'', b'{', b'[]', b'\xff\xfe\x00 not text \x80',
                                  b'{"format": 99}'])
def test_a_damaged_description_is_left_out_and_the_others_stay(registry: Registry,
                                                               data: bytes) -> None:
    for _ in range(3):
        add(registry)
    (registry.get(2).folder / BUNDLE).write_bytes(data)
    assert [version.bundle.version for version in registry.versions()] == [3, 1]
    with pytest.raises(ModelError):
        registry.activate(2)
    assert registry.activate(3).bundle.version == 3
    assert add(registry).bundle.version == 4


def test_a_missing_description_is_left_out(registry: Registry) -> None:
    add(registry)
    (add(registry).folder / BUNDLE).unlink()
    assert [version.bundle.version for version in registry.versions()] == [1]


@pytest.mark.parametrize('data', [b'', b'1', b'one 0', b'1 2 3', b'\xff\x80'])
def test_a_damaged_pointer_is_reported_with_the_way_out(registry: Registry, data: bytes) -> None:
    add(registry)
    (registry.root / 'live').write_bytes(data)
    with pytest.raises(ModelError, match='live is damaged: write the number of the version'):
        registry.live()


def test_prune_keeps_the_newest_the_live_one_and_the_one_before(registry: Registry) -> None:
    for _ in range(8):
        add(registry)
    registry.activate(2)
    registry.activate(4)
    registry.prune(3)
    assert registry.numbers() == [2, 4, 6, 7, 8]
    assert (registry.live(), registry.previous()) == (4, 2)
    registry.prune(100)
    assert registry.numbers() == [2, 4, 6, 7, 8]


def test_numbers_are_never_used_again(registry: Registry) -> None:
    for _ in range(3):
        add(registry)
    registry.activate(3)
    registry.prune(1)
    assert registry.numbers() == [3]
    assert registry.add(DRAFT, b'x', b'y').bundle.version == 4
    for path in (registry.root / '0003').iterdir():
        path.unlink()
    (registry.root / '0003').rmdir()
    assert registry.add(DRAFT, b'x', b'y').bundle.version == 5


@pytest.mark.parametrize('fails', ['os.fsync', 'pathlib.Path.rename', 'pathlib.Path.replace'])
def test_an_interrupted_add_leaves_nothing(registry: Registry, monkeypatch: pytest.MonkeyPatch,
                                           fails: str) -> None:
    registry.activate(add(registry).bundle.version)
    before = sorted(os.listdir(registry.root))

    def fail(*_: object) -> None:
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(fails, fail)
        with pytest.raises(DiskFullError, match='is full: free some room'):
            add(registry)
    assert sorted(os.listdir(registry.root)) == before
    assert add(registry).bundle.version == 2


def test_what_a_killed_writer_left_is_removed_by_the_next(registry: Registry) -> None:
    add(registry)
    registry.close()
    makers.photo(registry.root / '.new-2' / MODEL, b'half a mod')
    assert Registry(registry.root).numbers() == [1]
    again = Registry(registry.root, writer=True)
    assert not (registry.root / '.new-2').exists()
    assert add(again).bundle.version == 2
    again.close()


def test_one_writer_and_many_readers(registry: Registry) -> None:
    add(registry)
    with pytest.raises(DataLockedError, match='in use by process'):
        Registry(registry.root, writer=True)
    assert Registry(registry.root).numbers() == [1]


def test_other_files_in_the_folder_do_no_harm(registry: Registry) -> None:
    add(registry)
    makers.photo(registry.root / 'notes' / 'file', b'')
    makers.photo(registry.root / '0007', b'a file, no folder')
    assert registry.numbers() == [1]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    makers.photo(tmp_path / 'models', b'')
    with pytest.raises(DatasetError, match='cannot write to'):
        Registry(tmp_path / 'models', writer=True)


def test_the_description_is_plain_json(registry: Registry) -> None:
    data = json.loads((add(registry, parent=5).folder / BUNDLE).read_text())
    assert (data['version'], data['parent'], data['labels']) == (1, 5, ['red', 'green', 'blue'])
