"""What makes a picture or a face useless for training, found without a network.

Every fault is a short reason in words; what differs from picture to picture stands behind a colon.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

# Pictures longer than this are strips of many, or banners.
MAX_ASPECT = 4.0
# Faces are looked at in this size, so that thresholds mean the same for all.
SIDE = 128


class Quality(NamedTuple):
    """How good a crop is, in numbers that do not depend on its size.

    Attributes:
        contrast: The difference of its darkest and its brightest parts, 0 to 255.
        sharpness: How much of that difference its sharpest edges cover from one pixel to the next, 0 to 1.
        colorfulness: The difference of red, green and blue in its most colorful tenth, 0 to 255.
        flatness: The share of places where nothing changes: drawings have many, photographs few, 0 to 1.
    """

    contrast: float
    sharpness: float
    colorfulness: float
    flatness: float


# Smallest values; measured in docs/preparing.md.
LEAST = Quality(contrast=50.0, sharpness=0.2, colorfulness=16.0, flatness=0.05)
_FAULTS = Quality("low contrast", "blurred", "grayscale", "not drawn")  # type: ignore[arg-type]


def picture_fault(picture: np.ndarray, min_side: int) -> str | None:
    """Why a picture is not worth searching for faces; None if it is.

    Args:
        picture: uint8 [height, width, 3].
        min_side: The smallest useful crop, in pixels.
    """
    height, width = picture.shape[:2]
    if min(height, width) < min_side:
        return f"picture too small: {width}x{height} pixels"
    if max(height, width) > MAX_ASPECT * min(height, width):
        return f"extreme aspect: {width}x{height} pixels"
    return None


def measure_quality(crop: np.ndarray) -> Quality:
    """Measures a crop: uint8 [side, side, 3], RGB."""
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
    """Why a crop is not worth training on; None if it is."""
    for value, least, fault in zip(quality, LEAST, _FAULTS, strict=True):
        if value < least:
            return f"{fault}: {value:.3g}, the least is {least:.3g}"
    return None
