"""The distance between images against closed forms and plain loops."""

import math
import tracemalloc

import numpy as np
import pytest

from anime_gan.metrics import variety
from anime_gan.metrics.variety import group_by_labels, image_distance, nearest_images, pairwise_diversity


def even_images(*levels, side=64):
    return np.stack([np.full((side, side, 3), level, np.uint8) for level in levels])


def random_images(seed, count, side=64):
    """Random images with differences at several scales."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 200, (count, 4, 4, 3)).repeat(side // 4, axis=1).repeat(side // 4, axis=2)
    return (coarse + generator.integers(0, 56, (count, side, side, 3))).astype(np.uint8)


def slow_area_average(image, side):
    """Pixels are cut into so many pieces that each part of the image has a whole number of them."""
    for axis in (0, 1):
        pieces = side // math.gcd(side, image.shape[axis])
        fine = np.moveaxis(image.astype(np.float64).repeat(pieces, axis), axis, 0)
        image = np.moveaxis(fine.reshape(side, -1, *fine.shape[1:]).mean(axis=1), 0, axis)
    return image


def slow_distance(a, b):
    squares = [
        np.mean(((slow_area_average(a, side) - slow_area_average(b, side)) / 255) ** 2)
        for side in (32, 16, 8)
    ]
    return np.sqrt(np.mean(squares))


def test_distance_of_even_images_is_their_difference():
    found = image_distance(even_images(0, 10, 255, 7), even_images(255, 61, 0, 7))
    np.testing.assert_allclose(found, [1, 0.2, 1, 0], atol=1e-6)


def test_distance_in_one_channel_counts_a_third():
    a, b = even_images(0), even_images(0)
    b[..., 1] = 255
    assert image_distance(a, b)[0] == pytest.approx(np.sqrt(1 / 3), rel=1e-6)


def test_detail_counts_less_than_large_areas():
    grey = even_images(128)

    def checkerboard(cell):
        rows = np.arange(64) // cell
        board = np.where((rows[:, None] + rows) % 2, 228, 28).astype(np.uint8)
        return np.repeat(board[None, ..., None], 3, axis=-1)

    contrast = 100 / 255
    # Cells of 8 pixels are seen at all three scales, of 4 and 2 pixels at two and one, single pixels at none.
    for cell, scales in ((8, 3), (4, 2), (2, 1), (1, 0)):
        expected = contrast * np.sqrt(scales / 3)
        assert image_distance(grey, checkerboard(cell))[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("side", [64, 48, 20, 100])
def test_distance_agrees_with_plain_loops_for_any_size(side):
    a, b = random_images(0, 5, side), random_images(1, 5, side)
    expected = [slow_distance(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(image_distance(a, b), expected, rtol=1e-5)


def test_distance_of_wide_images_agrees_with_plain_loops():
    a, b = random_images(0, 2)[:, :40], random_images(1, 2)[:, :40]
    expected = [slow_distance(x, y) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(image_distance(a, b), expected, rtol=1e-5)


def test_images_of_other_shapes_are_refused():
    with pytest.raises(ValueError, match="cannot be compared"):
        image_distance(random_images(0, 2), random_images(0, 1))
    with pytest.raises(ValueError, match="cannot be compared"):
        image_distance(random_images(0, 1), random_images(0, 2))


def test_images_are_reduced_a_few_at_a_time(monkeypatch):
    """All 64 images in float32 would take 50 MB, the reduced ones take 4 MB."""
    monkeypatch.setattr(variety, "PIXEL_BLOCK", 256 * 256)
    images = np.zeros((64, 256, 256, 3), np.uint8)
    tracemalloc.start()
    image_distance(images, images)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_diversity_of_even_images():
    # Pairs of the first group differ by 51, 102 and 51, those of the second by 0, 255 and 255.
    groups = np.stack([even_images(0, 51, 102), even_images(0, 0, 255)])
    expected = ((0.2 + 0.4 + 0.2) / 3 + (0 + 1 + 1) / 3) / 2
    assert pairwise_diversity(groups) == pytest.approx(expected, rel=1e-6)
    assert pairwise_diversity(groups[:1]) == pytest.approx((0.2 + 0.4 + 0.2) / 3, rel=1e-6)


def test_diversity_is_about_members_and_not_about_groups():
    groups = np.stack([even_images(0, 0), even_images(255, 255), even_images(9, 9)])
    assert pairwise_diversity(groups) == 0


def test_diversity_agrees_with_plain_loops():
    groups = random_images(3, 12).reshape(3, 4, 64, 64, 3)
    pairs = [slow_distance(g[i], g[j]) for g in groups for i in range(4) for j in range(i)]
    assert pairwise_diversity(groups) == pytest.approx(np.mean(pairs), rel=1e-5)


@pytest.mark.parametrize("shape", [(0, 2, 16, 16, 3), (2, 1, 16, 16, 3), (4, 16, 16, 3)])
def test_diversity_needs_pairs(shape):
    with pytest.raises(ValueError, match="at least two members"):
        pairwise_diversity(np.zeros(shape, np.uint8))


def test_nearest_images_agree_with_plain_loops(monkeypatch):
    monkeypatch.setattr(variety, "REFERENCE_BLOCK", 5)
    monkeypatch.setattr(variety, "PIXEL_BLOCK", 2 * 64 * 64)
    queries, references = random_images(4, 7), random_images(5, 23)
    table = np.array([[slow_distance(q, r) for r in references] for q in queries])
    distances, indices = nearest_images(queries, references)
    np.testing.assert_allclose(distances, table.min(axis=1), rtol=1e-5)
    np.testing.assert_array_equal(indices, table.argmin(axis=1))
    # The example has nearest images in several blocks.
    assert len(set(indices // 5)) > 2


def test_copies_are_found_in_a_memory_map(tmp_path, monkeypatch):
    monkeypatch.setattr(variety, "REFERENCE_BLOCK", 8)
    images = random_images(6, 30)
    np.save(tmp_path / "images.npy", images)
    references = np.load(tmp_path / "images.npy", mmap_mode="r")
    changed = images[[21]].copy()
    changed[0, :4, :4] ^= 64
    distances, indices = nearest_images(np.concatenate([images[[29, 0, 8]], changed]), references)
    assert indices.tolist() == [29, 0, 8, 21]
    assert distances[:3].tolist() == [0, 0, 0]
    assert distances[3] == pytest.approx(slow_distance(images[21], changed[0]), rel=1e-4)
    assert distances[3] > 0


def test_images_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="cannot be compared"):
        nearest_images(random_images(0, 2, 64), random_images(0, 2, 32))
    with pytest.raises(ValueError, match="cannot be compared"):
        nearest_images(random_images(0, 2), random_images(0, 2)[:0])


LABELS = np.array(
    [[1, -1], [1, 1], [1, -1], [0, -1], [1, -1], [1, 1], [-1, -1], [0, -1]],
    np.int8,
)


def as_sets(groups):
    return sorted(sorted(int(i) for i in group) for group in groups)


def test_groups_share_their_whole_label_row():
    assert as_sets(group_by_labels(LABELS, 2, 10, seed=0)) == [[0, 2, 4], [1, 5], [3, 7]]
    assert as_sets(group_by_labels(LABELS, 3, 10, seed=0)) == [[0, 2, 4]]
    assert group_by_labels(LABELS, 4, 10, seed=0) == []


def test_images_without_labels_are_one_group():
    assert as_sets(group_by_labels(np.zeros((4, 0), np.int8), 2, 10, seed=0)) == [[0, 1, 2, 3]]


def test_labels_may_be_columns_of_a_larger_table():
    table = np.stack([LABELS, LABELS[::-1]], axis=-1)[..., 0]
    assert not table.flags.c_contiguous
    assert as_sets(group_by_labels(table, 2, 10, seed=0)) == [[0, 2, 4], [1, 5], [3, 7]]


def test_groups_and_the_order_within_are_drawn_by_the_seed():
    labels = np.repeat(np.eye(20, dtype=np.int8), 30, axis=0)

    def drawn(seed):
        return [group.tolist() for group in group_by_labels(labels, 30, 5, seed)]

    assert drawn(0) == drawn(0)
    assert len({tuple(sorted(group[0] // 30 for group in drawn(seed))) for seed in range(10)}) > 5
    for group in drawn(0):
        assert sorted(group) == list(range(min(group), min(group) + 30))
        assert group != sorted(group)
