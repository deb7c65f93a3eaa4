"""A run's state: networks, optimizers, counters, checkpoint; and one call that makes a training step."""

from __future__ import annotations

import math

import numpy as np

from anime_gan.attributes.label_sampler import LabelRows, LabelSampler
from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import tf
from anime_gan.training.config import TrainConfig
from anime_gan.training.losses import ADVERSARIAL_LOSSES
from anime_gan.training.networks import build_networks
from anime_gan.training.noise import StepNoise, draw_noise
from anime_gan.training.penalties import GRADIENT_PENALTIES
from anime_gan.training.step import update_average, update_networks

# The names of the values that a step reports; checkpoints keep their sums in this order.
REPORTED = (
    "loss/discriminator_real",
    "loss/discriminator_fake",
    "loss/gradient_penalty",
    "loss/discriminator_attributes",
    "loss/generator_adversarial",
    "loss/generator_attributes",
    "logits/real",
    "logits/fake",
    "logits/real_sign",
    "attributes/accuracy_real",
    "attributes/accuracy_fake",
    "gradient_norm/discriminator",
    "gradient_norm/generator",
    "augment/probability",
)

# Adaptive augmentation (Karras et al. 2020, arXiv 2006.06676, section 3): the discriminator is memorizing
# when it takes most training images for real. It then sees more changed ones, and else fewer.
REAL_SIGN_TARGET = 0.6
# From never to always; the paper takes 500,000, for runs of 25 million images.
ADAPTATION_IMAGES = 100_000


class NonFiniteError(ArithmeticError):
    """A loss became infinite or NaN; the message names the term and the step."""


class Trainer:
    """Trains a generator and a discriminator against each other.

    The two are updated once a step by Adam, from one batch of generated images: the discriminator learns
    on it first, then the generator is judged on the same images by the updated discriminator, so that the
    generator runs forward once a step. If the run begins with a trained generator, the discriminator learns
    alone for `discriminator_steps`. All randomness comes from (seed, step), and the state is a checkpoint's:
    a run that was stopped goes on exactly as if it had not been.

    Attributes:
        generator: The network that is trained.
        discriminator: Its opponent.
        ema_generator: The generator's exponential moving average, batch norm statistics included: the one
            that is shown and exported.
        num_images: Size of the training set.
        label_rows: The distinct label rows of the training set.
        label_sampler: Completes labels from them; None without labels.
        checkpoint: A `tf.train.Checkpoint` of the whole state.
    """

    def __init__(
        self,
        config: TrainConfig,
        schema: Schema,
        labels: np.ndarray,
        dtype: str = "float32",
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        """Builds networks, optimizers and all variables.

        Args:
            config: The run's options.
            schema: What the label columns mean; empty for a model without labels.
            labels: int8 [n, num_labels], the training set's label rows.
            dtype: The networks' dtype policy, "float32" or "mixed_bfloat16".
            strategy: Where to train; by default the current strategy.

        Raises:
            ValueError: The batch cannot be divided among the strategy's replicas.
        """
        self.config = config
        self.strategy = strategy or tf.distribute.get_strategy()
        replicas = self.strategy.num_replicas_in_sync
        if config.batch_size % replicas:
            raise ValueError(f"--batch_size={config.batch_size}: must be a multiple of {replicas} replicas")
        self.slots = schema.slots
        self.num_images = len(labels)
        self.labels = tf.constant(labels, tf.int8)
        self.label_rows, self.label_sampler = LabelRows.empty(), None
        if schema.num_labels:
            self.label_rows = LabelRows.from_labels(labels)
            self.label_sampler = LabelSampler(schema, self.label_rows)
        self.adversarial_loss = ADVERSARIAL_LOSSES[config.adversarial_loss]
        self.penalty = GRADIENT_PENALTIES[config.gradient_penalty]
        weight = config.penalty_weight
        self.penalty_weight = self.penalty.default_weight if weight < 0 else weight

        with self.strategy.scope():
            networks = build_networks(config, schema.num_labels, dtype, synchronized=replicas > 1)
        self.generator = networks.generator
        self.ema_generator = networks.ema_generator
        self.discriminator = networks.discriminator
        self.generator_optimizer = networks.generator_optimizer
        self.discriminator_optimizer = networks.discriminator_optimizer
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.augment_probability = tf.Variable(
            float(config.augment == "always"), trainable=False, name="augment_probability"
        )
        # Sums since the last report; in the checkpoint, so that a resumed run reports the same means.
        self._sums = tf.Variable(tf.zeros([len(REPORTED)]), trainable=False, name="sums")
        self._sums_steps = tf.Variable(0, dtype=tf.int64, trainable=False, name="sums_steps")
        self.checkpoint = tf.train.Checkpoint(
            **networks._asdict(),
            step=self.step,
            augment_probability=self.augment_probability,
            sums=self._sums,
            sums_steps=self._sums_steps,
        )

    def train_step(self, images: tf.Tensor, labels: tf.Tensor) -> dict[str, float]:
        """Updates both networks and the moving average on one global batch.

        Args:
            images: uint8 [batch_size, height, width, 3].
            labels: int8 [batch_size, num_labels] of +1, -1 and 0.

        Returns:
            The step's values by name, see `REPORTED`; each a mean over the global batch.

        Raises:
            NonFiniteError: A value is infinite or NaN.
        """
        with_penalty = int(self.step) % self.config.penalty_interval == 0
        with_generator = int(self.step) >= self.config.discriminator_steps
        row = self._train_step(tf.constant(images), tf.constant(labels), with_penalty, with_generator).numpy()
        values = dict(zip(REPORTED, map(float, row), strict=True))
        for name, value in values.items():
            if not math.isfinite(value):
                raise NonFiniteError(f"{name} is {value} at step {int(self.step)}")
        return values

    def take_report(self) -> dict[str, float]:
        """The mean of each value since the last report, by name; starts a new mean."""
        means = (self._sums / tf.cast(tf.maximum(self._sums_steps, 1), tf.float32)).numpy()
        self._sums.assign(tf.zeros_like(self._sums))
        self._sums_steps.assign(0)
        return {name: float(mean) for name, mean in zip(REPORTED, means, strict=True)}

    @tf.function(autograph=False)
    def generate(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Images drawn by the moving average: float32 [n, height, width, 3] in [-1, 1]."""
        return self.ema_generator(latents, labels if self.label_sampler else None, training=False)

    def draw_noise(self, step: tf.Tensor) -> StepNoise:
        """The random numbers of a step, an int64 scalar."""
        config = self.config
        shape = self.penalty.noise_shape((config.resolution, config.resolution, 3)) or ()
        return draw_noise(
            config.seed,
            step,
            config.batch_size,
            config.latent_dim,
            self.labels.shape[0],
            len(self.slots),
            shape,
        )

    @tf.function(autograph=False)
    def _train_step(
        self, images: tf.Tensor, labels: tf.Tensor, with_penalty: bool, with_generator: bool
    ) -> tf.Tensor:
        # Update both networks on every replica, and add up what the replicas report.
        noise = self.draw_noise(self.step)
        per_replica = self.strategy.run(
            update_networks, args=(self, images, labels, noise, with_penalty, with_generator)
        )
        reported = self.strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None)

        # Move the average; early on faster, so that it does not remember the random initial weights.
        done = tf.cast(self.step, tf.float32)
        decay = tf.minimum(self.config.ema_decay, (1.0 + done) / (10.0 + done))
        update_average(self.ema_generator, self.generator, decay, self.strategy)

        if self.config.augment == "adaptive":
            self._adapt_augmentation(reported["logits/real_sign"])

        # Count the step, and keep the values for the report.
        self.step.assign_add(1)
        values = tf.stack([reported[name] for name in REPORTED])
        self._sums.assign_add(values)
        self._sums_steps.assign_add(1)
        return values

    def _adapt_augmentation(self, real_sign: tf.Tensor) -> None:
        """Moves the probability by the mean sign of the logits of the step's real images."""
        change = tf.sign(real_sign - REAL_SIGN_TARGET) * self.config.batch_size / ADAPTATION_IMAGES
        self.augment_probability.assign(tf.clip_by_value(self.augment_probability + change, 0.0, 1.0))
