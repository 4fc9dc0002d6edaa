import time
from collections.abc import Mapping
from typing import Any

import makers
import numpy as np
import pytest
from safetensors.numpy import load, save

from recognizer_ros.core.errors import ModelError
from recognizer_ros.core.predictions import Floats
from recognizer_ros.inference.head import Head, from_bytes
from recognizer_ros.inference.reject import MARKS, Reject

FEATURES, DIRECTIONS = 6, 2
KNOWN, STRANGE = (np.eye(FEATURES, dtype=np.float32)[[place]] for place in (0, 5))
"""Inside the directions of the known, and outside of all of them."""


def reject(background: bool = False) -> Reject:
    """Of two labels, with nine images held out of the first one and four of the second."""
    return Reject(np.eye(FEATURES, DIRECTIONS, dtype=np.float32), 4.0,
                  np.array([1, not background], np.float32),
                  np.array([np.linspace(-4, 4, 9), [-2, -2, -2, -2, -2, -2, 0, 1, 2]], np.float32),
                  np.array([9, 4], np.float32))


def logits(*numbers: float) -> Floats:
    return np.array([numbers], np.float32)


def test_it_tells_the_share_of_held_out_images_that_are_as_strange() -> None:
    def chance(row: Floats, claim: float) -> float:
        return float(reject()(row, logits(claim, -100))[0])

    assert chance(KNOWN, 0.0) == pytest.approx(6 / 10)  # strangeness 0: the marks from 0 to 4
    assert chance(STRANGE, 0.5) == pytest.approx(2 / 10)  # 3.5
    assert chance(STRANGE, -2.0) == pytest.approx(1 / 10)
    assert chance(KNOWN, 9.0) == 1


def _with(**changed: Any) -> tuple[Any, ...]:
    return tuple({**vars(reject()), **changed}.values())


def test_images_are_compared_with_those_of_the_same_answer() -> None:
    sure = reject()(KNOWN, logits(-100, 9.0))
    assert float(sure[0]) == 1  # a repeated mark is not one image more
    assert float(reject()(STRANGE, logits(-100, -2.0))[0]) == pytest.approx(1 / 5)


def test_the_more_lies_outside_and_the_less_a_label_claims_the_stranger() -> None:
    between = [np.sqrt(1 - share) * KNOWN + np.sqrt(share) * STRANGE for share in
               np.linspace(0, 1, 9)]
    chances = [float(reject()(row, logits(2.0, 0.0))[0]) for row in between]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == 2 * chances[-1]
    chances = [float(reject()(STRANGE, logits(claim, 0.0))[0]) for claim in range(10)]
    assert chances == sorted(chances)
    assert chances[-1] > 2 * chances[0]


def test_length_of_features_does_not_matter_and_neither_do_their_neighbours() -> None:
    rows = np.concatenate([KNOWN, STRANGE, KNOWN + STRANGE])
    given = np.array([[2, 0], [1, 0], [0, 0.5]], np.float32)
    together = reject()(rows, given)
    np.testing.assert_array_equal(reject()(rows * 1000, given), together)
    np.testing.assert_array_equal(
        [reject()(rows[[place]], given[[place]])[0] for place in range(3)], together)


def test_an_image_that_background_claims_is_strange() -> None:
    chances = [float(reject(background=True)(KNOWN, logits(1.0, claim))[0])
               for claim in (-100.0, 0.0, 2.0, 100.0)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > chances[2] > chances[3] == pytest.approx(1 / 10)


@pytest.mark.parametrize('row', [np.zeros((1, FEATURES)), np.full((1, FEATURES), 65504)])
def test_nothing_and_very_much_have_a_chance(row: Floats) -> None:
    for large in (0.0, 1e30, -1e30):
        assert 0 < reject()(row.astype(np.float32), logits(large, 0.0))[0] <= 1


def test_no_rows_have_no_chances() -> None:
    assert reject()(KNOWN[:0], logits(0.0, 0.0)[:0]).shape == (0,)


def head(**changed: Any) -> Head:
    return Head(np.ones((2, FEATURES), np.float32), np.zeros(2, np.float32),
                Reject(*_with(**changed)))


def test_it_travels_with_its_head() -> None:
    rows = np.random.default_rng(0).normal(size=(20, FEATURES)).astype(np.float32)
    read = from_bytes(head().to_bytes())
    assert read.reject
    np.testing.assert_array_equal(read.reject(rows, read(rows)), reject()(rows, read(rows)))


def test_a_head_without_it_says_nothing() -> None:
    assert from_bytes(Head(np.ones((2, 3), np.float32), np.zeros(2, np.float32)).to_bytes()
                      ).reject is None


@pytest.mark.parametrize('name', ['basis', 'pull', 'known', 'marks', 'counts'])
def test_a_part_that_is_missing_is_damage(name: str) -> None:
    parts = load(head().to_bytes())
    del parts[f'reject.{name}']
    with pytest.raises(ModelError, match='the file of the head is damaged'):
        from_bytes(save(parts))


@pytest.mark.parametrize('changed', [
    {'basis': np.zeros((5, 2))}, {'basis': np.zeros(6)}, {'known': np.ones(3)},
    {'marks': np.zeros((3, 4))}, {'marks': np.zeros(2)}, {'counts': np.ones(1)},
], ids=lambda changed: ' '.join(f'{name} {value.shape}' for name, value in changed.items()))
def test_parts_that_do_not_go_together_are_refused(changed: Mapping[str, Any]) -> None:
    with pytest.raises(ModelError, match='do not go together'):
        from_bytes(head(**changed).to_bytes())


@pytest.mark.parametrize('number', [makers.NAN, float('inf')])
@pytest.mark.parametrize('name', ['basis', 'pull', 'known', 'marks', 'counts'])
def test_numbers_that_are_not_finite_are_refused(name: str, number: float) -> None:
    value = np.array(vars(reject())[name])
    value.flat[0] = number
    with pytest.raises(ModelError, match='not finite'):
        from_bytes(head(**{name: value if value.shape else float(value)}).to_bytes())


@pytest.mark.parametrize('changed', [
    {'known': np.zeros(2, np.float32)}, {'counts': np.array([0, 4], np.float32)},
    {'counts': np.array([9, 10], np.float32)}, {'marks': np.zeros((2, 0), np.float32)}],
    ids=['nothing known', 'none', 'more than there are', 'no marks'])
def test_numbers_that_cannot_be_are_refused(changed: Mapping[str, Any]) -> None:
    with pytest.raises(ModelError, match='damaged'):
        from_bytes(head(**changed).to_bytes())


def test_it_is_small_and_takes_no_time_to_speak_of() -> None:
    rng = np.random.default_rng(0)
    large = Head(rng.normal(size=(10, 2048)).astype(np.float32), np.zeros(10, np.float32),
                 Reject(rng.normal(size=(2048, 128)).astype(np.float32), 1.0,
                        np.ones(10, np.float32), np.zeros((10, MARKS), np.float32),
                        np.full(10, MARKS, np.float32)))
    without = Head(large.weight, large.bias)
    assert len(large.to_bytes()) - len(without.to_bytes()) < 2**20
    read, row = from_bytes(large.to_bytes()), rng.normal(size=(1, 2048)).astype(np.float32)
    assert read.reject
    took_s = []
    for _ in range(50):
        began = time.perf_counter()
        read.reject(row, logits(*range(10)))
        took_s.append(time.perf_counter() - began)
    assert min(took_s) < 0.002  # 0.06 ms where nothing else runs
