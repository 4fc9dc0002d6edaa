"""The part of a test scene that follows from its seed alone: background, light and camera."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from . import backdrop
from .solids import Floats
from .source import Image

Rng = np.random.Generator

# The background is larger than the frame by this: the camera drifts.
_MARGIN = 1.1
_WHITE = 128


@dataclass(frozen=True)
class Sway:
    """A value that wanders smoothly between two bounds: two sines of unrelated periods."""

    low: float
    high: float
    speeds: tuple[float, float]
    phases: tuple[float, float]

    @classmethod
    def draw(cls, rng: Rng, low: float, high: float, period_s: float = 4.0) -> 'Sway':
        """Draw one at random. :param period_s: of the main motion, about."""
        slow = 2 * math.pi / (period_s * rng.uniform(0.7, 1.3))
        phases = rng.uniform(0, 2 * math.pi, 2)
        return cls(low, high, (slow, slow * rng.uniform(1.6, 2.4)), (phases[0], phases[1]))

    def at(self, time_s: float) -> float:
        """Return the value at a time."""
        one, two = (math.sin(speed * time_s + phase)
                    for speed, phase in zip(self.speeds, self.phases, strict=True))
        return self.low + (self.high - self.low) * (0.5 + 0.34 * one + 0.16 * two)


class Stage:
    """A background and its light, the same whatever is put before it."""

    def __init__(self, seed: int, width_px: int, height_px: int) -> None:
        rng = np.random.default_rng([seed, 77])
        self.seed, self.size = seed, (width_px, height_px)
        large = (round(height_px * _MARGIN) + 1, round(width_px * _MARGIN) + 1)
        self._back = _enlarged(backdrop.paint(rng, *_part(large, 2)), large)
        self._light = _enlarged(_light_map(rng, *_part(large, 4)), large)
        self._grain = _grain(rng, *large)
        self._drift = [Sway.draw(rng, 0, 1, 9) for _ in range(4)]
        self._gain = _between(rng, 0.72, 1.25, 5)
        self._warmth = _between(rng, -0.12, 0.12, 7)
        self._sun = _between(rng, -1.1, 1.1, 6)

    def empty(self, time_s: float) -> Image:
        """Return the background; the caller may draw on it."""
        view: Image = self._slice(self._back, time_s, 0).copy()
        return view

    def sun(self, time_s: float) -> float:
        """Return where the light comes from: 0 above, negative left, radians."""
        return self._sun.at(time_s)

    def seen(self, image: Image, time_s: float, index: int) -> Image:
        """Return the image as a camera sees it in this light, with its noise."""
        lit = cv2.multiply(image, self._slice(self._light, time_s, 2), scale=1 / _WHITE)
        toned = cv2.LUT(lit, self._curve(time_s))
        return np.asarray(cv2.addWeighted(toned, 1, self._grain_of(index), 1, -_WHITE), np.uint8)

    def _slice(self, large: Image, time_s: float, pair: int) -> Image:
        spare = (large.shape[0] - self.size[1], large.shape[1] - self.size[0])
        top, left = (int(sway.at(time_s) * room) for sway, room
                     in zip(self._drift[pair:pair + 2], spare, strict=True))
        return large[top:top + self.size[1], left:left + self.size[0]]

    def _grain_of(self, index: int) -> Image:
        spare = (self._grain.shape[0] - self.size[1], self._grain.shape[1] - self.size[0])
        top, left = np.random.default_rng([self.seed, index]).integers(0, np.add(spare, 1))
        return self._grain[top:top + self.size[1], left:left + self.size[0]]

    def _curve(self, time_s: float) -> Image:
        """Return the look-up table of brightness and colour temperature, 1 × 256 × 3."""
        warmth = self._warmth.at(time_s)
        gains = self._gain.at(time_s) * np.array([1 - warmth, 1, 1 + warmth])
        levels = np.arange(256)[:, None] * gains
        # A soft shoulder, as cameras have: bright parts do not clip at once.
        soft = np.where(levels > 200, 200 + 55 * np.tanh((levels - 200) / 55), levels)
        return np.ascontiguousarray(soft[None], dtype=np.uint8)


def _between(rng: Rng, lowest: float, highest: float, period_s: float) -> Sway:
    """Draw a value that wanders in a part of a range."""
    low, high = sorted(rng.uniform(lowest, highest, 2))
    return Sway.draw(rng, low, high, period_s)


def _part(size: tuple[int, int], divisor: int) -> tuple[int, int]:
    return -(-size[0] // divisor), -(-size[1] // divisor)


def _enlarged(image: Image, size: tuple[int, int]) -> Image:
    """Return a smooth picture at its full size: painting it there would take much longer."""
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)


def _light_map(rng: Rng, height: int, width: int) -> Image:
    """Return what the light does across the frame: 128 is no change."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height - 0.5, x / width - 0.5
    angle = rng.uniform(0, 2 * math.pi)
    light = 1 + rng.uniform(0.1, 0.55) * (x * math.cos(angle) + y * math.sin(angle))
    light -= rng.uniform(0.1, 0.5) * (x * x + y * y)
    if rng.uniform() < 0.5:
        light *= _bars(rng, height, width)
    levels = np.clip(light * _WHITE, 0, 255).astype(np.uint8)
    return np.asarray(cv2.merge([levels, levels, levels]), np.uint8)


def _bars(rng: Rng, height: int, width: int) -> Floats:
    """Return the soft shadow of something out of sight, 0..1."""
    shadow = np.ones((height, width), np.float32)
    at, slant = rng.uniform(0, width), rng.uniform(-0.6, 0.6) * height
    wide = rng.uniform(0.1, 0.3) * width
    points = [[at, 0], [at + wide, 0], [at + wide + slant, height], [at + slant, height]]
    cv2.fillPoly(shadow, [np.array(points, np.int32)], rng.uniform(0.55, 0.8))
    return np.asarray(cv2.GaussianBlur(shadow, (0, 0), max(1, 0.03 * width)), np.float32)


def _grain(rng: Rng, height: int, width: int) -> Image:
    sigma = rng.uniform(1.5, 5.0)
    grain = sigma * rng.standard_normal((height, width, 3), np.float32)
    return np.asarray(cv2.convertScaleAbs(grain, alpha=1, beta=_WHITE), np.uint8)
