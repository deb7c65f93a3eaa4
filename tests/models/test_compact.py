"""The compact networks, compared with explicit sums in NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.ndimage
import tensorflow as tf

from anime_gan.models import get_architecture
from anime_gan.models.compact import Discriminator, Generator, SmoothConv2DTranspose
from anime_gan.runs.trained_run import copy_common


@pytest.fixture(scope="module")
def random():
    return np.random.default_rng(0)


def set_random_weights(model, random):
    for variable in model.variables:
        if "variance" in variable.path:
            variable.assign(random.uniform(0.5, 2.0, variable.shape))
        else:
            variable.assign(random.normal(size=variable.shape) * 0.1)


def convolve(inputs, kernel):
    """3x3 convolution with zero padding of one image [h, w, i] with a kernel [3, 3, i, o]."""
    padded = np.pad(inputs, ((1, 1), (1, 1), (0, 0)))
    out = np.zeros((*inputs.shape[:2], kernel.shape[3]))
    for row in range(inputs.shape[0]):
        for column in range(inputs.shape[1]):
            out[row, column] = np.tensordot(padded[row : row + 3, column : column + 3], kernel, 3)
    return out


def convolve_transposed(inputs, kernel):
    """Kernel 4, stride 2: each pixel of [h, w, i] adds a 4x4 square; the kernel is [4, 4, o, i]."""
    height, width, _ = inputs.shape
    out = np.zeros((2 * height + 2, 2 * width + 2, kernel.shape[2]))
    for row in range(height):
        for column in range(width):
            out[2 * row : 2 * row + 4, 2 * column : 2 * column + 4] += kernel @ inputs[row, column]
    return out[1:-1, 1:-1]


def test_modulation_scales_the_weights_of_each_image(random):
    """Equations 1 and 3 of arXiv 1912.04958, with scaled weights for each image."""
    generator = Generator(3, resolution=32, filters=(5, 4, 6, 3))
    generator.build()
    set_random_weights(generator, random)
    style = random.normal(size=(2, 164)).astype(np.float32)
    *doubling, last = generator.convolutions
    assert len(doubling) == 3
    for layer in generator.convolutions:
        transposed = layer is not last
        kernel, bias = layer.convolution.kernel.numpy(), layer.bias.numpy()
        inputs = random.normal(size=(2, 6, 6, kernel.shape[3 if transposed else 2])).astype(np.float32)
        outputs = layer(inputs, style).numpy()
        scale = style @ layer.style.kernel.numpy() + layer.style.bias.numpy()
        for image in range(2):
            if transposed:
                weights = kernel * scale[image]
                norm = np.sqrt(np.sum(weights**2, axis=(0, 1, 3)) / 4)[:, None]
                expected = convolve_transposed(inputs[image], np.sqrt(2) * weights / norm) + bias
            else:
                weights = kernel * scale[image][:, None]
                norm = np.sqrt(np.sum(weights**2, axis=(0, 1, 2)))
                expected = convolve(inputs[image], np.sqrt(2) * weights / norm) + bias
            np.testing.assert_allclose(outputs[image], expected, rtol=1e-3, atol=1e-4)


def test_outputs_have_unit_variance_for_any_style(random):
    """Unit variance after the leaky ReLU, so 2 before it."""
    generator = Generator(0, resolution=32, filters=(64, 64, 64, 64))
    generator.build()
    for layer in generator.convolutions[-2:]:
        inputs = random.normal(size=(4, 16, 16, 64)).astype(np.float32)
        outputs = layer(inputs, 30 * random.normal(size=(4, 100)).astype(np.float32)).numpy()
        inner = outputs[:, 2:-2, 2:-2]
        np.testing.assert_allclose(inner.std(axis=(1, 2, 3)), np.sqrt(2), rtol=0.1)


def test_a_smooth_layer_filters_the_output(random):
    """Away from the border, it equals the plain transposed convolution, filtered with SciPy."""
    layer = SmoothConv2DTranspose(3, 4, 2, padding="same", use_bias=False)
    inputs = random.normal(size=(1, 6, 6, 5))
    outputs = layer(inputs).numpy()[0]
    expected = convolve_transposed(inputs[0], layer.kernel.numpy())
    for axis in range(2):
        expected = scipy.ndimage.convolve1d(expected, [0.25, 0.5, 0.25], axis=axis)
    assert outputs.shape == (12, 12, 3)
    np.testing.assert_allclose(outputs[1:-1, 1:-1], expected[1:-1, 1:-1], atol=1e-5)


def test_new_levels_cannot_dither(random):
    """A constant map stays constant, although each pixel of a 2x2 block has its own weights."""
    generator = Generator(resolution=128, base_resolution=64, filters=(8,) * 6)
    generator.build()
    set_random_weights(generator, random)
    spread = []
    for convolutions, _ in generator.levels[-2:]:
        layer = convolutions[0].convolution
        outputs = layer(np.ones((1, 8, 8, 8), np.float32)).numpy()[0, 3:-3, 3:-3]
        spread.append(np.ptp(outputs, axis=(0, 1)).max())
    assert spread[0] > 0.1 and spread[1] < 1e-5


@pytest.mark.parametrize("training", [False, True])
def test_each_image_depends_on_its_own_inputs_only(random, training):
    """This is also true in training, because modulation has no batch statistics."""
    generator = get_architecture("compact").make_generator(3)
    latents = random.normal(size=(3, 100)).astype(np.float32)
    labels = np.sign(random.normal(size=(3, 3))).astype(np.float32)
    images = generator(latents, labels, training=training).numpy()
    assert images.shape == (3, 64, 64, 3) and images.dtype == np.float32
    alone = generator(latents[1:2], labels[1:2], training=training).numpy()
    np.testing.assert_allclose(alone, images[1:2], atol=1e-4)
    flipped = labels.copy()
    flipped[1, 2] *= -1
    changed = np.abs(generator(latents, flipped, training=training) - images).max((1, 2, 3)) > 1e-3
    assert changed.tolist() == [False, True, False]


def test_a_logit_depends_on_every_pixel_of_its_own_image_only(random):
    discriminator = get_architecture("compact").make_discriminator(3)
    images = tf.constant(random.uniform(-1, 1, (2, 64, 64, 3)), tf.float32)
    labels = tf.constant([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(images)
        first = discriminator(images, labels)["logits"][0]
    gradient = np.abs(tape.gradient(first, images).numpy()).sum(3)
    assert np.all(gradient[0] > 0)
    assert np.all(gradient[1] == 0)


def test_projection_matches_an_explicit_sum(random):
    discriminator = get_architecture("compact").make_discriminator(3)
    images = tf.constant(random.uniform(-1, 1, (2, 64, 64, 3)), tf.float32)
    labels = np.array([[1, -1, 1], [-1, 1, 1]], np.float32)
    base = discriminator(images, np.zeros((2, 3), np.float32))["logits"].numpy()
    x = images
    for convolution in discriminator.convolutions:
        x = tf.nn.leaky_relu(convolution(x), 0.2)
    features = tf.reshape(x, [2, -1]).numpy()
    embedded = labels @ discriminator.projection.kernel.numpy() / np.sqrt(3)
    expected = base[:, 0] + np.sum(embedded * features, axis=1)
    np.testing.assert_allclose(discriminator(images, labels)["logits"][:, 0], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        discriminator(images, labels)["attributes"],
        features @ discriminator.attributes.kernel.numpy() + discriminator.attributes.bias.numpy(),
        rtol=1e-4,
        atol=1e-5,
    )


def grown(architecture, random, **options):
    """A network of 64 pixels with random weights, and those of 128 and 256 that grow from it."""
    networks = [architecture(3, resolution=side, base_resolution=64, **options) for side in (64, 128, 256)]
    for network in networks:
        network.build()
    set_random_weights(networks[0], random)
    for smaller, larger in itertools.pairwise(networks):
        assert len(smaller.variables) < len(larger.variables)
        copy_common(smaller, larger)
    return networks


def test_a_grown_generator_draws_the_enlarged_picture():
    random = np.random.default_rng(1)
    generators = grown(Generator, random, channels=4)
    latents, labels = random.normal(size=(2, 100)), np.sign(random.normal(size=(2, 3)))
    small, middle, large = (generator(latents, labels).numpy() for generator in generators)
    for below, above in ((small, middle), (middle, large)):
        # Bilinear: each pixel is a mean of neighbors with weights 3/4 and 1/4 along either axis.
        padded = np.pad(np.arctanh(below), [(0, 0), (1, 1), (1, 1), (0, 0)], "edge")
        rows = 0.75 * padded[:, 1:-1] + 0.25 * padded[:, :-2]
        corner = 0.75 * rows[:, :, 1:-1] + 0.25 * rows[:, :, :-2]
        np.testing.assert_allclose(above[:, ::2, ::2], np.tanh(corner), atol=3e-4)


def test_a_grown_discriminator_judges_the_reduced_picture():
    random = np.random.default_rng(1)
    discriminators = grown(Discriminator, random)
    images = random.uniform(-1, 1, (2, 256, 256, 3)).astype(np.float32)
    labels = np.sign(random.normal(size=(2, 3)))
    judged = []
    for discriminator in reversed(discriminators):
        judged.append(discriminator(images, labels)["logits"].numpy())
        side = images.shape[1] // 2
        images = images.reshape(2, side, 2, side, 2, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(judged[1], judged[0], rtol=1e-4)
    np.testing.assert_allclose(judged[2], judged[0], rtol=1e-4)


def test_every_level_of_a_grown_discriminator_learns():
    discriminator = Discriminator(resolution=256, base_resolution=64)
    discriminator.build()
    images = tf.random.stateless_uniform([1, 256, 256, 3], [0, 1], -1.0, 1.0)
    # What a level adds starts at zero, so each step of gradient descent reaches one level more.
    for _ in range(3):
        variables = [variable.value for variable in discriminator.trainable_variables]
        with tf.GradientTape() as tape:
            logit = discriminator(images)["logits"]
        slopes = tape.gradient(logit, variables)
        for variable, slope in zip(variables, slopes, strict=True):
            variable.assign_add(0.1 * slope)
    assert all(tf.reduce_any(slope != 0.0) for slope in slopes)
