"""The texture distance against plain loops, closed forms, and images whose difference is known."""

import functools
import tracemalloc

import numpy as np
import pytest

from anime_gan.metrics import texture
from anime_gan.metrics.texture import laplacian_pyramid, normalized, projected_distance, sliced_wasserstein

BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]) / 256


def mirrored(index, size):
    """Where a position beyond the edges is found, when the outermost pixel is not repeated."""
    index = abs(index)
    return index if index < size else 2 * (size - 1) - index


def slow_blur(plane):
    height, width = plane.shape
    blurred = np.zeros_like(plane)
    for y in range(height):
        for x in range(width):
            blurred[y, x] = sum(
                BINOMIAL[i + 2, j + 2] * plane[mirrored(y + i, height), mirrored(x + j, width)]
                for i in range(-2, 3)
                for j in range(-2, 3)
            )
    return blurred


def slow_smaller(plane):
    return slow_blur(plane)[::2, ::2]


def slow_larger(plane):
    spread = np.zeros((2 * plane.shape[0], 2 * plane.shape[1]))
    spread[::2, ::2] = plane
    return 4 * slow_blur(spread)


def on_planes(function, images):
    """Applies a function of [h, w] to every channel of [n, h, w, channels]."""
    return np.stack(
        [np.stack([function(image[..., c]) for c in range(image.shape[-1])], axis=-1) for image in images]
    )


def coloured_images(seed, count, side, finest=64):
    """Random images of squares of several sizes, at most `finest` of them along a side."""
    generator = np.random.default_rng(seed)
    total = np.full((count, side, side, 3), 128.0)
    for cells in (4, 8, 16, 32, 64):
        if cells <= min(side, finest):
            coarse = generator.normal(0, 20, (count, cells, cells, 3))
            total += coarse.repeat(side // cells, axis=1).repeat(side // cells, axis=2)
    return np.clip(total, 0, 255).astype(np.uint8)


def test_pyramid_agrees_with_plain_loops():
    images = np.random.default_rng(0).uniform(0, 255, (2, 12, 16, 3))
    half = on_planes(slow_smaller, images)
    quarter = on_planes(slow_smaller, half)
    expected = [images - on_planes(slow_larger, half), half - on_planes(slow_larger, quarter), quarter]
    found = laplacian_pyramid(images, 3)
    assert [level.shape for level in found] == [(2, 12, 16, 3), (2, 6, 8, 3), (2, 3, 4, 3)]
    for level, wanted in zip(found, expected, strict=True):
        np.testing.assert_allclose(level, wanted, atol=1e-10)


@pytest.mark.parametrize("side", [2, 4])
def test_pyramid_of_the_smallest_images_agrees_with_plain_loops(side):
    images = np.random.default_rng(0).uniform(0, 255, (1, side, side, 1))
    half = on_planes(slow_smaller, images)
    found = laplacian_pyramid(images, 2)
    np.testing.assert_allclose(found[1], half, atol=1e-10)
    if side > 2:
        np.testing.assert_allclose(found[0], images - on_planes(slow_larger, half), atol=1e-10)


def test_the_levels_together_are_the_image_exactly():
    images = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3), np.uint8)
    finest, middle, coarsest = laplacian_pyramid(images, 3)
    again = finest + on_planes(slow_larger, middle + on_planes(slow_larger, coarsest))
    np.testing.assert_allclose(again, images, atol=1e-4)
    assert finest.dtype == np.float32


def test_an_even_surface_has_no_detail():
    finest, coarsest = laplacian_pyramid(np.full((1, 16, 16, 3), 77, np.uint8), 2)
    assert np.all(finest == 0)
    assert np.all(coarsest == 77)


def test_sides_that_cannot_be_halved_so_often_are_refused():
    with pytest.raises(ValueError, match="20x24"):
        laplacian_pyramid(np.zeros((1, 20, 24, 3)), 4)


def test_one_dimensional_distance_is_the_mean_difference_of_sorted_values():
    a, b = np.array([[5.0], [0.0], [2.0]]), np.array([[1.0], [9.0], [2.0]])
    # 0, 2, 5 and 1, 2, 9, in either direction along the line.
    assert projected_distance(a, b, np.array([[1.0], [-1.0]])) == pytest.approx(5 / 3, rel=1e-4)
    # Distributions without any width, and of great width.
    assert projected_distance(a * 0 + 7, a * 0 + 7, np.ones((1, 1))) == 0
    assert projected_distance(a * 1e9, b * 1e9, np.ones((1, 1))) == pytest.approx(5e9 / 3, rel=1e-4)


def test_distance_of_shifted_points_is_the_mean_projected_shift():
    generator = np.random.default_rng(2)
    points = generator.normal(size=(400, 3))
    axes = generator.normal(size=(37, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    shift = np.array([1.0, -2.0, 0.5])
    expected = np.mean(np.abs(axes @ shift))
    assert projected_distance(points, points[::-1] + shift, axes) == pytest.approx(expected, rel=1e-4)


def test_distance_of_two_normal_samples():
    # Between N(0, 1) and N(0, 4) in one dimension: |2 - 1| E|z| = sqrt(2 / pi).
    generator = np.random.default_rng(3)
    a, b = generator.normal(0, 1, (200_000, 1)), generator.normal(0, 2, (200_000, 1))
    assert projected_distance(a, b, np.ones((1, 1))) == pytest.approx(np.sqrt(2 / np.pi), rel=0.02)


def test_each_channel_is_normalized_over_patches_and_pixels():
    patches = np.random.default_rng(4).normal([[10.0], [-3.0]], [[2.0], [50.0]], (600, 2, 49))
    found = normalized(patches.astype(np.float32).copy()).reshape(600, 2, 49)
    expected = (patches - patches.mean(axis=(0, 2), keepdims=True)) / patches.std(axis=(0, 2), keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def slow_distances(real, generated, levels, seed, patches, directions):
    """The definition, with its own randomness and float64 throughout; values as reported, times 1,000."""
    generator = np.random.default_rng(seed)

    def descriptors(level):
        rows = []
        for image in level:
            for _ in range(patches):
                y, x = (generator.integers(side - 6) for side in image.shape[:2])
                rows.append(image[y : y + 7, x : x + 7])
        rows = np.array(rows)
        rows = (rows - rows.mean(axis=(0, 1, 2))) / rows.std(axis=(0, 1, 2))
        return rows.reshape(len(rows), -1)

    values = []
    pyramids = [laplacian_pyramid(images.astype(np.float64), levels) for images in (real, generated)]
    for real_level, generated_level in zip(*pyramids, strict=True):
        a, b = descriptors(real_level), descriptors(generated_level)
        axes = generator.normal(size=(a.shape[1], directions))
        axes /= np.sqrt(np.sum(axes**2, axis=0))
        values.append(1000 * np.mean(np.abs(np.sort(a @ axes, axis=0) - np.sort(b @ axes, axis=0))))
    return values


def test_whole_distance_agrees_with_its_definition(monkeypatch):
    monkeypatch.setattr(texture, "PIXEL_BLOCK", 7 * 32 * 32)
    monkeypatch.setattr(texture, "DIRECTION_BLOCK", 60)
    real = coloured_images(0, 40, 32)
    generated = (coloured_images(1, 40, 32) // 64 * 64).astype(np.uint8)
    generated[:, 8:24, 8:24] = 200
    expected = slow_distances(real, generated, levels=2, seed=5, patches=100, directions=400)
    found = sliced_wasserstein(real, generated, seed=6, patches_per_image=100, directions=400)
    assert list(found) == [32, 16]
    np.testing.assert_allclose(list(found.values()), expected, rtol=0.06)
    # Positions and directions are drawn anew in either: these values are far from noise.
    assert min(expected) > 50


few_directions = functools.partial(sliced_wasserstein, directions=32)


def test_equal_sets_are_at_distance_zero():
    images = coloured_images(2, 20, 64)
    assert few_directions(images, images.copy(), seed=0) == {64: 0.0, 32: 0.0, 16: 0.0}


def test_order_of_the_images_hardly_counts():
    images = coloured_images(2, 200, 32)
    found = few_directions(images, images[::-1], seed=0)
    assert all(0 < value < 20 for value in found.values())


def test_noise_raises_the_finest_level_most():
    real, other = (coloured_images(seed, 100, 64, finest=16) for seed in (3, 4))
    noise = np.random.default_rng(5).normal(0, 40, other.shape)
    noisy = np.clip(other + noise, 0, 255).astype(np.uint8)
    before, after = (sliced_wasserstein(real, images, seed=0, directions=128) for images in (other, noisy))
    rises = {side: after[side] - before[side] for side in after}
    assert rises[64] > 25
    assert max(rises[32], rises[16]) < rises[64] / 4


def test_blur_raises_the_finest_level_most():
    real, other = (coloured_images(seed, 100, 64, finest=16) for seed in (3, 4))
    blurred = other.astype(np.float64)
    for axis in (1, 2):
        blurred = (np.roll(blurred, 1, axis) + 2 * blurred + np.roll(blurred, -1, axis)) / 4
    before, after = (
        sliced_wasserstein(real, images.astype(np.uint8), seed=0, directions=128)
        for images in (other, blurred)
    )
    rises = {side: after[side] - before[side] for side in after}
    assert rises[64] > 25
    assert max(rises[32], rises[16]) < rises[64] / 4


def test_contrast_and_tint_alone_do_not_count():
    real = (coloured_images(6, 60, 16) // 2).astype(np.uint8)
    generated = real * np.uint8(2) + np.array([0, 1, 1], np.uint8)
    found = sliced_wasserstein(real, generated, seed=0)
    assert found[16] == pytest.approx(0, abs=1e-2)


def test_images_without_any_detail_are_far_from_ones_with_detail_and_not_from_each_other():
    images = coloured_images(7, 20, 32)
    even = np.full_like(images, 33)
    found = few_directions(images, even, seed=0)
    # The normalized patches are compared with zero.
    assert all(300 < value < 1500 for value in found.values())
    assert few_directions(even, even + np.uint8(90), seed=0) == {32: 0.0, 16: 0.0}


def test_the_first_images_are_used_of_the_larger_set():
    images = coloured_images(8, 30, 16)
    other = coloured_images(9, 12, 16)
    expected = few_directions(images[:12], other, seed=3)
    assert few_directions(images, other, seed=3) == expected
    assert few_directions(images, coloured_images(9, 30, 16), seed=3) != expected
    assert few_directions(images, images[::-1], 3, max_images=5) == few_directions(
        images[:5], images[:-6:-1], 3
    )


def test_the_seed_decides():
    real, generated = coloured_images(8, 10, 16), coloured_images(9, 10, 16)
    assert few_directions(real, generated, seed=1) == few_directions(real, generated, seed=1)
    assert few_directions(real, generated, seed=1) != few_directions(real, generated, seed=2)


@pytest.mark.parametrize(
    ("shape", "levels"),
    [
        ((16, 16), [16]),
        ((100, 100), [100, 50, 25]),
        ((48, 48), [48, 24]),
        ((33, 33), [33]),
        ((32, 33), [32]),
        ((33, 32), [33]),
        ((32, 64), [32, 16]),
    ],
)
def test_levels_are_halved_down_to_sixteen_pixels(shape, levels):
    images = np.random.default_rng(0).integers(0, 256, (2, *shape, 3), np.uint8)
    assert list(sliced_wasserstein(images, images[::-1], seed=0, directions=2)) == levels


def test_pyramids_of_all_images_are_never_in_memory_together(monkeypatch):
    """Eight images at a time take 2 MB, all 400 would take 20 MB for each copy in float32."""
    monkeypatch.setattr(texture, "PIXEL_BLOCK", 8 * 64 * 64)
    images = np.random.default_rng(0).integers(0, 256, (400, 64, 64, 3), np.uint8)
    tracemalloc.start()
    sliced_wasserstein(images, images, patches_per_image=1, directions=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10e6


def test_images_that_cannot_be_compared_are_refused():
    small = np.zeros((3, 16, 16, 3), np.uint8)
    with pytest.raises(ValueError, match="equal sizes"):
        sliced_wasserstein(small, np.zeros((3, 32, 32, 3), np.uint8), seed=0)
    with pytest.raises(ValueError, match="at least 7x7"):
        sliced_wasserstein(small[:, :6], small[:, :6], seed=0)
    with pytest.raises(ValueError, match="0 images"):
        sliced_wasserstein(small, small[:0], seed=0)
