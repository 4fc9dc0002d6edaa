import errno
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import makers
import pytest

from recognizer_ros.core.bundle import BACKBONE, HEAD, WEIGHTS
from recognizer_ros.core.errors import DataLockedError, DatasetError, DiskFullError, ModelError
from recognizer_ros.registry.store import BUNDLE, Registry, Version

DRAFT = replace(makers.bundle(version=0), sha256={}, size=0)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    registry = Registry(tmp_path / 'models', writer=True)
    yield registry
    registry.close()


def files(text: bytes = b'x') -> dict[str, bytes | Version]:
    """The files of a version."""
    return {BACKBONE: b'backbone ' + text, WEIGHTS: b'weights ' + text, HEAD: b'head ' + text}


def add(registry: Registry, parent: int = 0) -> Version:
    """Add a version whose files are like no other's."""
    number = len(registry.numbers()) + 1
    return registry.add(replace(DRAFT, parent=parent), files(b'%d' % number))


def add_head(registry: Registry, base: Version) -> Version:
    """Add a version that differs from another in the head alone."""
    return registry.add(DRAFT, {BACKBONE: base, WEIGHTS: base, HEAD: b'another head'})


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
    version = registry.add(DRAFT, {BACKBONE: b'abc', WEIGHTS: b'weights', HEAD: b'head'})
    assert (version.bundle.version, version.bundle.size) == (1, 3)
    assert version.bundle.sha256[BACKBONE] == (
        'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    assert set(version.bundle.sha256) == {BACKBONE, WEIGHTS, HEAD}
    assert version.backbone.read_bytes() == b'abc'
    assert version.weights.read_bytes() == b'weights'
    assert version.head_bytes() == b'head'


def test_versions_of_one_backbone_share_its_files(registry: Registry) -> None:
    first = add(registry)
    second = add_head(registry, first)
    assert second.backbone.samefile(first.backbone)
    assert second.weights.samefile(first.weights)
    assert second.head_bytes() == b'another head'
    assert second.bundle.sha256 == {**first.bundle.sha256, HEAD: second.bundle.sha256[HEAD]}
    assert second.bundle.size == first.bundle.size
    assert registry.activate(2).is_whole()


def test_a_shared_backbone_outlives_the_version_it_came_with(registry: Registry) -> None:
    registry.activate(add_head(registry, add(registry)).bundle.version)
    registry.prune(1)
    assert registry.numbers() == [2]
    assert registry.get(2).backbone.read_bytes() == b'backbone 1'
    assert registry.activate(add_head(registry, registry.get(2)).bundle.version).is_whole()


@pytest.mark.parametrize('error', [errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK])
def test_where_files_cannot_be_linked_they_are_copied(
        registry: Registry, monkeypatch: pytest.MonkeyPatch, error: int) -> None:
    def fail(*_: object) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, 'link', fail)
    first = add(registry)
    second = add_head(registry, first)
    assert not second.backbone.samefile(first.backbone)
    assert second.backbone.read_bytes() == first.backbone.read_bytes()
    assert registry.activate(2).is_whole()


def test_a_backbone_that_is_gone_cannot_be_shared_and_nothing_is_left(registry: Registry) -> None:
    first = add(registry)
    first.backbone.unlink()
    before = sorted(os.listdir(registry.root))
    with pytest.raises(DatasetError):
        add_head(registry, first)
    assert sorted(os.listdir(registry.root)) == before


def test_what_was_added_is_read_back_by_another_process(registry: Registry) -> None:
    for _ in range(3):
        add(registry)
    reader = Registry(registry.root)
    assert reader.numbers() == [1, 2, 3]
    assert [version.bundle.version for version in reader.versions()] == [3, 2, 1]
    assert reader.get(2).bundle.labels == DRAFT.labels


@pytest.mark.parametrize('name', [BACKBONE, WEIGHTS, HEAD])
def test_each_file_of_a_version_is_read_in_pieces(registry: Registry, name: str) -> None:
    version = registry.add(DRAFT, {**files(), name: bytes(range(10))})
    assert version.size_of(name) == 10
    assert [version.read(name, offset, 4) for offset in (0, 4, 8, 12, 2**64 - 1)] == [
        bytes(range(4)), bytes(range(4, 8)), bytes(range(8, 10)), b'', b'']
    (version.folder / name).unlink()
    for read in (lambda: version.read(name, 0, 4), lambda: version.size_of(name)):
        with pytest.raises(ModelError, match=rf'cannot read .*{name}: No such file'):
            read()


@pytest.mark.parametrize('name', ['', BUNDLE, 'model.onnx', '../live', '/etc/passwd'])
def test_no_other_file_is_read(registry: Registry, name: str) -> None:
    version = registry.activate(add(registry).bundle.version)
    with pytest.raises(ModelError, match=r'model version 1 has no file .*: ask for backbone\.onnx '
                                         r'or backbone\.safetensors or head\.safetensors'):
        version.read(name, 0, 4)


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
    for live in (0, 1):
        with pytest.raises(ModelError, match='there is no earlier model version to go back to'):
            registry.activate(0)
        assert registry.live() == live
        registry.activate(add(registry).bundle.version)


def test_an_unknown_version_is_refused_with_those_known(registry: Registry) -> None:
    add(registry)
    add(registry)
    with pytest.raises(ModelError, match='there is no model version 7: known are 1, 2'):
        registry.activate(7)
    assert registry.live() == 0


@pytest.mark.parametrize('name', [BACKBONE, WEIGHTS, HEAD])
def test_the_live_pointer_is_not_moved_to_a_damaged_file(registry: Registry, name: str) -> None:
    registry.activate(add(registry).bundle.version)
    damaged, missing, folder = (add(registry).folder / name for _ in range(3))
    damaged.write_bytes(damaged.read_bytes()[:-1] + b'?')
    missing.unlink()
    folder.unlink()
    folder.mkdir()
    for number in (2, 3, 4):
        with pytest.raises(ModelError, match=f'a file of model version {number} is damaged'):
            registry.activate(number)
    assert registry.live() == 1


def test_a_version_just_added_can_be_pointed_to(registry: Registry) -> None:
    for _ in range(2):
        registry.point_to(add(registry))
    assert (registry.live(), registry.previous()) == (2, 1)
    registry.point_to(registry.get(2))
    assert (registry.live(), registry.previous()) == (2, 1)


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


@pytest.mark.parametrize('data', [b'', b'1', b'one 0', b'1 2 3 4', b'1 2 x', b'1 2 -3',
                                  b'1 2 %d' % 2**62, b'\xff\x80'])
def test_a_damaged_pointer_is_reported_with_the_way_out(registry: Registry, data: bytes) -> None:
    add(registry)
    (registry.root / 'live').write_bytes(data)
    with pytest.raises(ModelError, match='live is damaged: write the number of the version'):
        registry.live()


def test_each_version_that_goes_live_has_a_later_stamp_though_the_clock_is_set_back(
        registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    assert registry.live_since_ns() == 0
    seen = []
    for clock_ns in (1000, 2000, 500, 3000):
        monkeypatch.setattr('time.time_ns', lambda now=clock_ns: now)
        registry.point_to(add(registry))
        registry.activate(registry.live())  # it is live: nothing new
        seen.append(Registry(registry.root).live_since_ns())
    registry.activate(0)
    assert [*seen, registry.live_since_ns()] == [1000, 2000, 2001, 3000, 3001]


def test_a_pointer_of_an_earlier_release_is_read_and_its_time_is_not_known(
        registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        add(registry)
    (registry.root / 'live').write_bytes(b'2 1\n')
    assert (registry.live(), registry.previous(), registry.live_since_ns()) == (2, 1, 0)
    monkeypatch.setattr('time.time_ns', lambda: 7)
    registry.activate(3)
    assert (registry.live(), registry.previous(), registry.live_since_ns()) == (3, 2, 7)


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
    assert registry.add(DRAFT, files()).bundle.version == 4
    for path in (registry.root / '0003').iterdir():
        path.unlink()
    (registry.root / '0003').rmdir()
    assert registry.add(DRAFT, files()).bundle.version == 5


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
    makers.photo(registry.root / '.new-2' / BACKBONE, b'half a mod')
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
