"""The eyes of a drawn face, with brows and glasses."""

from __future__ import annotations

import functools
import math

import numpy as np
from PIL import Image

from anime_gan.datasets.drawn import palette
from anime_gan.datasets.drawn.canvas import Canvas, Color, Points, ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.parameters import FaceParameters

EYE_X = 0.134
EYE_Y = 0.06
EYE_RADII = (0.074, 0.09)
IRIS_RADII = (0.058, 0.083)
EYE_WHITE: Color = (252, 251, 255)


def _placed(points: Points, face: FaceParameters, side: int) -> np.ndarray:
    """Maps points of a unit eye (inner corner at x = -1, outer corner at x = 1) to the face."""
    x, y = np.asarray(points, float).T
    y = y - 0.16 * face.eye_slant * x
    scaled = np.stack([x * EYE_RADII[0] * face.eye_width, y * EYE_RADII[1] * face.eye_height], 1)
    return mirrored(scaled + (EYE_X, EYE_Y), side)


@functools.lru_cache(maxsize=1)
def _lids() -> tuple[np.ndarray, np.ndarray]:
    """Returns the upper and lower lids of the unit eye, from the inner to the outer corner."""
    upper = smooth([(-0.98, 0.1), (-0.8, -0.5), (-0.3, -0.93), (0.3, -0.95), (0.8, -0.5), (1, 0.1)])
    lower = smooth([(-0.98, 0.1), (-0.7, 0.72), (-0.1, 0.98), (0.5, 0.88), (0.86, 0.5), (1, 0.1)])
    return upper, lower


def draw_eyes(canvas: Canvas, face: FaceParameters) -> None:
    """Draws both eyes with their lashes."""
    for side in (-1, 1):
        upper, lower = _lids()
        outline = _placed(np.concatenate([upper, lower[-2:0:-1]]), face, side)
        canvas.fill(outline, EYE_WHITE)
        clip = canvas.mask(outline)
        _draw_iris(canvas, face, side, clip)
        shade = _placed(np.concatenate([upper - (0, 0.3), upper[::-1] + (0, 0.2)]), face, side)
        canvas.blend(shade, (70, 60, 110), 0.42, clip)
        _draw_catch_lights(canvas, face, side)
        _draw_lashes(canvas, face, side)


def _iris_center(face: FaceParameters, side: int) -> tuple[float, float]:
    return side * (EYE_X - 0.004) + face.gaze[0], EYE_Y + 0.004 + face.gaze[1]


def _draw_iris(canvas: Canvas, face: FaceParameters, side: int, clip: Image.Image) -> None:
    """Draws the iris and the pupil: dark at the top, bright at the bottom, with a darker rim."""
    base = palette.tinted(palette.EYES[face.eye_color], face.eye_tint)
    dark = palette.mix(palette.mix(base, (20, 8, 40), 0.62), base, 0.1)
    light = palette.mix(base, palette.WHITE, 0.42)
    x, y = _iris_center(face, side)
    wide, high = IRIS_RADII[0] * face.eye_width, IRIS_RADII[1] * face.eye_height
    canvas.blend(ellipse((x, y), (wide, high)), dark, 1.0, clip)
    inner = ellipse((x, y + 0.002), (wide * 0.86, high * 0.9))
    canvas.blend(inner, base, 1.0, clip, fade=(0.25, 1.6))
    glow = ellipse((x, y + high * 0.56), (wide * 0.62, high * 0.3))
    canvas.blend(glow, light, 0.7)
    glow = ellipse((x, y + high * 0.64), (wide * 0.46, high * 0.2))
    canvas.blend(glow, palette.mix(light, palette.WHITE, 0.3), 0.7)
    canvas.blend(ellipse((x, y - high * 0.04), (wide * 0.36, high * 0.4)), dark)
    canvas.blend(ellipse((x, y - high * 0.06), (wide * 0.24, high * 0.28)), palette.INK, 0.75)


def _draw_catch_lights(canvas: Canvas, face: FaceParameters, side: int) -> None:
    """Draws a large and a small catch light, at the same place in both eyes."""
    x, y = _iris_center(face, side)
    light = face.side
    canvas.fill(ellipse((x - light * 0.019, y - 0.034), (0.0175, 0.021), 16), palette.WHITE)
    canvas.fill(ellipse((x + light * 0.021, y + 0.033), (0.0095, 0.011), 12), palette.WHITE)


def _draw_lashes(canvas: Canvas, face: FaceParameters, side: int) -> None:
    """Draws the thick upper lash with its wing, the lower lash, and the crease of the lid."""
    lash = palette.mix(palette.INK, face.hair.line, 0.35)
    upper, lower = _lids()
    above = smooth([(1.42, -0.5), (1.12, -0.66), (0.8, -1.0), (0.3, -1.27), (-0.3, -1.2),
                    (-0.85, -0.7), (-1.08, 0.14)])  # fmt: skip
    wing = [(1.0, 0.24), (1.26, 0.08), (1.14, -0.12)]
    canvas.fill(_placed(np.concatenate([upper, wing, above]), face, side), lash)
    under = _placed(lower[len(lower) // 3 :], face, side)
    canvas.blend(tress(under, (0.0, 0.006, 0.009, 0.009), 1), lash, 0.85)
    crease = _placed([(-0.62, -1.22), (0.0, -1.5), (0.62, -1.36), (0.98, -1.05)], face, side)
    line = palette.SKIN[face.skin][2]
    canvas.blend(tress(crease, (0.0, 0.008, 0.008, 0.0)), line, 0.75)


def draw_brows(canvas: Canvas, face: FaceParameters) -> None:
    """Draws the eyebrows over the fringe, as is usual in anime."""
    color = palette.mix(face.hair.line, face.hair.shadow, 0.25)
    angle = math.radians(face.brow_angle)
    y = -0.082 - face.brow_lift
    for side in (-1, 1):
        points = np.asarray([(-0.055, 0.01), (-0.01, -0.008), (0.035, -0.008), (0.068, 0.014)])
        points[:, 1] -= points[:, 0] * math.tan(angle)
        brow = mirrored(points + (EYE_X + 0.006, y), side)
        canvas.blend(tress(brow, (0.008, 0.015, 0.012, 0.0)), color, 0.9)


def draw_glasses(canvas: Canvas, face: FaceParameters) -> None:
    """Draws glasses, if the face has them."""
    if not face.glasses:
        return
    color, y = face.glasses_color, EYE_Y + 0.012
    for side in (-1, 1):
        x = side * (EYE_X + 0.002)
        if face.glasses_kind == "round":
            rim = ellipse((x, y), (0.112, 0.108), 32)
        else:
            corner = [(-0.1, -0.07), (0, -0.082), (0.106, -0.076), (0.112, 0.0)]
            corner += [(0.09, 0.08), (0, 0.092), (-0.084, 0.08), (-0.108, 0.0)]
            rim = smooth(mirrored(corner, side) + (x, y), closed=True)
        glare = np.asarray([(-0.02, -0.085), (0.035, -0.085), (-0.035, 0.085), (-0.09, 0.085)])
        canvas.blend(glare + (x, y), palette.WHITE, 0.16, canvas.mask(rim))
        canvas.fill(tress(np.concatenate([rim, rim[:1]]), (0.0165, 0.0165), 1), color)
        temple = [(side * 0.24, y - 0.03), (side * 0.266, y - 0.036)]
        canvas.fill(tress(temple, (0.014, 0.012), 2), color)
    bridge = [(-0.024, y - 0.01), (0, y - 0.022), (0.024, y - 0.01)]
    canvas.fill(tress(bridge, (0.015, 0.015)), color)
