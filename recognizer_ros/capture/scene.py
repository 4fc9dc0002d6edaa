"""One scene of the test pattern: objects that move before a background in changing light."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from .objects import build
from .solids import Floats, Sprite, render
from .source import Image
from .stage import Stage, Sway
from .uri import OBJECTS

Rng = np.random.Generator

# Side of the traced square, in units of the shorter side of the frame.
_SPRITE = 0.6
# Motion is a function of the frame's number alone: at 30 Hz it looks natural.
_FRAMES_PER_S = 30.0


@dataclass(frozen=True)
class Actor:
    """An object and how it moves.

    :param shadow: blurred outline with a margin; 255 where no shadow falls.
    :param size: of the longer side, in units of the frame's shorter side.
    :param x: of the middle, in units of the width; ``y`` of the height.
    """

    sprite: Sprite
    shadow: Image
    size: Sway
    x: Sway
    y: Sway
    angle: Sway
    squash: Sway


class Scene:
    """Objects on a stage.

    :param objects: names; they stand side by side.
    """

    def __init__(self, stage: Stage, objects: tuple[str, ...]) -> None:
        self._stage = stage
        self._actors = [_actor(name, stage, place, len(objects))
                        for place, name in enumerate(objects)]

    def frame(self, index: int) -> Image:
        """Return the frame of this number: the same pixels each time."""
        time_s = index / _FRAMES_PER_S
        image, sun = self._stage.empty(time_s), self._stage.sun(time_s)
        for actor in self._actors:
            _cast(image, actor, time_s, sun)
        for actor in self._actors:
            _place(image, actor, time_s, sun)
        return self._stage.seen(image, time_s, index)


def _actor(name: str, stage: Stage, place: int, count: int) -> Actor:
    rng = np.random.default_rng([stage.seed, OBJECTS.index(name)])
    sprite = render(*build(name, rng), round(_SPRITE * min(stage.size)))
    slender = max(sprite.cover.shape) / min(sprite.cover.shape)
    low = rng.uniform(0.42, 0.52) if count == 1 else rng.uniform(0.36, 0.4)
    low *= min(slender, 2) ** 0.4
    centre, reach = (place + 0.5) / count, 0.12 / count
    return Actor(sprite, _shadow(rng, sprite), Sway.draw(rng, low, min(low * 1.35, 0.74), 5),
                 Sway.draw(rng, centre - reach, centre + reach, 4),
                 Sway.draw(rng, 0.42, 0.58, 3.5), Sway.draw(rng, -0.35, 0.35, 4.5),
                 Sway.draw(rng, 0.86, 1.0, 3))


def _shadow(rng: Rng, sprite: Sprite) -> Image:
    """Return what the light behind the object is multiplied by, with a margin for the blur."""
    size = max(sprite.cover.shape)
    margin = size // 6
    cover = cv2.copyMakeBorder(sprite.cover, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
    soft = cv2.GaussianBlur(cover, (0, 0), size * rng.uniform(0.025, 0.07))
    left = 255 - 255 * rng.uniform(0.35, 0.65) * soft
    return np.asarray(left, np.uint8)


def _cast(image: Image, actor: Actor, time_s: float, sun: float) -> None:
    """Darken what the object keeps the light from; the shadow falls away from the sun."""
    away = 0.16 * actor.size.at(time_s) * min(image.shape[:2])
    matrix = _motion(actor, actor.shadow, image, time_s)
    matrix[:, 2] += (-away * math.sin(sun), 0.5 * away)
    region = _region(matrix, actor.shadow, image)
    if region is None:
        return
    part, matrix, size = region
    shadow = cv2.warpAffine(actor.shadow, matrix, size, borderMode=cv2.BORDER_CONSTANT,
                            borderValue=255)
    cv2.multiply(part, cv2.merge([shadow, shadow, shadow]), part, 1 / 255)


def _place(image: Image, actor: Actor, time_s: float, sun: float) -> None:
    """Draw the object over the image."""
    lit = _lit(actor.sprite, sun, actor.angle.at(time_s))
    region = _region(_motion(actor, lit, image, time_s), lit, image)
    if region is None:
        return
    part, matrix, size = region
    blue, green, red, cover = cv2.split(cv2.warpAffine(lit, matrix, size))
    rest = cv2.bitwise_not(cover)
    cv2.multiply(part, cv2.merge([rest, rest, rest]), part, 1 / 255)
    cv2.add(part, cv2.merge([blue, green, red]), part)


def _lit(sprite: Sprite, sun: float, angle: float) -> Image:
    """Return the object in this light, BGR and cover, colours already times the cover.

    :param sun: where the light comes from: 0 above, negative left, radians.
    :param angle: by which the object will be turned; the light must not turn with it.
    """
    side = sun + angle
    light = np.array([math.sin(side) * 0.7, math.cos(side) * 0.7, 0.71])
    half = light + np.array([0, 0, 1])
    ways = np.stack([light, (math.sin(angle), math.cos(angle), 0), half / np.linalg.norm(half)])
    facing = cv2.transform(sprite.normal, ways.astype(np.float32))
    direct, above, mirror = cv2.split(np.maximum(facing, np.array([0, -1, 0], np.float32)))
    shade = cv2.multiply(0.95 * direct + 0.16 * above + 0.34, sprite.open_sky)
    gleam = cv2.multiply(cv2.pow(mirror, 42), sprite.gloss, scale=0.8)
    colour = cv2.multiply(sprite.colour, cv2.merge([shade, shade, shade]))
    blue, green, red = cv2.split(cv2.add(colour, cv2.merge([gleam, gleam, gleam])))
    layers = cv2.merge([blue, green, red, 255 * sprite.cover])
    return np.asarray(cv2.convertScaleAbs(layers), np.uint8)


def _motion(actor: Actor, picture: Image, image: Image, time_s: float) -> Floats:
    """Return the 2 × 3 matrix from pixels of the sprite (or its shadow) to those of the image."""
    height, width = image.shape[:2]
    longer = max(actor.sprite.cover.shape)
    scale = actor.size.at(time_s) * min(width, height) / longer
    angle = actor.angle.at(time_s)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([actor.squash.at(time_s), 1])
    middle = (actor.x.at(time_s) * width, actor.y.at(time_s) * height)
    shift = middle - linear @ (np.array(picture.shape[1::-1]) / 2)
    return np.asarray(np.column_stack([linear, shift]), np.float32)


def _region(matrix: Floats, picture: Image, image: Image
            ) -> tuple[Image, Floats, tuple[int, int]] | None:
    """Return the part of the image that a picture falls on, its matrix there, and its size."""
    high, wide = picture.shape[:2]
    corners = matrix @ np.array([[0, wide, 0, wide], [0, 0, high, high], [1, 1, 1, 1]])
    left, top = np.maximum(np.floor(corners.min(axis=1)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(corners.max(axis=1)), image.shape[1::-1]).astype(int)
    if right <= left or bottom <= top:
        return None
    moved = matrix.copy()
    moved[:, 2] -= (left, top)
    return image[top:bottom, left:right], moved, (int(right - left), int(bottom - top))
