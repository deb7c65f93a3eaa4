"""Whether generated images have the texture of real ones, scale by scale.

Sliced Wasserstein distance between small patches of Laplacian pyramids: Karras et al. 2018, "Progressive
Growing of GANs" (arXiv 1710.10196, section 5). It needs no network, and sees what networks overlook: grain,
blur, checkerboards.
"""

from __future__ import annotations

import numpy as np

PATCH_SIDE = 7
# The coarsest level of the pyramid has at least this many pixels along a side.
MIN_LEVEL_SIDE = 16
# As the paper reports the distance.
REPORTED_SCALE = 1000.0
# A channel whose standard deviation is below this, in grey levels of 255, holds rounding errors alone.
FLAT_DEVIATION = 1e-3
# Pixels whose pyramids are in memory at a time (256 images of 64x64), and directions whose projections are.
PIXEL_BLOCK = 2**20
DIRECTION_BLOCK = 64
# Between the smallest and the largest projection.
BINS = 2**16


def laplacian_pyramid(images: np.ndarray, levels: int) -> list[np.ndarray]:
    """Splits images into scales, each with half of the side of the one before (Burt and Adelson 1983).

    Filtered with the 5x5 binomial kernel, mirrored at the edges. An image is the last level, enlarged and
    added to the one before, and so on.

    Args:
        images: [n, h, w, channels], any range.
        levels: How many; sides must be divisible by 2^(levels - 1).

    Returns:
        float32 or float64 [n, h / 2^k, w / 2^k, channels] for k from 0 to levels - 1: what each scale adds to
        the coarser ones, and last the coarsest image itself. float64 if `images` is.

    Raises:
        ValueError: The sides cannot be halved so often.
    """
    height, width = images.shape[1:3]
    if levels < 1 or height % 2 ** (levels - 1) or width % 2 ** (levels - 1):
        raise ValueError(f"{height}x{width} images have no Laplacian pyramid of {levels} levels")
    image = np.asarray(images, np.float64 if images.dtype == np.float64 else np.float32)
    pyramid = []
    for _ in range(levels - 1):
        blur_rows, blur_columns = (_blur_weights(side) for side in image.shape[1:3])
        smaller = resampled(image, blur_rows[::2], blur_columns[::2])
        # Zeros between the pixels, blurred; twice as bright along either axis to make up for the zeros.
        larger = resampled(smaller, 2.0 * blur_rows[:, ::2], 2.0 * blur_columns[:, ::2])
        pyramid.append(image - larger)
        image = smaller
    return [*pyramid, image]


def resampled(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Filters and resizes images by one matrix for each axis: far quicker than stencils at these sizes.

    Args:
        images: float [n, h, w, channels].
        rows: [new_h, h], what each new row takes from the rows there are.
        columns: [new_w, w].

    Returns:
        [n, new_h, new_w, channels] of the same dtype.
    """
    count, height, width, channels = images.shape
    filtered = rows.astype(images.dtype) @ images.reshape(count, height, width * channels)
    # As one large product instead of a small one an image: pixels and channels of a row together.
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
    """Sliced Wasserstein distance between the patches of two sets of images, for each scale.

    Per level of the Laplacian pyramid: random 7x7 patches of all images; each channel shifted and scaled to
    mean 0 and standard deviation 1; projected onto random directions; the mean difference between the sorted
    projections. Times 1,000, as in the paper.

    Each set is normalized by its own statistics, as in the paper's code. That makes the value one of shape
    and structure: a set that merely has less contrast or another tint than the other is at no distance from
    it. What the contrast is of, such as blurred rather than sharp edges, does count.

    Image i has its patches at the same positions in both sets, so that equal sets are at distance 0. Two
    samples of the same distribution are not quite; halves of the real images tell what is reachable.

    Memory: about 300 MB for 1,000 images (of both sets) and 128 patches each, whatever the resolution.

    Args:
        real: uint8 [n, h, w, 3]; may be a memory map.
        generated: uint8 [m, h, w, 3]. The first min(n, m, max_images) of either set are used.
        seed: Decides positions and directions.
        max_images: Bounds time and memory.
        patches_per_image: The paper takes 128 of 16,384 images.
        directions: The paper takes 512.

    Returns:
        Distance by the height of the level in pixels, finest first: 64, 32 and 16 for 64x64 images.

    Raises:
        ValueError: The images of the two sets differ in size, are too small, or there are none.
    """
    if real.ndim != 4 or real.shape[1:] != generated.shape[1:] or min(real.shape[1:3]) < PATCH_SIDE:
        raise ValueError(
            f"images of shapes {real.shape} and {generated.shape}: use equal sizes of at least "
            f"{PATCH_SIDE}x{PATCH_SIDE} pixels"
        )
    count = min(len(real), len(generated), max_images)
    if count < 1 or patches_per_image < 1 or directions < 1:
        raise ValueError(f"{count} images, {patches_per_image} patches, {directions} directions: use some")
    levels = _num_levels(*real.shape[1:3])
    distances = {}
    for level in range(levels):
        height, width = (side // 2**level for side in real.shape[1:3])
        # One generator a level: a level does not depend on how many there are above it.
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
    """Shifts and scales each channel to mean 0 and standard deviation 1, over all patches and pixels.

    A channel that is the same everywhere is only shifted.

    Args:
        patches: float32 [n, channels, pixels]; overwritten.

    Returns:
        float32 [n, channels * pixels].
    """
    count = patches.shape[0] * patches.shape[2]
    mean = np.sum(patches, axis=(0, 2), dtype=np.float64) / count
    patches -= mean.astype(np.float32)[:, None]
    # After the shift nothing cancels in the sum of squares.
    deviation = np.sqrt(
        [np.einsum("np,np->", c, c, dtype=np.float64) / count for c in patches.swapaxes(0, 1)]
    )
    patches /= np.where(deviation < FLAT_DEVIATION, 1.0, deviation).astype(np.float32)[:, None]
    return patches.reshape(len(patches), -1)


def projected_distance(a: np.ndarray, b: np.ndarray, axes: np.ndarray) -> float:
    """Mean over directions of the 1-Wasserstein distance between the projections of two sets.

    In one dimension that is the mean difference between the sorted values. They are counted in 65,536 bins,
    which for thousands of values changes the fourth digit at most.

    Args:
        a: float [n, d].
        b: float [n, d].
        axes: [k, d], of length 1 each.
    """
    total = 0.0
    for start in range(0, len(axes), DIRECTION_BLOCK):
        block = axes[start : start + DIRECTION_BLOCK].astype(a.dtype)
        total += sum(_line_distance(*values) for values in zip(block @ a.T, block @ b.T, strict=True))
    return total / len(axes)


def _line_distance(a: np.ndarray, b: np.ndarray) -> float:
    """1-Wasserstein distance of as many numbers `a` as `b`, off by a bin at most and usually by far less."""
    low, high = min(a.min(), b.min()), max(a.max(), b.max())
    if low == high:
        return 0.0
    # Sorting numbers takes ten times as long as counting them. The distance is the area between the
    # cumulative counts.
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
    """Patches of one level of the pyramids, float32 [images * patches, channels, pixels].

    Pyramids are built anew for each level: that takes a second, keeping the patches of all levels gigabytes.
    """
    count, patches_per_image, _ = positions.shape
    channels = images.shape[3]
    patches = np.empty((count, patches_per_image, channels, PATCH_SIDE, PATCH_SIDE), np.float32)
    block_size = max(1, PIXEL_BLOCK // (images.shape[1] * images.shape[2]))
    for start in range(0, count, block_size):
        block = slice(start, min(start + block_size, count))
        # Level k needs but one level below it.
        pixels = laplacian_pyramid(np.asarray(images[block]), min(level + 2, levels))[level]
        windows = np.lib.stride_tricks.sliding_window_view(pixels, (PATCH_SIDE, PATCH_SIDE), (1, 2))
        top, left = positions[block, :, 0], positions[block, :, 1]
        patches[block] = windows[np.arange(len(pixels))[:, None], top, left]
    return patches.reshape(count * patches_per_image, channels, PATCH_SIDE**2)


def _blur_weights(size: int) -> np.ndarray:
    """The blur with (1, 4, 6, 4, 1) / 16, mirrored about the outermost pixels, as a matrix [size, size]."""
    weights = np.zeros((size, size))
    pixels = np.arange(size)
    for offset, weight in zip(range(-2, 3), (1, 4, 6, 4, 1), strict=True):
        beyond_start = np.abs(pixels + offset)
        # The outer absolute value is for two pixels alone, which are mirrored at both ends.
        sources = np.abs((size - 1) - np.abs((size - 1) - beyond_start))
        weights[pixels, sources] += weight / 16.0
    return weights
