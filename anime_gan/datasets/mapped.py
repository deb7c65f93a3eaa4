"""Datasets whose images are changed when they are read."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any, cast

import numpy as np

from anime_gan.datasets.dataset import Dataset


class MappedImages:
    """Images that a function changes when they are indexed, so that large datasets stay on disk.

    It has the parts of a NumPy array that a reader of a dataset needs.

    Attributes:
        shape: The shape of all changed images.
        dtype: uint8.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, images: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> None:
        """Wraps images.

        Args:
            images: uint8 [n, h, w, channels], at least one; may be a memory map.
            function: uint8 [k, h, w, channels] -> uint8 [k, ...], one image independently of the others.
        """
        self._images, self._function = images, function
        self.shape = (len(images), *function(np.asarray(images[:1])).shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        """Returns one changed image for an integer, or several for a slice or an array."""
        chosen = np.asarray(self._images[index])
        return self._function(chosen[None])[0] if chosen.ndim == 3 else self._function(chosen)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Returns all changed images in memory."""
        del copy
        return np.asarray(self[:], dtype)


def mapped(dataset: Dataset, function: Callable[[np.ndarray], np.ndarray], key: str) -> Dataset:
    """Returns a dataset with changed images and a checksum of its own.

    Args:
        dataset: At least one image.
        function: As in `MappedImages`.
        key: Identifies the function.
    """
    checksum = hashlib.sha256(f"{dataset.checksum} {key}".encode()).hexdigest()
    images = cast(np.ndarray, MappedImages(dataset.images, function))
    return dataclasses.replace(dataset, images=images, checksum=checksum)
