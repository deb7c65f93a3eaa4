"""The training step."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from anime_gan.training.batches import Batches
from anime_gan.training.config import ConfigError, resolve_config
from anime_gan.training.step import complete_labels
from anime_gan.training.trainer import NonFiniteError, Trainer

CONFIG = resolve_config("published", {"batch_size": 8, "penalty_interval": 2, "steps": 10, "ema_decay": 0.2})


@pytest.fixture(scope="module")
def images(labels) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (len(labels), 64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def traced(schema, labels, tmp_path_factory) -> tuple[Trainer, str]:
    """A trainer that most tests share, because its graphs take seconds to build; and its initial state."""
    trainer = Trainer(CONFIG, schema, labels)
    return trainer, trainer.checkpoint.write(str(tmp_path_factory.mktemp("start") / "state"))


@pytest.fixture
def trainer(traced) -> Trainer:
    """The shared trainer, before its first step."""
    trainer, start = traced
    trainer.checkpoint.read(start).assert_consumed()
    return trainer


def row(values: dict[str, float]) -> np.ndarray:
    """The values of a step in a fixed order."""
    return np.array(list(values.values()))


def first_moments(trainer: Trainer) -> list[np.ndarray]:
    """Adam's first moments after one step: (1 - beta_1) times the reduced gradients."""
    optimizers = (trainer.discriminator_optimizer, trainer.generator_optimizer)
    return [m.numpy() for optimizer in optimizers for m in optimizer._momentums]


def test_two_replicas_do_what_one_does(trainer, two_replicas, schema, labels, images, monkeypatch):
    """Twice 4 images on two devices give the losses and gradients of 8 images on one."""
    one = trainer
    two = Trainer(CONFIG, schema, labels, strategy=two_replicas)
    values_one = one.train_step(images[:8], labels[:8])
    sent, all_reduce = [], tf.distribute.ReplicaContext.all_reduce

    def counted(context, operation, value, *options):
        sent.extend(tensor.shape.num_elements() for tensor in tf.nest.flatten(value))
        return all_reduce(context, operation, value, *options)

    monkeypatch.setattr(tf.distribute.ReplicaContext, "all_reduce", counted)
    values_two = two.train_step(images[:8], labels[:8])
    # Each replica sends each gradient once. The rest are statistics of batches.
    weights = sum(
        len(v.numpy().ravel()) for net in (two.generator, two.discriminator) for v in net.trainable_variables
    )
    assert 1.0 <= sum(sent) / 2 / weights < 1.01
    np.testing.assert_allclose(row(values_two), row(values_one), rtol=2e-4, atol=2e-5)
    assert values_one["loss/gradient_penalty"] > 0
    moments_one, moments_two = first_moments(one), first_moments(two)
    whole = np.sqrt(sum(np.sum(np.square(moment)) for moment in moments_one))
    for moment_one, moment_two in zip(moments_one, moments_two, strict=True):
        # Not element by element: a leaky ReLU at zero may fall to either side by rounding. And a bias before
        # batch norm has no gradient but rounding, so a part is measured against the whole too.
        allowed = 5e-3 * max(np.linalg.norm(moment_one), 1e-3 * whole)
        assert np.linalg.norm(moment_two - moment_one) < allowed
    # Weights are not compared: Adam's first step is the gradient's sign, also where that is rounding.
    statistics = [v.path for v in one.ema_generator.non_trainable_variables]
    assert len(statistics) == 4
    for path, mean_one, mean_two in zip(
        statistics,
        one.ema_generator.non_trainable_variables,
        two.ema_generator.non_trainable_variables,
        strict=True,
    ):
        np.testing.assert_allclose(mean_two.numpy(), mean_one.numpy(), rtol=1e-4, atol=1e-6, err_msg=path)


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("float32", {"gradient_penalty": "dragan"}),
        ("mixed_bfloat16", {"gradient_penalty": "dragan"}),
        ("float32", {"gradient_penalty": "wgan_gp"}),
        ("mixed_bfloat16", {"gradient_penalty": "r1"}),
        ("mixed_bfloat16", {"gradient_penalty": "r1", "architecture": "compact"}),
        ("float32", {"gradient_penalty": "r1", "augment": "adaptive"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value.values()),
)
def test_no_weight_is_read_while_it_changes(schema, labels, images, dtype, options):
    """In the graph that TensorFlow runs, each read of a variable is ordered relative to each write.

    TensorFlow's graph optimizer can lose this order. Then about one run in twenty read some biases too late,
    and its results differed from those of all other runs.
    """
    trainer = Trainer(dataclasses.replace(CONFIG, **options), schema, labels, dtype)
    context.enable_run_metadata()
    try:
        trainer.train_step(images[:8], labels[:8])
        functions = context.export_run_metadata().function_graphs
    finally:
        context.disable_run_metadata()
    graph = max((f.post_optimization_graph for f in functions), key=lambda graph: len(graph.node))
    inputs = {node.name: [i.lstrip("^").split(":")[0] for i in node.input] for node in graph.node}

    def everything_before(name: str) -> set[str]:
        before, waiting = set(), [name]
        while waiting:
            new = set(inputs.get(waiting.pop(), ())) - before
            before |= new
            waiting += new
        return before

    reads = [node for node in graph.node if node.op == "ReadVariableOp"]
    writes = [node for node in graph.node if node.op.startswith("Assign") and "Variable" in node.op]
    assert len(reads) > 100 and len(writes) > 50
    before = {node.name: everything_before(node.name) for node in (*reads, *writes)}
    for write in writes:
        for read in reads:
            if read.input[0] == write.input[0]:
                assert read.name in before[write.name] or write.name in before[read.name], read.name


def test_average_follows_the_generator_statistics_included(trainer, labels, images):
    expected = [v.numpy() for v in trainer.ema_generator.variables]
    # The warm-up (1 + n) / (10 + n), until it exceeds the decay of 0.2 in the configuration.
    for decay in (1 / 10, 2 / 11, 0.2, 0.2):
        trainer.train_step(images[:8], labels[:8])
        current = [v.numpy() for v in trainer.generator.variables]
        expected = [decay * e + (1 - decay) * c for e, c in zip(expected, current, strict=True)]
    names = [v.path for v in trainer.ema_generator.variables]
    assert any("moving_variance" in name for name in names)
    for name, average, by_hand in zip(names, trainer.ema_generator.variables, expected, strict=True):
        np.testing.assert_allclose(average.numpy(), by_hand, rtol=1e-4, atol=1e-6, err_msg=name)


def test_penalty_comes_at_every_second_step_twice_as_strong(trainer, schema, labels, images):
    every = Trainer(dataclasses.replace(CONFIG, penalty_interval=1), schema, labels)
    column = "loss/gradient_penalty"
    penalties = [trainer.train_step(images[:8], labels[:8])[column] for _ in range(4)]
    assert penalties[0] == pytest.approx(2 * every.train_step(images[:8], labels[:8])[column], rel=1e-5)
    assert penalties[2] > 0
    assert penalties[1] == penalties[3] == 0


def test_the_learning_rate_halves_steadily(schema, labels, images):
    config = dataclasses.replace(CONFIG, learning_rate=1e-3, learning_rate_halving=2, penalty_interval=1)
    trainer = Trainer(config, schema, labels)
    for step in range(4):
        before = [v.numpy() for v in trainer.generator.trainable_variables]
        trainer.train_step(images[:8], labels[:8])
        after = [v.numpy() for v in trainer.generator.trainable_variables]
        rate = 1e-3 * 0.5 ** (step / 2)
        if step == 0:
            # Adam's first step is the rate, times the gradient's sign.
            largest = max(np.abs(a - b).max() for a, b in zip(after, before, strict=True))
            assert largest == pytest.approx(rate, rel=1e-3)
        assert float(trainer.generator_optimizer.learning_rate) == pytest.approx(rate / 0.5**-0.5)


def test_each_network_moves_at_its_own_rate(schema, labels, images):
    """Adam's first step is the rate, times the gradient's sign."""
    config = dataclasses.replace(
        CONFIG, learning_rate=1e-3, generator_learning_rate=4e-5, gradient_penalty="none"
    )
    trainer = Trainer(config, schema, labels)
    networks = {4e-5: trainer.generator, 1e-3: trainer.discriminator}
    before = {rate: [v.numpy() for v in network.trainable_variables] for rate, network in networks.items()}
    trainer.train_step(images[:8], labels[:8])
    for rate, network in networks.items():
        moved = zip(network.trainable_variables, before[rate], strict=True)
        assert max(np.abs(v.numpy() - b).max() for v, b in moved) == pytest.approx(rate, rel=2e-3)


def test_the_seed_decides_weights_and_noise(trainer, schema, labels):
    """Nothing else decides them, and each step has its own noise."""
    again, other = (Trainer(dataclasses.replace(CONFIG, seed=seed), schema, labels) for seed in (0, 2))
    networks = [(t.generator, t.discriminator, t.ema_generator) for t in (trainer, again, other)]
    for mine, same, different in zip(*networks, strict=True):
        weights = (network.get_weights() for network in (mine, same, different))
        for weight, equal, unequal in zip(*weights, strict=True):
            np.testing.assert_array_equal(weight, equal)
            # Biases and gains have constant initial values.
            assert weight.ndim == 1 or not np.array_equal(weight, unequal)
    steps = [(trainer, 3), (again, 3), (other, 3), (trainer, 4)]
    noises = [trainer.draw_noise(tf.constant(step, tf.int64)) for trainer, step in steps]
    for mine, same, *different in zip(*noises, strict=True):
        np.testing.assert_array_equal(mine, same)
        if mine.dtype != tf.bool:
            assert not any(np.array_equal(mine, noise) for noise in different)


def test_flip_mirrors_some_of_the_real_images(traced, schema, labels, images):
    """Mirroring does not change the loss of symmetric images, but it does for other images."""
    plain, start = traced
    flipping = Trainer(dataclasses.replace(CONFIG, flip=True), schema, labels)
    batch, rows = images[:8], labels[:8]
    symmetric = np.concatenate([batch[:, :, :32], batch[:, :, 31::-1]], axis=2)
    column = "loss/discriminator_real"

    def real_loss(trainer: Trainer, pictures: np.ndarray) -> float:
        # Both start with the same weights.
        trainer.checkpoint.read(start).assert_consumed()
        return trainer.train_step(pictures, rows)[column]

    assert real_loss(flipping, symmetric) == pytest.approx(real_loss(plain, symmetric), rel=1e-6)
    mirrored = real_loss(flipping, batch)
    assert mirrored != pytest.approx(real_loss(plain, batch), rel=1e-5)
    # Not all images are mirrored.
    assert mirrored != pytest.approx(real_loss(plain, np.ascontiguousarray(batch[:, :, ::-1])), rel=1e-5)


def test_generators_labels_are_complete_and_partly_recombined(schema, labels):
    """No training row has a blonde smile, so a smiling blonde can only come from recombination."""
    trainer = Trainer(dataclasses.replace(CONFIG, batch_size=4000, gradient_penalty="none"), schema, labels)
    known = np.tile(labels, (8, 1))
    blonde, smile = schema.column("hair_color", "blonde"), schema.column("smile")
    smiling_blondes, rows, steps = 0, np.zeros(len(labels), np.int64), 40
    for step in range(steps):
        noise = trainer.draw_noise(tf.constant(step, tf.int64))
        rows += np.bincount(noise.rows, minlength=len(labels))
        real, fake = (x.numpy() for x in complete_labels(trainer, tf.constant(known, tf.float32), noise))
        for drawn in (real, fake):
            assert set(np.unique(drawn)) == {-1.0, 1.0}
        np.testing.assert_array_equal(real[known != 0], known[known != 0])
        smiling_blondes += np.sum((fake[:, blonde] > 0) & (fake[:, smile] > 0))
    # Half of the rows have independent attributes. Four standard deviations are less than 5% of the share.
    expected = 0.5 * np.mean(labels[:, blonde] > 0) * np.mean(labels[:, smile] > 0)
    count = 4000 * steps
    # Every training row is drawn equally often: five standard deviations of 320.
    assert np.all(np.abs(rows - count / len(labels)) < 5 * np.sqrt(count / len(labels)))
    assert smiling_blondes / count == pytest.approx(expected, abs=4 * np.sqrt(expected / count))


@pytest.fixture(scope="module")
def weighted_step(schema, labels, images):
    """The gradients of one step with attribute and penalty weights, and the same from the formulas.

    The discriminator's learning rate is so small that the generator is judged by the same discriminator.
    """
    config = dataclasses.replace(
        CONFIG,
        attribute_weight=3.0,
        gradient_penalty="r1",
        penalty_weight=0.5,
        learning_rate=1e-8,
        generator_learning_rate=1e-3,
    )
    trainer = Trainer(config, schema, labels)
    noise = trainer.draw_noise(trainer.step)
    known = tf.cast(labels[:8], tf.float32)
    real_labels, fake_labels = complete_labels(trainer, known, noise)
    real = tf.cast(images[:8], tf.float32) / 127.5 - 1.0

    def mean_attribute_loss(logits: tf.Tensor, given: tf.Tensor) -> tf.Tensor:
        losses = []
        for row in range(8):
            for slot in schema.slots:
                values, predicted = given[row, slot.columns].numpy(), logits[row, slot.columns]
                if slot.is_group and 1 in values:
                    losses.append(-tf.math.log(tf.nn.softmax(predicted)[list(values).index(1)]))
                elif not slot.is_group and values[0] != 0:
                    losses.append(-tf.math.log_sigmoid(values[0] * predicted[0]))
        return tf.add_n(losses) / len(losses)

    with tf.GradientTape(persistent=True) as tape:
        fake = trainer.generator(noise.latents, fake_labels, training=True)
        on_fake = trainer.discriminator(fake, fake_labels, training=True)
        with tf.GradientTape() as inner:
            inner.watch(real)
            on_real = trainer.discriminator(real, real_labels, training=True)
        slope = inner.gradient(on_real["logits"], real)
        r1 = 0.5 * tf.reduce_mean(tf.reduce_sum(slope**2, axis=[1, 2, 3]))
        discriminator_loss = (
            tf.reduce_mean(tf.math.log(1 + tf.exp(-on_real["logits"])))
            + tf.reduce_mean(tf.math.log(1 + tf.exp(on_fake["logits"])))
            # Every second step, twice as strong.
            + 2 * 0.5 * r1
            + 3 * mean_attribute_loss(on_real["attributes"], known)
        )
        generator_loss = tf.reduce_mean(tf.math.log(1 + tf.exp(-on_fake["logits"]))) + (
            3 * mean_attribute_loss(on_fake["attributes"], fake_labels)
        )
    expected = {
        "discriminator": tape.gradient(discriminator_loss, trainer.discriminator.trainable_variables),
        "generator": tape.gradient(generator_loss, trainer.generator.trainable_variables),
    }
    right = []
    for row, predicted in zip(labels[:8], on_real["attributes"].numpy(), strict=True):
        for slot in schema.slots:
            if slot.is_group and 1 in row[slot.columns]:
                right.append(row[slot.columns][np.argmax(predicted[slot.columns])] == 1)
            elif not slot.is_group and row[slot.start]:
                right.append(np.sign(predicted[slot.start]) == row[slot.start])
    return trainer, expected, trainer.train_step(images[:8], labels[:8]), np.mean(right)


@pytest.mark.parametrize("network", ["discriminator", "generator"])
def test_gradients_weight_each_loss_as_configured(weighted_step, network):
    trainer, expected, values, _ = weighted_step
    gradients = [2 * m.numpy() for m in getattr(trainer, f"{network}_optimizer")._momentums]
    norm = np.sqrt(sum(np.sum(np.square(gradient)) for gradient in gradients))
    assert norm > 0
    for gradient, by_hand in zip(gradients, expected[network], strict=True):
        # As above, a part with a tiny gradient is measured against the whole.
        allowed = 5e-3 * max(np.linalg.norm(gradient), 1e-3 * norm)
        assert np.linalg.norm(gradient - (0 if by_hand is None else by_hand.numpy())) < allowed
    assert values[f"gradient_norm/{network}"] == pytest.approx(norm, rel=1e-4)


def test_the_reported_accuracy_is_the_share_of_known_attributes_predicted(weighted_step):
    _, _, values, accuracy = weighted_step
    assert 0 < accuracy < 1
    assert values["attributes/accuracy_real"] == pytest.approx(accuracy)


def test_a_batch_that_devices_cannot_share_equally(two_replicas, schema, labels):
    with pytest.raises(ConfigError, match="batch_size=9: must be a multiple of 2, the number of devices"):
        Trainer(dataclasses.replace(CONFIG, batch_size=9), schema, labels, strategy=two_replicas)


def test_unknown_labels_do_not_train_the_attribute_head(trainer, labels, images):
    values = trainer.train_step(images[:8], np.zeros_like(labels[:8]))
    assert values["loss/discriminator_attributes"] == 0
    assert values["loss/generator_attributes"] > 0


def test_no_labels_at_all(images):
    from anime_gan.attributes.schema import Schema

    trainer = Trainer(CONFIG, Schema(()), np.zeros((len(images), 0), np.int8))
    values = trainer.train_step(images[:8], np.zeros((8, 0), np.int8))
    assert values["loss/generator_adversarial"] > 0
    assert trainer.generate(tf.zeros([2, 100]), tf.zeros([2, 0])).shape == (2, 64, 64, 3)


def test_non_finite_loss_names_term_and_step(trainer, labels, images):
    trainer.train_step(images[:8], labels[:8])
    kernel = trainer.discriminator.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, np.nan, np.float32))
    with pytest.raises(NonFiniteError, match="loss/discriminator_real is nan at step 2"):
        trainer.train_step(images[:8], labels[:8])


def test_reports_are_means_since_the_last(trainer, labels, images):
    values = [trainer.train_step(images[:8], labels[:8]) for _ in range(3)]
    report = trainer.take_report()
    np.testing.assert_allclose(
        list(report.values()), np.mean([row(v) for v in values], axis=0), rtol=1e-5, atol=1e-7
    )
    last = trainer.train_step(images[:8], labels[:8])
    np.testing.assert_allclose(row(trainer.take_report()), row(last), rtol=1e-5, atol=1e-7)


def test_every_image_once_an_epoch_and_any_batch_at_any_time():
    batches = Batches(num_examples=50, batch_size=8, seed=3)
    stream = np.concatenate([batches.indices(step) for step in range(25)])
    for epoch in range(4):
        assert sorted(stream[epoch * 50 : (epoch + 1) * 50]) == list(range(50))
    assert not np.array_equal(stream[:50], stream[50:100])
    np.testing.assert_array_equal(Batches(50, 8, 3).indices(13), stream[13 * 8 : 14 * 8])
    assert not np.array_equal(Batches(50, 8, 4).indices(13), stream[13 * 8 : 14 * 8])


def test_a_batch_may_exceed_the_dataset():
    assert sorted(Batches(num_examples=5, batch_size=12, seed=0).indices(0)[:10]) == sorted([*range(5)] * 2)


def test_augmentation_is_the_same_on_two_replicas(trainer, two_replicas, schema, labels, images):
    config = dataclasses.replace(CONFIG, augment="always")
    one = Trainer(config, schema, labels)
    two = Trainer(config, schema, labels, strategy=two_replicas)
    values_one, values_two, plain = (t.train_step(images[:8], labels[:8]) for t in (one, two, trainer))
    np.testing.assert_allclose(row(values_two), row(values_one), rtol=2e-4, atol=2e-5)
    assert abs(values_one["loss/discriminator_real"] - plain["loss/discriminator_real"]) > 1e-4


def test_adaptive_augmentation_starts_with_none_on_two_replicas(
    trainer, two_replicas, schema, labels, images
):
    config = dataclasses.replace(CONFIG, augment="adaptive")
    two = Trainer(config, schema, labels, strategy=two_replicas)
    values, plain = (t.train_step(images[:8], labels[:8]) for t in (two, trainer))
    np.testing.assert_allclose(row(values), row(plain), rtol=2e-4, atol=2e-5)


def test_adaptive_augmentation_follows_the_signs_of_real_logits(schema, labels, images, monkeypatch):
    monkeypatch.setattr("anime_gan.training.trainer.ADAPTATION_IMAGES", 80)
    config = dataclasses.replace(CONFIG, augment="adaptive", penalty_interval=1)
    trainer = Trainer(config, schema, labels)
    expected = 0.0
    signs = []
    for step in range(12):
        # Later steps have new images, which the discriminator has not learned to call real.
        shown = images[:8] if step < 8 else images[8 * step : 8 * step + 8]
        values = trainer.train_step(shown, labels[:8])
        assert values["augment/probability"] == pytest.approx(expected, abs=1e-6)
        signs.append(values["logits/real_sign"])
        expected = min(max(expected + np.sign(signs[-1] - 0.6) * 8 / 80, 0.0), 1.0)
    assert max(signs) > 0.6, "the probability never rose, so the test would not notice if it stayed 0"


def test_adaptive_augmentation_keeps_four_of_five_real_images_recognized(schema, labels):
    """A mean sign of 0.6 means that 80% of the real images are recognized; 100,000 images go from 0 to 1."""
    trainer = Trainer(dataclasses.replace(CONFIG, augment="adaptive"), schema, labels)
    probability = trainer.augment_probability
    for start, sign, expected in (
        (0.5, 0.5, 0.5 - 8e-5),
        (0.5, 0.75, 0.5 + 8e-5),
        (0.5, -1.0, 0.5 - 8e-5),
        (0.0, 0.25, 0.0),
        (1.0, 1.0, 1.0),
    ):
        probability.assign(start)
        trainer._adapt_augmentation(tf.constant(sign))
        assert float(probability) == pytest.approx(expected, abs=1e-6)


def test_generator_and_discriminator_of_different_pairs(schema, labels, images):
    config = dataclasses.replace(CONFIG, discriminator="compact")
    trainer = Trainer(config, schema, labels)
    kinds = [
        type(network).__module__.split(".")[-1] for network in (trainer.generator, trainer.discriminator)
    ]
    assert kinds == ["published", "compact"]
    before = trainer.generator.fc.kernel.numpy()
    values = trainer.train_step(images[:8], labels[:8])
    assert np.all(np.isfinite(row(values))) and np.any(trainer.generator.fc.kernel.numpy() != before)
