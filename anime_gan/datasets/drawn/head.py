"""The head of a drawn face: outline, ears, neck, nose, mouth, and blush."""

from __future__ import annotations

import numpy as np
from PIL import Image

from anime_gan.datasets.drawn import palette
from anime_gan.datasets.drawn.canvas import Canvas, Color, ellipse, mirrored, smooth, tress
from anime_gan.datasets.drawn.parameters import FaceParameters

MOUTH_Y = 0.205
NECK_HALF_WIDTH = 0.078


def head_outline(face: FaceParameters) -> np.ndarray:
    """Returns the outline of the head, from skull to chin."""
    jaw = face.jaw_width
    half = [
        (0.0, -0.31),
        (0.17, -0.27),
        (0.255, -0.14),
        (0.268, 0.02),
        (0.256, 0.12),
        (0.203 * jaw, 0.201),
        (0.11 * jaw, 0.265 + face.chin * 0.7),
        (0.03, 0.303 + face.chin),
    ]
    points = half + [(-x, y) for x, y in reversed(half[1:])]
    return smooth(np.asarray(points) * (face.head_width, 1), closed=True)


def draw_neck(canvas: Canvas, face: FaceParameters) -> None:
    """Draws the neck and the upper chest, before the clothes."""
    skin, shadow, line, _ = palette.SKIN[face.skin]
    half = [(NECK_HALF_WIDTH, 0.2), (NECK_HALF_WIDTH * 0.94, 0.34), (0.1, 0.4), (0.26, 0.45)]
    right = smooth([*half, (0.36, 0.62)])
    outline = np.concatenate([right, mirrored(right)[::-1]])
    canvas.shape(outline, skin, line, 0.006)
    chin = head_outline(face) * (0.86, 1) + (0, 0.062)
    canvas.blend(chin, shadow, 1.0, clip=canvas.mask(outline))


def draw_head(canvas: Canvas, face: FaceParameters) -> Image.Image:
    """Draws the ears and the head.

    Returns:
        The mask of the head, for shadows on it.
    """
    skin, shadow, line, _ = palette.SKIN[face.skin]
    for side in (-1, 1):
        ear = [(0.25, 0.03), (0.285, 0.005), (0.302, 0.035), (0.288, 0.1), (0.258, 0.135)]
        canvas.shape(smooth(mirrored(ear, side), closed=True), skin, line, 0.006)
        canvas.blend(ellipse((side * 0.279, 0.062), (0.011, 0.032)), shadow)
    outline = head_outline(face)
    canvas.shape(outline, skin, line, 0.006)
    return canvas.mask(outline)


def draw_blush(canvas: Canvas, face: FaceParameters, clip: Image.Image) -> None:
    """Draws blushing cheeks with a few strokes, if the face has blush."""
    if not face.blush:
        return
    blush = palette.SKIN[face.skin][3]
    for side in (-1, 1):
        canvas.glow((side * 0.168, 0.163), (0.085, 0.05), blush, 0.72, clip)
        for step in (-1, 0, 1):
            x = side * 0.168 + step * 0.03
            stroke = tress([(x + 0.009, 0.148), (x - 0.009, 0.178)], (0.002, 0.008, 0.002), 4)
            canvas.blend(stroke, palette.mix(blush, (200, 30, 60), 0.35), 0.7, clip)


def draw_nose(canvas: Canvas, face: FaceParameters) -> None:
    """Draws a small nose: a shadow and a short line."""
    _, shadow, line, _ = palette.SKIN[face.skin]
    side = face.side
    wedge = smooth([(0.0, 0.125), (side * 0.014, 0.15), (side * 0.002, 0.158)], steps=4)
    canvas.blend(wedge, shadow)
    tip = [(side * 0.012, 0.146), (-side * 0.004, 0.157)]
    canvas.blend(tress(tip, (0, 0.009, 0), 4), line, 0.8)


def draw_mouth(canvas: Canvas, face: FaceParameters) -> None:
    """Draws one of four mouths: open or closed, smiling or not."""
    _, shadow, line, _ = palette.SKIN[face.skin]
    dark = palette.mix(line, (90, 16, 34), 0.55)
    y = MOUTH_Y + face.chin * 0.5
    if face.open_mouth:
        _draw_open_mouth(canvas, face, y, dark)
    elif face.smile:
        curve = [(-0.062, y - 0.016), (-0.036, y + 0.006), (0, y + 0.014), (0.036, y + 0.006)]
        canvas.fill(tress([*curve, (0.062, y - 0.016)], (0.008, 0.013, 0.016, 0.013, 0.008)), dark)
        canvas.blend(ellipse((0, y + 0.036), (0.022, 0.005), 12), shadow)
    else:
        curve = [(-0.03, y + 0.003), (0, y), (0.03, y + 0.003)]
        canvas.fill(tress(curve, (0.006, 0.014, 0.006)), dark)
        canvas.blend(ellipse((0, y + 0.03), (0.018, 0.005), 12), shadow)


def _draw_open_mouth(canvas: Canvas, face: FaceParameters, y: float, dark: Color) -> None:
    """Draws an open mouth: wide if smiling, otherwise a small "o"."""
    inside: Color = (166, 44, 62)
    tongue: Color = (246, 122, 124)
    if face.smile:
        top = smooth([(-0.066, y - 0.022), (0, y - 0.01), (0.066, y - 0.022)])
        bottom = smooth([(0.066, y - 0.022), (0.046, y + 0.03), (0, y + 0.05), (-0.046, y + 0.03)])
        outline = np.concatenate([top, bottom[1:], [(-0.066, y - 0.022)]])
    else:
        outline = ellipse((0, y + 0.012), (0.03, 0.034))
    canvas.shape(outline, inside, dark, 0.007)
    clip = canvas.mask(outline)
    canvas.blend(ellipse((0, y + 0.052), (0.042, 0.026)), tongue, 1.0, clip)
    if face.smile:
        teeth = [(-0.05, y - 0.03), (0.05, y - 0.03), (0.04, y - 0.001), (-0.04, y - 0.001)]
        canvas.blend(smooth(teeth, closed=True), palette.WHITE, 1.0, clip)
