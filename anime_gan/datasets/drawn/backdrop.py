"""The backgrounds of the drawn faces: light designs in two related colors."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from anime_gan.datasets.drawn.canvas import Canvas, Color, ellipse
from anime_gan.datasets.drawn.parameters import FaceParameters

FRAME = ((-0.51, -0.51), (0.51, -0.51), (0.51, 0.51), (-0.51, 0.51))
RAYS = 12

# (x, y, radius) of stars that the head does not cover.
SPARKLES = (
    (-0.41, -0.38, 0.09), (0.4, -0.42, 0.06), (0.44, -0.2, 0.08), (-0.3, -0.45, 0.04),
    (-0.45, -0.1, 0.05), (0.43, 0.12, 0.05), (-0.43, 0.2, 0.08), (0.3, -0.47, 0.035),
    (0.42, 0.36, 0.06),
)  # fmt: skip


def new_canvas(face: FaceParameters, size: int) -> Canvas:
    """Returns a canvas of `size` pixels with the background of the face."""
    color, light = face.backdrop_colors
    canvas = Canvas(Image.new("RGB", (size, size), color))
    designs = {
        "gradient": _gradient,
        "dots": _dots,
        "sunburst": _sunburst,
        "halves": _halves,
        "stripes": _stripes,
        "circle": _circle,
        "sparkles": _sparkles,
    }
    if face.backdrop in designs:
        designs[face.backdrop](canvas, light, face.side)
    return canvas


def _gradient(canvas: Canvas, light: Color, side: int) -> None:
    canvas.blend(FRAME, light, fade=(0.0, 1.0) if side > 0 else (1.0, 0.0))


def _dots(canvas: Canvas, light: Color, side: int) -> None:
    for row in range(5):
        for column in range(5):
            x = side * (0.25 * column + 0.125 * (row % 2) - 0.5)
            canvas.fill(ellipse((x, 0.25 * row - 0.5), (0.045, 0.045), 16), light)


def _sunburst(canvas: Canvas, light: Color, side: int) -> None:
    for ray in range(RAYS):
        angles = [side * 2 * math.pi * (ray + width) / RAYS for width in (0.0, 0.5)]
        corners = [(math.cos(angle), math.sin(angle)) for angle in angles]
        canvas.fill([(0.0, 0.0), *corners], light)


def _halves(canvas: Canvas, light: Color, side: int) -> None:
    canvas.fill([(-0.6, -0.6), (0.6, -0.6), (-0.6 * side, 0.6)], light)


def _stripes(canvas: Canvas, light: Color, side: int) -> None:
    slant = 0.5 * side
    for x in np.arange(-5, 6) * 0.2:
        top = [(x - slant, -0.55), (x + 0.1 - slant, -0.55)]
        canvas.fill([*top, (x + 0.1 + slant, 0.55), (x + slant, 0.55)], light)


def _circle(canvas: Canvas, light: Color, side: int) -> None:
    canvas.fill(ellipse((0.02 * side, 0.0), (0.46, 0.46), 48), light)


def _sparkles(canvas: Canvas, light: Color, side: int) -> None:
    tips, waists = ellipse((0, 0), (1.0, 1.2), 4), ellipse((0, 0), (0.3, 0.3), 8)[1::2]
    star = np.stack([tips, waists], axis=1).reshape(-1, 2)
    for x, y, reach in SPARKLES:
        canvas.fill(star * reach + (side * x, y), light)
