"""Compares the texture of generated and real images at each scale.

The measure is the sliced Wasserstein distance between small patches of Laplacian pyramids (Karras et al.
2018, "Progressive Growing of GANs", arXiv 1710.10196, section 5). It uses no network, and detects what
networks overlook: grain, blur, and checkerboard patterns.
"""

from __future__ import annotations

import numpy as np

from anime_gan.common.alpha import premultiplied

PATCH_SIDE = 7
# Minimum side of the coarsest level of the pyramid, in pixels.
MIN_LEVEL_SIDE = 16
# The paper reports the distance times 1,000.
REPORTED_SCALE = 1000.0
# A channel with a smaller standard deviation, in gray levels of 255, contains only rounding errors.
FLAT_DEVIATION = 1e-3
# Number of pixels (256 images of 64x64) and of directions that are processed at a time.
PIXEL_BLOCK = 2**20
DIRECTION_BLOCK = 64
# Number of bins between the smallest and the largest projection.
BINS = 2**16


def laplacian_pyramid(images: np.ndarray, levels: int) -> list[np.ndarray]:
    """Splits images into scales, each with half the side of the one before (Burt and Adelson 1983).

    The filter is the 5x5 binomial kernel, with mirrored edges. To restore an image, enlarge the last level,
    add the level before it, and so on.

    Args:
        images: [n, h, w, channels] with values in any range.
        levels: Number of levels. The sides must be divisible by 2^(levels - 1).

    Returns:
        float32 [n, h / 2^k, w / 2^k, channels] for k from 0 to levels - 1, or float64 if `images` is. Each
        level is the detail that it adds to the next one, and the last level is the coarsest image.

    Raises:
        ValueError: The sides cannot be halved so many times.
    """
    height, width = images.shape[1:3]
    if levels < 1 or height % 2 ** (levels - 1) or width % 2 ** (levels - 1):
        raise ValueError(f"{height}x{width} images have no Laplacian pyramid of {levels} levels")
    image = np.asarray(images, np.float64 if images.dtype == np.float64 else np.float32)
    pyramid = []
    for _ in range(levels - 1):
        blur_rows, blur_columns = (_blur_weights(side) for side in image.shape[1:3])
        smaller = resampled(image, blur_rows[::2], blur_columns[::2])
        # Insert zeros between the pixels and blur. The factor 2 along each axis compensates for the zeros.
        larger = resampled(smaller, 2.0 * blur_rows[:, ::2], 2.0 * blur_columns[:, ::2])
        pyramid.append(image - larger)
        image = smaller
    return [*pyramid, image]


def resampled(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Filters and resizes images by one matrix per axis, which is much faster than stencils.

    Args:
        images: float [n, h, w, channels].
        rows: [new_h, h], weights of the old rows in each new row.
        columns: [new_w, w], weights of the old columns in each new column.

    Returns:
        [n, new_h, new_w, channels] of the same dtype.
    """
    count, height, width, channels = images.shape
    filtered = rows.astype(images.dtype) @ images.reshape(count, height, width * channels)
    # One large product replaces a product per image. It covers all pixels and channels of a row.
    across = np.kron(columns, np.eye(channels)).astype(images.dtype)
    together = filtered.reshape(count * len(rows), width * channels) @ across.T
    return together.reshape(count, len(rows), len(columns), channels)


def sliced_wasserstein(
    real: np.ndarray,
    generated: np.ndarray,
    seed: int = 0,
    max_images: int = 4096,
    patches_per_image: int = 128,
    directions: int = 512,
) -> dict[int, float]:
    """Returns the sliced Wasserstein distance between the patches of two sets of images at each scale.

    At each level of the Laplacian pyramid, random 7x7 patches are cut from all images. Their channels are
    normalized to mean 0 and standard deviation 1, and the patches are projected onto random directions. The
    distance is the mean difference between the sorted projections, times 1,000 as in the paper.

    Each set is normalized by its own statistics, as in the paper's code. The distance therefore measures
    shape and structure, such as blurred edges. It ignores the overall contrast and tint.

    Image i has its patches at the same positions in both sets, so equal sets have distance 0. Two samples of
    the same distribution have a small distance. The distance between two halves of the real images shows how
    small it can be.

    The function needs about 300 MB of memory for 1,000 images per set with 128 patches each, at any
    resolution.

    Args:
        real: uint8 [n, h, w, 3 or 4], straight alpha; may be a memory map.
        generated: uint8 [m, h, w, 3 or 4]. The first min(n, m, max_images) images of each set are used.
        seed: Random seed of positions and directions.
        max_images: Maximum number of images, which limits time and memory.
        patches_per_image: Number of patches per image; the paper uses 128 patches of 16,384 images.
        directions: Number of directions; the paper uses 512.

    Returns:
        Height of the level in pixels -> distance, finest first, such as 64, 32, and 16 for 64x64 images.

    Raises:
        ValueError: The images differ in size or are too small, or there are no images.
    """
    if real.ndim != 4 or real.shape[1:] != generated.shape[1:] or min(real.shape[1:3]) < PATCH_SIDE:
        raise ValueError(
            f"images of shapes {real.shape} and {generated.shape}: must have equal sizes of at least "
            f"{PATCH_SIDE}x{PATCH_SIDE} pixels"
        )
    count = min(len(real), len(generated), max_images)
    if count < 1 or patches_per_image < 1 or directions < 1:
        raise ValueError(
            f"{count} images, {patches_per_image} patches, {directions} directions: each must be at least 1"
        )
    levels = _num_levels(*real.shape[1:3])
    distances = {}
    for level in range(levels):
        height, width = (side // 2**level for side in real.shape[1:3])
        # Each level has its own random generator, so it does not depend on the number of levels.
        generator = np.random.default_rng((seed, level))
        positions = generator.integers(
            0, (height - PATCH_SIDE + 1, width - PATCH_SIDE + 1), (count, patches_per_image, 2)
        )
        real_patches, generated_patches = (
            normalized(_level_patches(images, level, levels, positions)) for images in (real, generated)
        )
        axes = generator.standard_normal((directions, real_patches.shape[1]))
        axes /= np.linalg.norm(axes, axis=1, keepdims=True)
        distances[height] = REPORTED_SCALE * projected_distance(real_patches, generated_patches, axes)
    return distances


def normalized(patches: np.ndarray) -> np.ndarray:
    """Normalizes each channel to mean 0 and standard deviation 1, over all patches and pixels.

    A constant channel is not scaled.

    Args:
        patches: float32 [n, channels, pixels]. The array is overwritten.

    Returns:
        float32 [n, channels * pixels].
    """
    count = patches.shape[0] * patches.shape[2]
    mean = np.sum(patches, axis=(0, 2), dtype=np.float64) / count
    patches -= mean.astype(np.float32)[:, None]
    # The shift comes first, so that the sum of squares has no cancellation.
    deviation = np.sqrt(
        [np.einsum("np,np->", c, c, dtype=np.float64) / count for c in patches.swapaxes(0, 1)]
    )
    patches /= np.where(deviation < FLAT_DEVIATION, 1.0, deviation).astype(np.float32)[:, None]
    return patches.reshape(len(patches), -1)


def projected_distance(a: np.ndarray, b: np.ndarray, axes: np.ndarray) -> float:
    """Returns the 1-Wasserstein distance between the projections of two sets, averaged over directions.

    In one dimension, the distance is the mean difference between the sorted values. The values are counted in
    65,536 bins. For thousands of values, this changes at most the fourth digit.

    Args:
        a: float [n, d].
        b: float [n, d].
        axes: [k, d], unit vectors.
    """
    total = 0.0
    for start in range(0, len(axes), DIRECTION_BLOCK):
        block = axes[start : start + DIRECTION_BLOCK].astype(a.dtype)
        total += sum(_line_distance(*values) for values in zip(block @ a.T, block @ b.T, strict=True))
    return total / len(axes)


def _line_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the 1-Wasserstein distance of two arrays of equal length, with an error of at most one bin."""
    low, high = min(a.min(), b.min()), max(a.max(), b.max())
    if low == high:
        return 0.0
    # The distance is the area between the cumulative counts. Sorting would take ten times as long.
    bins_per_unit = (BINS - 1) / (high - low)
    counts_a, counts_b = (
        np.bincount(((values - low) * bins_per_unit + 0.5).astype(np.uint16), minlength=BINS)
        for values in (a, b)
    )
    area = np.sum(np.abs(np.cumsum(counts_a - counts_b)))
    return float(area / bins_per_unit / len(a))


def _num_levels(height: int, width: int) -> int:
    levels = 1
    while height % 2 == width % 2 == 0 and min(height, width) // 2 >= MIN_LEVEL_SIDE:
        height, width, levels = height // 2, width // 2, levels + 1
    return levels


def _level_patches(images: np.ndarray, level: int, levels: int, positions: np.ndarray) -> np.ndarray:
    """Returns the patches at one level of the pyramid, float32 [images * patches, channels, pixels].

    Pyramids are rebuilt for each level, which takes a second. Keeping all patches would take gigabytes.
    """
    count, patches_per_image, _ = positions.shape
    channels = images.shape[3]
    patches = np.empty((count, patches_per_image, channels, PATCH_SIDE, PATCH_SIDE), np.float32)
    block_size = max(1, PIXEL_BLOCK // (images.shape[1] * images.shape[2]))
    for start in range(0, count, block_size):
        block = slice(start, min(start + block_size, count))
        # Level k needs only one coarser level.
        pixels = laplacian_pyramid(premultiplied(images[block]), min(level + 2, levels))[level]
        windows = np.lib.stride_tricks.sliding_window_view(pixels, (PATCH_SIDE, PATCH_SIDE), (1, 2))
        top, left = positions[block, :, 0], positions[block, :, 1]
        patches[block] = windows[np.arange(len(pixels))[:, None], top, left]
    return patches.reshape(count * patches_per_image, channels, PATCH_SIDE**2)


def _blur_weights(size: int) -> np.ndarray:
    """Returns a matrix [size, size] that blurs with (1, 4, 6, 4, 1) / 16, mirrored at the edge pixels."""
    weights = np.zeros((size, size))
    pixels = np.arange(size)
    for offset, weight in zip(range(-2, 3), (1, 4, 6, 4, 1), strict=True):
        beyond_start = np.abs(pixels + offset)
        # The outer absolute value handles images of two pixels, which are mirrored at both ends.
        sources = np.abs((size - 1) - np.abs((size - 1) - beyond_start))
        weights[pixels, sources] += weight / 16.0
    return weights
