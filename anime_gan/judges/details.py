"""Details: four crops of an image at full resolution, side by side in one mosaic that a judge can look at.

The judges reduce large images, so an enlarged small image looks intact to them. They therefore look twice: at
the whole image, and at a mosaic of one eye, the mouth, an edge inside the hair, and the outline.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence

import numpy as np

from anime_gan.attributes.schema import Slot
from anime_gan.common.alpha import has_alpha, on_background, premultiplied
from anime_gan.common.fingerprint import code_fingerprint
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.mapped import mapped
from anime_gan.metrics.control import slot_contrast

# Parts of a mosaic, row by row.
PARTS = ("eye", "mouth", "hair edge", "outline")
MIN_SIDE = 32
# Maximum number of images in which the eyes, the mouth, and the hair are located.
MAX_IMAGES = 4000
# These images are put on gray, reduced to this side, and read in chunks of this size.
GRAY = (128, 128, 128)
SEARCH_SIDE = 64
CHUNK = 256
# A second window counts as the other eye if it has at least this share of the contrast of the first.
OTHER_EYE = 0.6
# Share of the largest contrast above which a pixel belongs to the region of an attribute.
REGION = 0.5


def crop_side(side: int) -> int:
    """Returns the side of a crop in pixels: a quarter of the image, but at least 32 pixels if it has them."""
    return min(side, max(MIN_SIDE, side // 4))


@dataclasses.dataclass(frozen=True)
class Details:
    """Crops the details of the images of one dataset, or of images like them.

    Attributes:
        side: Side of a crop in pixels.
        eyes: Top left corners (row, column) of one or two windows; a random one is used.
        mouth: Top left corner of the window of the mouth.
        hair: bool [h, w], where the hair is.
    """

    side: int
    eyes: tuple[tuple[int, int], ...]
    mouth: tuple[int, int]
    hair: np.ndarray

    def mosaic(self, images: np.ndarray) -> np.ndarray:
        """Returns the details of each image.

        The places of the edge and of the outline are random, seeded by the image itself: the same image
        always has the same mosaic.

        Args:
            images: uint8 [n, h, w, channels], as large as those of the dataset.

        Returns:
            uint8 [n, 2 * side, 2 * side, channels], the crops in the order of `PARTS`.
        """
        side = self.side
        mosaics = np.empty((len(images), 2 * side, 2 * side, images.shape[3]), np.uint8)
        for image, mosaic in zip(images, mosaics, strict=True):
            random = np.random.default_rng(zlib.crc32(image.tobytes()))
            inside, outline = edges(image)
            corners = (
                self.eyes[random.integers(len(self.eyes))],
                self.mouth,
                self._around(inside * self.hair, random),
                self._around(outline, random),
            )
            for part, (row, column) in enumerate(corners):
                top, left = part // 2 * side, part % 2 * side
                mosaic[top : top + side, left : left + side] = image[row : row + side, column : column + side]
        return mosaics

    def of(self, dataset: Dataset) -> Dataset:
        """Returns a dataset with the mosaic of each image, which is made when the image is read."""
        return mapped(dataset, self.mosaic, code_fingerprint(("anime_gan.judges.details",)))

    def _around(self, weights: np.ndarray, random: np.random.Generator) -> tuple[int, int]:
        """Returns a window around a random pixel, drawn with these weights [h, w]."""
        totals = np.cumsum(weights, dtype=np.float64)
        # If there are no edges, choose any pixel.
        index = (
            int(np.searchsorted(totals, random.random() * totals[-1], side="right"))
            if totals[-1] > 0
            else int(random.integers(weights.size))
        )
        limits = (weights.shape[0] - self.side, weights.shape[1] - self.side)
        row, column = np.clip(np.array(divmod(index, weights.shape[1])) - self.side // 2, 0, limits)
        return int(row), int(column)


def find_details(dataset: Dataset) -> Details:
    """Finds the eyes, the mouth, and the hair: images differ there by attributes with these names.

    If the dataset has no such attributes, the windows in which images differ most are used instead.
    """
    count = min(len(dataset.images), MAX_IMAGES)
    chosen = np.arange(count) * len(dataset.images) // count
    labels = dataset.schema.decode(dataset.labels[chosen])
    parts = (chosen[start : start + CHUNK] for start in range(0, count, CHUNK))
    images = np.concatenate([_reduced(np.asarray(dataset.images[part])) for part in parts])
    factor = dataset.images.shape[1] // images.shape[1]
    side = crop_side(dataset.images.shape[1])

    def contrast(*words: str) -> np.ndarray:
        slots = [slot for slot in dataset.schema.slots if any(word in slot.name for word in words)]
        return _contrast(images, labels, slots)

    def corner(sums: np.ndarray) -> tuple[int, int]:
        row, column = divmod(int(np.argmax(sums)), sums.shape[1])
        return row, column

    def crop_around(window: tuple[int, int]) -> tuple[int, int]:
        row, column = (min(max(0, place * factor - side // 4), limit) for place in window)
        return row, column

    # The windows in which images differ most are in the middle of the crops and half as wide.
    window = side // factor // 2
    limit = dataset.images.shape[1] - side
    eyes = window_sums(contrast("eye"), window)
    first = corner(eyes)
    # The other eye is beside the first, not above or below.
    beside = np.zeros(eyes.shape, bool)
    beside[max(0, first[0] - window // 2) : first[0] + window // 2 + 1] = True
    beside[:, max(0, first[1] - window) : first[1] + window + 1] = False
    second = corner(np.where(beside, eyes, 0.0))
    both = bool(beside[second]) and eyes[second] >= OTHER_EYE * eyes[first]
    hair = contrast("hair")
    return Details(
        side,
        tuple(map(crop_around, (first, second) if both else (first,))),
        crop_around(corner(window_sums(contrast("mouth", "smile"), window))),
        _enlarged(hair >= REGION * hair.max(), factor, dataset.images.shape[1:3]),
    )


def edges(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the strength of the edges inside an image and at its outline: float32 [h, w] each, 0 or more.

    The outline is where alpha crosses one half. An opaque image has none, so all of its edges count for both.

    Args:
        image: uint8 [h, w, 3 or 4].
    """
    values = premultiplied(image)
    strength = np.zeros(image.shape[:2], np.float32)
    luma = values[..., :3].mean(axis=-1)
    strength[:, :-1] += np.abs(np.diff(luma, axis=1))
    strength[:-1] += np.abs(np.diff(luma, axis=0))
    if not has_alpha(image):
        return strength, strength
    visible = image[..., 3] >= 128
    outline = np.zeros(image.shape[:2], np.float32)
    outline[:, :-1] += visible[:, 1:] != visible[:, :-1]
    outline[:-1] += visible[1:] != visible[:-1]
    opaque = image[..., 3] == 255
    opaque[:, :-1] &= opaque[:, 1:]
    opaque[:-1] &= opaque[1:]
    return strength * opaque, outline


def window_sums(values: np.ndarray, side: int) -> np.ndarray:
    """Returns the sum of each window: [h, w] -> float64 [h - side + 1, w - side + 1]."""
    totals = np.pad(values.astype(np.float64).cumsum(axis=0).cumsum(axis=1), [(1, 0), (1, 0)])
    return totals[side:, side:] - totals[:-side, side:] - totals[side:, :-side] + totals[:-side, :-side]


def _reduced(images: np.ndarray) -> np.ndarray:
    """Reduces images on gray to at most `SEARCH_SIDE` pixels: uint8 [n, h, w, 3]."""
    images = on_background(images, GRAY)
    factor = max(1, images.shape[1] // SEARCH_SIDE)
    height, width = images.shape[1] // factor, images.shape[2] // factor
    whole = images[:, : height * factor, : width * factor]
    cells = whole.reshape(len(images), height, factor, width, factor, 3)
    return np.rint(cells.mean(axis=(2, 4))).astype(np.uint8)


def _enlarged(mask: np.ndarray, factor: int, shape: tuple[int, ...]) -> np.ndarray:
    """Undoes `_reduced` for a mask; rows and columns that it left out repeat the last ones."""
    large = np.kron(mask, np.ones((factor, factor), bool))
    return np.pad(large, [(0, size - of) for size, of in zip(shape, large.shape, strict=True)], mode="edge")


def _contrast(images: np.ndarray, labels: np.ndarray, slots: Sequence[Slot]) -> np.ndarray:
    """Returns where images differ by some attributes, each with the same weight: float [h, w].

    If there are none of these attributes, returns where images differ in general.
    """
    if not slots:
        return np.asarray(images.std(axis=0, dtype=np.float32).mean(axis=-1))
    maps = slot_contrast(images, labels, slots)
    sums = np.maximum(maps.sum(axis=(1, 2), keepdims=True), 1e-6)
    return np.asarray((maps / sums).sum(axis=0))
