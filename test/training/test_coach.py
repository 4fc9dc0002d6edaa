"""What the coach says of data whose faults are known."""

from pathlib import Path

import cv2
import makers
import numpy as np
import pytest

from recognizer_ros.core.insight import MOST_SAMPLES, Advice, Kind
from recognizer_ros.core.split import Split
from recognizer_ros.dataset.reader import Sample
from recognizer_ros.training import coach, looks
from recognizer_ros.training.coach import Known
from recognizer_ros.training.looks import Looks
from recognizer_ros.training.review import Review


def samples(label: str, count: int, bursts: int = 4, folder: Path = Path()) -> list[Sample]:
    """Samples of a class, in bursts of one size."""
    return [Sample(f'{label}-{number}', folder / f'{label}-{number}.jpg', (label,),
                   1 + number * bursts // count, number, Split.TRAIN) for number in range(count)]


def kinds(advice: list[Advice]) -> list[tuple[Kind, tuple[str, ...]]]:
    return [(item.kind, item.labels) for item in advice]


def test_clean_balanced_data_need_nothing() -> None:
    assert coach.too_few({'mug': samples('mug', 40), 'pen': samples('pen', 40)}) == []
    assert coach.too_few({}) == []


def test_what_is_short_is_named_with_its_figures() -> None:
    few, bursts, rare = coach.too_few({
        'box': samples('box', 200), 'cup': samples('cup', 40), 'mug': samples('mug', 6),
        'pen': samples('pen', 100, bursts=1)})
    assert kinds([few, bursts, rare]) == [
        (Kind.FEW_SAMPLES, ('mug',)), (Kind.FEW_BURSTS, ('pen',)),
        (Kind.IMBALANCE, ('cup', 'box'))]
    assert 'Record 14 or more' in few.text
    assert '“mug” has 6 images' in few.evidence
    assert 'single burst' in bursts.evidence
    assert '“box” has 200 images, “cup” 40: 5 times as many' in rare.evidence
    assert all(item.method and 0 < item.weight <= 1 for item in (few, bursts, rare))


def test_a_class_nearly_all_in_one_burst_has_one_burst() -> None:
    found = [*samples('mug', 38, bursts=1), *samples('mug', 40)[-2:]]
    [advice] = coach.too_few({'mug': found})
    assert (advice.kind, 'one of its 2 bursts' in advice.evidence) == (Kind.FEW_BURSTS, True)


def reviewed(*cells: tuple[int, int, int]) -> Review:
    """A review of three classes. :param cells: truth, answer, how many."""
    pairs = [(truth, answer) for truth, answer, count in cells for _ in range(count)]
    truth, answered = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    return Review(('mug', 'pen', 'red mug'), tuple(f'{number}' for number in range(len(pairs))),
                  truth, answered, np.linspace(0.5, 0.99, len(pairs), dtype=np.float32), 3, 7)


def test_a_confused_pair_is_found_with_its_images() -> None:
    review = reviewed((0, 0, 20), (1, 1, 20), (2, 2, 15), (0, 2, 4), (2, 0, 3), (1, 0, 2))
    [advice] = coach.confused_pairs(review)
    assert advice.labels == ('mug', 'red mug')
    assert '4 of “mug” were taken for “red mug”, and 3 the other way' in advice.evidence
    assert advice.samples == ('61', '60', '59', '58', '57', '56', '55')  # the surest first
    assert 'version 7' in advice.method


def test_no_pair_is_confused_by_a_few_mistakes() -> None:
    assert coach.confused_pairs(reviewed((0, 0, 20), (1, 1, 20), (2, 2, 20), (0, 2, 2))) == []
    assert coach.confused_pairs(reviewed((0, 0, 40), (2, 2, 40), (0, 2, 3))) == []
    assert coach.confused_pairs(reviewed()) == []


def known(labels: tuple[str, ...], rows: 'np.ndarray') -> Known:
    each = len(rows) // len(labels)
    return Known(tuple(sample for label in labels for sample in samples(label, each)),
                 rows.astype(np.float32))


def test_wrong_tags_are_told_with_suggestions() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((120, 8)) + 6 * np.repeat(np.array([[-1], [1]]) * np.ones(8), 60, 0)
    rows[[5, 70]] = rows[[75, 10]]
    [advice] = coach.wrong_tagged(known(('mug', 'pen'), rows))
    assert dict(zip(advice.samples, advice.suggestions, strict=True)) == {
        'mug-5': 'pen', 'pen-10': 'mug'}
    assert advice.labels == ('mug', 'pen')
    assert 'For 2 of 120 images' in advice.evidence
    assert 'Northcutt' in advice.method
    middles = 6 * np.repeat(np.array([[-1], [1]]) * np.ones(8), 60, 0)
    clean = rng.standard_normal((120, 8)) + middles
    assert coach.wrong_tagged(known(('mug', 'pen'), clean)) == []


def test_no_advice_names_too_many_images() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((1200, 8)) + 6 * np.repeat(np.eye(8)[:2], 600, 0)
    rows[:100] += 6 * (np.eye(8)[1] - np.eye(8)[0])
    [advice] = coach.wrong_tagged(known(('mug', 'pen'), rows))
    assert len(advice.samples) == len(advice.suggestions) == MOST_SAMPLES


def with_twins() -> Known:
    """Of mug 36 images, of which 30 are nearly the same picture; of pen 36 that differ."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((72, 32))
    rows[6:36] = rows[6] + 0.05 * rng.standard_normal((30, 32))
    return known(('mug', 'pen'), rows)


def pictures(names: list[str], same: bool) -> dict[str, 'np.ndarray']:
    return {name: makers.noise(0 if same else number, 16, 12).astype(np.float32)
            for number, name in enumerate(names)}


def test_twins_are_found_and_told_when_their_pictures_agree() -> None:
    data = with_twins()
    [twins] = coach.seeming_twins(data)
    assert (twins.label, twins.share) == ('mug', pytest.approx(29 / 36))
    assert {other.sha256 for _, other in twins.pairs} == {'mug-6'}
    names = [sample.sha256 for sample in data.samples]
    [advice] = coach.near_duplicates(twins, pictures(names, same=True))
    assert (advice.kind, advice.labels) == (Kind.NEAR_DUPLICATES, ('mug',))
    assert 'About 81% of the images' in advice.evidence
    assert set(advice.samples) <= {f'mug-{number}' for number in range(7, 36)}
    assert coach.near_duplicates(twins, pictures(names, same=False)) == []
    assert coach.near_duplicates(twins, {}) == []  # their files are gone


def photo(folder: Path, name: str, light: float) -> None:
    image = makers.noise(3, 64, 48) // 4 + 100
    makers.photo(folder / f'{name}.jpg', makers.jpeg(
        np.clip(image * light, 0, 255).astype(np.uint8), 95))


def test_one_light_is_told_from_several(tmp_path: Path) -> None:
    same, other = samples('mug', 24, folder=tmp_path), samples('pen', 24, folder=tmp_path)
    for number, (one, two) in enumerate(zip(same, other, strict=True)):
        photo(tmp_path, one.sha256, 1)
        photo(tmp_path, two.sha256, 0.5 + number / 24)
    seen = Looks()
    [advice] = coach.one_light('mug', same, seen.of(same))
    assert (advice.kind, len(advice.samples)) == (Kind.ONE_LIGHT, 24)
    assert '0.00 stops' in advice.evidence
    assert coach.one_light('pen', other, seen.of(other)) == []
    for sample in same:
        sample.path.unlink()
    assert len(seen.of(same)) == 24  # still known
    assert Looks().of(same) == {}
    assert coach.one_light('mug', same, {}) == []


def test_of_one_burst_the_light_is_not_told_as_well(tmp_path: Path) -> None:
    found = samples('mug', 24, bursts=1, folder=tmp_path)
    for sample in found:
        photo(tmp_path, sample.sha256, 1)
    assert coach.one_light('mug', found, Looks().of(found)) == []


def test_a_picture_that_is_none_is_left_out(tmp_path: Path) -> None:
    [bad, empty] = samples('mug', 2, folder=tmp_path)
    bad.path.write_bytes(b'no image')
    empty.path.write_bytes(b'')
    assert Looks().of([bad, empty]) == {}


def test_pictures_are_alike_in_another_light_and_not_of_another_thing(tmp_path: Path) -> None:
    drawn = makers.flat((90, 120, 100), 64, 48)
    cv2.circle(drawn, (30, 20), 12, (20, 30, 200), -1)
    moved = np.roll(drawn, 20, 1)
    files = {'a': drawn, 'b': (drawn * 0.8).astype(np.uint8), 'c': moved}
    found = []
    for name, image in files.items():
        path = makers.photo(tmp_path / f'{name}.jpg', makers.jpeg(image))
        found.append(Sample(name, path, ('mug',), 1, 1, Split.TRAIN))
    small = Looks().of(found)
    assert looks.alike(small['a'], small['b'])
    assert not looks.alike(small['a'], small['c'])
