"""The headwear of the drawn faces: hats and ribbons."""

from __future__ import annotations

import numpy as np

from anime_gan.datasets.drawn import palette
from anime_gan.datasets.drawn.canvas import Canvas, Pose, ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.palette import Shades
from anime_gan.datasets.drawn.parameters import FaceParameters

# Colors with a smaller sum of red, green, and blue are dark.
DARK = 400


def draw_hat(canvas: Canvas, face: FaceParameters) -> None:
    """Draws the hat, if the face has one; the fringe and the sides of the hair stay visible."""
    if face.hat:
        draw = {"beret": _draw_beret, "sunhat": _draw_sunhat, "beanie": _draw_beanie}
        draw[face.hat_kind](canvas, face, palette.shades(face.hat_color))


def _cast_shadow(canvas: Canvas, face: FaceParameters, outline: np.ndarray, width: float) -> None:
    """Draws the shadow of a hat on the hair; `width` is relative to the width of the outline."""
    canvas.blend(outline * (width, 1.0) + (0.0, 0.026), face.hair.line, 0.42)


def _draw_dome(canvas: Canvas, hat: Shades, width: float, top: float, base: float) -> None:
    """Draws the part of a hat over the crown; `width` is half the width of that part."""
    half = [(width, base), (width * 0.97, base - 0.1), (width * 0.72, top + 0.04), (0.0, top)]
    arch = smooth(np.concatenate([half, mirrored(half)[-2::-1]]))
    outline = np.concatenate([arch, [(0.0, base - 0.1)]])
    canvas.shape(outline, hat.base, hat.line)
    canvas.blend(outline, hat.shadow, 0.9, fade=(-0.7, 0.9))


def _draw_beret(canvas: Canvas, face: FaceParameters, hat: Shades) -> None:
    points = [(0.3, -0.24), (0.37, -0.3), (0.34, -0.4), (0.2, -0.46), (0.0, -0.465)]
    points += [(-0.2, -0.43), (-0.31, -0.3), (-0.28, -0.22), (-0.15, -0.285), (0.0, -0.3)]
    outline = smooth(mirrored([*points, (0.15, -0.28)], face.side), closed=True)
    _cast_shadow(canvas, face, outline, 0.92)
    canvas.shape(outline, hat.base, hat.line)
    canvas.blend(outline, hat.shadow, fade=(-0.8, 1.0))
    canvas.glow((-face.side * 0.05, -0.41), (0.14, 0.04), hat.shine, 0.35)
    stem = tress(mirrored([(0.02, -0.455), (0.035, -0.495)], face.side), (0.022, 0.016), 3)
    canvas.shape(stem, hat.base, hat.line, 0.006)


def _draw_sunhat(canvas: Canvas, face: FaceParameters, hat: Shades) -> None:
    half = [(0.0, -0.235), (0.34, -0.175), (0.46, -0.16), (0.36, -0.26), (0.0, -0.34)]
    brim = smooth(np.concatenate([half, mirrored(half)[-2:0:-1]]), closed=True)
    band = [(-0.27, -0.27), (-0.14, -0.32), (0, -0.335), (0.14, -0.32), (0.27, -0.27)]
    _draw_dome(canvas, hat, 0.27, -0.475, -0.235)
    canvas.fill(tress(band, (0.05, 0.06, 0.05)), hat.shine if sum(hat.base) < DARK else hat.line)
    _cast_shadow(canvas, face, brim, 0.7)
    canvas.shape(brim, hat.base, hat.line)


def _draw_beanie(canvas: Canvas, face: FaceParameters, hat: Shades) -> None:
    light = palette.mix(hat.base, palette.WHITE, 0.35)
    _draw_dome(canvas, hat, 0.325, -0.45, -0.17)
    for x in (-0.16, 0.0, 0.16):
        rib = tress([(x * 0.6, -0.45), (x, -0.37), (x * 1.1, -0.26)], (0.006, 0.008), 4)
        canvas.blend(rib, hat.line, 0.6)
    fold = [(-0.325, -0.16), (-0.2, -0.235), (0.0, -0.265), (0.2, -0.235), (0.325, -0.16)]
    cuff = tress(fold, (0.055, 0.085, 0.09, 0.085, 0.055))
    _cast_shadow(canvas, face, cuff, 0.93)
    canvas.shape(cuff, light, hat.line)
    canvas.shape(ellipse((0.0, -0.465), (0.05, 0.045)), light, hat.line)


def draw_ribbon(canvas: Canvas, face: FaceParameters) -> None:
    """Draws the hair ribbon, if the face has one; with a hat, the ribbon sits lower on the head."""
    if not face.ribbon:
        return
    bow, side = palette.shades(face.ribbon_color), -face.side
    center, tilt = ((0.31, -0.1), 70.0) if face.hat else ((0.235, -0.275), 40.0)

    def put(points: np.ndarray, degrees: float = tilt) -> np.ndarray:
        turned = Pose(tilt=side * degrees, pivot=(0.0, 0.0)).apply(points)
        return turned + (side * center[0], center[1])

    end = [(0, 0), (0.05, 0.06), (0.085, 0.15), (0.05, 0.135), (0.025, 0.155), (0.01, 0.05)]
    loop = [(0.0, 0.0), (0.07, -0.075), (0.14, -0.08), (0.155, 0.0), (0.13, 0.07), (0.06, 0.045)]
    crease = [(0.02, 0.0), (0.07, 0.0), (0.11, 0.015)]
    for half in (-1, 1):
        canvas.shape(put(mirrored(end, half), 6.0), bow.shadow, bow.line, 0.007)
    for half in (-1, 1):
        canvas.shape(put(smooth(mirrored(loop, half), closed=True)), bow.base, bow.line)
        canvas.fill(tress(put(mirrored(crease, half)), (0.03, 0.02, 0)), bow.shadow)
    canvas.shape(put(ellipse((0.0, 0.0), (0.032, 0.036), 16)), bow.base, bow.line)
