"""The gradient penalties against discriminators whose gradients are known in closed form."""

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.training.penalties import GRADIENT_PENALTIES

SHAPE = (4, 5, 3)
BATCH_SIZE = 3
PENALTIES = ["dragan", "wgan_gp", "r1"]

rng = np.random.default_rng(0)
REAL = rng.uniform(-1, 1, (BATCH_SIZE, *SHAPE)) * np.array([1.0, 0.3, 0.6])[:, None, None, None]
FAKE = rng.uniform(-1, 1, (BATCH_SIZE, *SHAPE))
WEIGHTS = rng.normal(0, 0.5, SHAPE)
IMAGE_NOISE = rng.uniform(0, 1, (BATCH_SIZE, *SHAPE))
SAMPLE_NOISE = rng.uniform(0, 1, (BATCH_SIZE, 1, 1, 1))
NOISE = {"dragan": IMAGE_NOISE, "wgan_gp": SAMPLE_NOISE, "r1": None}


def penalize(name, discriminate, dtype=tf.float32, rows=slice(None)):
    noise = None if NOISE[name] is None else tf.constant(NOISE[name][rows], tf.float32)
    return GRADIENT_PENALTIES[name].function(
        discriminate, tf.constant(REAL[rows], dtype), tf.constant(FAKE[rows], dtype), noise
    )


def linear(weights):
    return lambda images: tf.reduce_sum(images * weights, axis=[1, 2, 3])[:, None]


def quadratic(scale):
    return lambda images: 0.5 * scale * tf.reduce_sum(images**2, axis=[1, 2, 3])[:, None]


def penalized_points(name):
    """Where each penalty takes the gradient, in float64."""
    if name == "dragan":
        deviations = np.array([np.std(image) for image in REAL])
        return REAL + 0.5 * deviations[:, None, None, None] * IMAGE_NOISE
    if name == "wgan_gp":
        return SAMPLE_NOISE * REAL + (1 - SAMPLE_NOISE) * FAKE
    return REAL


def test_where_the_gradient_is_taken_with_noise_of_the_penaltys_own_shape():
    """DRAGAN: a point around the image for each pixel. WGAN-GP: one point on the line from fake to real."""
    points = {}

    def remember(images):
        points["last"] = images.numpy()
        return linear(tf.constant(WEIGHTS, tf.float32))(images)

    for name in ("dragan", "wgan_gp"):
        penalty = GRADIENT_PENALTIES[name]
        noise = np.random.default_rng(1).uniform(size=(BATCH_SIZE, *penalty.noise_shape(SHAPE)))
        penalty.function(remember, tf.constant(REAL), tf.constant(FAKE), tf.constant(noise, tf.float32))
        points[name] = points["last"]
    moved = (points["dragan"] - REAL) / (0.5 * REAL.std((1, 2, 3), keepdims=True))
    assert np.all((moved > -1e-5) & (moved < 1 + 1e-5))
    # The standard deviation of U(0, 1) is 0.29; it would be 0 if all pixels of an image moved alike.
    assert np.all(np.abs(moved.std((1, 2, 3)) - 12**-0.5) < 0.1)
    share = (points["wgan_gp"] - FAKE) / (REAL - FAKE)
    assert np.all((share > 0) & (share < 1)) and np.all(share.std((1, 2, 3)) < 1e-3)


@pytest.mark.parametrize("name", PENALTIES)
def test_linear_discriminator(name):
    weights = tf.constant(WEIGHTS, tf.float32)
    norm = np.sqrt((WEIGHTS**2).sum())
    with tf.GradientTape() as tape:
        tape.watch(weights)
        penalty = penalize(name, linear(weights))

    assert penalty.dtype == tf.float32
    assert penalty.shape == (BATCH_SIZE,)
    expected = norm**2 / 2 if name == "r1" else (norm - 1) ** 2
    np.testing.assert_allclose(penalty, np.full(BATCH_SIZE, expected), rtol=1e-5)
    slope = WEIGHTS if name == "r1" else 2 * (norm - 1) * WEIGHTS / norm
    np.testing.assert_allclose(tape.gradient(penalty, weights), BATCH_SIZE * slope, rtol=1e-4)


@pytest.mark.parametrize("name", PENALTIES)
def test_quadratic_discriminator(name):
    scale = tf.constant(0.7)
    norms = np.sqrt((penalized_points(name) ** 2).sum((1, 2, 3)))
    with tf.GradientTape() as tape:
        tape.watch(scale)
        penalty = penalize(name, quadratic(scale))

    expected = (0.7 * norms) ** 2 / 2 if name == "r1" else (0.7 * norms - 1) ** 2
    np.testing.assert_allclose(penalty, expected, rtol=1e-4)
    slope = 0.7 * norms**2 if name == "r1" else 2 * (0.7 * norms - 1) * norms
    np.testing.assert_allclose(tape.gradient(penalty, scale), slope.sum(), rtol=1e-4)


@pytest.mark.parametrize("name", PENALTIES)
def test_samples_do_not_influence_each_other(name):
    discriminate = quadratic(tf.constant(0.7))
    together = penalize(name, discriminate)
    apart = [penalize(name, discriminate, rows=slice(i, i + 1))[0] for i in range(BATCH_SIZE)]
    np.testing.assert_allclose(together, apart, rtol=1e-6)


@pytest.mark.parametrize("name", PENALTIES)
def test_zero_gradient_has_finite_derivatives(name):
    weights = tf.zeros(SHAPE)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        penalty = penalize(name, linear(weights))
    np.testing.assert_allclose(penalty, 0.0 if name == "r1" else 1.0, atol=1e-5)
    np.testing.assert_array_equal(tape.gradient(penalty, weights), np.zeros(SHAPE))


@pytest.mark.parametrize("name", PENALTIES)
def test_bfloat16_discriminator(name):
    # The gradient is exact in bfloat16, but the sum of its 60 squares is not.
    values = np.where(np.arange(60).reshape(SHAPE) % 2, 0.125, 0.25)
    weights = tf.constant(values, tf.bfloat16)
    penalty = penalize(
        name,
        lambda images: linear(weights)(tf.cast(images, tf.bfloat16)),
        dtype=tf.bfloat16,
    )
    norm = np.sqrt((values**2).sum())
    assert penalty.dtype == tf.float32
    expected = norm**2 / 2 if name == "r1" else (norm - 1) ** 2
    np.testing.assert_allclose(penalty, np.full(BATCH_SIZE, expected), rtol=1e-4)


@pytest.mark.parametrize("name", PENALTIES)
def test_images_are_constants(name):
    # Otherwise a tape shared with the generator would train it on the penalty.
    real, fake = tf.constant(REAL, tf.float32), tf.constant(FAKE, tf.float32)
    noise = None if NOISE[name] is None else tf.constant(NOISE[name], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        penalty = GRADIENT_PENALTIES[name].function(quadratic(0.7), real, fake, noise)
    assert tape.gradient(penalty, [real, fake]) == [None, None]


@pytest.mark.parametrize("name", PENALTIES)
def test_missing_gradient_is_an_error(name):
    with pytest.raises(ValueError, match="no gradient"):
        penalize(name, lambda images: tf.ones([BATCH_SIZE, 1]))


@pytest.mark.parametrize("name", ["dragan", "wgan_gp"])
def test_missing_noise_is_an_error(name):
    with pytest.raises(ValueError, match=name):
        GRADIENT_PENALTIES[name].function(
            quadratic(0.7), tf.constant(REAL, tf.float32), tf.constant(FAKE, tf.float32), None
        )


def test_none_is_zero():
    penalty = GRADIENT_PENALTIES["none"].function(None, tf.constant(REAL), None, None)
    assert penalty.dtype == tf.float32
    np.testing.assert_array_equal(penalty, np.zeros(BATCH_SIZE))
