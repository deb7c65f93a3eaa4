"""Snaps pictures to few colors, so that what a model drew in the style of pixel art is pixel art again."""

from __future__ import annotations

import numpy as np
from PIL import Image

from anime_gan.common.alpha import has_alpha, premultiplied, straight_alpha

MIN_COLORS, MAX_COLORS = 2, 256
# Sides of the squares that a model may have learned to draw instead of pixels.
SQUARES = (4, 3, 2)
# Inside of squares, neighbors differ by at most this share of what they differ by at the edges.
INSIDE = 0.4
ROUNDS = 10


def snapped(image: np.ndarray, colors: int) -> np.ndarray:
    """Returns a picture with few colors, hard edges, and even squares if it consists of squares.

    Args:
        image: uint8 [h, w, 3 or 4], RGB or RGBA with straight alpha.
        colors: Number of colors of the result, not counting transparent pixels.

    Returns:
        uint8 of the same shape; alpha is 0 or 255.
    """
    square = find_squares(image)
    small = _averaged(image, square) if square > 1 else image
    visible = small[..., 3] >= 128 if has_alpha(small) else np.ones(small.shape[:2], bool)
    result = small.copy()
    if np.any(visible):
        # A picture of one row with the visible pixels only: others must not use up colors.
        row = Image.fromarray(np.ascontiguousarray(small[visible][np.newaxis, :, :3]))
        few = row.quantize(colors, Image.Quantize.MEDIANCUT, ROUNDS, dither=Image.Dither.NONE)
        result[visible, :3] = np.asarray(few.convert("RGB"))[0]
    if has_alpha(small):
        result[..., 3] = np.where(visible, 255, 0)
    return result.repeat(square, axis=0).repeat(square, axis=1)


def find_squares(image: np.ndarray) -> int:
    """Returns the side of the squares that a picture consists of; 1 if it does not."""
    pixels = np.asarray(premultiplied(image))
    steps = [np.abs(np.diff(pixels, axis=axis)).sum(axis=(1 - axis, 2)) for axis in (0, 1)]
    for square in SQUARES:
        if len(image) % square:
            continue
        # The mean difference between neighbors by their place in a square; the first place is an edge.
        at_edges, *inside = [
            np.mean([step[place - 1 :: square].mean() for step in steps])
            for place in (square, *range(1, square))
        ]
        if max(inside) < INSIDE * at_edges:
            return square
    return 1


def _averaged(image: np.ndarray, square: int) -> np.ndarray:
    """Replaces each square by one pixel."""
    height, width, channels = image.shape
    pixels = np.asarray(premultiplied(image)).reshape(
        height // square, square, width // square, square, channels
    )
    small = np.rint(pixels.mean(axis=(1, 3))).astype(np.uint8)
    return straight_alpha(small) if channels == 4 else small
