"""Each change of an image against the result worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.training.augment import NUM_UNIFORMS, augment, change_colors, cut_out, translate


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (4, 16, 16, 3)).astype(np.float32)


def test_half_changes_no_colors(images):
    np.testing.assert_allclose(change_colors(images, tf.fill([4, 3], 0.5)), images, atol=1e-6)


def test_brightness_is_added(images):
    changed = change_colors(images, tf.constant([[0.9, 0.5, 0.5]] * 4))
    np.testing.assert_allclose(changed, images + 0.4, atol=1e-6)


def test_no_saturation_is_gray(images):
    changed = change_colors(images, tf.constant([[0.5, 0.0, 0.5]] * 4)).numpy()
    np.testing.assert_allclose(changed, np.repeat(images.mean(3, keepdims=True), 3, axis=3), atol=1e-6)


def test_contrast_is_around_the_images_own_mean(images):
    changed = change_colors(images, tf.constant([[0.5, 0.5, 0.25]] * 4)).numpy()
    mean = images.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(changed, mean + 0.75 * (images - mean), atol=1e-6)


@pytest.mark.parametrize(("uniforms", "down", "right"), [((0.0, 0.5), -2, 0), ((0.99, 0.0), 2, -2)])
def test_translation_moves_by_whole_pixels(images, uniforms, down, right):
    moved = translate(images, tf.constant([uniforms] * 4, tf.float32)).numpy()
    expected = np.zeros_like(images)
    for row in range(16):
        for column in range(16):
            if 0 <= row - down < 16 and 0 <= column - right < 16:
                expected[:, row, column] = images[:, row - down, column - right]
    np.testing.assert_array_equal(moved, expected)


def test_every_shift_is_equally_frequent():
    count = 5_000
    uniforms = np.random.default_rng(1).uniform(size=(count, 2)).astype(np.float32)
    dot = np.zeros((count, 16, 16, 1), np.float32)
    dot[:, 8, 8] = 1
    rows = np.argmax(translate(dot, uniforms).numpy().sum((2, 3)), axis=1)
    frequency = np.bincount(rows - 6, minlength=5) / count
    # Four standard deviations around a fifth.
    np.testing.assert_allclose(frequency, 0.2, atol=4 * (0.2 * 0.8 / count) ** 0.5)


def test_cutout_covers_a_square(images):
    covered = cut_out(images, tf.constant([[0.5, 0.5], [0.0, 0.5], [0.999, 0.999], [0.5, 0.0]])).numpy()
    expected = images.copy()
    expected[0, 4:12, 4:12] = 0
    expected[1, :4, 4:12] = 0
    expected[2, 12:, 12:] = 0
    expected[3, 4:12, :4] = 0
    np.testing.assert_array_equal(covered, expected)


def test_probability_is_of_each_image_and_kind():
    count = 2_000
    images = np.full((count, 8, 8, 3), 0.5, np.float32)
    uniforms = np.random.default_rng(2).uniform(size=(count, NUM_UNIFORMS)).astype(np.float32)
    unchanged = np.all(augment(images, uniforms, 0.3).numpy() == 0.5, axis=(1, 2, 3)).mean()
    # One of the nine translations of an 8x8 image moves it by nothing.
    expected = 0.7**2 * (0.7 + 0.3 / 9)
    assert abs(unchanged - expected) < 4 * (expected * (1 - expected) / count) ** 0.5
    np.testing.assert_array_equal(augment(images, uniforms, 0.0), images)


def test_gradients_flow_back_to_the_pixels_they_came_from(images):
    uniforms = tf.constant(np.random.default_rng(3).uniform(size=(4, NUM_UNIFORMS)), tf.float32)
    images = tf.constant(images)
    direction = tf.random.stateless_normal(images.shape, [0, 0])
    with tf.GradientTape() as tape:
        tape.watch(images)
        value = tf.reduce_sum(augment(images, uniforms) * direction)
    gradient = tape.gradient(value, images)
    # All changes are affine in the image: the derivative is a difference.
    step = tf.random.stateless_normal(images.shape, [0, 1])
    difference = tf.reduce_sum((augment(images + step, uniforms) - augment(images, uniforms)) * direction)
    np.testing.assert_allclose(tf.reduce_sum(gradient * step), difference, rtol=1e-4, atol=1e-3)


def straight_and_premultiplied() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colors in [-1, 1], alpha in 0..1, and what a network sees of them."""
    random = np.random.default_rng(2)
    colors = random.uniform(-1, 1, (4, 16, 16, 3)).astype(np.float32)
    alpha = random.uniform(0, 1, (4, 16, 16, 1)).astype(np.float32)
    alpha[:, :4], alpha[:, 4:8] = 0, 1
    return colors, alpha, np.concatenate([(colors + 1) * alpha - 1, 2 * alpha - 1], axis=3)


def test_colors_change_alike_under_alpha():
    colors, alpha, seen = straight_and_premultiplied()
    uniforms = np.full((4, NUM_UNIFORMS), 0.5, np.float32)
    uniforms[:, :3], uniforms[:, 3:6] = (0, 1, 1), (0.7, 0.3, 0.9)
    changed = augment(seen, uniforms, 0.5).numpy()
    np.testing.assert_allclose(changed[..., 3:], seen[..., 3:], atol=1e-6)
    # By hand, on the straight colors; the mean is that of what is visible.
    bright = colors + 0.2
    gray = bright.mean(axis=3, keepdims=True)
    vivid = gray + (bright - gray) * 0.6
    mean = (vivid * alpha).sum(axis=(1, 2, 3), keepdims=True) / (3 * alpha.sum(axis=(1, 2, 3), keepdims=True))
    expected = mean + (vivid - mean) * 1.4
    np.testing.assert_allclose(changed[..., :3], (expected + 1) * alpha - 1, atol=1e-5)


def test_what_is_moved_and_covered_becomes_transparent():
    *_, seen = straight_and_premultiplied()
    uniforms = np.full((4, NUM_UNIFORMS), 0.5, np.float32)
    uniforms[:, :3], uniforms[:, 6:8] = (1, 0, 0), 0.999
    changed = augment(seen, uniforms, 0.5).numpy()
    np.testing.assert_allclose(changed[:, :2], -1)
    np.testing.assert_allclose(changed[:, :, :2], -1)
    np.testing.assert_allclose(changed[:, 6:10, 6:10], -1)
    np.testing.assert_allclose(changed[:, 13:, 13:], seen[:, 11:14, 11:14], atol=1e-6)
