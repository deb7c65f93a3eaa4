"""Variety of images with equal attributes, and distance of generated images to training images.

The distance is a multi-scale root mean squared difference. Both images are reduced by area averaging to
32x32, 16x16 and 8x8 pixels, and the mean squared differences at the three scales are averaged. Differences
over large areas (pose, hair, colors) count at every scale; fine detail and shifts by one pixel count at one
scale or at none. This is closer to human perception than the difference of pixels. The distance uses no
network, so no model can be trained against it. It is a Euclidean distance between reduced images, so nearest
neighbors are found by matrix products.
"""

from __future__ import annotations

import numpy as np

from anime_gan.common.alpha import premultiplied
from anime_gan.metrics.distances import nearest_distances
from anime_gan.metrics.texture import resampled

SCALES = (32, 16, 8)  # Sides in pixels; each scale averages the one before.
REFERENCE_BLOCK = 1024  # Number of reduced references in memory.
PIXEL_BLOCK = 2**22  # Number of pixels in floating point: 1,024 images of 64x64.


def image_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Multi-scale root mean squared difference between pairs of images.

    Args:
        a: uint8 [n, h, w, 3 or 4], straight alpha.
        b: uint8 [n, h, w, 3 or 4].

    Returns:
        float64 [n], from 0 (equal) to 1 (black and white).

    Raises:
        ValueError: The shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"images of shapes {a.shape} and {b.shape} cannot be compared")
    return np.linalg.norm(_reduced(a) - _reduced(b), axis=1)


def pairwise_diversity(images: np.ndarray) -> float:
    """Mean distance between two images of the same group, such as faces with the same attributes.

    Compare the value with groups of real images with equal attributes. A much lower value means that the
    generator draws nearly the same image again and again.

    Args:
        images: uint8 [groups, members, h, w, 3 or 4], at least one group and two members.

    Returns:
        Mean of `image_distance` over all pairs of each group, from 0 to 1.

    Raises:
        ValueError: There is no pair.
    """
    if images.ndim != 5 or images.shape[0] < 1 or images.shape[1] < 2:
        raise ValueError(
            f"images of shape {images.shape}: must be [groups, members, h, w, 3 or 4], at least two members"
        )
    return float(np.mean([_mean_pair_distance(_reduced(group)) for group in images]))


def nearest_images(queries: np.ndarray, references: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds the nearest reference of each query by `image_distance`, to detect copies of training images.

    Args:
        queries: uint8 [q, h, w, 3 or 4]; their reduced forms (32 kB each) stay in memory.
        references: uint8 [n, h, w, 3 or 4]; read once, in blocks, so it may be a large memory map.

    Returns:
        `(distances, indices)`: float64 [q] from 0 to 1, and int64 [q] into `references`.

    Raises:
        ValueError: The images differ in size, or there are no references.
    """
    if queries.shape[1:] != references.shape[1:] or not len(references):
        raise ValueError(f"images of shapes {queries.shape} and {references.shape} cannot be compared")
    reduced_queries = _reduced(queries)
    distances = np.full(len(queries), np.inf)
    indices = np.zeros(len(queries), np.int64)
    for start in range(0, len(references), REFERENCE_BLOCK):
        block = _reduced(references[start : start + REFERENCE_BLOCK])
        found, where = nearest_distances(reduced_queries, block)
        nearer = found < distances
        distances[nearer] = found[nearer]
        indices[nearer] = start + where[nearer]
    return distances, indices


def group_by_labels(labels: np.ndarray, min_members: int, max_groups: int, seed: int) -> list[np.ndarray]:
    """Groups images by their labels, as a reference for `pairwise_diversity`.

    An unknown attribute equals only an unknown attribute.

    Args:
        labels: int8 [n, a] of +1, -1 and 0 (unknown).
        min_members: Minimum size of a group; smaller groups are skipped.
        max_groups: Maximum number of groups; a random sample of them is drawn.
        seed: Random seed of the sample and of the order within each group.

    Returns:
        For each group int64 indices into `labels`, in random order, so the first k are a random sample. Empty
        if there is no such group.
    """
    # Keyed by the bytes of a row: much faster than sorting rows, and correct without columns.
    members: dict[bytes, list[int]] = {}
    for index, row in enumerate(labels):
        members.setdefault(row.tobytes(), []).append(index)
    large = [np.array(group, np.int64) for group in members.values() if len(group) >= min_members]
    generator = np.random.default_rng(seed)
    chosen = np.sort(generator.permutation(len(large))[:max_groups])
    return [generator.permutation(large[group]) for group in chosen]


def _mean_pair_distance(reduced: np.ndarray) -> float:
    total = sum(np.sum(np.linalg.norm(reduced[i + 1 :] - reduced[i], axis=1)) for i in range(len(reduced)))
    return float(total) / (len(reduced) * (len(reduced) - 1) / 2)


def _reduced(images: np.ndarray) -> np.ndarray:
    """Reduces images to float64 [n, d]; their Euclidean distance is the multi-scale distance."""
    num_features = images.shape[3] * sum(side**2 for side in SCALES)
    reduced = np.empty((len(images), num_features))
    block_size = max(1, PIXEL_BLOCK // (images.shape[1] * images.shape[2]))
    for start in range(0, len(images), block_size):
        block = premultiplied(images[start : start + block_size]) / 255.0
        scales = []
        for side in SCALES:
            block = resampled(block, *(_area_weights(size, side) for size in block.shape[1:3]))
            # Makes the squared distance the mean over scales of the mean over pixels and channels.
            weight = np.sqrt(len(SCALES) * images.shape[3] * side**2)
            scales.append(block.reshape(len(block), -1) / weight)
        reduced[start : start + len(block)] = np.concatenate(scales, axis=1)
    return reduced


def _area_weights(size: int, reduced_size: int) -> np.ndarray:
    """Weights for averaging `size` pixels over `reduced_size` equal parts: [reduced_size, size]."""
    edges = np.linspace(0.0, size, reduced_size + 1)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.maximum(overlap, 0.0) * reduced_size / size
