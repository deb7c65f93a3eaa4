"""Strided convolutions with a gradient of their own have the derivatives that TensorFlow computes."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from anime_gan.models import strided

LARGE, SMALL = (2, 6, 8, 3), (2, 3, 4, 5)


def normal(*shape: int, seed: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float64)


def plain(maps: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.nn.conv2d(maps, kernel, 2, "SAME")


def plain_transposed(maps: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    return tf.nn.conv2d_transpose(maps, kernel, LARGE, 2, "SAME")


def derivatives(function: Callable, maps: tf.Tensor, kernel: tf.Tensor) -> list[np.ndarray]:
    """The output, its gradients, and those of a gradient penalty."""
    with tf.GradientTape(persistent=True) as outer:
        outer.watch([maps, kernel])
        with tf.GradientTape() as tape:
            tape.watch(maps)
            outputs = function(maps, kernel)
            score = tf.reduce_sum(tf.tanh(outputs) * normal(*outputs.shape, seed=2))
        gradient = tape.gradient(score, maps)
        penalty = tf.reduce_sum(gradient**2)
    sources = [maps, kernel]
    values = [outputs, *outer.gradient(score, sources), *outer.gradient(penalty, sources)]
    return [np.asarray(value) for value in values]


@pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [(strided.convolve, plain, LARGE), (strided.convolve_transposed, plain_transposed, SMALL)],
)
def test_all_derivatives_are_those_of_tensorflow(ours, theirs, shape):
    maps, kernel = normal(*shape, seed=0), normal(4, 4, 3, 5, seed=1)
    expected = derivatives(theirs, maps, kernel)
    for found, right in zip(derivatives(ours, maps, kernel), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-9, atol=1e-9)
        assert np.abs(right).max() > 0.1


def test_gradient_of_a_kernel_is_a_sum_over_positions():
    maps, upstream = normal(*LARGE, seed=0), normal(*SMALL, seed=1)
    found = strided.kernel_gradient(maps, upstream).numpy()
    padded = np.pad(maps.numpy(), [(0, 0), (1, 1), (1, 1), (0, 0)])
    for row, column in np.ndindex(4, 4):
        # Entry (row, column) of the kernel is multiplied by every second pixel.
        seen = padded[:, row : row + 6 : 2, column : column + 8 : 2]
        expected = np.einsum("bhwc,bhwf->cf", seen, upstream.numpy())
        np.testing.assert_allclose(found[row, column], expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("ours", "theirs", "shape"),
    [
        (strided.StridedConv2D, keras.layers.Conv2D, (2, 8, 8, 6)),
        (strided.StridedConv2DTranspose, keras.layers.Conv2DTranspose, (2, 8, 8, 6)),
        # Larger than the limit, and odd: Keras computes these.
        (strided.StridedConv2D, keras.layers.Conv2D, (2, 34, 34, 2)),
        (strided.StridedConv2D, keras.layers.Conv2D, (2, 7, 7, 2)),
    ],
)
def test_layers_equal_those_of_keras_in_bfloat16(ours, theirs, shape):
    layers = [
        kind(5, 4, 2, padding="same", use_bias=False, dtype="mixed_bfloat16") for kind in (ours, theirs)
    ]
    for layer in layers:
        layer.build((None, *shape[1:]))
    layers[0].set_weights(layers[1].get_weights())
    inputs = tf.cast(normal(*shape, seed=0), tf.float32)
    found, expected = (values_and_gradients(layer, inputs) for layer in layers)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert np.linalg.norm(one - other) <= 0.01 * np.linalg.norm(other) > 0


def values_and_gradients(layer: keras.layers.Layer, inputs: tf.Tensor) -> list[np.ndarray]:
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs)
    upstream = tf.cast(normal(*outputs.shape, seed=3), outputs.dtype)
    gradients = tape.gradient(outputs, [inputs, layer.kernel.value], output_gradients=upstream)
    return [np.asarray(tf.cast(value, tf.float32)) for value in (outputs, *gradients)]
