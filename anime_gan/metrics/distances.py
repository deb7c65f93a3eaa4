"""Distances between sets of features, and between features and their nearest neighbors.

Everything is computed in float64. All pairs of rows are compared in blocks, so a few hundred megabytes of
memory are enough for any number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

# Number of elements in a block of 64 MB.
BLOCK_ELEMENTS = 2**23
# A squared distance below this share of the sum of squares is a rounding error.
ROUNDING = 1e-12


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the Fréchet distance between Gaussians fitted to two sets of features, as in the FID.

    The formula is equation 6 of Heusel et al. 2017 (arXiv 1706.08500), with unbiased covariances. The
    distance depends on the number of feature vectors. Compare only distances for equal numbers, preferably
    several thousand.

    Args:
        a: float [n, d], at least two rows; n may be smaller than d.
        b: float [m, d], at least two rows.

    Returns:
        The distance in squared units of the features, at least 0; 0 if means and covariances are equal.

    Raises:
        ValueError: The shapes do not match, or a value is not finite.
    """
    a, b = _feature_pair(a, b, min_rows=2)
    return frechet_distance_of_gaussians(a.mean(axis=0), _covariance(a), b.mean(axis=0), _covariance(b))


def frechet_distance_of_gaussians(
    mean_a: np.ndarray, covariance_a: np.ndarray, mean_b: np.ndarray, covariance_b: np.ndarray
) -> float:
    """Returns the squared Fréchet (2-Wasserstein) distance between two Gaussians.

    It is |mean_a - mean_b|^2 + trace(C_a + C_b - 2 (C_a C_b)^(1/2)) (Dowson and Landau 1982, equation 4).

    Args:
        mean_a: float [d].
        covariance_a: float [d, d], symmetric and without negative eigenvalues; may be singular.
        mean_b: float [d].
        covariance_b: float [d, d], with the same properties.
    """
    # C_a C_b has the same eigenvalues as S S^T with S = C_a^(1/2) C_b^(1/2). The trace of its square root is
    # thus the sum of the singular values of S. Nothing is squared, so singular matrices lose no digits.
    roots = _symmetric_root(covariance_a) @ _symmetric_root(covariance_b)
    trace_of_root = np.sum(np.linalg.svd(roots, compute_uv=False))
    shift = np.asarray(mean_a, np.float64) - np.asarray(mean_b, np.float64)
    distance = shift @ shift + np.trace(covariance_a) + np.trace(covariance_b) - 2.0 * trace_of_root
    return max(0.0, float(distance))


def kernel_distance(
    a: np.ndarray, b: np.ndarray, subset_size: int = 1000, subsets: int = 100, seed: int = 0
) -> float:
    """Returns the kernel distance (KID), a squared maximum mean discrepancy with kernel (x y / d + 1)^3.

    It is the unbiased estimate of Bińkowski et al. 2018 (arXiv 1801.01401, section 4), averaged over random
    subsets. Unlike the Fréchet distance, its expectation does not depend on the number of features. The
    expectation is zero for equal distributions, so individual values may be negative.

    Args:
        a: float [n, d], at least two rows.
        b: float [m, d], at least two rows.
        subset_size: Number of rows per subset, drawn without replacement; at most n and m.
        subsets: Number of subsets.
        seed: Random seed of the subsets.

    Raises:
        ValueError: The shapes do not match, or a value is not finite.
    """
    a, b = _feature_pair(a, b, min_rows=2)
    size = min(subset_size, len(a), len(b))
    if size < 2 or subsets < 1:
        raise ValueError(f"subset_size {subset_size} and subsets {subsets} must be at least 2 and 1")
    if size == len(a) == len(b):
        # Each subset would contain all rows.
        return _unbiased_discrepancy(a, b)
    generator = np.random.default_rng(seed)
    values = [
        _unbiased_discrepancy(
            a[generator.choice(len(a), size, replace=False)], b[generator.choice(len(b), size, replace=False)]
        )
        for _ in range(subsets)
    ]
    return float(np.mean(values))


def precision_recall(real: np.ndarray, generated: np.ndarray, neighbors: int = 3) -> tuple[float, float]:
    """Returns improved precision and recall (Kynkäänniemi et al. 2019, arXiv 1904.06991, section 2).

    Each feature has a ball whose radius is the distance to its k-th nearest neighbor in its set. Precision is
    the share of generated features in the balls of real features, which means that they look real. Recall is
    the share of real features in the balls of generated features, which means that they could be generated.
    Both depend on the number of features. The paper uses 50,000 feature vectors and k = 3.

    Args:
        real: float [n, d], more than `neighbors` rows.
        generated: float [m, d], more than `neighbors` rows.
        neighbors: The number k.

    Returns:
        `(precision, recall)`, each from 0 to 1.

    Raises:
        ValueError: The shapes do not match, or a value is not finite.
    """
    if neighbors < 1:
        raise ValueError(f"neighbors {neighbors} must be at least 1")
    real, generated = _feature_pair(real, generated, min_rows=neighbors + 1)
    real_radii = _squared_radii(real, neighbors)
    generated_radii = _squared_radii(generated, neighbors)
    looks_real = np.zeros(len(generated), bool)
    is_reached = np.zeros(len(real), bool)
    for rows in _row_blocks(len(generated), len(real)):
        squared = _squared_distances(generated[rows], real)
        looks_real[rows] = np.any(squared <= real_radii, axis=1)
        is_reached |= np.any(squared <= generated_radii[rows, None], axis=0)
    return float(np.mean(looks_real)), float(np.mean(is_reached))


def nearest_distances(
    queries: np.ndarray, references: np.ndarray, exclude_self: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the Euclidean distance from each query to the nearest reference.

    Args:
        queries: float [n, d].
        references: float [m, d].
        exclude_self: Whether both are the same rows, and a row must not be its own neighbor.

    Returns:
        `(distances, indices)`: float64 [n], and int64 [n], indices into `references`. The distance to an
        equal reference is exactly 0.

    Raises:
        ValueError: The shapes do not match, or a value is not finite.
    """
    queries, references = _feature_pair(queries, references, min_rows=2 if exclude_self else 1)
    if exclude_self and len(queries) != len(references):
        raise ValueError(
            f"exclude_self needs equal numbers, not {len(queries)} queries and {len(references)} references"
        )
    distances = np.empty(len(queries))
    indices = np.empty(len(queries), np.int64)
    for rows in _row_blocks(len(queries), max(references.shape)):
        squared = _squared_distances(queries[rows], references)
        if exclude_self:
            squared[np.arange(len(squared)), np.arange(rows.start, rows.stop)] = np.inf
        indices[rows] = np.argmin(squared, axis=1)
        # The product above loses half of the digits of small distances, so compute them from differences.
        distances[rows] = np.linalg.norm(queries[rows] - references[indices[rows]], axis=1)
    return distances, indices


def _covariance(features: np.ndarray) -> np.ndarray:
    centered = features - features.mean(axis=0)
    return centered.T @ centered / (len(features) - 1)


def _symmetric_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(np.asarray(matrix, np.float64))
    # Rounding makes zero eigenvalues slightly negative.
    return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def _unbiased_discrepancy(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the unbiased estimate of the squared discrepancy between equal numbers of rows."""
    size = len(a)
    within_a, within_b = _cubic_kernel(a, a), _cubic_kernel(b, b)
    within = np.sum(within_a) - np.trace(within_a) + np.sum(within_b) - np.trace(within_b)
    return float(within / (size * (size - 1)) - 2.0 * np.mean(_cubic_kernel(a, b)))


def _cubic_kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    base = a @ b.T / a.shape[1] + 1.0
    return base * base * base


def _squared_radii(features: np.ndarray, neighbors: int) -> np.ndarray:
    """Returns the squared distance from each row to its k-th nearest other row, [n]."""
    radii = np.empty(len(features))
    for rows in _row_blocks(len(features), len(features)):
        squared = _squared_distances(features[rows], features)
        squared[np.arange(len(squared)), np.arange(rows.start, rows.stop)] = np.inf
        radii[rows] = np.partition(squared, neighbors - 1, axis=1)[:, neighbors - 1]
    return radii


def _squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Returns squared Euclidean distances, [len(a), len(b)]; exactly 0 between equal rows."""
    sum_of_squares = np.sum(a * a, axis=1)[:, None] + np.sum(b * b, axis=1)
    squared = sum_of_squares - 2.0 * (a @ b.T)
    squared[squared < ROUNDING * sum_of_squares] = 0.0
    return squared


def _row_blocks(num_rows: int, num_columns: int) -> Iterator[slice]:
    size = max(1, BLOCK_ELEMENTS // num_columns)
    for start in range(0, num_rows, size):
        yield slice(start, min(start + size, num_rows))


def _feature_pair(a: np.ndarray, b: np.ndarray, min_rows: int) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise ValueError(f"features of shapes {a.shape} and {b.shape}: must be [n, d] and [m, d]")
    if min(len(a), len(b)) < min_rows:
        raise ValueError(f"{len(a)} and {len(b)} features: each set needs at least {min_rows}")
    if not (np.all(np.isfinite(a)) and np.all(np.isfinite(b))):
        raise ValueError("features contain NaN or infinity")
    return a, b
