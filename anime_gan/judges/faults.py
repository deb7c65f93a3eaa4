"""Faults that generators have, put into real images, to show that an evaluation detects them.

The critics are not trained on these. Each fault maps uint8 [n, h, w, channels] to the same shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from PIL import Image

from anime_gan.common.alpha import has_alpha, premultiplied, straight_alpha
from anime_gan.judges.details import Details, edges

Fault = Callable[[np.ndarray, Details], np.ndarray]

# An enlarged image had at most this side, and at most half of its own.
SMALL_SIDE = 64
# Share of the strongest edges that are dithered.
DITHERED_SHARE = 0.15
# Shares of the side: the shift of dithered pixels, the width of a halo, the length of a smear.
DITHER_REACH, HALO_WIDTH, SMEAR_LENGTH = 0.015, 0.015, 0.06
HALO_STRENGTH = 0.6
# Share of the strongest edges of an opaque image that stand for its outline.
OUTLINE_SHARE = 0.03


def enlarge(images: np.ndarray, details: Details) -> np.ndarray:
    """Reduces images to 64 pixels, or to half their side, and enlarges them again (bicubic)."""
    del details
    side = images.shape[1]
    small = min(SMALL_SIDE, side // 2)
    return _each(images, lambda values: _resized(_resized(values, small, Image.Resampling.BOX), side))


def dither(images: np.ndarray, details: Details) -> np.ndarray:
    """Dithers the edges of the hair: every other pixel shows what lies a little to the side."""
    reach = max(2, round(DITHER_REACH * images.shape[1]))
    checkerboard = np.indices(images.shape[1:3]).sum(axis=0) % 2 == 0
    dithered = images.copy()
    for image, result in zip(images, dithered, strict=True):
        strength = edges(image)[0] * details.hair
        limit = np.quantile(strength[details.hair], 1.0 - DITHERED_SHARE)
        near = (_averaged(strength > limit, 3, 0) > 0) | (_averaged(strength > limit, 3, 1) > 0)
        chosen = near & checkerboard
        result[chosen] = np.roll(image, reach, axis=1)[chosen]
    return dithered


def halo(images: np.ndarray, details: Details) -> np.ndarray:
    """Surrounds a transparent image with a pale, half transparent rim."""
    del details
    width = max(3, round(2.0 * HALO_WIDTH * images.shape[1]))

    def with_rim(values: np.ndarray) -> np.ndarray:
        alpha = values[..., 3:]
        blurred = _averaged(_averaged(alpha, width, 0), width, 1)
        rim = np.minimum(2.0 * blurred, 255.0) * HALO_STRENGTH * (1.0 - alpha / 255.0)
        # White, premultiplied.
        return np.asarray(values + rim)

    return _each(images, with_rim)


def swap_eye(images: np.ndarray, details: Details) -> np.ndarray:
    """Replaces one eye of each image by that of the next image."""
    row, column = details.eyes[0]
    side = details.side
    # The middle of the crop, with a soft border.
    border = np.clip(np.minimum(np.arange(side), np.arange(side)[::-1]) / (side / 8) - 1.0, 0.0, 1.0)
    mask = (border[:, None] * border)[..., None]
    window = (slice(None), slice(row, row + side), slice(column, column + side))
    values = premultiplied(images)
    values[window] += (np.roll(values, 1, axis=0)[window] - values[window]) * mask
    return _to_uint8(values)


def smear(images: np.ndarray, details: Details) -> np.ndarray:
    """Smears the outline of transparent images, or the strongest edges of opaque ones, sideways."""
    del details
    length = max(3, round(SMEAR_LENGTH * images.shape[1]))
    smeared = []
    for image in images:
        values = premultiplied(image)
        outline = edges(image)[1]
        strongest = outline >= max(1.0, np.quantile(outline, 1.0 - OUTLINE_SHARE))
        near = _averaged(_averaged(strongest, length, 0), length, 1)
        mask = np.minimum(2.0 * near / max(near.max(), 1e-6), 1.0)[..., None]
        smeared.append(values + (_averaged(values, length, 1) - values) * mask)
    return _to_uint8(np.stack(smeared))


FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "enlarged": enlarge,
        "dithered hair edges": dither,
        "halo": halo,
        "mismatched eyes": swap_eye,
        "smeared outline": smear,
    }
)


def faults_for(images: np.ndarray) -> dict[str, Fault]:
    """Returns the faults that images can have: an opaque image has no halo."""
    return {name: fault for name, fault in FAULTS.items() if has_alpha(images) or fault is not halo}


def _each(images: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Applies a function to each image, float32 [h, w, channels] in 0..255 with premultiplied alpha."""
    return _to_uint8(np.stack([function(premultiplied(image)) for image in images]))


def _resized(
    values: np.ndarray, side: int, filter: Image.Resampling = Image.Resampling.BICUBIC
) -> np.ndarray:
    channels = [
        Image.fromarray(np.ascontiguousarray(values[..., channel])).resize((side, side), filter)
        for channel in range(values.shape[-1])
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


def _averaged(values: np.ndarray, length: int, axis: int) -> np.ndarray:
    """Averages windows of `length` pixels along an axis; the edges are repeated."""
    before = (length - 1) // 2
    widths = [(before, length - 1 - before) if number == axis else (0, 0) for number in range(values.ndim)]
    padded = np.pad(values.astype(np.float32), widths, mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, length, axis).mean(axis=-1))


def _to_uint8(values: np.ndarray) -> np.ndarray:
    values = np.clip(values, 0.0, 255.0)
    return straight_alpha(values) if has_alpha(values) else np.rint(values).astype(np.uint8)
