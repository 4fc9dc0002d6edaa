"""Results drawn into an image."""

import unicodedata

import cv2
import numpy as np

from ..core.predictions import Prediction, overlay_text
from .preprocess import Pixels

_LINES, _SMALLEST_PX = 18, 12
_PANEL = 0.4
_FONT, _WHITE = cv2.FONT_HERSHEY_SIMPLEX, (255, 255, 255)
_GREEN = 60
_ALL_LETTERS = hasattr(cv2, 'FontFace')  # OpenCV 5; those before draw ASCII only


def draw(image: Pixels, results: tuple[Prediction, ...]) -> Pixels:
    """A copy of an image with a line of text and a bar for each result, as many as fit.

    The lines grow with the image. Its colours may be in any order: the bars are green.

    :param image: shape (h, w, 3); it stays as it is.
    """
    canvas: Pixels = image.copy()
    height, width = canvas.shape[:2]
    line = min(height, max(_SMALLEST_PX, height // _LINES))
    shown = [(_drawable(overlay_text(result)), result.score)
             for result in results[:height // line]]
    longest = max((_width(text, line) for text, _ in shown), default=0)
    panel = min(width, max(round(_PANEL * width), longest + line))
    for number, (text, score) in enumerate(shown):
        _draw_line(canvas[number * line:(number + 1) * line, :panel], text, score)
    return canvas


def _draw_line(strip: Pixels, text: str, score: float) -> None:
    line, panel = strip.shape[:2]
    np.right_shift(strip, 2, out=strip)  # so dark that white can be read on it
    strip[:line - line // 12, :round(score * panel), 1] += _GREEN
    cv2.putText(strip, text, (line // 4, round(line * 0.72)), _FONT, _scale(line), _WHITE,
                _thickness(line), cv2.LINE_AA)


def _width(text: str, line: int) -> int:
    return int(cv2.getTextSize(text, _FONT, _scale(line), _thickness(line))[0][0])


def _scale(line: int) -> float:
    return line / 40


def _thickness(line: int) -> int:
    return max(1, line // 24)


def _drawable(text: str) -> str:
    """What can be drawn of a text: its letters without their marks, where they cannot be."""
    if _ALL_LETTERS:
        return text
    parts = unicodedata.normalize('NFKD', text)
    return ''.join(part for part in parts if not unicodedata.combining(part)).encode(
        'ascii', 'replace').decode()
