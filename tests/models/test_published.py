"""The published networks, compared with a NumPy float64 reference; tests of all architectures."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.common.errors import InputError
from anime_gan.models import ARCHITECTURES, Architecture, get_architecture
from anime_gan.models.published import Discriminator, Generator
from anime_gan.training.penalties import GRADIENT_PENALTIES

NUM_LABELS = 5
BATCH_NORM_EPSILON = 1e-3


def random_images(batch_size: int, seed: int = 0, side: int = 64) -> np.ndarray:
    images = np.random.default_rng(seed).uniform(-1, 1, (batch_size, side, side, 3))
    return images.astype(np.float32)


def random_latents(batch_size: int, latent_dim: int = 100, seed: int = 1) -> np.ndarray:
    latents = np.random.default_rng(seed).standard_normal((batch_size, latent_dim))
    return latents.astype(np.float32)


def random_labels(batch_size: int, num_labels: int = NUM_LABELS, seed: int = 2) -> np.ndarray:
    labels = np.random.default_rng(seed).integers(-1, 2, (batch_size, num_labels))
    return labels.astype(np.float32)


def randomize(model: tf.keras.Model, seed: int = 3) -> dict[str, np.ndarray]:
    """Changes every weight, so that no bias or statistic is without effect."""
    generator = np.random.default_rng(seed)
    weights = {}
    for variable in model.variables:
        value = variable.numpy().astype(np.float64)
        if "variance" in variable.path or "gamma" in variable.path:
            value = generator.uniform(0.5, 1.5, value.shape)
        elif value.ndim == 1:
            value = generator.normal(0, 0.2, value.shape)
        variable.assign(value)
        weights["/".join(variable.path.split("/")[-2:])] = variable.numpy().astype(np.float64)
    return weights


@pytest.fixture(scope="module", params=ARCHITECTURES)
def pair(request) -> tuple[Architecture, tf.keras.Model, tf.keras.Model]:
    """An architecture and its two networks. Tests change nothing in them but moving statistics."""
    architecture = get_architecture(request.param)
    return architecture, architecture.make_generator(NUM_LABELS), architecture.make_discriminator(NUM_LABELS)


# The reference: each layer by its definition, in float64.


def leaky_relu(x):
    return np.where(x > 0, x, 0.2 * x)


def transposed_convolution(x, kernel, bias, stride):
    batch_size, height, width, _ = x.shape
    size, _, filters, _ = kernel.shape
    y = np.zeros((batch_size, (height - 1) * stride + size, (width - 1) * stride + size, filters))
    for i in range(height):
        for j in range(width):
            patch = np.tensordot(x[:, i, j], kernel, axes=(1, 3))
            y[:, i * stride : i * stride + size, j * stride : j * stride + size] += patch
    return y + bias


def convolution(x, kernel, bias, stride, padding):
    size = kernel.shape[0]
    if padding == "same":
        outputs = -(-x.shape[1] // stride)
        total = max((outputs - 1) * stride + size - x.shape[1], 0)
        before, after = total // 2, total - total // 2
        x = np.pad(x, ((0, 0), (before, after), (before, after), (0, 0)))
    outputs = (x.shape[1] - size) // stride + 1
    y = np.zeros((x.shape[0], outputs, outputs, kernel.shape[3]))
    for i in range(outputs):
        for j in range(outputs):
            patch = x[:, i * stride : i * stride + size, j * stride : j * stride + size]
            y[:, i, j] = np.tensordot(patch, kernel, axes=3)
    return y + bias


def batch_normalization(x, weights, name, training):
    mean, variance = weights[f"{name}/moving_mean"], weights[f"{name}/moving_variance"]
    if training:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    x = (x - mean) / np.sqrt(variance + BATCH_NORM_EPSILON)
    return weights[f"{name}/gamma"] * x + weights[f"{name}/beta"]


def reference_generator(weights, latents, labels, training):
    x = latents.astype(np.float64)
    if labels is not None:
        embedded = labels @ weights["embedding/kernel"] + weights["embedding/bias"]
        x = np.concatenate([x, embedded], axis=1)
    x = leaky_relu((x @ weights["fc/kernel"] + weights["fc/bias"]).reshape(-1, 3, 3, 512))
    for index, stride in ((1, 3), (2, 2)):
        x = transposed_convolution(x, weights[f"conv{index}/kernel"], weights[f"conv{index}/bias"], stride)
        x = leaky_relu(batch_normalization(x, weights, f"bn{index}", training))
    x = transposed_convolution(x, weights["conv3/kernel"], weights["conv3/bias"], 3)
    return np.tanh(x)


def reference_discriminator(weights, images, labels, padding, normalized, training):
    x = images.astype(np.float64)
    for index in (1, 2, 3):
        x = convolution(x, weights[f"conv{index}/kernel"], weights[f"conv{index}/bias"], 3, padding)
        if index > 1 and normalized:
            x = batch_normalization(x, weights, f"bn{index}", training)
        x = leaky_relu(x)
    features = x.reshape(len(x), -1)
    outputs = {"logits": features @ weights["fc/kernel"] + weights["fc/bias"]}
    if labels is not None:
        embedded = labels @ weights["projection/kernel"] / np.sqrt(labels.shape[1])
        outputs["logits"] += np.sum(embedded * features, axis=1, keepdims=True)
        outputs["attributes"] = features @ weights["attributes/kernel"] + weights["attributes/bias"]
    return outputs


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("num_labels", [0, NUM_LABELS])
def test_generator_matches_reference(num_labels, training):
    generator = Generator(num_labels=num_labels, latent_dim=20)
    generator.build()
    weights = randomize(generator)
    latents = random_latents(3, 20)
    labels = random_labels(3) if num_labels else None

    images = generator(latents, labels, training=training)

    assert images.dtype == tf.float32
    assert images.shape == (3, 64, 64, 3)
    expected = reference_generator(weights, latents, labels, training)
    assert expected.std() > 0.1
    np.testing.assert_allclose(images, expected, atol=1e-4)


def test_generator_training_updates_the_moving_statistics():
    generator = Generator(latent_dim=20)
    generator.build()
    weights = randomize(generator)
    latents = random_latents(4, 20)
    x = leaky_relu(latents @ weights["fc/kernel"] + weights["fc/bias"]).reshape(-1, 3, 3, 512)
    x = transposed_convolution(x, weights["conv1/kernel"], weights["conv1/bias"], 3)

    generator(latents, training=False)
    np.testing.assert_array_equal(generator.bn1.moving_mean, weights["bn1/moving_mean"])
    generator(latents, training=True)

    np.testing.assert_allclose(
        generator.bn1.moving_mean,
        0.99 * weights["bn1/moving_mean"] + 0.01 * x.mean((0, 1, 2)),
        atol=1e-5,
    )


@pytest.mark.parametrize("num_labels", [0, NUM_LABELS])
@pytest.mark.parametrize(("padding", "normalized"), [("valid", True), ("same", False)])
def test_discriminator_matches_reference(padding, normalized, num_labels):
    discriminator = Discriminator(num_labels, padding=padding, normalized=normalized)
    discriminator.build()
    weights = randomize(discriminator)
    images = random_images(3)
    labels = random_labels(3) if num_labels else None

    expected = reference_discriminator(weights, images, labels, padding, normalized, training=False)
    for training in (False, True):
        outputs = discriminator(images, labels, training=training)
        # Only batch normalization works differently in training.
        if training and normalized:
            expected = reference_discriminator(weights, images, labels, padding, normalized, training)
        assert set(outputs) == set(expected)
        for name, value in outputs.items():
            assert value.dtype == tf.float32
            assert value.shape == (3, num_labels if name == "attributes" else 1)
            np.testing.assert_allclose(value, expected[name], atol=1e-4)


def test_published_parameter_counts():
    architecture = get_architecture("published-exact")
    assert architecture.make_generator().count_params() == 2_472_323
    assert architecture.make_discriminator().count_params() == 1_031_041


def input_gradient(discriminator, images, training=False):
    images = tf.constant(images)
    labels = random_labels(len(images)) if discriminator.num_labels else None
    with tf.GradientTape() as tape:
        tape.watch(images)
        logits = discriminator(images, labels, training=training)["logits"]
    return tape.gradient(logits, images).numpy()


def test_default_discriminator_sees_every_pixel():
    discriminator = get_architecture("published").make_discriminator(NUM_LABELS)
    gradient = input_gradient(discriminator, random_images(2))
    assert np.all(gradient != 0)


def test_exact_discriminator_ignores_pixels_outside_its_receptive_field():
    discriminator = get_architecture("published-exact").make_discriminator()
    gradient = input_gradient(discriminator, random_images(2))
    assert np.all(gradient[:, :53, :53] != 0)
    assert np.all(gradient[:, 53:] == 0)
    assert np.all(gradient[:, :, 53:] == 0)


def test_exact_discriminator_sees_more_through_batch_statistics_in_training():
    discriminator = get_architecture("published-exact").make_discriminator()
    gradient = input_gradient(discriminator, random_images(2), training=True)
    assert np.any(gradient[:, 53:62] != 0)
    assert np.all(gradient[:, 62:] == 0)
    assert np.all(gradient[:, :, 62:] == 0)


def test_batch_statistics_are_declared(pair):
    architecture, _, discriminator = pair
    images, labels = random_images(4, side=architecture.resolutions[0]), random_labels(4)
    together = discriminator(images, labels, training=True)["logits"][:2]
    apart = discriminator(images[:2], labels[:2], training=True)["logits"]
    independent = np.allclose(together, apart, atol=1e-5)
    assert independent != architecture.batch_statistics_in_discriminator


def test_labels_change_the_outputs(pair):
    _, generator, discriminator = pair
    latents, labels = random_latents(2), random_labels(2)
    other = labels.copy()
    other[:, 0] = -1.0 - other[:, 0]

    images = generator(latents, labels)
    assert np.all(np.abs(images - generator(latents, other)).max((1, 2, 3)) > 1e-3)
    judged = discriminator(images, labels)
    judged_otherwise = discriminator(images, other)
    assert np.all(np.abs(judged["logits"] - judged_otherwise["logits"]) > 1e-6)
    np.testing.assert_array_equal(judged["attributes"], judged_otherwise["attributes"])


def test_head_switches():
    architecture = get_architecture("published")
    images, labels = random_images(2), random_labels(2)

    plain = architecture.make_discriminator(NUM_LABELS, attribute_head=False, projection=False)
    assert set(plain(images)) == {"logits"}
    np.testing.assert_array_equal(plain(images)["logits"], plain(images, labels)["logits"])

    classifier = architecture.make_discriminator(NUM_LABELS, projection=False)
    assert set(classifier(images)) == {"logits", "attributes"}

    projecting = architecture.make_discriminator(NUM_LABELS, attribute_head=False)
    assert set(projecting(images, labels)) == {"logits"}
    unknown = np.zeros_like(labels)
    np.testing.assert_allclose(projecting(images, unknown)["logits"], plain(images)["logits"], atol=1e-6)


def test_projection_starts_at_the_scale_of_the_logit():
    rng = np.random.default_rng(0)
    plain, projected = [], []
    for seed in range(8):
        discriminator = Discriminator(34, seed=seed)
        discriminator.build()
        images = random_images(16, seed)
        labels = rng.choice([-1.0, 1.0], (16, 34)).astype(np.float32)
        without = discriminator(images, np.zeros_like(labels))["logits"]
        plain.append(without)
        projected.append(discriminator(images, labels)["logits"] - without)
    ratio = np.sqrt(np.mean(np.square(projected)) / np.mean(np.square(plain)))
    assert 0.5 < ratio < 2.0


def test_wrong_labels_are_rejected():
    latents, images, labels = random_latents(2), random_images(2), random_labels(2)
    with pytest.raises(ValueError, match="must be called with labels"):
        Generator(NUM_LABELS)(latents)
    with pytest.raises(ValueError, match="num_labels=0"):
        Generator()(latents, labels)
    with pytest.raises(ValueError, match="must be called with labels"):
        Discriminator(NUM_LABELS)(images)
    with pytest.raises(ValueError, match="num_labels=0"):
        Discriminator()(images, labels)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_seed_determines_the_weights(name):
    architecture = get_architecture(name)
    for make in (architecture.make_generator, architecture.make_discriminator):
        weights, again, other = (make(NUM_LABELS, seed=seed).get_weights() for seed in (7, 7, 8))
        for a, b, c in zip(weights, again, other, strict=True):
            np.testing.assert_array_equal(a, b)
            # Biases and the last convolution of a residual block are zero at first.
            if a.any() and a.ndim > 1:
                assert not np.array_equal(a, c)


def test_layers_draw_different_weights():
    # Layers, networks, and neighboring seeds must not share a random stream.
    starts = []
    for seed in (0, 1):
        for model in (Generator(NUM_LABELS, seed=seed), Discriminator(NUM_LABELS, seed=seed)):
            model.build()
            for weight in model.get_weights():
                if weight.ndim > 1:
                    starts.append(weight.ravel()[:15] / np.abs(weight).max())
    correlations = np.abs(np.corrcoef(starts) - np.eye(len(starts)))
    assert correlations.max() < 0.95


def test_initial_weights_are_glorot_uniform_with_zero_bias():
    generator = Generator()
    generator.build()
    limit = np.sqrt(6 / (100 + 4608))
    kernel = generator.fc.kernel.numpy()
    assert 0.999 * limit < np.abs(kernel).max() <= limit * (1 + 1e-6)
    np.testing.assert_allclose(kernel.std(), limit / np.sqrt(3), rtol=0.01)
    assert not np.any(generator.conv1.bias)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_mixed_precision_is_float32_outside_and_close(name):
    architecture = get_architecture(name)
    latents, labels = random_latents(4), random_labels(4)
    shown = random_images(4, side=architecture.resolutions[0])
    networks = {}
    for dtype in ("float32", "mixed_bfloat16"):
        generator = architecture.make_generator(NUM_LABELS, dtype=dtype)
        discriminator = architecture.make_discriminator(NUM_LABELS, dtype=dtype)
        assert generator.compute_dtype == discriminator.compute_dtype == dtype.removeprefix("mixed_")
        assert all(v.dtype == "float32" for v in generator.variables + discriminator.variables)
        networks[dtype] = generator, discriminator
    for training in (False, True):
        images, outputs = {}, {}
        for dtype, (generator, discriminator) in networks.items():
            images[dtype] = generator(latents, labels, training=training)
            outputs[dtype] = discriminator(shown, labels, training=training)
        for value in (images["mixed_bfloat16"], *outputs["mixed_bfloat16"].values()):
            assert value.dtype == tf.float32
        assert not np.array_equal(images["float32"], images["mixed_bfloat16"])
        error = np.abs(images["float32"] - images["mixed_bfloat16"])
        assert error.mean() < 0.01 and error.max() < 0.15
        for key, value in outputs["float32"].items():
            np.testing.assert_allclose(value, outputs["mixed_bfloat16"][key], atol=0.05)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_registry(name):
    architecture = get_architecture(name)
    assert ARCHITECTURES[name]
    latents = random_latents(2, 12)
    for side in architecture.resolutions:
        images = architecture.make_generator(latent_dim=12, resolution=side)(latents)
        assert images.shape == (2, side, side, 3)
        assert set(architecture.make_discriminator(resolution=side)(images)) == {"logits"}
    with pytest.raises(ValueError, match="pixels, not 96"):
        architecture.make_generator(resolution=96)
    synchronized = architecture.make_generator(synchronized=True)
    assert all(normalization.synchronized for _, normalization in synchronized.normalized_convolutions)


def test_unknown_architecture_lists_the_known():
    with pytest.raises(InputError, match=r"'dcgan'.*published-exact"):
        get_architecture("dcgan")
    with pytest.raises(InputError, match="did you mean 'srresnet'"):
        get_architecture("srsnet")


def test_removed_architecture_names_the_last_version_that_has_it():
    with pytest.raises(InputError, match=r"'light' was removed; the last version that has it is 0\.1\.0"):
        get_architecture("light")


def test_importing_the_registry_does_not_import_tensorflow():
    code = "import sys, anime_gan.models; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_config_makes_the_same_model(name):
    architecture = get_architecture(name)
    generator = architecture.make_generator(NUM_LABELS, latent_dim=20, seed=4)
    discriminator = architecture.make_discriminator(NUM_LABELS, seed=4, projection=False)
    for model in (generator, discriminator):
        clone = type(model).from_config(model.get_config())
        clone.build()
        for a, b in zip(model.get_weights(), clone.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_summary_prints_shapes(pair):
    architecture, *networks = pair
    lines = []
    for network in networks:
        network.summary(print_fn=lines.append)
    text = "\n".join(lines)
    side = architecture.resolutions[0]
    assert f"(None, {side}, {side}, 3)" in text
    assert "?" not in text


def test_no_variables_appear_inside_a_function(pair):
    _, generator, discriminator = pair
    before = len(generator.variables) + len(discriminator.variables)
    latents, labels = random_latents(2), random_labels(2)

    @tf.function
    def judge(latents, labels):
        return discriminator(generator(latents, labels, training=False), labels, training=False)

    inside = judge(tf.constant(latents), tf.constant(labels))
    outside = discriminator(generator(latents, labels), labels)
    assert len(generator.variables) + len(discriminator.variables) == before
    for key, value in outside.items():
        np.testing.assert_allclose(inside[key], value, atol=1e-5)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_checkpoint_restores_the_outputs(name, tmp_path):
    architecture = get_architecture(name)

    def make(seed):
        return {
            "generator": architecture.make_generator(NUM_LABELS, seed=seed),
            "discriminator": architecture.make_discriminator(NUM_LABELS, seed=seed),
        }

    latents, labels = random_latents(2), random_labels(2)
    saved, restored = make(seed=0), make(seed=1)
    for model in saved.values():
        randomize(model)
    path = tf.train.Checkpoint(**saved).write(str(tmp_path / "checkpoint"))
    status = tf.train.Checkpoint(**restored).read(path)
    status.assert_consumed()
    status.assert_existing_objects_matched()

    images = saved["generator"](latents, labels)
    np.testing.assert_array_equal(images, restored["generator"](latents, labels))
    for key, value in saved["discriminator"](images, labels).items():
        np.testing.assert_array_equal(value, restored["discriminator"](images, labels)[key])


@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("penalty", ["dragan", "wgan_gp", "r1"])
def test_penalty_reaches_every_kernel(penalty, dtype):
    # An operation without a second derivative would silently remove the penalty for the layers before it.
    discriminator = Discriminator(NUM_LABELS, dtype=dtype)
    discriminator.build()
    real, fake, labels = random_images(2, 0), random_images(2, 1), random_labels(2)
    entry = GRADIENT_PENALTIES[penalty]
    noise_shape = entry.noise_shape((64, 64, 3))
    noise = None if noise_shape is None else tf.fill([2, *noise_shape], 0.3)
    kernels = [v for v in discriminator.trainable_variables if v.path.endswith("kernel")]
    kernels = [v for v in kernels if "attributes" not in v.path]
    assert len(kernels) == 5

    @tf.function
    def penalty_gradients():
        with tf.GradientTape() as tape:
            values = entry.function(
                lambda images: discriminator(images, labels, training=True)["logits"],
                real,
                fake,
                noise,
            )
        return tape.gradient(values, [v.value for v in kernels])

    for kernel, gradient in zip(kernels, penalty_gradients(), strict=True):
        assert gradient is not None, kernel.path
        assert np.all(np.isfinite(gradient)), kernel.path
        assert np.any(gradient != 0), kernel.path


def test_two_replicas_match_one(two_replicas):
    strategy = two_replicas
    architecture = get_architecture("published-exact")
    arguments = dict(num_labels=5, seed=1, synchronized=True)
    with strategy.scope():
        generator = architecture.make_generator(**arguments)
        discriminator = architecture.make_discriminator(**arguments)
    single_generator = architecture.make_generator(**arguments)
    single_discriminator = architecture.make_discriminator(**arguments)

    latents = tf.random.stateless_normal([6, 100], [0, 1])
    labels = tf.sign(tf.random.stateless_normal([6, 5], [0, 2]))

    def gradients(generator, discriminator, latents, labels):
        variables = generator.trainable_variables
        with tf.GradientTape() as tape:
            images = generator(latents, labels, training=True)
            logits = discriminator(images, labels, training=True)["logits"]
            loss = tf.reduce_sum(tf.nn.softplus(-logits)) / 6
        return images, logits, tape.gradient(loss, [v.value for v in variables])

    @tf.function
    def distributed():
        return strategy.run(
            lambda z, y: gradients(generator, discriminator, z, y), args=(split_latents, split_labels)
        )

    def split(values):
        return strategy.experimental_distribute_values_from_function(
            lambda context: values[context.replica_id_in_sync_group * 3 :][:3]
        )

    split_latents, split_labels = split(latents), split(labels)
    images, logits, parts = distributed()
    images = tf.concat(strategy.experimental_local_results(images), 0)
    logits = tf.concat(strategy.experimental_local_results(logits), 0)
    expected_images, expected_logits, expected = gradients(
        single_generator, single_discriminator, latents, labels
    )
    np.testing.assert_allclose(images, expected_images, atol=1e-4)
    np.testing.assert_allclose(logits, expected_logits, atol=1e-3)
    for part, gradient in zip(parts, expected, strict=True):
        total = sum(strategy.experimental_local_results(part))
        np.testing.assert_allclose(total, gradient, atol=1e-3 * np.abs(gradient).max() + 1e-5)
    for replicated, variable in zip(
        generator.non_trainable_variables, single_generator.non_trainable_variables, strict=True
    ):
        for value in strategy.experimental_local_results(replicated.value):
            np.testing.assert_allclose(value, variable.numpy(), atol=1e-5)
