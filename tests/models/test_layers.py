"""The faster layers and Keras's layers have the same results, in every derivative that training uses."""

from __future__ import annotations

from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from anime_gan.models import layers
from anime_gan.training.penalties import dragan

# Transposed convolutions of [b, 3, 4, 5]: (filters, kernel, strides, padding).
WITHOUT_OVERLAP = [(6, 3, 3, "valid"), (4, (2, 2), (2, 2), "valid")]
FALLING_BACK = [
    (6, 5, 2, "valid"),
    (3, 4, 3, "valid"),
    (6, 3, 3, "same"),
    (4, (2, 3), (2, 3), "valid"),
    (4, 2, 3, "valid"),
]


def normal(*shape: int, seed: int = 0) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(size=shape), tf.float32)


def randomized(layer: keras.layers.Layer, shape: tuple[int, ...]) -> keras.layers.Layer:
    """Builds a layer and gives it weights that are not zero or one."""
    layer.build((None, *shape[1:]))
    random = np.random.default_rng(7)
    layer.set_weights([random.uniform(0.5, 1.5, value.shape) for value in layer.get_weights()])
    return layer


def output_and_gradients(layer: keras.layers.Layer, inputs: tf.Tensor, **options) -> list[np.ndarray]:
    """The output, and the gradients of a weighted sum of it with respect to the input and each weight."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, **options)
    upstream = tf.cast(normal(*outputs.shape, seed=3), outputs.dtype)
    sources = [inputs, *(variable.value for variable in layer.trainable_variables)]
    gradients = tape.gradient(outputs, sources, output_gradients=upstream)
    return [tf.cast(value, tf.float32).numpy() for value in (outputs, *gradients)]


def assert_close(found: list[np.ndarray], expected: list[np.ndarray], relative: float) -> None:
    """Compares each array as a whole: single elements that nearly cancel may differ by more."""
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape
        assert np.linalg.norm(other) > 0
        assert np.linalg.norm(one - other) <= relative * np.linalg.norm(other)


def transposed(kind: type, geometry: tuple, dtype: str = "float32") -> keras.layers.Layer:
    filters, kernel, strides, padding = geometry
    return randomized(kind(filters, kernel, strides, padding=padding, dtype=dtype), (2, 3, 4, 5))


@pytest.mark.parametrize("geometry", [*WITHOUT_OVERLAP, *FALLING_BACK])
def test_transposed_convolution(geometry):
    inputs = normal(2, 3, 4, 5)
    found = output_and_gradients(transposed(layers.Conv2DTranspose, geometry), inputs)
    expected = output_and_gradients(transposed(keras.layers.Conv2DTranspose, geometry), inputs)
    assert_close(found, expected, 1e-5)


@pytest.mark.parametrize("geometry", [*WITHOUT_OVERLAP, *FALLING_BACK])
def test_transposed_convolution_in_bfloat16(geometry):
    layer = transposed(layers.Conv2DTranspose, geometry, "mixed_bfloat16")
    plain = transposed(keras.layers.Conv2DTranspose, geometry, "mixed_bfloat16")
    exact = transposed(keras.layers.Conv2DTranspose, geometry)
    inputs = normal(2, 3, 4, 5)
    assert layer(inputs).dtype == tf.bfloat16
    found, expected = (output_and_gradients(one, inputs) for one in (layer, plain))
    assert_close(found, expected, 0.01)
    # The gradient of the bias is left out: TensorFlow sums it in bfloat16, in Keras's layer as well.
    assert_close(found[:3], output_and_gradients(exact, inputs)[:3], 0.01)


@pytest.mark.parametrize("geometry", [*WITHOUT_OVERLAP, *FALLING_BACK])
def test_only_kernels_as_large_as_the_strides_use_a_matrix_product(geometry):
    """If no kernel used it, the two tests above would compare Keras with Keras."""
    graph = tf.function(transposed(layers.Conv2DTranspose, geometry)).get_concrete_function(
        tf.TensorSpec([None, 3, 4, 5])
    )
    operations = {operation.type for operation in graph.graph.get_operations()}
    assert ("Conv2DBackpropInput" in operations) == (geometry in FALLING_BACK)


def test_transposed_convolution_of_an_unknown_batch():
    layer = transposed(layers.Conv2DTranspose, (6, 3, 3, "valid"))
    compiled = tf.function(layer, input_signature=[tf.TensorSpec([None, 3, 4, 5])])
    inputs = normal(7, 3, 4, 5)
    np.testing.assert_allclose(compiled(inputs), layer(inputs), rtol=1e-5, atol=1e-6)


def normalization(kind: type, dtype: str = "float32", **options) -> keras.layers.Layer:
    return randomized(kind(dtype=dtype, **options), (4, 5, 6, 7))


def batch(step: int) -> tf.Tensor:
    """Channels with different means and scales, which change from step to step."""
    scale = np.linspace(0.5, 3.0, 7, dtype=np.float32)
    return normal(4, 5, 6, 7, seed=step) * scale + (scale - step)


def test_batch_normalization():
    found = output_and_gradients(normalization(layers.BatchNormalization), batch(0), training=True)
    expected = output_and_gradients(normalization(keras.layers.BatchNormalization), batch(0), training=True)
    assert_close(found, expected, 1e-5)


def test_batch_normalization_is_one_operation_in_training_only():
    layer = normalization(layers.BatchNormalization)
    for training in (True, False):
        graph = tf.function(lambda x, training=training: layer(x, training=training)).get_concrete_function(
            tf.TensorSpec([None, 5, 6, 7])
        )
        operations = {operation.type for operation in graph.graph.get_operations()}
        assert ("FusedBatchNormV3" in operations) == training


def test_moving_statistics_and_inference():
    """Batches of different sizes, because the bias of the variance depends on the size."""
    fast, plain = (
        normalization(kind) for kind in (layers.BatchNormalization, keras.layers.BatchNormalization)
    )
    before = [value.copy() for value in fast.get_weights()[2:]]
    for step in range(5):
        part = batch(step)[: 1 + step % 4]
        fast(part, training=True)
        plain(part, training=True)
    for found, expected, start in zip(fast.get_weights()[2:], plain.get_weights()[2:], before, strict=True):
        assert not np.allclose(expected, start, rtol=1e-3)
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    for options in ({"training": False}, {}):
        found, expected = (output_and_gradients(layer, batch(9), **options) for layer in (fast, plain))
        assert_close(found, expected, 1e-5)
    kept = fast.get_weights()
    fast(batch(9), training=False)
    for value, after in zip(kept, fast.get_weights(), strict=True):
        np.testing.assert_array_equal(after, value)


def test_momentum_and_epsilon_have_the_given_values():
    options = {"momentum": 0.7, "epsilon": 0.1}
    fast, plain = (
        normalization(kind, **options)
        for kind in (layers.BatchNormalization, keras.layers.BatchNormalization)
    )
    for step in range(2):
        found, expected = (layer(batch(step), training=True).numpy() for layer in (fast, plain))
        assert_close([found], [expected], 1e-5)
    assert_close(fast.get_weights(), plain.get_weights(), 1e-5)


def test_synchronized_batch_normalization_falls_back():
    fast, plain = (
        normalization(kind, synchronized=True)
        for kind in (layers.BatchNormalization, keras.layers.BatchNormalization)
    )
    found, expected = (output_and_gradients(layer, batch(0), training=True) for layer in (fast, plain))
    assert_close(found, expected, 1e-5)
    assert_close(fast.get_weights(), plain.get_weights(), 1e-5)


def test_batch_normalization_in_bfloat16():
    layer = normalization(layers.BatchNormalization, "mixed_bfloat16")
    exact = normalization(keras.layers.BatchNormalization)
    # The same rounded inputs for both, so that only the layers differ.
    inputs = tf.cast(batch(0), tf.bfloat16)
    found = output_and_gradients(layer, inputs, training=True)
    expected = output_and_gradients(exact, tf.cast(inputs, tf.float32), training=True)
    assert layer(inputs, training=True).dtype == tf.bfloat16
    assert_close(found, expected, 0.01)
    # Statistics are float32 for any inputs.
    fresh = normalization(layers.BatchNormalization, "mixed_bfloat16")
    fresh(inputs, training=True)
    exact = normalization(keras.layers.BatchNormalization)
    exact(tf.cast(inputs, tf.float32), training=True)
    assert_close(fresh.get_weights(), exact.get_weights(), 1e-4)


@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_leaky_relu_and_its_gradient(dtype):
    inputs = tf.cast(tf.concat([normal(50), [0.0, -0.0]], axis=0), dtype)
    upstream = tf.cast(normal(52, seed=1), dtype)
    results = []
    for function in (layers.leaky_relu, tf.nn.leaky_relu):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = function(inputs)
        results.append([outputs, tape.gradient(outputs, inputs, output_gradients=upstream)])
    for found, expected in zip(*results, strict=True):
        assert found.dtype == dtype
        np.testing.assert_array_equal(tf.cast(found, tf.float32), tf.cast(expected, tf.float32))


@pytest.mark.parametrize("compiled", [False, True])
def test_second_order_gradient_of_a_penalty(compiled):
    """The gradient of a penalty with respect to the weights passes through the gradient of the leaky ReLU."""
    real, noise = normal(3, 9, 9, 3), tf.random.stateless_uniform([3, 9, 9, 3], (0, 1))
    first = 0.3 * normal(5, 5, 3, 8, seed=1)
    second = 0.3 * normal(3, 3, 8, 6, seed=2)
    last = normal(6 * 9, 1, seed=3)

    def gradients(leaky_relu):
        def discriminate(images):
            x = leaky_relu(tf.nn.conv2d(images, first, 2, "SAME"))
            x = leaky_relu(tf.nn.conv2d(x, second, 2, "SAME"))
            return tf.matmul(tf.reshape(x, [3, -1]), last)

        with tf.GradientTape() as tape:
            tape.watch([first, second, last])
            penalty = tf.reduce_sum(dragan(discriminate, real, real, noise))
        return [penalty, *tape.gradient(penalty, [first, second, last])]

    results = []
    for function in (layers.leaky_relu, tf.nn.leaky_relu):
        run = partial(gradients, function)
        run = tf.function(run, autograph=False) if compiled else run
        results.append([value.numpy() for value in run()])
    assert_close(*results, 1e-5)


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_sub_pixel_convolution_equals_a_convolution_of_the_doubled_map(size):
    class Plain(keras.layers.Conv2D):
        def build(self, shape):
            super().build((None, 2 * shape[1], 2 * shape[2], shape[3] // 4))
            self.input_spec = None

        def call(self, inputs):
            return super().call(tf.nn.depth_to_space(inputs, 2))

    inputs = normal(2, 6, 4, 8)
    found, expected = (
        output_and_gradients(randomized(kind(3, size, padding="same"), inputs.shape), inputs)
        for kind in (layers.SubPixelConv2D, Plain)
    )
    assert found[0].shape == (2, 12, 8, 3)
    assert_close(found, expected, 1e-5)
