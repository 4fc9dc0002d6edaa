"""Compiled networks on the disk."""

import os
from pathlib import Path

import makers
import pytest

from recognizer_ros.inference.engine_cache import EngineCache, key


def cache(folder: Path, limit_bytes: int = 1000, reserve_bytes: int = 0) -> EngineCache:
    return EngineCache(folder / 'engines', limit_bytes, reserve_bytes)


def store(engines: EngineCache, name: str, size: int = 1, age_s: float = 0.0) -> Path:
    """Store an engine that was used so long ago; return where."""
    with engines.folder(name) as folder:
        (folder / 'engine').write_bytes(bytes(size))
    with engines.folder(name) as kept:
        pass
    now = kept.stat().st_mtime
    os.utime(kept, (now - age_s, now - age_s))
    return kept


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / 'engines').iterdir()}


def test_what_was_made_is_found_again_after_a_restart(tmp_path: Path) -> None:
    with cache(tmp_path).folder('resnet18', 'fp16') as folder:
        (folder / 'engine').write_bytes(b'fast')
    with cache(tmp_path).folder('resnet18', 'fp16') as folder:
        assert (folder / 'engine').read_bytes() == b'fast'
    assert names(tmp_path) == {key('resnet18', 'fp16')}


@pytest.mark.parametrize('other', [
    ('resnet18', 'fp32', 'Orin 8.7'), ('resnet18', 'fp16', 'Orin 8.6'),
    ('resnet18fp16', '', 'Orin 8.7'), ('resnet18', 'fp16'), ('resnet18', 'fp16', 'Orin 8.7', '')])
def test_an_engine_for_anything_else_is_not_found(tmp_path: Path, other: tuple[str, ...]) -> None:
    engines = cache(tmp_path)
    with engines.folder('resnet18', 'fp16', 'Orin 8.7') as folder:
        (folder / 'engine').write_bytes(b'fast')
    with engines.folder(*other) as folder:
        assert not list(folder.iterdir())


def test_nothing_is_found_while_or_after_an_engine_is_half_made(tmp_path: Path) -> None:
    engines = cache(tmp_path)
    killed = engines.folder('resnet18')  # as if the process had died inside
    (killed.__enter__() / 'engine').write_bytes(b'fa')
    with engines.folder('resnet18') as folder:
        assert not list(folder.iterdir())
        (folder / 'engine').write_bytes(b'fast')
    with engines.folder('resnet18') as folder:
        assert (folder / 'engine').read_bytes() == b'fast'


def test_after_an_error_nothing_is_kept(tmp_path: Path) -> None:
    engines = cache(tmp_path)
    with pytest.raises(FileNotFoundError), engines.folder('resnet18') as folder:
        (makers.photo(folder / 'engine', b'bad').parent / 'absent').unlink()
    assert names(tmp_path) == set()


def test_a_stored_engine_that_makes_trouble_is_thrown_away(tmp_path: Path) -> None:
    engines = cache(tmp_path)
    store(engines, 'resnet18')
    with pytest.raises(FileNotFoundError), engines.folder('resnet18') as folder:
        (folder / 'absent').unlink()
    assert names(tmp_path) == set()


def test_two_processes_may_make_the_same_at_once(tmp_path: Path) -> None:
    engines, others = cache(tmp_path), cache(tmp_path)
    with others.folder('resnet18') as slow:
        (slow / 'engine').write_bytes(b'slow')
        with engines.folder('resnet18') as fast:
            (fast / 'engine').write_bytes(b'fast')
    assert names(tmp_path) == {key('resnet18')}
    with engines.folder('resnet18') as folder:
        assert (folder / 'engine').read_bytes() == b'fast'
    assert not engines.problem
    assert not others.problem, 'it is kept, whoever made it'


def test_those_not_used_for_longest_give_way(tmp_path: Path) -> None:
    engines = cache(tmp_path, limit_bytes=100)
    old, used = store(engines, 'old', 40, 300.0), store(engines, 'used', 40, 400.0)
    with engines.folder('used'):
        pass
    new = store(engines, 'new', 40)
    assert (old.exists(), used.exists(), new.exists()) == (False, True, True)


def test_the_newest_is_kept_even_if_it_is_too_large(tmp_path: Path) -> None:
    engines = cache(tmp_path, limit_bytes=100)
    old = store(engines, 'old', 40, 300.0)
    assert store(engines, 'huge', 500).exists()
    assert not old.exists()


def test_what_was_left_half_made_gives_way_like_the_others(tmp_path: Path) -> None:
    engines = cache(tmp_path, limit_bytes=100)
    killed = engines.folder('killed')
    left = killed.__enter__()
    (left / 'engine').write_bytes(bytes(90))
    os.utime(left, (1.0, 1.0))
    store(engines, 'new', 40)
    assert names(tmp_path) == {key('new')}


def test_a_full_disk_costs_the_cache_and_not_the_work(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    engines = cache(tmp_path, reserve_bytes=2**62)
    with engines.folder('resnet18') as folder:
        (folder / 'engine').write_bytes(b'fast')
    assert not folder.exists()
    assert names(tmp_path) == set()
    assert 'the disk is full' in engines.problem
    assert caplog.messages == [engines.problem]


def test_a_disk_that_fills_up_meanwhile_keeps_no_part(tmp_path: Path) -> None:
    engines = cache(tmp_path)
    with engines.folder('resnet18') as folder:
        (folder / 'engine').write_bytes(b'fa')
        engines._reserve_bytes = 2**62
    assert names(tmp_path) == set()
    assert 'the disk is full' in engines.problem


def test_where_no_folder_can_be_made_it_works_without(tmp_path: Path) -> None:
    (tmp_path / 'engines').write_bytes(b'a file')
    engines = cache(tmp_path)
    with engines.folder('resnet18') as folder:
        (folder / 'engine').write_bytes(b'fast')
    assert not folder.exists()
    assert str(tmp_path / 'engines') in engines.problem
