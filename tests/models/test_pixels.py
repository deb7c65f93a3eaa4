"""Pixels between files and networks, with values computed by hand."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from anime_gan.models.pixels import to_float, to_uint8


def test_networks_see_premultiplied_alpha():
    pixels = np.array([[[[255, 51, 0, 255], [255, 102, 0, 51], [7, 8, 9, 0]]]], np.uint8)
    # 255 * 51 / 255 = 51 and 102 * 51 / 255 = 20.4, then value / 127.5 - 1.
    expected = [[1, -0.6, -1, 1], [-0.6, -0.84, -1, -0.6], [-1, -1, -1, -1]]
    np.testing.assert_allclose(to_float(tf.constant(pixels))[0, 0], expected, atol=1e-6)


def test_opaque_pixels_are_scaled():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    floats = to_float(tf.constant(pixels))
    np.testing.assert_allclose(floats[0, :, :, 0].numpy().ravel(), np.linspace(-1, 1, 256), atol=1e-6)
    np.testing.assert_array_equal(to_uint8(floats), pixels)


def test_files_get_back_every_visible_color():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 24, 24, 4), np.uint8)
    again = to_uint8(to_float(tf.constant(pixels))).numpy()
    visible = pixels[..., 3] > 0
    np.testing.assert_array_equal(again[..., 3], pixels[..., 3])
    np.testing.assert_array_equal(again[visible], pixels[visible])


def test_colors_above_alpha_are_clipped():
    floats = tf.constant([[[[0.5, -1.0, -2.0, 0.0]]]])
    np.testing.assert_array_equal(to_uint8(floats), [[[[255, 0, 0, 128]]]])


def test_transparent_pixels_take_the_colors_around_them():
    pixels = np.zeros((1, 8, 8, 4), np.uint8)
    pixels[0, 0, 0] = (200, 0, 0, 255)
    pixels[0, 7, 7] = (0, 100, 0, 255)
    found = to_uint8(to_float(tf.constant(pixels))).numpy()[0]
    assert not found[1:7, :, 3].any()
    # In the quarter of either pixel its own color; in the others the mean of both.
    np.testing.assert_array_equal(found[3, 3, :3], (200, 0, 0))
    np.testing.assert_array_equal(found[4, 4, :3], (0, 100, 0))
    np.testing.assert_array_equal(found[0, 7, :3], (100, 50, 0))


def test_a_picture_that_is_transparent_everywhere_has_no_color():
    assert not to_uint8(tf.fill([1, 5, 7, 4], -1.0)).numpy().any()
