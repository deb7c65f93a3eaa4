"""Measures the variety of images with equal attributes, and the distance to training images.

The distance between two images is a multi-scale root mean squared difference. Both images are reduced by area
averaging to 32x32, 16x16, and 8x8 pixels, and the mean squared differences at the three scales are averaged.
Differences over large areas, such as pose, hair, and colors, count at every scale. Fine detail and shifts by
one pixel count at one scale at most. This is closer to human perception than a difference of pixels.

The distance uses no network, so no model can be trained against it. It is a Euclidean distance between
reduced images, so matrix products can find nearest neighbors.
"""

from __future__ import annotations

import numpy as np

from anime_gan.common.alpha import premultiplied
from anime_gan.metrics.distances import nearest_distances
from anime_gan.metrics.texture import resampled

SCALES = (32, 16, 8)  # Sides in pixels. Each scale is an average of the one before.
REFERENCE_BLOCK = 1024  # Number of reduced references in memory.
PIXEL_BLOCK = 2**22  # Number of pixels in floating point: 1,024 images of 64x64.


def image_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns the multi-scale root mean squared difference between pairs of images.

    Args:
        a: uint8 [n, h, w, 3 or 4], straight alpha.
        b: uint8 [n, h, w, 3 or 4].

    Returns:
        float64 [n], from 0 for equal images to 1 for black and white.

    Raises:
        ValueError: The shapes differ.
    """
    if a.shape != b.shape:
        raise ValueError(f"images of shapes {a.shape} and {b.shape} cannot be compared")
    return np.linalg.norm(_reduced(a) - _reduced(b), axis=1)


def pairwise_diversity(images: np.ndarray) -> float:
    """Returns the mean distance between images of a group, such as faces with the same attributes.

    Compare the value with the value for groups of real images. A much lower value means that the generator
    draws nearly the same image again and again.

    Args:
        images: uint8 [groups, members, h, w, 3 or 4], with at least one group and two members.

    Returns:
        The mean of `image_distance` over all pairs in each group, from 0 to 1.

    Raises:
        ValueError: There is no pair.
    """
    if images.ndim != 5 or images.shape[0] < 1 or images.shape[1] < 2:
        raise ValueError(
            f"images of shape {images.shape}: must be [groups, members, h, w, 3 or 4], with at least two "
            "members"
        )
    return float(np.mean([_mean_pair_distance(_reduced(group)) for group in images]))


def nearest_images(queries: np.ndarray, references: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Finds the nearest reference of each query by `image_distance`. This detects copies.

    Args:
        queries: uint8 [q, h, w, 3 or 4]. Reduced copies, of 32 kB each, stay in memory.
        references: uint8 [n, h, w, 3 or 4]. May be a large memory map, because it is read once, in blocks.

    Returns:
        `(distances, indices)`: float64 [q] from 0 to 1, and int64 [q], indices into `references`.

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
    """Groups images by labels, for `pairwise_diversity` of real images.

    An unknown attribute equals only an unknown attribute.

    Args:
        labels: int8 [n, a] of +1, -1, and 0 (unknown).
        min_members: Minimum size of a group. Smaller groups are skipped.
        max_groups: Maximum number of groups. If there are more, a random sample is drawn.
        seed: Random seed of the sample and of the order in each group.

    Returns:
        For each group, int64 indices into `labels` in random order, so that the first k are a random sample.
        The list is empty if there is no such group.
    """
    # The bytes of a row are the key. This is much faster than sorting rows, and correct without columns.
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
    """Reduces images to float64 [n, d], whose Euclidean distance is the multi-scale distance."""
    num_features = images.shape[3] * sum(side**2 for side in SCALES)
    reduced = np.empty((len(images), num_features))
    block_size = max(1, PIXEL_BLOCK // (images.shape[1] * images.shape[2]))
    for start in range(0, len(images), block_size):
        block = premultiplied(images[start : start + block_size]) / 255.0
        scales = []
        for side in SCALES:
            block = resampled(block, *(_area_weights(size, side) for size in block.shape[1:3]))
            # With this weight, the squared distance is the mean over scales, pixels, and channels.
            weight = np.sqrt(len(SCALES) * images.shape[3] * side**2)
            scales.append(block.reshape(len(block), -1) / weight)
        reduced[start : start + len(block)] = np.concatenate(scales, axis=1)
    return reduced


def _area_weights(size: int, reduced_size: int) -> np.ndarray:
    """Returns the weights that average `size` pixels over equal parts, [reduced_size, size]."""
    edges = np.linspace(0.0, size, reduced_size + 1)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.maximum(overlap, 0.0) * reduced_size / size
