"""The eyes: lids, irises, lashes, tears, and what an expression does to them."""

from __future__ import annotations

import functools

import numpy as np
from PIL import ImageChops

from anime_gan.datasets.drawn.canvas import ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.palette import INK, WHITE, mix
from anime_gan.datasets.illustrator import view
from anime_gan.datasets.illustrator.colors import Colors
from anime_gan.datasets.illustrator.easel import Easel, Layer, Mask
from anime_gan.datasets.illustrator.expressions import Expression, expression_of
from anime_gan.datasets.illustrator.parameters import Portrait
from anime_gan.datasets.illustrator.proportions import Proportions

_Points = tuple[tuple[float, float], ...]

# Shape -> upper and lower lid of a unit eye from the inner (x = -1) to the outer corner (x = 1), and factors
# of the size of the iris.
_SHAPES: dict[str, tuple[_Points, _Points, tuple[float, float]]] = {
    "round": (
        ((-0.98, 0.12), (-0.84, -0.5), (-0.34, -0.95), (0.3, -0.98), (0.82, -0.5), (1.0, 0.12)),
        ((-0.98, 0.12), (-0.72, 0.74), (-0.1, 0.98), (0.48, 0.9), (0.86, 0.52), (1.0, 0.12)),
        (1.0, 1.0),
    ),
    "tall": (
        ((-0.84, 0.1), (-0.74, -0.72), (-0.3, -1.2), (0.26, -1.22), (0.74, -0.7), (0.88, 0.08)),
        ((-0.84, 0.1), (-0.62, 0.84), (-0.1, 1.1), (0.36, 1.04), (0.74, 0.62), (0.88, 0.08)),
        (0.96, 1.22),
    ),
    "narrow": (
        ((-1.08, 0.2), (-0.86, -0.2), (-0.34, -0.46), (0.34, -0.5), (0.86, -0.3), (1.16, 0.0)),
        ((-1.08, 0.2), (-0.66, 0.5), (-0.1, 0.6), (0.5, 0.54), (0.9, 0.3), (1.16, 0.0)),
        (0.86, 0.74),
    ),
    "sharp": (
        ((-1.02, 0.5), (-0.84, -0.02), (-0.34, -0.58), (0.34, -0.92), (0.9, -0.84), (1.18, -0.5)),
        ((-1.02, 0.5), (-0.6, 0.76), (-0.05, 0.84), (0.5, 0.62), (0.92, 0.14), (1.18, -0.5)),
        (0.94, 0.94),
    ),
    "droopy": (
        ((-1.0, -0.06), (-0.82, -0.66), (-0.34, -0.98), (0.3, -0.84), (0.86, -0.2), (1.12, 0.54)),
        ((-1.0, -0.06), (-0.74, 0.54), (-0.14, 0.88), (0.44, 0.98), (0.92, 0.84), (1.12, 0.54)),
        (1.0, 0.98),
    ),
    "sleepy": (
        ((-1.0, 0.02), (-0.86, -0.24), (-0.34, -0.34), (0.34, -0.34), (0.88, -0.2), (1.08, 0.1)),
        ((-1.0, 0.02), (-0.72, 0.68), (-0.1, 0.94), (0.48, 0.88), (0.9, 0.52), (1.08, 0.1)),
        (1.0, 1.0),
    ),
}


@functools.lru_cache(maxsize=64)
def _lids(shape: str, openness: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns the curves of both lids."""
    upper, lower, _ = _SHAPES[shape]
    high = np.asarray(upper)
    base = np.interp(high[:, 0], (high[0, 0], high[-1, 0]), (high[0, 1], high[-1, 1]))
    high = np.stack([high[:, 0], base + (high[:, 1] - base) * openness], 1)
    return smooth(high), smooth(lower)


class _Eye:
    """One eye: maps points of the unit eye to a layer."""

    def __init__(self, easel: Easel, face: Portrait, size: Proportions, side: int) -> None:
        self.size, self.side, self.face = size, side, face
        self.layer: Layer = easel.dome(view.EYES)
        self.look = easel.look

    def put(self, points: np.ndarray | _Points | list[tuple[float, float]]) -> np.ndarray:
        """Maps points of the unit eye to the face."""
        scaled = np.asarray(points, float) * (self.size.eye_width, self.size.eye_height)
        return mirrored(scaled + (self.size.eye_x, self.size.eye_y), self.side)


def closed_sides(face: Portrait) -> tuple[int, ...]:
    """Returns the sides of the closed eyes, before mirroring."""
    kind = expression_of(face).eyes
    return {"open": (), "happy": (-1, 1), "wink": (face.wink_side,)}[kind]


def draw_eyes(easel: Easel, face: Portrait, size: Proportions, colors: Colors, skin: Mask) -> None:
    """Draws both eyes."""
    mood, closed = expression_of(face), closed_sides(face)
    for side in (-1, 1):
        eye = _Eye(easel, face, size, side)
        if side in closed:
            _draw_closed(eye, colors)
        else:
            _draw_open(eye, face, mood, colors, skin)
    if mood.tears:
        _draw_tears(easel, size, colors, skin)
    if mood.sweat:
        _draw_sweat(easel, size)


def _draw_closed(eye: _Eye, colors: Colors) -> None:
    """Draws an eye that is closed with joy: an arch with lashes."""
    thick = 0.02 * eye.size.lash**0.5
    arch = eye.put([(-0.98, 0.42), (-0.6, -0.12), (0.0, -0.34), (0.6, -0.12), (1.0, 0.42)])
    eye.layer.stroke(arch, (0.006, thick * 0.9, thick, thick, 0.008), colors.lash)
    if not eye.face.has("male"):
        for x, y, lean in ((0.86, 0.12, 0.34), (0.66, -0.1, 0.3)):
            lash = eye.put([(x, y), (x + lean, y - 0.05)])
            eye.layer.stroke(lash, (0.011, 0.0), colors.lash)
    crease = eye.put([(-0.5, -0.5), (0.0, -0.68), (0.5, -0.52)])
    eye.layer.stroke(crease, (0.0, 0.006, 0.0), colors.skin.line, 0.6)


def _draw_open(eye: _Eye, face: Portrait, mood: Expression, colors: Colors, skin: Mask) -> None:
    openness = mood.openness
    upper, lower = _lids(face.eye_shape, openness)
    outline = eye.put(np.concatenate([upper, lower[-2:0:-1]]))
    eye.layer.blend(outline, colors.white, 1.0, skin)
    clip = ImageChops.multiply(eye.layer.mask(outline), skin)
    _draw_iris(eye, face, mood, colors, clip, upper)
    _draw_lashes(eye, face, colors, upper, lower, skin)


def _draw_iris(
    eye: _Eye, face: Portrait, mood: Expression, colors: Colors, clip: Mask, upper: np.ndarray
) -> None:
    """Draws iris, pupil, and catch lights; the iris is dark at the top and bright at the bottom."""
    layer, look = eye.layer, eye.look
    base = colors.iris
    deep = mix(mix(base, (22, 8, 44), 0.62), base, 0.1)
    light = mix(base, WHITE, 0.45)
    size = eye.size
    wide, high = _SHAPES[face.eye_shape][2]
    radius_x = 0.0585 * wide * mood.iris * (size.eye_width / 0.075)
    radius_y = 0.083 * high * mood.iris * (size.eye_height / 0.09) ** 0.82
    x = eye.side * (size.eye_x - 0.004) + (face.gaze[0] + mood.gaze * face.wink_side) * face.side
    y = size.eye_y + 0.004 + face.gaze[1] + {"narrow": 0.004, "sleepy": 0.012}.get(face.eye_shape, 0.0)

    def spot(dx: float, dy: float, rx: float, ry: float, steps: int = 24) -> np.ndarray:
        return ellipse((x + dx * radius_x, y + dy * radius_y), (rx * radius_x, ry * radius_y), steps)

    layer.blend(spot(0, 0, 1, 1), deep, 1.0, clip)
    if look.shading == "flat":
        layer.blend(spot(0, 0.1, 0.84, 0.86), base, 1.0, clip)
        layer.blend(spot(0, 0.5, 0.6, 0.34), light, 0.6, clip)
    else:
        layer.blend(spot(0, 0.02, 0.87, 0.91), base, 1.0, clip, (0.2, 1.7))
        layer.blend(spot(0, 0.58, 0.66, 0.3), light, 0.75, clip)
        layer.blend(spot(0, 0.66, 0.48, 0.2), mix(light, WHITE, 0.4), 0.8, clip)
    layer.blend(spot(0, -0.02, 0.36, 0.4), mix(deep, INK, 0.4), 1.0, clip)
    if look.shading not in ("flat", "hatch"):
        ring = spot(0, -0.02, 0.36, 0.4)
        layer.blend(ring, base, 0.35, clip, (-0.6, 1.0))
    shade = eye.put(np.concatenate([upper - (0, 0.35), upper[::-1] + (0, 0.24)]))
    layer.blend(shade, (60, 48, 100), 0.34 if look.shading != "hatch" else 0.18, clip)
    # Catch lights: both eyes reflect the same light, from the upper left.
    layer.blend(spot(-0.36, -0.42, 0.34, 0.28, 16), WHITE, 1.0, clip)
    layer.blend(spot(0.4, 0.42, 0.17, 0.14, 12), WHITE, 0.95, clip)
    if look.shading == "soft":
        layer.blend(spot(-0.05, 0.78, 0.5, 0.1, 12), WHITE, 0.5, clip)
        layer.blend(spot(0.42, -0.1, 0.1, 0.08, 8), WHITE, 0.8, clip)
    if mood.tears:
        layer.blend(spot(-0.1, 0.62, 0.36, 0.2, 12), WHITE, 0.9, clip)


def _draw_lashes(
    eye: _Eye, face: Portrait, colors: Colors, upper: np.ndarray, lower: np.ndarray, skin: Mask
) -> None:
    """Draws the upper lash with its wing, the lower lash, and the crease of the lid."""
    size, lash = eye.size, colors.lash
    thick = 0.27 * size.lash * (0.09 / size.eye_height) ** 0.7
    x = np.linspace(0, 1, len(upper))
    profile = np.interp(x, (0, 0.2, 0.62, 1.0), (0.12, 0.62, 1.0, 0.75)) * thick
    above = upper - np.stack([np.zeros_like(x), profile], 1)
    end = upper[-1]
    if face.has("male"):
        wing = [end + (0.1, -0.16), end + (0.04, 0.06)]
        points = np.concatenate([above, [wing[0], wing[1]], upper[::-1]])
    else:
        lift = -0.32 if face.eye_shape != "droopy" else 0.02
        tip = end + (0.36, lift)
        sweep = smooth([above[-3], (above[-3] + tip) / 2 + (0.05, -0.03), tip], steps=4)
        points = np.concatenate([above[:-3], sweep, [end + (0.13, 0.02), end + (0.02, 0.12)], upper[::-1]])
    outside = skin if eye.side == eye.layer.easel.view.far else None
    eye.layer.blend(eye.put(points), lash, 1.0, outside)
    if not face.has("male"):
        for root, reach in (
            (above[len(above) * 4 // 5] + (0.0, 0.1), (0.24, lift - 0.34)),
            (end - (0.04, 0.0), (0.26, 0.16)),
        ):
            eye.layer.stroke(eye.put([root, end + reach]), (0.013, 0.0), lash, 1.0, outside)
    under = eye.put(lower[len(lower) * 2 // 5 :])
    eye.layer.blend(tress(under, (0.0, 0.005, 0.008, 0.009), 1), lash, 0.85 if not face.has("male") else 0.6)
    top = upper[len(upper) // 5 : -len(upper) // 6] - (0, 0.24 + thick)
    eye.layer.blend(tress(eye.put(top), (0.0, 0.007, 0.007, 0.0), 1), colors.skin.line, 0.7)


def _draw_tears(easel: Easel, size: Proportions, colors: Colors, skin: Mask) -> None:
    """Draws streams of tears with a drop at the end."""
    layer = easel.dome(view.CHEEKS)
    y = size.eye_y + size.eye_height * 0.86
    water, edge = (196, 228, 255), (104, 164, 226)
    for side in (-1, 1):
        x = size.eye_x + 0.012
        stream = [(x, y), (x + 0.012, y + 0.045), (x + 0.008, y + 0.085), (x, y + 0.105)]
        layer.stroke(mirrored(stream, side), (0.03, 0.028, 0.034, 0.024), edge, 0.95, skin)
        layer.stroke(mirrored(stream, side), (0.02, 0.017, 0.022, 0.012), water, 1.0, skin)
        shine = [(x - 0.002, y + 0.02), (x + 0.006, y + 0.06)]
        layer.stroke(mirrored(shine, side), (0.0, 0.007, 0.0), WHITE, 1.0)


def _draw_sweat(easel: Easel, size: Proportions) -> None:
    """Draws a drop of sweat on the temple."""
    layer = easel.dome(view.CHEEKS)
    x, y = 0.214, size.eye_y - 0.052
    drop = smooth(
        [(x, y - 0.046), (x + 0.019, y + 0.002), (x, y + 0.02), (x - 0.019, y + 0.002)], closed=True
    )
    layer.fill((drop - (x, y)) * 1.3 + (x, y), (92, 152, 214))
    layer.fill(drop, (206, 234, 255))
    layer.blend(ellipse((x - 0.006, y - 0.002), (0.005, 0.009), 8), WHITE)
