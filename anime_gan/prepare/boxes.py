"""Rectangles in pictures, with coordinates in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Box(NamedTuple):
    """A rectangle in pixels, given by its top left corner and size; it may extend beyond the picture."""

    left: float
    top: float
    width: float
    height: float

    @property
    def center(self) -> tuple[float, float]:
        """The center, (x, y)."""
        return self.left + self.width / 2, self.top + self.height / 2


def overlaps(first: Sequence[Box] | np.ndarray, second: Sequence[Box] | np.ndarray) -> np.ndarray:
    """Returns the intersection over union of each pair of boxes, float64 [n, k] in 0..1."""
    a = np.asarray(first, np.float64).reshape(-1, 1, 4)
    b = np.asarray(second, np.float64).reshape(1, -1, 4)
    low = np.maximum(a[..., :2], b[..., :2])
    high = np.minimum(a[..., :2] + a[..., 2:], b[..., :2] + b[..., 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    return shared / (np.prod(a[..., 2:], axis=-1) + np.prod(b[..., 2:], axis=-1) - shared)
