"""The plain loop computes the same as the Trainer: otherwise comparing their speed would mean nothing."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.training.config import resolve_config
from anime_gan.training.plain_loop import PlainLoop
from anime_gan.training.step import complete_labels
from anime_gan.training.trainer import Trainer

BATCH = 16
CONFIG = resolve_config("published", {"batch_size": BATCH, "penalty_interval": 1})


@pytest.fixture(scope="module")
def stepped(schema, labels):
    """Both after one step from the same weights, images, labels, latents, and noise; and their losses."""
    # The plain loop does not support unknown labels.
    known = labels[np.all(labels != 0, axis=1)]
    images = np.random.default_rng(1).integers(0, 256, (BATCH, 64, 64, 3), np.uint8)
    trainer = Trainer(CONFIG, schema, known)
    plain = PlainLoop(schema.slots, CONFIG.latent_dim, trainer.generator.embedding_dim, BATCH)
    for mine, theirs in ((plain.generator, trainer.generator), (plain.discriminator, trainer.discriminator)):
        mine.set_weights(theirs.get_weights())

    noise = trainer.draw_noise(trainer.step)
    real_labels, fake_labels = complete_labels(trainer, tf.cast(known[:BATCH], tf.float32), noise)
    real = tf.cast(images, tf.float32) / 127.5 - 1.0
    # New fakes from the same latents are the same fakes.
    losses = plain.step(real, real_labels, (noise.latents, noise.latents), fake_labels, noise.penalty)
    return trainer, trainer.train_step(images, known[:BATCH]), plain, losses


def test_the_six_losses_agree(stepped):
    _, values, _, losses = stepped
    for name, value in losses._asdict().items():
        assert float(value) == pytest.approx(values[f"loss/{name}"], rel=1e-4), name
    # None is zero, and the trainer reports no other loss.
    assert all(float(value) > 1e-3 for value in losses)
    assert sum(name.startswith("loss/") for name in values) == len(losses)


@pytest.mark.parametrize("network", ["discriminator", "generator"])
def test_the_updates_agree(stepped, network):
    """Adam's first moments after one step: (1 - beta_1) times the gradients."""
    # The generator's gradients pass through the updated discriminator, and Adam's first step is the sign of a
    # gradient even where that is rounding. The generators differ by 4e-4, and with TensorFlow 2.16 by 1.1e-2.
    tolerance = 2e-2 if network == "generator" and tf.__version__ < "2.17" else 5e-3
    trainer, _, plain, _ = stepped
    optimizer = plain._optimizers[["generator", "discriminator"].index(network)]
    theirs = [m.numpy() for m in getattr(trainer, f"{network}_optimizer")._momentums]
    mine = [m.numpy() for m in optimizer._momentums]
    whole = np.sqrt(sum(np.sum(np.square(moment)) for moment in theirs))
    assert whole > 0
    for plainly, moment in zip(mine, theirs, strict=True):
        # A leaky ReLU at zero may fall to either side, and a bias before batch norm has no gradient but
        # rounding: see test_trainer.py.
        allowed = tolerance * max(np.linalg.norm(moment), 1e-3 * whole)
        assert np.linalg.norm(plainly - moment) < allowed
    # Adam's first step is the rate times the gradient's sign. Where the gradient is rounding, so is its sign.
    weights = (getattr(loop, network).trainable_variables for loop in (plain, trainer))
    differences = np.concatenate([np.abs(a - b).ravel() for a, b in zip(*weights, strict=True)])
    assert np.max(differences) < 2.1 * CONFIG.learning_rate
    assert np.mean(differences > 0.1 * CONFIG.learning_rate) < 0.05


def test_the_step_runs_as_a_graph(stepped):
    """If only the Trainer ran as a graph, the benchmark would compare graphs with eager TensorFlow."""
    _, _, plain, _ = stepped
    assert plain.step.experimental_get_tracing_count() == 1
