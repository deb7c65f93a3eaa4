"""The training state of a run, and a method that makes one step."""

from __future__ import annotations

import math
import signal

import numpy as np

from anime_gan.attributes.label_sampler import LabelRows, LabelSampler
from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import tf
from anime_gan.training.config import ConfigError, TrainConfig
from anime_gan.training.losses import get_adversarial_loss
from anime_gan.training.networks import build_networks, make_optimizer
from anime_gan.training.noise import StepNoise, draw_noise
from anime_gan.training.penalties import get_gradient_penalty
from anime_gan.training.step import REPORTED, update_average, update_networks

# Adaptive augmentation (Karras et al. 2020, arXiv 2006.06676, section 3): a discriminator that classifies
# most training images as real is memorizing them. This is the target for the mean sign of its logits for real
# images. Augmentation becomes more frequent above the target, and less frequent below it.
REAL_SIGN_TARGET = 0.6
# Number of images in which the probability can rise from 0 to 1. The paper uses 500,000 for runs of 25
# million images.
ADAPTATION_IMAGES = 100_000
# The signals that stop a run, the most urgent first. The workers of a run tell each other about them.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class NonFiniteError(ArithmeticError):
    """A reported value is infinite or NaN. The message names the value and the step."""


class Trainer:
    """Trains a generator and a discriminator against each other.

    Each step generates one batch of images and updates both networks once with Adam: first the discriminator,
    then the generator. The updated discriminator judges the same images again, so the generator runs only
    once per step. The first `discriminator_steps` steps update only the discriminator.

    All randomness comes from (seed, step), and the checkpoint contains the whole state. A resumed run
    therefore continues as if it had never been stopped.

    Attributes:
        config: The options of the run.
        part: This worker's part of each global batch; all of it unless the run has several workers.
        received: Number of the signal that this worker has received; 0 for none. The caller sets it.
        stopped_by: Number of the signal that some worker had received before the last step; 0 for none.
        step: Number of completed steps, an int64 variable.
        generator: The generator that is trained.
        discriminator: The discriminator.
        ema_generator: The exponential moving average (EMA) of the generator's weights and batch statistics.
            Samples and exports use it.
        num_images: Size of the training set.
        label_rows: The distinct label rows of the training set.
        label_sampler: Completes labels on the basis of the label rows; None without labels.
        checkpoint: A `tf.train.Checkpoint` of the whole state.
    """

    def __init__(
        self,
        config: TrainConfig,
        schema: Schema,
        labels: np.ndarray,
        dtype: str = "float32",
        strategy: tf.distribute.Strategy | None = None,
        channels: int = 3,
    ) -> None:
        """Builds the networks, the optimizers, and all variables.

        Args:
            config: The options of the run.
            schema: The attributes of the label columns; empty for a model without labels.
            labels: int8 [n, num_labels] of +1, -1, and 0 (unknown), and bins of scales: the training set.
            dtype: Keras dtype policy, "float32" or "mixed_bfloat16".
            strategy: The distribution strategy; None for the current one.
            channels: 3 for RGB images, 4 for RGBA.

        Raises:
            ConfigError: The batch size is not a multiple of the number of replicas.
        """
        self.config = config
        self.strategy = strategy or tf.distribute.get_strategy()
        replicas = self.strategy.num_replicas_in_sync
        if config.batch_size % replicas:
            reason = f"must be a multiple of {replicas}, the number of devices"
            raise ConfigError(reason, "batch_size", config.batch_size)
        self.part = part_of_batch(self.strategy, config.batch_size)
        self.received = self.stopped_by = 0
        self.channels = channels
        self.schema, self.slots = schema, schema.slots
        self.num_images = len(labels)
        self.labels = tf.constant(labels, tf.int8)
        self.label_rows, self.label_sampler = LabelRows.empty(), None
        if schema.num_labels:
            self.label_rows = LabelRows.from_labels(labels)
            self.label_sampler = LabelSampler(schema, self.label_rows)
        self.adversarial_loss = get_adversarial_loss(config.adversarial_loss)
        self.penalty = get_gradient_penalty(config.gradient_penalty)
        self.penalty_weight = self.penalty.weight(config.penalty_weight)

        # Each network may have its own learning rate (Heusel et al. 2017, arXiv 1706.08500, section 2).
        half_life = config.learning_rate_halving
        with self.strategy.scope():
            networks = build_networks(config, schema.num_labels, channels, dtype, synchronized=replicas > 1)
            self.generator, self.ema_generator, self.discriminator = networks
            self.generator_optimizer = make_optimizer(self.generator, config.generator_rate, half_life)
            self.discriminator_optimizer = make_optimizer(self.discriminator, config.learning_rate, half_life)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self.augment_probability = tf.Variable(
            float(config.augment == "always"), trainable=False, name="augment_probability"
        )
        # These are sums since the last report. The checkpoint has them, so a resumed run reports equal means.
        self._sums = tf.Variable(tf.zeros([len(REPORTED)]), trainable=False, name="sums")
        self._sums_steps = tf.Variable(0, dtype=tf.int64, trainable=False, name="sums_steps")
        self.checkpoint = tf.train.Checkpoint(
            **networks._asdict(),
            generator_optimizer=self.generator_optimizer,
            discriminator_optimizer=self.discriminator_optimizer,
            step=self.step,
            augment_probability=self.augment_probability,
            sums=self._sums,
            sums_steps=self._sums_steps,
        )

    def train_step(self, images: tf.Tensor, labels: tf.Tensor) -> dict[str, float]:
        """Updates both networks and the moving average on one global batch.

        Args:
            images: uint8 [n, height, width, channels], with straight alpha: `part` of the global batch.
            labels: int8 [n, num_labels] of +1, -1, and 0, and bins of scales.

        Returns:
            Name -> mean over the global batch, for the names in `REPORTED`.

        Raises:
            NonFiniteError: A value is infinite or NaN.
        """
        with_penalty = int(self.step) % self.config.penalty_interval == 0
        with_generator = int(self.step) >= self.config.discriminator_steps
        stops = tf.constant([float(number == self.received) for number in STOP_SIGNALS])
        row, stops = self._train_step(
            tf.constant(images), tf.constant(labels), stops, with_penalty, with_generator
        )
        self.stopped_by = next((n for n, count in zip(STOP_SIGNALS, stops.numpy(), strict=True) if count), 0)
        values = dict(zip(REPORTED, map(float, row.numpy()), strict=True))
        for name, value in values.items():
            if not math.isfinite(value):
                raise NonFiniteError(f"{name} is {value} at step {int(self.step)}")
        return values

    def take_report(self) -> dict[str, float]:
        """Returns name -> mean since the last report, and resets the means."""
        means = (self._sums / tf.cast(tf.maximum(self._sums_steps, 1), tf.float32)).numpy()
        self._sums.assign(tf.zeros_like(self._sums))
        self._sums_steps.assign(0)
        return {name: float(mean) for name, mean in zip(REPORTED, means, strict=True)}

    @property
    def learning_rate(self) -> float:
        """The current learning rate of the generator."""
        # On several devices, a constant rate is a mirrored variable, which `float` does not accept.
        return float(tf.convert_to_tensor(self.generator_optimizer.learning_rate))

    def set_learning_rates(self) -> None:
        """Sets constant learning rates to those of the options; a checkpoint contains the rates before it."""
        if self.config.learning_rate_halving == 0:
            self.generator_optimizer.learning_rate.assign(self.config.generator_rate)
            self.discriminator_optimizer.learning_rate.assign(self.config.learning_rate)

    def check_weights(self) -> None:
        """Checks the weights before they are saved; the values that a step reports are older than its update.

        Raises:
            NonFiniteError: A weight is infinite or NaN.
        """
        for network in (self.generator, self.discriminator):
            for variable in network.variables:
                if not bool(tf.reduce_all(tf.math.is_finite(tf.convert_to_tensor(variable)))):
                    raise NonFiniteError(f"{variable.path} is not finite at step {int(self.step)}")

    @tf.function(autograph=False)
    def generate(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Draws images with the EMA generator, float32 [n, height, width, channels] in [-1, 1].

        Args:
            latents: float32 [n, latent_dim].
            labels: float32 [n, num_labels] in -1..1.
        """
        return self.ema_generator(latents, labels if self.label_sampler else None, training=False)

    def draw_noise(self, step: tf.Tensor) -> StepNoise:
        """Returns the random numbers of a step, given its number as an int64 scalar."""
        config = self.config
        shape = self.penalty.noise_shape((config.resolution, config.resolution, self.channels)) or ()
        return draw_noise(
            config.seed,
            step,
            config.batch_size,
            config.latent_dim,
            self.labels.shape[0],
            len(self.slots),
            shape,
            self.part,
        )

    @tf.function(autograph=False)
    def _train_step(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        stops: tf.Tensor,
        with_penalty: bool,
        with_generator: bool,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        noise = self.draw_noise(self.step)

        def on_replica() -> tf.Tensor:
            values = update_networks(self, images, labels, noise, with_penalty, with_generator)
            return tf.concat([values, stops], axis=0)

        # Update both networks on every replica, and add up the values.
        total = self.strategy.reduce(tf.distribute.ReduceOp.SUM, self.strategy.run(on_replica), axis=None)
        values, stops = total[: len(REPORTED)], total[len(REPORTED) :]

        # Update the average. It moves faster in the first steps, to forget the random initial weights.
        done = tf.cast(self.step, tf.float32)
        decay = tf.minimum(self.config.ema_decay, (1.0 + done) / (10.0 + done))
        update_average(self.ema_generator, self.generator, decay, self.strategy)

        if self.config.augment == "adaptive":
            self._adapt_augmentation(values[REPORTED.index("logits/real_sign")])

        # Count the step, and add its values to the sums.
        self.step.assign_add(1)
        self._sums.assign_add(values)
        self._sums_steps.assign_add(1)
        return values, stops

    def _adapt_augmentation(self, real_sign: tf.Tensor) -> None:
        """Raises or lowers the augmentation probability by the mean sign of the real images' logits."""
        change = tf.sign(real_sign - REAL_SIGN_TARGET) * self.config.batch_size / ADAPTATION_IMAGES
        self.augment_probability.assign(tf.clip_by_value(self.augment_probability + change, 0.0, 1.0))


def part_of_batch(strategy: tf.distribute.Strategy, batch_size: int) -> slice:
    """Returns the part of each global batch that the worker of this process trains on."""
    cluster = strategy.cluster_resolver
    workers = cluster.cluster_spec().num_tasks(cluster.task_type) if cluster and cluster.task_type else 1
    size = batch_size // workers
    start = size * (cluster.task_id if workers > 1 else 0)
    return slice(start, start + size)
