"""The distances between features against closed forms, plain loops, and other libraries."""

import numpy as np
import pytest

from anime_gan.metrics import distances
from anime_gan.metrics.distances import (
    frechet_distance,
    frechet_distance_of_gaussians,
    kernel_distance,
    nearest_distances,
    precision_recall,
)


def random_features(seed, rows, columns, scale=1.0, shift=0.0):
    return np.random.default_rng(seed).normal(shift, scale, (rows, columns))


def random_covariance(seed, size, rank):
    factor = random_features(seed, size, rank)
    return factor @ factor.T


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a few rows, so that small examples have several and a ragged last one."""
    monkeypatch.setattr(distances, "BLOCK_ELEMENTS", 70)


def test_frechet_distance_of_diagonal_gaussians():
    # Commuting covariances: squared differences of means and of standard deviations.
    mean_a, mean_b = np.array([1.0, -2.0, 0.0]), np.array([4.0, 2.0, 0.0])
    deviation_a, deviation_b = np.array([1.0, 3.0, 0.0]), np.array([2.0, 0.5, 6.0])
    found = frechet_distance_of_gaussians(mean_a, np.diag(deviation_a**2), mean_b, np.diag(deviation_b**2))
    assert found == pytest.approx((9 + 16) + (1 + 6.25 + 36), rel=1e-12)


def test_frechet_distance_of_rotated_commuting_gaussians():
    rotation, _ = np.linalg.qr(random_features(0, 5, 5))
    deviation_a, deviation_b = np.array([1.0, 2, 3, 4, 5]), np.array([5.0, 1, 3, 0.1, 0])
    covariance_a, covariance_b = ((rotation * d**2) @ rotation.T for d in (deviation_a, deviation_b))
    found = frechet_distance_of_gaussians(np.zeros(5), covariance_a, np.zeros(5), covariance_b)
    assert found == pytest.approx(np.sum((deviation_a - deviation_b) ** 2), abs=1e-6)


@pytest.mark.parametrize("ranks", [(12, 12), (12, 5), (3, 5)])
def test_frechet_distance_agrees_with_scipy_also_for_singular_covariances(ranks):
    linalg = pytest.importorskip("scipy.linalg")
    a, b = random_covariance(1, 12, ranks[0]), random_covariance(2, 12, ranks[1])
    # SciPy's root wants full rank; this much on the diagonal changes the distance by less than the tolerance.
    root = linalg.sqrtm((a + 1e-10 * np.eye(12)) @ (b + 1e-10 * np.eye(12)))
    expected = np.trace(a) + np.trace(b) - 2 * np.trace(root).real
    found = frechet_distance_of_gaussians(np.zeros(12), a, np.zeros(12), b)
    assert found == pytest.approx(expected, abs=1e-3)
    assert expected > 10


def test_frechet_distance_of_samples_uses_their_mean_and_unbiased_covariance():
    # In one dimension: (difference of means)^2 + (difference of standard deviations)^2.
    a, b = np.array([[0.0], [2.0], [4.0]]), np.array([[10.0], [10.0], [13.0], [15.0]])
    expected = (2 - 12) ** 2 + (2 - np.sqrt(18 / 3)) ** 2
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-12)


def test_frechet_distance_of_large_samples_comes_near_that_of_the_distributions():
    a = random_features(3, 50_000, 4, scale=1.0)
    b = random_features(4, 50_000, 4, scale=1.5, shift=0.5)
    assert frechet_distance(a, b) == pytest.approx(4 * 0.5**2 + 4 * 0.5**2, rel=0.02)


def test_frechet_distance_of_a_set_to_itself_is_zero_with_fewer_rows_than_columns():
    a = random_features(5, 20, 64)
    assert 0 <= frechet_distance(a, a[::-1]) < 1e-9


def test_frechet_distance_does_not_depend_on_the_order_of_the_sets():
    a, b = random_features(6, 100, 8), random_features(7, 80, 8, scale=2.0)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)


def slow_kernel_distance(a, b):
    def kernel(x, y):
        return (sum(p * q for p, q in zip(x, y, strict=True)) / len(x) + 1) ** 3

    n, m = len(a), len(b)
    within_a = [kernel(a[i], a[j]) for i in range(n) for j in range(n) if i != j]
    within_b = [kernel(b[i], b[j]) for i in range(m) for j in range(m) if i != j]
    between = [kernel(x, y) for x in a for y in b]
    return sum(within_a) / len(within_a) + sum(within_b) / len(within_b) - 2 * sum(between) / len(between)


def test_kernel_distance_agrees_with_plain_loops():
    a, b = random_features(0, 12, 5), random_features(1, 12, 5, shift=0.4)
    assert kernel_distance(a, b) == pytest.approx(slow_kernel_distance(a, b), rel=1e-10)


def test_kernel_distance_averages_over_subsets_of_both_sets():
    # Subsets of two rows are unbiased too. With many of them, the average is close to the value of the whole.
    a, b = random_features(2, 9, 3), random_features(3, 7, 3, shift=1.0)
    found = kernel_distance(a, b, subset_size=2, subsets=20_000)
    assert found == pytest.approx(slow_kernel_distance(a, b), rel=0.05)


@pytest.mark.parametrize(("rows_a", "rows_b"), [(60, 12), (12, 60)])
def test_kernel_distance_of_sets_of_different_size(rows_a, rows_b):
    a, b = random_features(2, rows_a, 3), random_features(3, rows_b, 3, shift=1.0)
    assert kernel_distance(a, b, subsets=5000) == pytest.approx(slow_kernel_distance(a, b), rel=0.02)


def test_kernel_distance_is_decided_by_its_seed():
    a, b = random_features(4, 60, 3), random_features(5, 50, 3)
    first = kernel_distance(a, b, subset_size=10, subsets=5, seed=1)
    assert first == kernel_distance(a, b, subset_size=10, subsets=5, seed=1)
    assert first != kernel_distance(a, b, subset_size=10, subsets=5, seed=2)


def test_kernel_distance_is_unbiased():
    values = [
        kernel_distance(random_features((0, trial), 30, 4), random_features((1, trial), 30, 4))
        for trial in range(300)
    ]
    error_of_mean = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 3 * error_of_mean
    # The biased estimate, with the diagonal, would be above zero always.
    assert 0.3 < np.mean(np.array(values) < 0) < 0.8


def test_kernel_distance_between_known_distributions():
    # In one dimension E (x y + 1)^3 = 1 + 3 E[x]E[y] + 3 E[x^2]E[y^2] + E[x^3]E[y^3]. Here x is 0 or 1, each
    # half of the time (all moments 1/2), and y is 1: 1 + 7/4, 8, and 1 + 7/2.
    a, b = np.tile([[0.0], [1.0]], (5000, 1)), np.ones((10_000, 1))
    assert kernel_distance(a, b) == pytest.approx(2.75 + 8 - 2 * 4.5, rel=0.02)


def slow_precision_recall(real, generated, neighbors):
    def covered(points, centres):
        count = 0
        for point in points:
            for i, centre in enumerate(centres):
                others = [np.linalg.norm(centre - c) for j, c in enumerate(centres) if j != i]
                if np.linalg.norm(point - centre) <= sorted(others)[neighbors - 1]:
                    count += 1
                    break
        return count / len(points)

    return covered(generated, real), covered(real, generated)


def test_precision_and_recall_of_a_lost_cluster():
    # Real: two clusters. Generated: all in the first of them.
    square = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    real = np.concatenate([square, square + 100])
    assert precision_recall(real, square + 0.25) == (1.0, 0.5)


def test_precision_and_recall_of_generated_points_outside():
    square = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    generated = np.concatenate([square + 0.25, square + 100, square - 100])
    precision, recall = precision_recall(square, generated)
    assert precision == pytest.approx(1 / 3)
    assert recall == 1.0


def test_a_ball_reaches_exactly_to_the_kth_neighbor():
    # With k = 1, the balls around 0 and 1 have radius 1, and the ball around 3 has radius 2.
    real = np.array([[0.0], [1.0], [3.0]])
    generated = np.array([[-1.0], [-1.01], [5.0], [5.01], [1000.0], [1e6]])
    assert precision_recall(real, generated, neighbors=1)[0] == pytest.approx(2 / 6)


def test_points_that_are_all_the_same_cover_only_themselves():
    # Their balls have radius 0. Rounding must not make a distance of 0 larger than that radius.
    for seed in range(30):
        generated = np.tile(random_features(seed, 1, 64, shift=3.0), (10, 1))
        real = np.concatenate([generated[:1], random_features(100 + seed, 9, 64, shift=50.0)])
        assert precision_recall(real, generated) == (1.0, 0.1)
        assert precision_recall(generated, real) == (0.1, 1.0)


@pytest.mark.parametrize("neighbors", [1, 3, 5])
def test_precision_and_recall_agree_with_plain_loops(neighbors, small_blocks):
    real, generated = random_features(8, 23, 2), random_features(9, 17, 2, shift=0.7)
    expected = slow_precision_recall(real, generated, neighbors)
    assert precision_recall(real, generated, neighbors) == expected
    assert 0 < expected[0] < 1 and 0 < expected[1] < 1 and expected[0] != expected[1]


def test_precision_and_recall_agree_with_prdc():
    prdc = pytest.importorskip("prdc")
    real, generated = random_features(8, 300, 6), random_features(9, 200, 6, scale=0.8, shift=0.3)
    expected = prdc.compute_prdc(real, generated, nearest_k=3)
    assert precision_recall(real, generated) == pytest.approx((expected["precision"], expected["recall"]))


def test_nearest_distances_agree_with_plain_loops(small_blocks):
    queries, references = random_features(10, 19, 3), random_features(11, 26, 3)
    table = np.array([[np.linalg.norm(q - r) for r in references] for q in queries])
    found, indices = nearest_distances(queries, references)
    np.testing.assert_allclose(found, table.min(axis=1), rtol=1e-12)
    np.testing.assert_array_equal(indices, table.argmin(axis=1))


def test_no_row_is_its_own_neighbor(small_blocks):
    points = random_features(12, 31, 3)
    table = np.array([[np.linalg.norm(q - r) for r in points] for q in points])
    np.fill_diagonal(table, np.inf)
    found, indices = nearest_distances(points, points, exclude_self=True)
    np.testing.assert_allclose(found, table.min(axis=1), rtol=1e-12)
    np.testing.assert_array_equal(indices, table.argmin(axis=1))


def test_a_copy_is_at_distance_zero_and_a_near_copy_at_its_small_distance():
    references = random_features(13, 500, 128, shift=30.0)
    queries = references[[7, 400]].copy()
    queries[1, 5] += 1e-5
    found, indices = nearest_distances(queries, references)
    assert found[0] == 0
    assert found[1] == pytest.approx(1e-5, rel=1e-6)
    assert indices.tolist() == [7, 400]


@pytest.mark.parametrize("measure", [frechet_distance, kernel_distance, precision_recall, nearest_distances])
@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (np.zeros((9, 3)), np.zeros((9, 4)), r"\(9, 3\) and \(9, 4\)"),
        (np.zeros(9), np.zeros((9, 4)), r"\(9,\) and \(9, 4\)"),
        (np.full((9, 3), np.nan), np.zeros((9, 3)), "NaN or infinity"),
        (np.zeros((9, 3)), np.full((9, 3), np.inf), "NaN or infinity"),
        (np.zeros((9, 3)), np.zeros((0, 3)), "9 and 0 features"),
    ],
)
def test_features_that_do_not_fit_are_refused(measure, a, b, said):
    with pytest.raises(ValueError, match=said):
        measure(a, b)


def test_too_few_features_are_refused():
    one, three = np.zeros((1, 2)), np.zeros((3, 2))
    for measure in (frechet_distance, kernel_distance):
        with pytest.raises(ValueError, match="at least 2"):
            measure(one, three)
    with pytest.raises(ValueError, match="at least 4"):
        precision_recall(three, three)
    with pytest.raises(ValueError, match="at least 2"):
        nearest_distances(one, one, exclude_self=True)
    with pytest.raises(ValueError, match="3 queries and 2 references"):
        nearest_distances(three, three[:2], exclude_self=True)
    with pytest.raises(ValueError, match="subset_size 1 and subsets 100"):
        kernel_distance(three, three, subset_size=1)
    with pytest.raises(ValueError, match="subset_size 2 and subsets 0"):
        kernel_distance(three, three, subset_size=2, subsets=0)
    with pytest.raises(ValueError, match="neighbors 0"):
        precision_recall(three, three, neighbors=0)
