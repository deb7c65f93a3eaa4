"""Rejects pictures and crops that are useless for training; needs no network.

A fault is a short reason for rejection. A colon separates it from details, such as the size of the picture.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

# Pictures with a larger aspect ratio are comic strips or banners.
MAX_ASPECT = 4.0
# Crops are resized to this side before they are measured, so that thresholds do not depend on their size.
SIDE = 128


class Quality(NamedTuple):
    """Measures of a crop's quality that do not depend on its size.

    Attributes:
        contrast: Difference in brightness between the brightest and the darkest parts, 0 to 255.
        sharpness: Change across one pixel at the sharpest edges, as a share of the contrast, 0 to 1.
        colorfulness: Difference between channels in the most colorful tenth of the pixels, 0 to 255.
        flatness: Share of pixels with almost uniform surroundings, 0 to 1; high in drawings, low in photos.
    """

    contrast: float
    sharpness: float
    colorfulness: float
    flatness: float


# The minimum of each measure; see docs/preparing.md.
LEAST = Quality(contrast=50.0, sharpness=0.2, colorfulness=16.0, flatness=0.05)
_FAULTS = Quality("low contrast", "blurred", "grayscale", "not drawn")  # type: ignore[arg-type]


def picture_fault(picture: np.ndarray, min_side: int) -> str | None:
    """Returns why a picture is rejected before detection; None if it is accepted.

    Args:
        picture: uint8 [height, width, 3].
        min_side: Minimum side of a crop, in pixels.
    """
    height, width = picture.shape[:2]
    if min(height, width) < min_side:
        return f"picture too small: {width}x{height} pixels"
    if max(height, width) > MAX_ASPECT * min(height, width):
        return f"extreme aspect: {width}x{height} pixels"
    return None


def measure_quality(crop: np.ndarray) -> Quality:
    """Measures the quality of a crop, uint8 [side, side, 3], RGB."""
    small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    dark, bright = np.percentile(gray, (2, 98))
    contrast = float(bright - dark)
    levels = gray.astype(np.float32)
    steps = np.maximum(np.abs(np.diff(levels, axis=0))[:, 1:], np.abs(np.diff(levels, axis=1))[1:])
    sharpness = float(np.percentile(steps, 99)) / max(contrast, 1.0)
    spread = small.max(axis=-1).astype(np.int16) - small.min(axis=-1)
    window = np.ones((3, 3), np.uint8)
    change = cv2.dilate(gray, window) - cv2.erode(gray, window)
    return Quality(
        contrast, min(1.0, sharpness), float(np.percentile(spread, 90)), float(np.mean(change <= 6))
    )


def crop_fault(quality: Quality) -> str | None:
    """Returns why a crop is rejected; None if it is accepted."""
    for value, least, fault in zip(quality, LEAST, _FAULTS, strict=True):
        if value < least:
            return f"{fault}: {value:.3g} (minimum {least:.3g})"
    return None
