from collections import Counter
from pathlib import Path

import makers
import pytest

from recognizer_ros.capture.uri import OBJECTS, parse
from recognizer_ros.core.errors import DatasetError, DemoError
from recognizer_ros.demo.plan import Plan, Scene, photographs, rendered

RATE_HZ = 10.0


def photos(root: Path, **counts: int) -> Path:
    """A folder with so many photographs of each class."""
    for label, count in counts.items():
        for number in range(count):
            makers.photo(root / label / f'{number}.jpg', f'{label} {number}'.encode())
    return root


def files(scene: Scene) -> set[str]:
    """What lies behind the links of a scene's folder."""
    links = list(Path(parse(scene.input).path).iterdir())
    assert links
    assert all(link.is_symlink() and link.is_file() for link in links)
    return {link.read_text() for link in links}


def planned(folder: Path, work: Path, bursts: int = 3, burst_s: float = 60.0,
            seed: int = 0) -> Plan:
    return photographs(folder, work, bursts, RATE_HZ, burst_s, seed)


def test_rendered_scenes_that_are_looked_at_are_never_recorded() -> None:
    plan = rendered(bursts=3, burst_s=1.0, unseen=2, unseen_s=0.5)
    assert plan.labels == OBJECTS
    assert Counter(scene.label for scene in plan.record) == dict.fromkeys(OBJECTS, 3)
    assert Counter(scene.label for scene in plan.unseen) == dict.fromkeys(OBJECTS, 2)
    for scene in (*plan.record, *plan.unseen):
        assert parse(scene.input).objects == (scene.label,)
    seeds = {parse(scene.input).seed for scene in plan.record}
    assert len(seeds) == 3
    assert not seeds & {parse(scene.input).seed for scene in plan.unseen}
    assert {scene.seconds for scene in plan.record} == {1.0}
    assert {scene.seconds for scene in plan.unseen} == {0.5}


def test_all_objects_are_recorded_before_one_comes_again() -> None:
    plan = rendered(2, 1.0, 1, 1.0)
    assert [scene.label for scene in plan.record] == [*OBJECTS, *OBJECTS]


def test_photographs_that_are_looked_at_are_never_recorded(tmp_path: Path) -> None:
    plan = planned(photos(tmp_path / 'in', cat=20, dog=33), tmp_path / 'out')
    for label, count in {'cat': 20, 'dog': 33}.items():
        recorded = [files(scene) for scene in plan.record if scene.label == label]
        unseen = [files(scene) for scene in plan.unseen if scene.label == label]
        assert (len(recorded), len(unseen)) == (3, 1)
        assert not unseen[0] & set().union(*recorded)
        assert unseen[0].union(*recorded) == {f'{label} {number}' for number in range(count)}
        assert len(unseen[0]) == pytest.approx(count / 5, abs=1)
        assert sum(map(len, recorded)) == len(set().union(*recorded))  # no photograph twice


def test_photographs_are_shown_as_long_as_they_last_but_not_longer_than_allowed(
        tmp_path: Path) -> None:
    folder = photos(tmp_path / 'in', cat=20, dog=20)
    short = planned(folder, tmp_path / 'short', burst_s=0.2)
    assert {scene.seconds for scene in short.record} == {0.2}
    long = planned(folder, tmp_path / 'long')
    for scene in (*long.record, *long.unseen):
        assert scene.seconds == pytest.approx(len(files(scene)) / RATE_HZ)


def test_the_same_seed_makes_the_same_plan(tmp_path: Path) -> None:
    folder = photos(tmp_path / 'in', cat=30, dog=30)
    unseen = [files(planned(folder, tmp_path / str(turn), seed=seed).unseen[0])
              for turn, seed in enumerate((1, 1, 2))]
    assert unseen[0] == unseen[1]
    assert unseen[0] != unseen[2]


def test_too_few_photographs_are_an_error_that_names_the_class(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match='at least 10 photographs each: dog has 9'):
        planned(photos(tmp_path / 'in', cat=10, dog=9), tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


def test_one_class_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DemoError, match='two classes or more'):
        planned(photos(tmp_path / 'in', cat=20), tmp_path / 'out')


def test_a_folder_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match='is not a folder'):
        planned(tmp_path / 'in', tmp_path / 'out')
