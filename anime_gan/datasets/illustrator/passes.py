"""Passes over the finished picture: ambient light, rim light, glow, and the grain of the paper."""

from __future__ import annotations

import functools
import math

import numpy as np
from PIL import Image, ImageFilter

from anime_gan.datasets.illustrator.looks import Look

# Reach of the rim light and of the glow, in shares of the picture.
_RIM, _BLOOM = 0.022, 0.03


def finish(picture: np.ndarray, look: Look, side: int) -> np.ndarray:
    """Applies the passes of a style to a picture; alpha stays as it is.

    Args:
        picture: Premultiplied RGBA, uint8 [size, size, 4].
        look: The style.
        side: -1 mirrors the direction of the light.
    """
    if (
        look.ambient is None
        and look.rim is None
        and look.bounce is None
        and not look.bloom
        and not look.grain
    ):
        return picture
    values = picture.astype(np.float32)
    color, alpha = values[..., :3], values[..., 3:]
    size = len(picture)
    if look.ambient is not None:
        # The light of the night is a little brighter at the top.
        height = np.linspace(1.12, 0.86, size, dtype=np.float32)[:, None, None]
        color *= height * (np.asarray(look.ambient, np.float32) / 255)
        # The darkest parts reflect the sky.
        color += (alpha - color) * (0.1 * np.asarray(look.ambient, np.float32) / 255)
    if look.rim is not None:
        rim = _rim(picture[..., 3], side)[..., None] * alpha
        color += rim * ((np.asarray(look.rim, np.float32) / 255) * 0.95 - 0.6 * color / 255)
    if look.bounce is not None:
        rim = _rim(picture[::-1, :, 3], -side)[::-1, :, None] * alpha
        color += 0.3 * rim * ((np.asarray(look.bounce, np.float32) / 255) - color / 255)
    if look.bloom:
        radius = max(0.6, _BLOOM * size)
        blurred = Image.fromarray(picture[..., :3]).filter(ImageFilter.BoxBlur(radius))
        light = np.maximum(np.asarray(blurred, np.float32) - 120, 0) * (look.bloom * alpha / 255)
        color += light * (1 - color / 255)
    if look.grain:
        color *= 1 + look.grain * _grain(size)[:, ::side, None]
    values[..., :3] = np.clip(color, 0, alpha)
    return np.rint(values).astype(np.uint8)


def _rim(alpha: np.ndarray, side: int) -> np.ndarray:
    """Returns the share of rim light [size, size]: inside the silhouette, at its upper right edge."""
    size = len(alpha)
    move = _RIM * size
    margin = math.ceil(move) + 1
    # The figure goes on beyond the frame: the frame is no silhouette.
    inside = Image.fromarray(np.pad(alpha, margin, mode="edge"))
    shifted = inside.transform(
        inside.size, Image.Transform.AFFINE, (1, 0, move * side, 0, 1, -move * 0.7), Image.Resampling.BILINEAR
    )
    edge = np.asarray(inside, np.float32) - np.asarray(
        shifted.filter(ImageFilter.BoxBlur(move * 0.3)), np.float32
    )
    return np.clip(edge[margin:-margin, margin:-margin] / 255, 0, 1)


@functools.lru_cache(maxsize=8)
def _grain(size: int) -> np.ndarray:
    """Returns the relief of the paper, about -1 to 1, [size, size]."""
    noise = np.random.default_rng(7)
    fine = noise.normal(size=(size, size)).astype(np.float32)
    # Strokes of a pencil: the noise is smeared along the diagonal.
    smeared = sum(np.roll(fine, (step, -step), (0, 1)) for step in range(3)) / 3**0.5
    return np.clip(smeared, -2, 2) * 0.5
