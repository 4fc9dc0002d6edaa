from itertools import pairwise

import cv2
import makers
import numpy as np
import numpy.typing as npt
import pytest

from recognizer_ros.core.predictions import Prediction
from recognizer_ros.inference import overlay
from recognizer_ros.inference.overlay import draw

RESULTS = (Prediction('coffee mug', 0.9731), Prediction('cup', 0.25), Prediction('x', 0.0))
Pixels = npt.NDArray[np.uint8]


def rows_changed(before: Pixels, after: Pixels) -> int:
    return int((before != after).any((1, 2)).sum())


def bar(image: Pixels, row: int) -> int:
    """Length of the bar in a row, pixels: greener than red."""
    return int((image[row, :, 1] > image[row, :, 2]).sum())


def test_lines_are_in_the_format_of_the_original(monkeypatch: pytest.MonkeyPatch) -> None:
    put, lines = cv2.putText, []

    def listen(strip: Pixels, text: str, *rest: object) -> object:
        lines.append(text)
        return put(strip, text, *rest)  # type: ignore[call-overload]

    monkeypatch.setattr(cv2, 'putText', listen)
    draw(makers.noise(1, 640, 480), RESULTS)
    assert lines == ['97.31% coffee mug', '25.00% cup', '00.00% x']


def test_the_image_stays_as_it_is_even_if_it_is_a_view() -> None:
    whole = makers.noise(1, 640, 480)
    view = whole[::2, ::-2, ::-1]
    before = view.copy()
    whole.flags.writeable = view.flags.writeable = False
    drawn = draw(view, RESULTS)
    assert (view == before).all()
    assert (drawn.shape, drawn.dtype) == (before.shape, np.uint8)
    assert drawn.flags.writeable
    assert (drawn != before).any()


def test_without_results_nothing_is_drawn() -> None:
    image = makers.noise(1)
    assert (draw(image, ()) == image).all()


def test_the_order_of_the_colours_does_not_matter() -> None:
    image = makers.noise(1, 320, 240)
    assert (draw(image[:, :, ::-1], RESULTS) == draw(image, RESULTS)[:, :, ::-1]).all()


def test_bars_are_as_long_as_scores_are_high() -> None:
    drawn = draw(makers.flat(makers.BLACK, 640, 480), (
        Prediction('a', 1.0), Prediction('b', 0.5), Prediction('c', 0.25), Prediction('d', 0.0)))
    line = 480 // 18
    full, half, quarter, none = (bar(drawn, number * line + 1) for number in range(4))
    assert (half, quarter, none) == (full // 2, full // 4, 0)
    assert 640 // 3 < full < 640


@pytest.mark.parametrize('background', [
    makers.flat(makers.WHITE, 640, 480), makers.flat(makers.BLACK, 640, 480),
    makers.flat(makers.GREEN, 640, 480), makers.noise(3, 640, 480)],
    ids=['white', 'black', 'green', 'noise'])
def test_text_can_be_read_on_any_background(background: Pixels) -> None:
    strip = draw(background, (Prediction('coffee mug', 0.5),))[:480 // 18, :200].min(2)
    letters, ground = strip > 200, strip < 70
    assert 0.05 < letters.mean() < 0.4
    assert letters.mean() + ground.mean() > 0.85, 'the rest are the soft edges of letters'


def test_text_grows_with_the_image() -> None:
    heights = [rows_changed(image, draw(image, RESULTS[:1])) for image in (
        makers.flat(makers.WHITE, 4 * side, 3 * side) for side in (80, 160, 320, 640))]
    assert heights[0] >= 12, 'it can be read'
    assert [later / earlier for earlier, later in pairwise(heights)] == (
        pytest.approx([2, 2, 2], rel=0.1))


@pytest.mark.parametrize('size', [(1, 1), (3, 500), (500, 3), (11, 11), (13, 7)])
def test_any_size_will_do(size: tuple[int, int]) -> None:
    assert draw(makers.noise(1, *size), RESULTS * 400).shape == (size[1], size[0], 3)


@pytest.mark.skipif(not hasattr(cv2, 'FontFace'), reason='this OpenCV draws only ASCII')
def test_letters_of_all_languages_are_drawn() -> None:
    images = [draw(makers.flat(makers.BLACK, 320, 240), (Prediction(label, 0.5),))
              for label in ('grün', 'grun', 'gr?n', '中', '日', '?')]
    assert len({image.tobytes() for image in images}) == len(images)


def test_an_opencv_that_draws_only_ascii_leaves_marks_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overlay, '_ALL_LETTERS', False)
    for label, instead in (('Grün', 'Grun'), ('中 é', '? e'), ('mug', 'mug')):
        found, wanted = (draw(makers.flat(makers.BLACK, 320, 240), (Prediction(text, 0.5),))
                         for text in (label, instead))
        assert (found == wanted).all()
