"""Measures the width and the roughness of the edges of transparent images."""

from __future__ import annotations

import numpy as np

from anime_gan.common.alpha import has_alpha
from anime_gan.metrics.texture import sliced_wasserstein

# Alpha of partially transparent pixels, from 5% to 95% of 255.
PARTIAL = (13, 242)
# Number of images that are processed at a time.
BLOCK = 256


def edge_length_ratio(images: np.ndarray) -> float:
    """Returns the number of partially transparent pixels per pixel of the outline.

    The outline is where alpha crosses one half between neighboring pixels. A sharp, antialiased edge has one
    or two partially transparent pixels there. A halo or haze has many more, and a jagged edge has none.

    Args:
        images: uint8 [n, h, w, 4] with straight alpha; may be a memory map.

    Returns:
        The ratio, 0 or more; NaN if there is no outline.

    Raises:
        ValueError: The images have no alpha channel.
    """
    _check_alpha(images)
    partial = outline = 0
    for start in range(0, len(images), BLOCK):
        alpha = np.asarray(images[start : start + BLOCK, :, :, 3])
        partial += int(np.sum((alpha >= PARTIAL[0]) & (alpha <= PARTIAL[1])))
        visible = alpha >= 128
        for axis in (1, 2):
            outline += int(np.sum(np.diff(visible, axis=axis)))
    return partial / outline if outline else float("nan")


def alpha_texture(real: np.ndarray, generated: np.ndarray, seed: int = 0) -> float:
    """Returns the sliced Wasserstein distance of alpha at the finest scale, times 1,000.

    It detects dithered and ragged edges; see `texture.sliced_wasserstein`.

    Args:
        real: uint8 [n, h, w, 4].
        generated: uint8 [m, h, w, 4].
        seed: Random seed of patches and directions.

    Raises:
        ValueError: The images have no alpha channel, or differ in size.
    """
    _check_alpha(real)
    _check_alpha(generated)
    distances = sliced_wasserstein(real[..., 3:], generated[..., 3:], seed)
    return distances[max(distances)]


def _check_alpha(images: np.ndarray) -> None:
    if not has_alpha(images):
        raise ValueError(f"images of shape {images.shape} have no alpha channel")
