"""The hair of a drawn face: back hair, tails, side locks, and fringe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from anime_gan.datasets.drawn.canvas import Canvas, Color, Points, mirrored, smooth, tress
from anime_gan.datasets.drawn.parameters import FaceParameters

# Fringe -> (tip x, tip y, notch x, notch y) of each lock from left to right. The notch is to the right of the
# tip; the last notch is not used.
FRINGES: dict[str, tuple[tuple[float, float, float, float], ...]] = {
    "blunt": (
        (-0.225, 0.03, -0.190, -0.06), (-0.145, -0.012, -0.105, -0.075),
        (-0.062, -0.02, -0.026, -0.08), (0.022, -0.022, 0.056, -0.08),
        (0.100, -0.015, 0.140, -0.072), (0.175, -0.006, 0.205, -0.055), (0.238, 0.035, 0, 0),
    ),
    "spiky": (
        (-0.230, 0.06, -0.195, -0.085), (-0.140, -0.005, -0.075, -0.11),
        (-0.004, 0.05, 0.055, -0.115), (0.095, -0.015, 0.140, -0.1),
        (0.185, 0.0, 0.205, -0.07), (0.240, 0.07, 0, 0),
    ),
    "swept": (
        (-0.238, 0.09, -0.205, -0.05), (-0.175, 0.015, -0.135, -0.085),
        (-0.090, -0.005, -0.030, -0.12), (0.000, -0.025, 0.105, -0.2),
        (0.205, -0.03, 0.218, -0.06), (0.245, 0.06, 0, 0),
    ),
    "parted": (
        (-0.240, 0.09, -0.212, -0.03), (-0.195, 0.0, -0.165, -0.09),
        (-0.120, -0.045, 0.005, -0.235), (0.125, -0.045, 0.168, -0.09),
        (0.195, 0.0, 0.212, -0.03), (0.242, 0.09, 0, 0),
    ),
    "strand": (
        (-0.240, 0.08, -0.205, -0.06), (-0.155, -0.02, -0.070, -0.16),
        (0.014, 0.075, 0.036, -0.155), (0.080, -0.04, 0.110, -0.1),
        (0.165, -0.015, 0.205, -0.06), (0.242, 0.08, 0, 0),
    ),
    "choppy": (
        (-0.236, 0.07, -0.215, -0.01), (-0.185, 0.035, -0.150, -0.07),
        (-0.120, -0.01, -0.085, -0.095), (-0.030, 0.01, 0.000, -0.06),
        (0.028, -0.03, 0.060, -0.12), (0.135, -0.01, 0.170, -0.055),
        (0.200, 0.015, 0.215, -0.03), (0.244, 0.06, 0, 0),
    ),
    "curtain": (
        (-0.242, 0.10, -0.215, -0.02), (-0.196, 0.0, -0.045, -0.21),
        (-0.004, -0.03, 0.042, -0.215), (0.196, 0.0, 0.215, -0.02), (0.242, 0.10, 0, 0),
    ),
}  # fmt: skip

# Style -> center line of the right side lock, and its widths.
SIDE_LOCKS: dict[str, tuple[tuple[tuple[float, float], ...], tuple[float, ...]]] = {
    "short": (
        ((0.255, -0.16), (0.29, -0.03), (0.285, 0.06), (0.255, 0.135)),
        (0.03, 0.07, 0.05, 0.0),
    ),
    "bob": (
        ((0.255, -0.16), (0.305, 0.0), (0.312, 0.13), (0.285, 0.24), (0.225, 0.305)),
        (0.04, 0.085, 0.11, 0.1, 0.0),
    ),
    "long": (
        ((0.255, -0.16), (0.295, 0.0), (0.29, 0.15), (0.275, 0.32), (0.3, 0.5)),
        (0.03, 0.075, 0.085, 0.08, 0.0),
    ),
    "twin_tails": (
        ((0.255, -0.16), (0.288, -0.01), (0.28, 0.12), (0.25, 0.25)),
        (0.03, 0.06, 0.045, 0.0),
    ),
    "ponytail": (
        ((0.255, -0.16), (0.288, -0.01), (0.28, 0.12), (0.25, 0.25)),
        (0.03, 0.06, 0.045, 0.0),
    ),
}

# Style -> right half of the back hair, from the crown to the middle of the lower edge.
BACK_HAIR: dict[str, tuple[tuple[float, float], ...]] = {
    "short": ((0.3, -0.1), (0.318, 0.04), (0.29, 0.14), (0.245, 0.19), (0.16, 0.22), (0.0, 0.22)),
    "bob": ((0.32, -0.1), (0.358, 0.06), (0.365, 0.19), (0.335, 0.29), (0.24, 0.325), (0.0, 0.31)),
    "long": ((0.32, -0.1), (0.35, 0.06), (0.365, 0.22), (0.395, 0.4), (0.4, 0.7), (0.0, 0.7)),
    "twin_tails": ((0.3, -0.1), (0.31, 0.04), (0.27, 0.14), (0.18, 0.2), (0.1, 0.21), (0.0, 0.2)),
    "ponytail": ((0.3, -0.1), (0.31, 0.04), (0.27, 0.14), (0.18, 0.2), (0.1, 0.21), (0.0, 0.2)),
}
# Center lines of the tufts of short hair behind the right cheek.
NAPE_TUFTS = (
    ((0.2, 0.02), (0.27, 0.12), (0.275, 0.26)),
    ((0.24, 0.0), (0.31, 0.1), (0.34, 0.2)),
)

# Angles of the beginning and the tip of each tuft of short hair, in degrees clockwise from the top. The tufts
# are on the right side, from the crown down.
SHORT_TUFTS = ((9, 34), (33, 60), (57, 84), (80, 106), (101, 126))


def _cap(face: FaceParameters) -> np.ndarray:
    """Returns the outer edge of the hair over the skull, from the left temple to the right."""
    if face.hair_style == "short":
        right = _tufted_half(face, face.wobble[:5])
        left = mirrored(_tufted_half(face, face.wobble[5:10]))
    else:
        half = [(0.0, -0.392), (0.14, -0.368), (0.255, -0.285), (0.313, -0.16), (0.322, -0.04)]
        right = smooth(np.asarray([*half, (0.298, 0.07)]) * face.hair_volume)
        left = mirrored(right)
    return np.concatenate([left[::-1], right])


def _tufted_half(face: FaceParameters, wobble: Sequence[float]) -> np.ndarray:
    """Returns the right half of the edge of short hair, from the crown to the temple."""
    pieces = [np.asarray([(0.0, -0.385)])]
    for (start, end), change in zip(SHORT_TUFTS, wobble, strict=True):
        angles = np.radians([start, (start + end) / 2, end + 2 * change])
        reach = np.asarray([0.325, 0.372, 0.395 + 0.012 * change]) * face.hair_volume
        points = np.stack([np.sin(angles), -np.cos(angles)], 1) * reach[:, None]
        pieces.append(smooth(points + (0.0, -0.06), steps=4))
    return np.concatenate([*pieces, [(0.285, 0.07)]])


class Fringe(NamedTuple):
    """The lower edge of the fringe from right to left, and the notches [n, 2] between its locks."""

    edge: np.ndarray
    notches: np.ndarray


def shape_fringe(face: FaceParameters) -> Fringe:
    """Returns the shape of the fringe, for the hair and for its shadow."""
    locks = np.asarray(FRINGES[face.fringe])
    tips, notches = locks[:, :2].copy(), locks[:-1, 2:].copy()
    wobble = np.asarray(face.wobble)
    tips += np.stack([wobble[: len(tips)] * 0.008, wobble[8 : 8 + len(tips)] * 0.01], 1)
    if face.side < 0:
        tips, notches = mirrored(tips)[::-1], mirrored(notches)[::-1]
    start, end = np.asarray([[-0.285, -0.02]]), np.asarray([[0.285, -0.02]])
    edges = np.concatenate([start, notches, end])
    t = (np.arange(1, 7) / 6)[:, None]
    pieces = []
    for left, tip, right in zip(edges[:-1], tips, edges[1:], strict=True):
        for first, last, near in ((left, tip, left), (tip, right, right)):
            bend = near * (0.8, 0.4) + tip * (0.2, 0.6)
            pieces.append(first * (1 - t) ** 2 + 2 * t * (1 - t) * bend + last * t**2)
    return Fringe(np.concatenate([start, *pieces])[::-1], notches)


def draw_back_hair(canvas: Canvas, face: FaceParameters) -> None:
    """Draws the hair behind the neck and the shoulders."""
    hair = face.hair
    right = np.asarray(BACK_HAIR[face.hair_style])
    points = np.concatenate([[(0.0, -0.36), (0.22, -0.28)], right, mirrored(right[-2::-1])])
    outline = smooth(np.concatenate([points, [(-0.22, -0.28)]]), closed=True)
    canvas.shape(outline, hair.shadow, hair.line)
    clip = canvas.mask(outline)
    canvas.blend(outline, hair.line, 0.5, fade=(0.0, 0.7 if face.hair_style == "long" else 1.0))
    for side in (-1, 1):
        if face.hair_style == "short":
            for tuft in NAPE_TUFTS:
                outline = tress(mirrored(tuft, side), (0.1, 0.09, 0.0))
                canvas.shape(outline, hair.shadow, hair.line)
        elif face.hair_style == "long":
            _draw_long_strands(canvas, face, side, clip)


def _draw_long_strands(canvas: Canvas, face: FaceParameters, side: int, clip: Image.Image) -> None:
    """Draws the bright outer strands of long hair and a few lines along them."""
    hair = face.hair
    rim = np.asarray([(0.315, -0.1), (0.335, 0.1), (0.36, 0.3), (0.375, 0.7)])
    canvas.blend(tress(mirrored(rim, side), (0.04, 0.055, 0.07, 0.07)), hair.base, 1.0, clip)
    for offset in (0.0, 0.05):
        strand = mirrored(rim - (offset, 0.0), side)
        canvas.blend(tress(strand, (0.0, 0.006, 0.009, 0.006)), hair.line, 0.7)


def draw_tails(canvas: Canvas, face: FaceParameters) -> None:
    """Draws twin tails or a ponytail, behind the head and over the shoulders."""
    if face.hair_style == "twin_tails":
        for side in (-1, 1):
            _draw_tail(canvas, face, side, [(0.27, -0.2), (0.375, -0.19), (0.425, -0.02),
                                            (0.43, 0.18), (0.38, 0.42)])  # fmt: skip
    elif face.hair_style == "ponytail":
        _draw_tail(canvas, face, face.side, [(0.13, -0.34), (0.28, -0.4), (0.4, -0.27),
                                             (0.435, -0.02), (0.37, 0.26)])  # fmt: skip


def _draw_tail(canvas: Canvas, face: FaceParameters, side: int, points: Points) -> None:
    """Draws one bundle of hair with several tips, and the tie at its root."""
    hair, line = face.hair, np.asarray(points)
    line[2:] += np.asarray(face.wobble[12:18]).reshape(3, 2) * (0.016, 0.03)
    widths = (0.06, 0.13, 0.15, 0.13, 0.0)
    for offset, tone in ((0.055, hair.shadow), (-0.05, hair.shadow), (0.0, hair.base)):
        bend = np.linspace(0, 1, len(line))[:, None] * (offset, -abs(offset) * 0.9)
        outline = tress(mirrored(line + bend, side), widths, 10)
        canvas.shape(outline, tone, hair.line)
    clip = canvas.mask(outline)
    canvas.blend(outline, hair.shadow, 0.9, fade=(0.0, 1.0))
    inner = tress(mirrored(line + (-0.035, 0.02), side), (0.03, 0.04, 0.05, 0.05, 0.0))
    canvas.blend(inner, hair.shadow, 0.8, clip)
    shine = tress(mirrored(line[1:4] + (0.02, 0.0), side), (0.0, 0.035, 0.0), 10)
    canvas.blend(shine, hair.shine, 0.7, clip)
    tie = mirrored([line[0] + (0.012, -0.045), line[0] + (0.03, 0.05)], side)
    canvas.fill(tress(tie, (0.048, 0.048), 3), hair.line)


def draw_front_hair(canvas: Canvas, face: FaceParameters, fringe: Fringe) -> None:
    """Draws the crown, the side locks, and the fringe over the face."""
    hair = face.hair
    for side in (-1, 1):
        _draw_side_lock(canvas, face, side)
    _draw_ahoge(canvas, face)
    outline = np.concatenate([_cap(face), fringe.edge])
    canvas.shape(outline, hair.base, hair.line)
    clip = canvas.mask(outline)
    canvas.blend(outline, hair.shadow, 0.6, fade=(-0.8, 1.0))
    canvas.glow((face.side * 0.07, -0.29), (0.2, 0.13), hair.shine, 0.3, clip)
    _draw_rim_shadow(canvas, face, clip)
    _draw_highlight(canvas, face, clip)
    whorl = np.asarray([face.side * 0.05, -0.33])
    for notch, change in zip(fringe.notches, face.wobble, strict=False):
        angle = np.linspace(-0.12, 0.85 + 0.25 * change, 5)
        flow = whorl + (notch - whorl) * np.stack([np.cos(angle), 1 - np.sin(angle)], 1)
        canvas.fill(tress(flow, (0.002, 0.014, 0.01, 0.006, 0.0)), hair.line)


def _draw_rim_shadow(canvas: Canvas, face: FaceParameters, clip: Image.Image) -> None:
    """Draws shadows on both sides of the crown, which make it look round."""
    for side in (-1, 1):
        rim = [(0.34, 0.08), (0.36, -0.18), (0.25, -0.33), (0.285, -0.18), (0.268, -0.04)]
        shadow = smooth(mirrored(rim, side), closed=True)
        canvas.blend(shadow, face.hair.shadow, 0.75, clip)


def cast_shadow(
    canvas: Canvas, face: FaceParameters, fringe: Fringe, clip: Image.Image, color: Color
) -> None:
    """Draws the shadow of the fringe and the side locks on the skin inside `clip`."""
    shadow = np.concatenate([[(-0.3, -0.28), (0.3, -0.28)], fringe.edge + (0.0, 0.028)])
    canvas.blend(shadow, color, 1.0, clip)
    points, widths = SIDE_LOCKS[face.hair_style]
    for side in (-1, 1):
        lock = tress(mirrored(points, side), widths) - (side * 0.018, -0.006)
        canvas.blend(lock, color, 1.0, clip)


def _draw_side_lock(canvas: Canvas, face: FaceParameters, side: int) -> None:
    """Draws the lock in front of one ear, with one line of shadow."""
    hair = face.hair
    points, widths = SIDE_LOCKS[face.hair_style]
    middle = mirrored(points, side) * (face.hair_volume, 1)
    middle[-1, 0] += face.wobble[16 + side] * 0.015
    outline = tress(middle, widths)
    canvas.shape(outline, hair.base, hair.line)
    clip = canvas.mask(outline)
    canvas.blend(outline, hair.shadow, 0.7, clip, fade=(0.2, 1.0))
    stripe = tress(middle + (side * 0.012, 0.0), np.asarray(widths) * 0.3)
    canvas.blend(stripe, hair.line, 0.35, clip)


def _draw_ahoge(canvas: Canvas, face: FaceParameters) -> None:
    """Draws the ahoge, a single strand that stands up, if the face has one."""
    hair = face.hair
    if face.ahoge and not face.hat:
        points = [(0.0, -0.36), (0.01, -0.43), (0.07, -0.46), (0.125, -0.42)]
        strand = tress(mirrored(points, face.side), (0.03, 0.03, 0.02, 0.0))
        canvas.shape(strand, hair.base, hair.line, 0.007)


def _draw_highlight(canvas: Canvas, face: FaceParameters, clip: Image.Image) -> None:
    """Draws the zigzag highlight around the crown."""
    teeth, samples = 9, 7
    x = np.linspace(-0.24, 0.24, teeth * samples)
    tooth = np.arange(len(x)) // samples
    length = 0.75 + 0.45 * np.asarray(face.wobble)[tooth]
    peak = (1 - np.abs(np.linspace(-1, 1, samples)))[np.arange(len(x)) % samples] ** 1.4
    swell = np.sqrt(np.maximum(0, 1 - (x / 0.24) ** 2))
    middle = -0.225 + 1.0 * x**2
    upper = middle - (0.008 + 0.02 * peak * length) * swell
    lower = middle + (0.008 + 0.045 * peak * length) * swell
    band = np.concatenate([np.stack([x, upper], 1), np.stack([x, lower], 1)[::-1]])
    canvas.blend(band, face.hair.shine, 0.85, clip)
