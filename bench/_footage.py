"""Photographs as the video of a moving camera; each picture says its number to programs."""

import random
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import cv2
import numpy as np
from _camera import HEIGHT, WIDTH, enlarged

from recognizer_ros.dataset.images import Pixels, encode_jpeg
from recognizer_ros.dataset.reader import Sample

BITS = 9
CELLS = 2 + 2 * BITS
"""Beside each other along the upper edge: white, black, the number, and its complement."""
SHARE = 1 / 15
"""Of the height that they take."""
FILM_S = 2 ** BITS / 30
"""What a camera of 30 Hz shows before it begins again."""
_EACH, _STEP = 32, 3


def film(photos: Sequence[Sample], path: Path) -> None:
    """Write 2 ** BITS pictures as Motion JPEG, which Chromium plays again and again as a camera.
    """
    rng, scenes = random.Random(4), cycle(photos)
    with path.open('wb') as file:
        for number in range(2 ** BITS):
            if number % _EACH == 0:
                scene = enlarged(next(scenes))
                room = scene.shape[0] - HEIGHT, scene.shape[1] - WIDTH
                top, left = (rng.randrange(side + 1) for side in room)
            top, left = (min(max(0, place + rng.randint(-_STEP, _STEP)), side)
                         for place, side in zip((top, left), room, strict=True))
            picture = scene[top:top + HEIGHT, left:left + WIDTH].copy()
            _mark(picture, number)
            file.write(encode_jpeg(picture, 85))


def _mark(picture: Pixels, number: int) -> None:
    bits = [number >> place & 1 for place in range(BITS)]
    cells = np.array([1, 0, *bits, *(1 - bit for bit in bits)], np.uint8) * 255
    height = round(picture.shape[0] * SHARE)
    picture[:height] = cv2.resize(cells[None], (picture.shape[1], height),
                                  interpolation=cv2.INTER_NEAREST)[:, :, None]


def number_in(picture: Pixels) -> int | None:
    """Read the number of a picture, of any size; ``None``: there is none that can be read."""
    height, width = picture.shape[:2]
    row = picture[round(height * SHARE / 2)]
    bits = [int(row[int((cell + 0.5) * width / CELLS)].mean() > 128) for cell in range(CELLS)]
    number, complement = bits[2:2 + BITS], bits[2 + BITS:]
    if bits[:2] != [1, 0] or any(one == other for one, other in
                                 zip(number, complement, strict=True)):
        return None
    return sum(bit << place for place, bit in enumerate(number))
