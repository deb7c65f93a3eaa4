"""Converts pixels of networks to pixels of files in NumPy, like `anime_gan.models.pixels`."""

from __future__ import annotations

import numpy as np


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Converts pixels and rounds to the nearest value; transparent pixels get colors of their surroundings.

    Args:
        images: float32 [n, h, w, 3 or 4] in [-1, 1] with premultiplied alpha, if there is alpha. Values
            outside the range are clipped.

    Returns:
        uint8 of the same shape, with straight alpha.
    """
    images = np.clip(images, np.float32(-1), np.float32(1))
    if images.shape[-1] == 4:
        images = _straight(images * np.float32(0.5) + np.float32(0.5)) * np.float32(2) - np.float32(1)
    return np.rint(images * np.float32(127.5) + np.float32(127.5)).astype(np.uint8)


def _straight(images: np.ndarray) -> np.ndarray:
    """Divides colors by alpha and fills transparent areas; see `anime_gan.models.pixels`."""
    visible = images * (images[..., 3:] >= 0.5 / 255.0)
    levels = [visible]
    while max(levels[-1].shape[1:3]) > 1:
        levels.append(_halved(levels[-1]))
    colors = np.zeros_like(levels[-1][..., :3])
    for level in reversed(levels):
        alpha = level[..., 3:]
        height, width = level.shape[1:3]
        # The nearest center of a pixel, as in `tf.image.resize`.
        rows = (2 * np.arange(height) + 1) * colors.shape[1] // (2 * height)
        columns = (2 * np.arange(width) + 1) * colors.shape[2] // (2 * width)
        filled = colors[:, rows[:, np.newaxis], columns]
        straight = np.minimum(level[..., :3] / np.where(alpha > 0, alpha, 1), np.float32(1))
        colors = np.where(alpha > 0, straight, filled)
    return np.concatenate([colors, images[..., 3:]], axis=-1)


def _halved(images: np.ndarray) -> np.ndarray:
    """Averages blocks of 2x2 pixels; at an odd edge, of the pixels that are there."""
    count, height, width, channels = images.shape
    odd = ((0, 0), (0, height % 2), (0, width % 2), (0, 0))
    cells = np.pad(images, odd, mode="edge").reshape(count, -(-height // 2), 2, -(-width // 2), 2, channels)
    return np.asarray(cells.mean(axis=(2, 4), dtype=np.float32))
