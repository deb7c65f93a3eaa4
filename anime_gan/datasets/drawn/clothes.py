"""The clothes of the drawn faces: shoulders and collars."""

from __future__ import annotations

import numpy as np

from anime_gan.datasets.drawn import palette
from anime_gan.datasets.drawn.canvas import Canvas, ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.palette import Shades
from anime_gan.datasets.drawn.parameters import FaceParameters

SHOULDER = ((0.098, 0.385), (0.17, 0.408), (0.29, 0.44), (0.38, 0.5), (0.43, 0.66))
NECK = (0.098, 0.385)

# Outfit -> lowest point of the neckline; other outfits have a V-neck.
NECKLINES = {"shirt": 0.395, "hoodie": 0.4, "round": 0.405, "pearls": 0.47}

# Smallest `palette.distance` between the trim and the cloth.
TRIM_CONTRAST = 120.0


def draw_clothes(canvas: Canvas, face: FaceParameters) -> None:
    """Draws the shoulders, the outfit, and its collar."""
    cloth = palette.shades(face.outfit_color)
    accent = face.accent_color
    if palette.distance(accent, cloth.base) < TRIM_CONTRAST:
        accent = palette.mix(cloth.shadow, (60, 40, 90), 0.5)
    trim = palette.shades(accent)

    right = smooth(SHOULDER)
    left_neck = (-NECK[0], NECK[1])
    if face.outfit in NECKLINES:
        low = NECKLINES[face.outfit]
        dip = smooth([left_neck, (-0.06, low - 0.01), (0, low + 0.012), (0.06, low - 0.01), NECK])
    else:
        dip = np.asarray([left_neck, (0.0, 0.52), NECK])
    outline = np.concatenate([dip, right[1:], mirrored(right)[::-1]])
    canvas.shape(outline, cloth.base, cloth.line)
    canvas.blend(outline, cloth.shadow, 0.8, fade=(0.0, 0.9))

    collar = {
        "sailor": _sailor_flap,
        "shirt": _shirt_flap,
        "kimono": _kimono_band,
        "hoodie": _hood,
        "round": _round_band,
        "pearls": _pearls,
    }[face.outfit]
    for side in (-1, 1):
        collar(canvas, side, cloth, trim)
    if face.outfit in ("sailor", "shirt", "pearls"):
        knot = smooth([(-0.03, 0.46), (0.03, 0.46), (0.04, 0.54), (-0.04, 0.54)], closed=True)
        color = trim.shadow if face.outfit == "sailor" else trim.base
        canvas.shape(knot, color, trim.line, 0.006)


def _sailor_flap(canvas: Canvas, side: int, cloth: Shades, trim: Shades) -> None:
    flap = [(0.09, 0.372), (0.2, 0.41), (0.25, 0.56), (0.0, 0.56), (0.0, 0.5)]
    canvas.shape(mirrored(flap, side), trim.base, trim.line, 0.006)
    stripe = mirrored([(0.12, 0.40), (0.18, 0.425), (0.215, 0.52)], side)
    canvas.fill(tress(stripe, (0.01, 0.01), 4), trim.shine)


def _shirt_flap(canvas: Canvas, side: int, cloth: Shades, trim: Shades) -> None:
    flap = mirrored([(0.085, 0.355), (0.115, 0.4), (0.1, 0.47), (0.0, 0.42)], side)
    canvas.shape(flap, cloth.shine, cloth.line, 0.006)


def _kimono_band(canvas: Canvas, side: int, cloth: Shades, trim: Shades) -> None:
    band = mirrored([(0.1, 0.37), (0.05, 0.44), (-0.06, 0.56)], side)
    canvas.shape(tress(band, (0.05, 0.055), 4), trim.base, trim.line, 0.006)


def _hood(canvas: Canvas, side: int, cloth: Shades, trim: Shades) -> None:
    roll = mirrored([(0.0, 0.435), (0.09, 0.42), (0.15, 0.365)], side)
    canvas.shape(tress(roll, (0.06, 0.07, 0.03)), cloth.base, cloth.line, 0.007)
    cord = mirrored([(0.05, 0.44), (0.055, 0.54)], side)
    canvas.fill(tress(cord, (0.014, 0.014), 3), trim.base)


def _round_band(canvas: Canvas, side: int, cloth: Shades, trim: Shades) -> None:
    band = mirrored([(0.0, 0.415), (0.06, 0.402), (0.1, 0.378)], side)
    canvas.shape(tress(band, (0.026, 0.026)), trim.base, trim.line, 0.005)


def _pearls(canvas: Canvas, side: int, cloth: Shades, trim: Shades) -> None:
    for x, y in ((0.105, 0.41), (0.085, 0.445), (0.05, 0.475), (0.0, 0.485)):
        pearl = ellipse((side * x, y), (0.032, 0.026), 16)
        canvas.shape(pearl, palette.WHITE, cloth.line, 0.005)
