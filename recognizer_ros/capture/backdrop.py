"""What is behind the objects of the test pattern: walls, table tops and things out of focus.

Colours are drawn from all hues, so that no background tells what stands before it.
"""

from collections.abc import Callable

import cv2
import numpy as np

from .solids import Floats
from .source import Image

Rng = np.random.Generator


def paint(rng: Rng, height: int, width: int) -> Image:
    """Return a background: a wall, mostly a table too, and clutter; slightly out of focus."""
    scene = _surface(rng, height, width)
    if rng.uniform() < 0.6:
        _lay_table(rng, scene)
    for _ in range(rng.integers(3, 8)):
        _put_clutter(rng, scene)
    sharp = np.clip(scene, 0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(sharp, (0, 0), rng.uniform(0.5, 2.4) * height / 480),
                      np.uint8)


def noise(rng: Rng, height: int, width: int, cells: tuple[float, float], octaves: int = 4
          ) -> Floats:
    """Return smooth noise of mean 0 and about -1..1.

    :param cells: of the coarsest octave, down and across.
    """
    total, weight = np.zeros((height, width), np.float32), 1.0
    for octave in range(octaves):
        down, across = (min(side, int(count * 2 ** octave) + 2)
                        for count, side in zip(cells, (height, width), strict=True))
        grid = rng.normal(0, 0.4, (down, across)).astype(np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weight /= 2
    return total


def any_colour(rng: Rng, vivid: float = 0.45) -> Floats:
    """Return a BGR colour in 0..255 of any hue.

    :param vivid: highest saturation, 0..1.
    """
    hsv = np.array([[[rng.uniform(0, 360), rng.uniform(0.03, vivid), rng.uniform(0.25, 0.9)]]],
                   np.float32)
    return np.asarray(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)[0, 0], np.float32)


def _surface(rng: Rng, height: int, width: int) -> Floats:
    kind = _SURFACES[rng.integers(len(_SURFACES))]
    return kind(rng, height, width)


def _shaded(colour: Floats, light: Floats) -> Floats:
    return np.asarray(light[..., None] * colour, np.float32)


def _grid(height: int, width: int) -> tuple[Floats, Floats]:
    """Return y and x of each pixel in units of the height."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    return y, x


def _plaster(rng: Rng, height: int, width: int) -> Floats:
    y, x = _grid(height, width)
    angle = rng.uniform(0, 2 * np.pi)
    across = 0.5 + 0.6 * (np.cos(angle) * (x - 0.65) + np.sin(angle) * (y - 0.5))
    share = np.clip(across + 0.3 * noise(rng, height, width, (2, 3)), 0, 1)[..., None]
    smooth = any_colour(rng) * share + any_colour(rng) * (1 - share)
    rough = 1 + 0.08 * noise(rng, height, width, (60, 80), 2)
    return np.asarray(smooth * rough[..., None], np.float32)


def _wood(rng: Rng, height: int, width: int) -> Floats:
    y, _ = _grid(height, width)
    planks = rng.integers(3, 8)
    which = np.minimum((y * planks).astype(int), planks - 1)
    tone = rng.uniform(0.8, 1.15, planks).astype(np.float32)[which]
    wavy = y * planks * 5 + 2.2 * noise(rng, height, width, (4, 1.5), 3)
    grain = 0.09 * np.sin(2 * np.pi * wavy) + 0.12 * noise(rng, height, width, (90, 3), 2)
    joint = 1 - 0.6 * (np.abs(y * planks % 1 - 0.5) > 0.5 - 0.012 * planks / 4)
    return _shaded(any_colour(rng), tone * (1 + grain) * joint)


def _tiles(rng: Rng, height: int, width: int) -> Floats:
    y, x = _grid(height, width)
    count, offset = rng.uniform(3, 7), rng.uniform(0, 0.5)
    row = np.floor(y * count)
    column = x * count + offset * row
    edge = np.minimum(0.5 - np.abs(column % 1 - 0.5), 0.5 - np.abs(y * count % 1 - 0.5))
    tone = rng.uniform(0.75, 1.15, 211).astype(np.float32)
    light = tone[(row * 31 + np.floor(column) * 7).astype(int) % 211]
    light *= 1 + 0.1 * noise(rng, height, width, (14, 20), 3)
    grout = np.clip((edge - 0.03) * 40, 0, 1)[..., None]
    return np.asarray(_shaded(any_colour(rng), light) * grout + any_colour(rng) * (1 - grout),
                      np.float32)


def _blobs(rng: Rng, height: int, width: int) -> Floats:
    scene = np.empty((height, width, 3), np.float32)
    scene[:] = any_colour(rng)
    for _ in range(rng.integers(18, 40)):
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        radius = max(1, int(rng.uniform(0.04, 0.2) * height))
        before = scene.copy()
        cv2.circle(scene, centre, radius, any_colour(rng, 0.6).tolist(), -1, cv2.LINE_AA)
        cv2.addWeighted(scene, 0.7, before, 0.3, 0, scene)
    return np.asarray(cv2.GaussianBlur(scene, (0, 0), rng.uniform(2, 9) * height / 480))


def _cloth(rng: Rng, height: int, width: int) -> Floats:
    y, x = _grid(height, width)
    fine = rng.uniform(45, 80)
    weave = 0.1 * np.sin(2 * np.pi * x * fine) * np.sin(2 * np.pi * y * fine)
    speck = 0.16 * noise(rng, height, width, (height / 4, width / 4), 2)
    folds = 0.2 * noise(rng, height, width, (2, 3), 2)
    return _shaded(any_colour(rng), np.asarray(1 + weave + speck + folds, np.float32))


def _stripes(rng: Rng, height: int, width: int) -> Floats:
    y, x = _grid(height, width)
    angle, fine = rng.uniform(0, np.pi), rng.uniform(4, 11)
    wave = np.sin(2 * np.pi * fine * (x * np.cos(angle) + y * np.sin(angle)))
    share = np.clip(0.5 + 4 * wave, 0, 1)[..., None]
    rough = 1 + 0.1 * noise(rng, height, width, (5, 7))
    return np.asarray((any_colour(rng) * share + any_colour(rng) * (1 - share))
                      * rough[..., None], np.float32)


_SURFACES: tuple[Callable[[Rng, int, int], Floats], ...] = (
    _plaster, _plaster, _wood, _wood, _tiles, _tiles, _cloth, _cloth, _blobs, _stripes)


def _lay_table(rng: Rng, scene: Floats) -> None:
    height, width = scene.shape[:2]
    top = int(height * rng.uniform(0.5, 0.75))
    table = _surface(rng, height, width)
    # Seen at a slant: rows come closer together towards the far edge.
    flat = cv2.resize(table, (width, height - top), interpolation=cv2.INTER_AREA)
    fade = np.linspace(0.75, 1.1, height - top, dtype=np.float32)[:, None, None]
    scene[top:] = flat * fade
    scene[max(0, top - 3):top] *= 0.6


def _put_clutter(rng: Rng, scene: Floats) -> None:
    """Put a plain thing anywhere: a slab, a prism or a ring, with its shadow and lit side."""
    height, width = scene.shape[:2]
    size = rng.uniform(0.06, 0.24) * height
    middle = rng.uniform(0, 1, 2) * (width, height)
    outline = _outline(rng) * size
    colour = any_colour(rng, 0.6)
    hollow = rng.uniform() < 0.25
    for shift, tone in ((0.12, None), (0.0, 0.72), (-0.06, 1.0)):
        points = np.round(16 * (outline + middle + shift * size)).astype(np.int32)
        layer = np.zeros((height, width), np.uint8)
        if hollow:
            cv2.polylines(layer, [points], True, 255, max(2, int(size / 4)), cv2.LINE_AA, 4)
        else:
            cv2.fillPoly(layer, [points], 255, cv2.LINE_AA, 4)
        share = layer[..., None] / np.float32(255 if tone else 640)
        scene *= 1 - share
        if tone:
            scene += share * colour * tone


def _outline(rng: Rng) -> Floats:
    """Return a polygon around the origin, N × 2, turned and stretched at random."""
    corners = (3, 4, 4, 6, 24)[rng.integers(5)]
    angles = np.arange(corners) * 2 * np.pi / corners + rng.uniform(0, 2 * np.pi)
    stretch = (1, rng.uniform(0.35, 1))
    return np.asarray(np.stack([np.cos(angles), np.sin(angles)], 1) * stretch, np.float32)
