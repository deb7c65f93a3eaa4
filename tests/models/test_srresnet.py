"""The networks of Jin et al. 2017, compared with explicit counts and sums."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.benchmark.packed import plain_call
from anime_gan.models import get_architecture
from anime_gan.models.srresnet import DISCRIMINATOR_LEVELS, EPSILON, Discriminator, Generator

# Small enough to be fast; every kind of layer is there.
SMALL = {"filters": 4, "blocks": 2}


@pytest.fixture(scope="module")
def random():
    return np.random.default_rng(0)


@pytest.fixture
def generator(random):
    generator = Generator(num_labels=3, latent_dim=5, **SMALL)
    generator.build()
    set_random_weights(generator, random)
    return generator


def set_random_weights(model, random):
    for variable in model.variables:
        if "variance" in variable.path:
            variable.assign(random.uniform(0.5, 2.0, variable.shape))
        elif "kernel" in variable.path:
            fan_in = math.prod(variable.shape[:-1])
            variable.assign(random.normal(size=variable.shape) / math.sqrt(fan_in))
        else:
            variable.assign(random.normal(size=variable.shape) * 0.5)


def inputs(random, count):
    latents = random.normal(size=(count, 5)).astype(np.float32)
    return latents, np.sign(random.normal(size=(count, 3))).astype(np.float32)


def convolve(image, layer):
    """Convolution with zero padding of one image [h, w, i], in float64."""
    kernel, bias = (weight.astype(np.float64) for weight in layer.get_weights())
    size = kernel.shape[0]
    padded = np.pad(image, ((size // 2, size // 2), (size // 2, size // 2), (0, 0)))
    out = np.zeros((*image.shape[:2], kernel.shape[3])) + bias
    for row in range(size):
        for column in range(size):
            out += padded[row : row + image.shape[0], column : column + image.shape[1]] @ kernel[row, column]
    return out


def normalize(x, layer):
    gamma, beta, mean, variance = (weight.astype(np.float64) for weight in layer.get_weights())
    return (x - mean) / np.sqrt(variance + 2e-5) * gamma + beta


def shuffle_pixels(x):
    """[h, w, 4c] -> [2h, 2w, c], pixel by pixel."""
    height, width, channels = x.shape
    out = np.zeros((2 * height, 2 * width, channels // 4))
    for row in range(2):
        for column in range(2):
            start = (2 * row + column) * (channels // 4)
            out[row::2, column::2] = x[:, :, start : start + channels // 4]
    return out


def relu(x):
    return np.maximum(x, 0)


def test_the_generator_has_the_size_of_the_published_weights():
    generator = get_architecture("srresnet").make_generator(34, latent_dim=128)

    def count(variables):
        return sum(math.prod(variable.shape) for variable in variables)

    assert count(generator.trainable_variables) == 4_385_283
    assert count(generator.non_trainable_variables) == 37_376
    assert len(generator.normalized_convolutions) == 37
    assert all(normalization.epsilon == EPSILON for _, normalization in generator.normalized_convolutions)


def test_the_discriminator_has_the_described_layers():
    discriminator = get_architecture("srresnet").make_discriminator(34, projection=False)
    channels, expected = 3, 0
    for width, kernel_size, has_blocks in DISCRIMINATOR_LEVELS:
        expected += kernel_size**2 * channels * width + width
        expected += 4 * (9 * width**2 + width) * has_blocks
        channels = width
    expected += (2 * 2 * 1024 + 1) * (1 + 34)
    assert sum(math.prod(variable.shape) for variable in discriminator.variables) == expected
    assert not discriminator.non_trainable_variables, "nothing is normalized"


def test_residual_block_matches_an_explicit_sum(generator, random):
    block = generator.blocks[1]
    image = random.normal(size=(6, 6, 4)).astype(np.float32)
    x = relu(normalize(convolve(image, block.conv1), block.bn1))
    expected = image + normalize(convolve(x, block.conv2), block.bn2)
    assert expected.min() < -0.5, "a ReLU after the sum would be noticed"
    np.testing.assert_allclose(block(image[np.newaxis])[0], expected, rtol=1e-4, atol=1e-5)


def test_whole_generator_matches_explicit_sums(generator, random):
    latents, labels = inputs(random, 1)
    kernel, bias = generator.fc.get_weights()
    x = relu(normalize(np.concatenate([latents[0], labels[0]]) @ kernel + bias, generator.fc_bn))
    x = x.reshape(4, 16, 16).transpose(1, 2, 0)
    for block in generator.blocks:
        inner = relu(normalize(convolve(x, block.conv1), block.bn1))
        x = x + normalize(convolve(inner, block.conv2), block.bn2)
    x = relu(normalize(convolve(x, generator.conv), generator.bn))
    for convolution, normalization in generator.stages:
        x = relu(normalize(shuffle_pixels(convolve(x, convolution)), normalization))
    expected = np.tanh(convolve(x, generator.rgb))
    assert 0.1 < expected.std() < 0.9
    np.testing.assert_allclose(generator(latents, labels)[0], expected, atol=2e-4)


def test_discriminator_block_matches_an_explicit_sum(random):
    discriminator = Discriminator(3)
    discriminator.build()
    set_random_weights(discriminator, random)
    block = discriminator.levels[0][1][1]
    image = random.normal(size=(5, 5, 32)).astype(np.float32)

    def leaky(x):
        return np.where(x > 0, x, 0.2 * x)

    expected = leaky(image + convolve(leaky(convolve(image, block.conv1)), block.conv2))
    np.testing.assert_allclose(block(image[np.newaxis])[0], expected, rtol=1e-4, atol=1e-5)


def test_residual_blocks_of_the_discriminator_add_nothing_at_first_but_learn(random):
    discriminator = Discriminator(3)
    discriminator.build()
    image = random.normal(size=(1, 4, 4, 64)).astype(np.float32)
    for block in discriminator.levels[1][1]:
        with tf.GradientTape() as tape:
            features = block(image)
            total = tf.reduce_sum(features**2)
        np.testing.assert_array_equal(features, np.where(image > 0, image, np.float32(0.2) * image))
        assert np.abs(tape.gradient(total, block.conv2.kernel)).max() > 0
    # The other convolutions preserve the variance through a ReLU. Each has its own random values.
    first, second = (block.conv1.kernel.numpy().ravel() for block in discriminator.levels[1][1])
    assert first.std() == pytest.approx(math.sqrt(2 / (3 * 3 * 64)), rel=0.02)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.02


def test_each_image_depends_on_its_own_inputs_only(generator, random):
    latents, labels = inputs(random, 3)
    images = generator(latents, labels).numpy()
    assert images.shape == (3, 128, 128, 3) and images.dtype == np.float32
    np.testing.assert_allclose(generator(latents[1:2], labels[1:2]), images[1:2], atol=1e-5)
    flipped = labels.copy()
    flipped[1, 2] *= -1
    changed = np.abs(generator(latents, flipped) - images).max((1, 2, 3)) > 1e-3
    assert changed.tolist() == [False, True, False]


def test_folding_changes_no_picture(generator, random):
    latents, labels = inputs(random, 3)
    before = generator(latents, labels).numpy()
    weights = generator.get_weights()
    for convolution, normalization in generator.normalized_convolutions:
        normalization.fold_into(convolution)
    assert before.std() > 0.1
    np.testing.assert_allclose(generator(latents, labels), before, atol=1e-4)
    # Every pair was folded: batch normalization changes nothing anymore.
    unfolded = Generator(num_labels=3, latent_dim=5, **SMALL)
    unfolded.build()
    unfolded.set_weights(generator.get_weights())
    np.testing.assert_allclose(unfolded(latents, labels), before, atol=1e-4)
    assert any(
        np.abs(new - old).max() > 0.1 for new, old in zip(generator.get_weights(), weights, strict=True)
    )


def test_training_uses_batch_statistics_and_averages_them(generator, random):
    latents, labels = inputs(random, 4)
    before = generator.fc_bn.moving_mean.numpy()
    images = generator(latents, labels, training=True)
    assert np.abs(images - generator(latents, labels)).max() > 0.01
    features = generator.fc(np.concatenate([latents, labels], axis=1)).numpy()
    expected = 0.99 * before + 0.01 * features.mean(0)
    np.testing.assert_allclose(generator.fc_bn.moving_mean, expected, rtol=1e-3, atol=1e-4)


def test_bfloat16_rounds_the_terms_of_residual_blocks_but_not_the_sum(random):
    generator = Generator(num_labels=3, latent_dim=5, dtype="mixed_bfloat16", **SMALL)
    generator.build()
    stream = tf.constant(random.normal(size=(1, 4, 4, 4)), tf.float32)
    assert generator.blocks[0](stream).dtype == tf.float32
    assert generator.blocks[0].conv1(stream).dtype == tf.bfloat16
    latents, labels = inputs(random, 2)
    assert generator(latents, labels, training=True).dtype == tf.float32


def test_a_checkpoint_holds_every_weight(generator, random, tmp_path):
    path = tf.train.Checkpoint(generator=generator).save(str(tmp_path / "all"))
    other = Generator(num_labels=3, latent_dim=5, seed=1, **SMALL)
    other.build()
    tf.train.Checkpoint(generator=other).restore(path).assert_existing_objects_matched()
    for ours, theirs in zip(generator.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_config_makes_the_same_network():
    generator = Generator(num_labels=3, latent_dim=5, seed=4, **SMALL)
    again = Generator.from_config(generator.get_config())
    generator.build()
    again.build()
    for one, two in zip(generator.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    kernels = [weight for weight in generator.get_weights() if weight.shape == (3, 3, 4, 4)]
    assert len({kernel.tobytes() for kernel in kernels}) == len(kernels) == 5


def test_a_logit_depends_on_every_pixel_of_its_own_image_only(random):
    discriminator = get_architecture("srresnet").make_discriminator(3)
    images = tf.constant(random.uniform(-1, 1, (2, 128, 128, 3)), tf.float32)
    labels = tf.constant([[1.0, -1.0, 1.0], [-1.0, 1.0, 1.0]])
    with tf.GradientTape() as tape:
        tape.watch(images)
        judged = discriminator(images, labels)
        first = judged["logits"][0]
    assert judged["logits"].shape == (2, 1) and judged["attributes"].shape == (2, 3)
    gradient = np.abs(tape.gradient(first, images).numpy()).sum(3)
    assert np.all(gradient[0] > 0)
    assert np.all(gradient[1] == 0)


def test_labels_are_checked(generator, random):
    latents, labels = inputs(random, 1)
    with pytest.raises(ValueError, match="num_labels=3"):
        generator(latents)
    unconditional = Generator(latent_dim=5, **SMALL)
    unconditional.build()
    assert unconditional(latents).shape == (1, 128, 128, 3)
    with pytest.raises(ValueError, match="unconditional"):
        unconditional(latents, labels)


def test_the_plain_layers_of_the_benchmark_draw_the_same(generator, random):
    latents, labels = (tf.constant(part) for part in inputs(random, 2))
    found = plain_call(generator, latents, labels)
    np.testing.assert_allclose(found, generator(latents, labels), atol=1e-4)
