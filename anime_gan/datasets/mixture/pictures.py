"""The pictures of several datasets, one after the other, without a copy on disk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class ConcatenatedImages:
    """Images of several arrays. It has the parts of a NumPy array that a reader of a dataset needs.

    Attributes:
        shape: The shape of all images.
        dtype: uint8.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        """Joins arrays uint8 [n, h, w, channels], which differ in n only; they may be memory maps."""
        self._parts = list(parts)
        self._starts = np.cumsum([0, *(len(part) for part in parts)])
        self.shape = (int(self._starts[-1]), *parts[0].shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        """Returns one image for an integer, or several for a slice or an array."""
        chosen = np.arange(len(self))[index]
        if np.ndim(chosen) == 0:
            part = int(np.searchsorted(self._starts, chosen, side="right")) - 1
            return np.asarray(self._parts[part][chosen - self._starts[part]])
        images = np.empty((len(chosen), *self.shape[1:]), np.uint8)
        for pictures, start, stop in zip(self._parts, self._starts[:-1], self._starts[1:], strict=True):
            inside = (chosen >= start) & (chosen < stop)
            if np.any(inside):
                images[inside] = pictures[chosen[inside] - start]
        return images

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Returns all images in memory."""
        del copy
        return np.asarray(self[:], dtype)
