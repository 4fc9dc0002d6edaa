"""Solid bodies as distance functions, and a picture of them with its normals.

Sphere tracing after J. C. Hart, "Sphere tracing", The Visual Computer 12 (1996). One unit is about
half the size of an object; y points up, z to the camera.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
# Points or directions, 3 by N.
Field = Callable[[Floats], Floats]

_EYE = 5.0
_REACH = 1.3
_STEPS = 56
_HIT = 0.002
_COARSE = 4


@dataclass(frozen=True)
class Part:
    """A body of one material.

    :param distance: 3 × N points to N distances to the surface, negative inside.
    :param paint: 3 × N points on the surface to 3 × N colours, BGR in 0..1.
    :param gloss: strength of the highlight, 0..1.
    """

    distance: Field
    paint: Field
    gloss: float


@dataclass(frozen=True)
class Sprite:
    """A rendered object before it is lit; height × width, cropped to the object.

    :param colour: × 3, BGR in 0..255, already times ``cover``.
    :param normal: × 3, unit vectors in camera axes.
    :param cover: how much of the pixel the object covers, 0..1.
    :param open_sky: how little is in the way of light from around, 0..1.
    :param gloss: strength of the highlight in 0..255, already times ``cover``.
    """

    colour: Floats
    normal: Floats
    cover: Floats
    open_sky: Floats
    gloss: Floats


def turn(yaw: float, pitch: float, roll: float = 0.0) -> Floats:
    """Return the 3 × 3 rotation from object axes to camera axes, radians."""
    (cy, cp, cr), (sy, sp, sr) = np.cos([yaw, pitch, roll]), np.sin([yaw, pitch, roll])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y, np.float32)


def render(parts: tuple[Part, ...], view: Floats, size_px: int) -> Sprite:
    """Render an object from the front.

    :param view: rotation from object to camera axes.
    :param size_px: side of the square that is traced; the sprite is cropped to the object.
    """
    eye, rays = _rays(view, size_px)
    near, start = _near(parts, view, size_px)
    way, gap = np.zeros(size_px * size_px, np.float32), np.full(size_px * size_px, 9, np.float32)
    way[near], gap[near] = _trace(parts, eye, rays[:, near], start[near])
    cover = np.clip(1 - (gap - _HIT) * size_px / (2 * _REACH), 0, 1)
    seen = np.flatnonzero(cover > 0)
    points = eye + rays[:, seen] * way[seen]
    normals = _normals(parts, points)
    colour, gloss = _painted(parts, points)
    shade = _open_sky(parts, points, normals)
    flat = np.zeros((9, size_px * size_px), np.float32)
    flat[0:3, seen] = 255 * colour * cover[seen]
    flat[3:6, seen] = view @ normals
    flat[6:9, seen] = np.stack([cover[seen], shade, 255 * gloss * cover[seen]])
    return _cropped(flat.reshape(9, size_px, size_px))


def union(parts: tuple[Part, ...], points: Floats) -> Floats:
    """Return the distance to the nearest part."""
    nearest = parts[0].distance(points)
    for part in parts[1:]:
        nearest = np.minimum(nearest, part.distance(points))
    return nearest


def _rays(view: Floats, size_px: int) -> tuple[Floats, Floats]:
    line = (np.arange(size_px, dtype=np.float32) + 0.5) / size_px * 2 - 1
    x, y = np.meshgrid(line * _REACH / _EYE, -line * _REACH / _EYE)
    rays = np.stack([x.ravel(), y.ravel(), -np.ones(size_px * size_px, np.float32)])
    rays /= np.linalg.norm(rays, axis=0)
    eye = view.T @ np.array([[0], [0], [_EYE]], np.float32)
    return eye, np.asarray(view.T @ rays, np.float32)


def _near(parts: tuple[Part, ...], view: Floats, size_px: int
          ) -> tuple[npt.NDArray[np.intp], Floats]:
    """Return which rays come near the object, and from where it pays to trace each ray."""
    size = -(-size_px // _COARSE)
    eye, rays = _rays(view, size)
    far = np.full(size * size, _EYE - 1.6, np.float32)
    way, gap = (part.reshape(size, size) for part in _trace(parts, eye, rays, far))
    window = np.ones((3, 3), np.uint8)
    near = cv2.dilate((gap < 3 * _REACH / size).astype(np.uint8), window)
    start = cv2.erode(np.where(gap < 3 * _REACH / size, way, 9).astype(np.float32), window) - 0.15
    whole = (size_px, size_px)
    mask = cv2.resize(near, whole, interpolation=cv2.INTER_NEAREST)
    begin = cv2.resize(start, whole, interpolation=cv2.INTER_NEAREST)
    return np.flatnonzero(mask), np.asarray(begin, np.float32).ravel()


def _trace(parts: tuple[Part, ...], eye: Floats, rays: Floats, start: Floats
           ) -> tuple[Floats, Floats]:
    """Return for each ray the way to where it is nearest to the object, and how near that is."""
    way = start.copy()
    best_way, best_gap = way.copy(), np.full_like(way, 9)
    live = np.arange(way.size)
    for _ in range(_STEPS):
        gap = union(parts, eye + rays[:, live] * way[live])
        better = gap < best_gap[live]
        nearer = live[better]
        best_gap[nearer], best_way[nearer] = gap[better], way[nearer]
        way[live] += 0.85 * gap
        live = live[(gap > _HIT) & (way[live] < _EYE + 1.5)]
        if not live.size:
            break
    return best_way, best_gap


def _normals(parts: tuple[Part, ...], points: Floats) -> Floats:
    total = np.zeros_like(points)
    for corner in ((1, -1, -1), (-1, -1, 1), (-1, 1, -1), (1, 1, 1)):
        step = np.array(corner, np.float32)[:, None]
        total += step * union(parts, points + 0.004 * step)
    return np.asarray(total / (np.linalg.norm(total, axis=0) + 1e-9), np.float32)


def _painted(parts: tuple[Part, ...], points: Floats) -> tuple[Floats, Floats]:
    owner = np.argmin(np.stack([part.distance(points) for part in parts]), axis=0)
    colour, gloss = np.zeros_like(points), np.zeros(points.shape[1], np.float32)
    for index, part in enumerate(parts):
        mine = owner == index
        if mine.any():
            colour[:, mine], gloss[mine] = part.paint(points[:, mine]), part.gloss
    return np.clip(colour, 0, 1), gloss


def _open_sky(parts: tuple[Part, ...], points: Floats, normals: Floats) -> Floats:
    hidden = np.zeros(points.shape[1], np.float32)
    for away, weight in ((0.08, 2.2), (0.25, 1.1)):
        hidden += weight * np.maximum(away - union(parts, points + away * normals), 0)
    return np.asarray(np.clip(1 - hidden, 0.25, 1), np.float32)


def _cropped(layers: Floats) -> Sprite:
    left, top, width, height = cv2.boundingRect((layers[6] > 0).astype(np.uint8))
    box = np.ascontiguousarray(layers[:, top:top + height, left:left + width])
    colour, normal = (np.ascontiguousarray(part.transpose(1, 2, 0))
                      for part in (box[0:3], box[3:6]))
    return Sprite(colour, normal, box[6], box[7], box[8])
