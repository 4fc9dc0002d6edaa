"""The six objects of the test pattern: their shapes, and how their looks vary in nature."""

from collections.abc import Callable

import numpy as np

from .solids import Field, Floats, Part, turn

Rng = np.random.Generator
_GOLDEN = (1 + 5 ** 0.5) / 2


def build(name: str, rng: Rng) -> tuple[tuple[Part, ...], Floats]:
    """Return an object with looks of its own, and the rotation it is seen from.

    :param name: one of :data:`~.uri.OBJECTS`.
    """
    return _BUILDERS[name](rng)


def _bgr(blue: float, green: float, red: float) -> Floats:
    return np.asarray(np.array([[blue], [green], [red]]) / 255, np.float32)


def _vary(rng: Rng, colour: Floats, spread: float = 0.06) -> Floats:
    return np.asarray(np.clip(colour + rng.uniform(-spread, spread, (3, 1)), 0, 1), np.float32)


def _plain(colour: Floats) -> Field:
    return lambda p: np.broadcast_to(colour, p.shape)


def _mix(one: Floats, other: Floats, share: Floats) -> Floats:
    share = np.clip(share, 0, 1)
    return np.asarray(one * (1 - share) + other * share, np.float32)


def _speckle(p: Floats, scale: float, seed: float) -> Floats:
    """Return smooth noise in about -1..1 at each point."""
    x, y, z = p * scale
    return np.asarray((np.sin(x + 1.7 * np.sin(y + seed)) + np.sin(1.3 * y + 1.9 * np.sin(z * 1.1))
                       + np.sin(1.6 * z + 1.5 * np.sin(x * 1.2 + seed))) / 3, np.float32)


def _long(*axes: Floats) -> Floats:
    """Return the length of each vector; much faster than ``np.hypot`` and ``np.linalg.norm``."""
    total = axes[0] * axes[0]
    for axis in axes[1:]:
        total = total + axis * axis
    return np.asarray(np.sqrt(total))


def _capsule(start: tuple[float, float, float], end: tuple[float, float, float], radius: float
             ) -> Field:
    a, line = np.array(start, np.float32)[:, None], np.subtract(end, start).astype(np.float32)

    def distance(p: Floats) -> Floats:
        along = np.clip(line @ (p - a) / (line @ line), 0, 1)
        return np.asarray(_long(*(p - a - line[:, None] * along)) - radius)

    return distance


def _lathe(p: Floats, radius: float, low: float, high: float, rounding: float) -> Floats:
    """Return the distance to an upright cylinder with rounded edges."""
    out = _long(p[0], p[2]) - radius + rounding
    up = np.abs(p[1] - (low + high) / 2) - (high - low) / 2 + rounding
    beyond = _long(np.maximum(out, 0), np.maximum(up, 0))
    return np.asarray(beyond + np.minimum(np.maximum(out, up), 0) - rounding)


def _melt(a: Floats, b: Floats, width: float) -> Floats:
    """Return a union whose crease is filled, after I. Quilez's polynomial smooth minimum."""
    near = np.maximum(width - np.abs(a - b), 0) / width
    return np.asarray(np.minimum(a, b) - near * near * width / 4)


def _apple(rng: Rng) -> tuple[tuple[Part, ...], Floats]:
    red = _vary(rng, _bgr(38, 24, 190))
    blush = _vary(rng, _bgr(60, 150, 225))
    streak, tall = rng.uniform(0.1, 0.75), rng.uniform(1.12, 1.24)
    phase = rng.uniform(0, 6)

    def body(p: Floats) -> Floats:
        y = p[1] / tall
        r = _long(p[0], p[2]) * (1 - 0.2 * y)
        return np.asarray((_long(r - 0.26, y) - 0.56) * 0.8)

    def skin(p: Floats) -> Floats:
        around = np.arctan2(p[2], p[0])
        lines = 0.5 + 0.5 * np.sin(23 * around + 3 * _speckle(p, 5, phase))
        side = 0.5 + 0.5 * np.sin(around + phase)
        dots = _speckle(p, 26, phase) > 0.86
        top = np.exp(-6 * _long(p[0], p[2])) * (p[1] > 0)
        return _mix(red, blush, streak * side * lines + 0.9 * top + 0.35 * dots)

    def leaf(p: Floats) -> Floats:
        q = turn(0, 0, -0.5) @ (p - np.array([[0.4], [0.86], [0.02]], np.float32))
        q[1] += 0.5 * q[0] ** 2
        return np.asarray((_long(*(q / _size(0.36, 0.07, 0.17))) - 1) * 0.06)

    green = _vary(rng, _bgr(45, 140, 70))
    parts = (Part(body, skin, 0.55), Part(leaf, _plain(green), 0.25),
             Part(_capsule((0, 0.2, 0), (0.09, 1.0, 0), 0.045), _plain(_bgr(35, 60, 90)), 0.1))
    return parts, turn(rng.uniform(-0.7, 0.7), rng.uniform(0.1, 0.5), rng.uniform(-0.2, 0.2))


def _size(x: float, y: float, z: float) -> Floats:
    return np.array([[x], [y], [z]], np.float32)


def _banana(rng: Rng) -> tuple[tuple[Part, ...], Floats]:
    bend, half = rng.uniform(0.85, 1.05), rng.uniform(0.95, 1.1)
    yellow, green = _vary(rng, _bgr(50, 205, 243), 0.04), _bgr(70, 190, 170)
    ripe, phase = rng.uniform(-0.1, 0.25), rng.uniform(0, 6)

    def along(p: Floats) -> Floats:
        return np.asarray(np.arctan2(p[0], bend - p[1] - 0.55))

    def body(p: Floats) -> Floats:
        angle = np.clip(along(p), -half, half)
        cx, cy = bend * np.sin(angle), bend - 0.55 - bend * np.cos(angle)
        share = angle / half
        radius = 0.245 * np.sqrt(np.clip(1 - 0.72 * np.abs(share) ** 3.2, 0.02, 1))
        stem = np.clip((share - 0.68) / 0.2, 0, 1)
        radius += (0.085 - radius) * stem * stem * (3 - 2 * stem)
        across = np.stack([(p[0] - cx) * np.sin(angle) - (p[1] - cy) * np.cos(angle), p[2]])
        edges = 1 + 0.035 * np.cos(5 * np.arctan2(across[1], across[0]))
        gap = _long(p[0] - cx, p[1] - cy, p[2])
        return np.asarray((gap - radius * edges) * 0.85)

    def skin(p: Floats) -> Floats:
        share = along(p) / half
        colour = _mix(yellow, green, 1.6 * (np.abs(share) - 0.72) - ripe)
        spots = np.clip((_speckle(p, 19, phase) - 0.72 + ripe) * 6, 0, 0.8)
        ends = np.clip((np.abs(share) - 0.95) * 14, 0, 0.85)
        return _mix(colour, _bgr(25, 50, 75), np.maximum(spots, ends))

    view = turn(rng.uniform(-0.45, 0.45), rng.uniform(-0.2, 0.4), rng.uniform(-0.6, 0.6))
    return (Part(body, skin, 0.25),), view


def _bottle(rng: Rng) -> tuple[tuple[Part, ...], Floats]:
    glass = _vary(rng, _bgr(60, 140, 35), 0.06)
    paper, ink = _vary(rng, _bgr(215, 232, 238)), _bgr(*rng.uniform(20, 170, 3))
    cap = (_bgr(60, 170, 205), _bgr(40, 40, 45), _bgr(200, 200, 205))[rng.integers(3)]
    wide, low = rng.uniform(0.38, 0.45), rng.uniform(-0.62, -0.5)
    high = low + rng.uniform(0.45, 0.62)

    def body(p: Floats) -> Floats:
        neck = _lathe(p, 0.125, 0.1, 1.0, 0.03)
        ring = _lathe(p, 0.155, 0.84, 0.92, 0.03)
        return np.minimum(_melt(_lathe(p, wide, -1.12, 0.28, 0.14), neck, 0.42), ring)

    def skin(p: Floats) -> Floats:
        core = _long(p[0], p[2]) / wide
        return _mix(glass * 0.72, glass * 1.15, core * (0.6 + 0.4 * np.abs(p[1])))

    def label(p: Floats) -> Floats:
        return _lathe(p, wide + 0.012, low, high, 0.01)

    def print_(p: Floats) -> Floats:
        height = (p[1] - low) / (high - low)
        lines = (np.abs(height - 0.5) < 0.28) & (np.abs(np.sin(height * 25)) > 0.45)
        frame = (np.abs(height - 0.5) > 0.42)
        written = lines & (np.abs(np.arctan2(p[0], p[2])) < 0.75) | frame
        return _mix(paper, ink, written.astype(np.float32) * 0.85)

    parts = (Part(body, skin, 1.0), Part(label, print_, 0.12),
             Part(lambda p: _lathe(p, 0.15, 0.96, 1.15, 0.03), _plain(cap), 0.5))
    return parts, turn(rng.uniform(-0.6, 0.6), rng.uniform(0.0, 0.35), rng.uniform(-0.3, 0.3))


def _box(rng: Rng) -> tuple[tuple[Part, ...], Floats]:
    card, tape = _vary(rng, _bgr(88, 132, 178), 0.05), _vary(rng, _bgr(130, 180, 212), 0.04)
    half = _size(rng.uniform(0.62, 0.8), rng.uniform(0.42, 0.6), rng.uniform(0.5, 0.66))
    phase = rng.uniform(0, 6)

    def body(p: Floats) -> Floats:
        out = np.abs(p) - half + 0.02
        beyond = _long(*np.maximum(out, 0))
        return np.asarray(beyond + np.minimum(out.max(axis=0), 0) - 0.02)

    def skin(p: Floats) -> Floats:
        x, y, z = p / half
        colour = card * (1 + 0.05 * np.sin(p[0] * 95) + 0.06 * _speckle(p, 7, phase))
        seam = (np.abs(p[2]) < 0.012) & (y > 0.96)
        taped = (np.abs(z) < 0.16) & ((y > 0.96) | (y > 0.45))
        mark = (z > 0.96) & _arrows((x - 0.5) * 4, (y + 0.35) * 2.6)
        colour = _mix(colour, _bgr(45, 60, 75), 0.8 * (seam | mark).astype(np.float32))
        return _mix(colour, tape, 0.85 * taped.astype(np.float32))

    side = rng.choice([-1, 1])
    view = turn(side * rng.uniform(0.4, 1.0), rng.uniform(0.35, 0.7), rng.uniform(-0.12, 0.12))
    return (Part(body, skin, 0.08),), view


def _arrows(x: Floats, y: Floats) -> Floats:
    """Return where the "this side up" sign is: two arrows above a bar."""
    each = np.abs(np.abs(x) - 0.6)
    head = (y > 0.3) & (y < 1) & (each < 0.45 * (1 - y) / 0.7)
    shaft = (y > -0.5) & (y <= 0.3) & (each < 0.15)
    bar = (np.abs(y + 0.75) < 0.12) & (np.abs(x) < 1.1)
    return np.asarray(head | shaft | bar)


def _ball(rng: Rng) -> tuple[tuple[Part, ...], Floats]:
    white, dark = _vary(rng, _bgr(232, 235, 235), 0.03), _vary(rng, _bgr(32, 30, 30), 0.03)
    five, six = _football()

    def leather(p: Floats) -> Floats:
        unit = p / (_long(*p) + 1e-9)
        pentagon, hexagon = (five @ unit).max(axis=0) * 1.035, np.sort(six @ unit, axis=0)[-2:]
        inside = np.clip((pentagon - hexagon[1]) * 60, 0, 1)
        near = np.minimum(hexagon[1] - hexagon[0], np.abs(pentagon - hexagon[1]))
        seam = np.clip(1 - near * 45, 0, 1) * 0.75
        return _mix(_mix(white, _bgr(110, 110, 110), seam), dark, inside)

    def body(p: Floats) -> Floats:
        distance: Floats = _long(*p) - np.float32(0.95)
        return distance

    view = turn(rng.uniform(-3, 3), rng.uniform(-1.5, 1.5), rng.uniform(-3, 3))
    return (Part(body, leather, 0.4),), view


def _football() -> tuple[Floats, Floats]:
    """Return the centres of the 12 pentagons and of the 20 hexagons, N × 3 unit vectors."""
    signs = [(a, b) for a in (-1, 1) for b in (-1, 1)]
    five = [(0, a, b * _GOLDEN) for a, b in signs]
    six = [(0, a / _GOLDEN, b * _GOLDEN) for a, b in signs]
    # The orders differ: the dodecahedron is the dual of this icosahedron, not of its mirror.
    spun_five = [tuple(np.roll(v, k)) for v in five for k in range(3)]
    spun_six = [tuple(np.roll(v[::-1], k)) for v in six for k in range(3)]
    spun_six += [(a, b, c) for a, b in signs for c in (-1, 1)]
    pair = (np.array(spun_five, np.float32), np.array(spun_six, np.float32))
    one, other = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in pair)
    return one, other


def _mug(rng: Rng) -> tuple[tuple[Part, ...], Floats]:
    blue = _vary(rng, _bgr(175, 85, 30), 0.07)
    inner, drink = _vary(rng, _bgr(225, 228, 230), 0.04), _bgr(22, 42, 68)
    band, at = rng.uniform() < 0.5, rng.uniform(-0.3, 0.2)
    fill = rng.uniform(0.2, 0.5)

    def body(p: Floats) -> Floats:
        hollow = _lathe(p, 0.56, -0.58, 1.4, 0.08)
        cup = np.maximum(_lathe(p, 0.65, -0.75, 0.75, 0.06), -hollow)
        ring = _long((p[0] - 0.66) * 1.05, p[1] * 0.85) - 0.36
        handle = _long(ring, p[2] * 0.75) - 0.085
        handle = np.maximum(handle, 0.6 - _long(p[0], p[2]))
        return np.asarray(_melt(cup, handle, 0.1) * 0.9)

    def glaze(p: Floats) -> Floats:
        inside = (_long(p[0], p[2]) < 0.59) & (p[1] > -0.7)
        colour = _mix(blue, inner, inside.astype(np.float32))
        stripe = band & (np.abs(p[1] - at) < 0.09) & (_long(p[0], p[2]) < 0.68) & ~inside
        return _mix(colour, inner, 0.9 * stripe.astype(np.float32))

    parts = (Part(body, glaze, 0.7),
             Part(lambda p: _lathe(p, 0.57, -0.5, fill, 0.02), _plain(drink), 0.5))
    side = rng.choice([0.0, np.pi])
    return parts, turn(side + rng.uniform(-0.6, 0.6), rng.uniform(0.3, 0.65),
                       rng.uniform(-0.15, 0.15))


_BUILDERS: dict[str, Callable[[Rng], tuple[tuple[Part, ...], Floats]]] = {
    'apple': _apple, 'banana': _banana, 'bottle': _bottle,
    'box': _box, 'ball': _ball, 'mug': _mug,
}
