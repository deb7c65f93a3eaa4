"""The training step and the loop around it."""

from __future__ import annotations

from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from anime_gan.attributes.label_sampler import LabelRows, LabelSampler
from anime_gan.attributes.schema import Schema
from anime_gan.models import get_architecture
from anime_gan.training.augment import NUM_UNIFORMS, augment
from anime_gan.training.config import TrainConfig
from anime_gan.training.losses import ADVERSARIAL_LOSSES, attribute_accuracy, attribute_loss
from anime_gan.training.penalties import GRADIENT_PENALTIES

# The values a step reports, in this order, each a mean over the global batch.
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


class StepNoise(NamedTuple):
    """Everything random in one step, drawn for the global batch of n images.

    Attributes:
        latents: float32 [n, latent_dim], standard normal.
        rows: int32 [n], training rows whose labels the generator practises.
        recombine: bool [n], whether the attributes are drawn one by one instead.
        fake_labels: float64 [n, attributes], uniform, for the generator's labels.
        real_labels: float64 [n, attributes], uniform, for the unknown labels of real images.
        mirror: bool [n], whether the real image is shown mirrored.
        penalty: float32 [n, ...], uniform, as the gradient penalty needs it; [n] if it needs none.
        augment_real: float32 [n, NUM_UNIFORMS], uniform, for the changes of the real images.
        augment_fake: The same for the generated ones.
    """

    latents: tf.Tensor
    rows: tf.Tensor
    recombine: tf.Tensor
    fake_labels: tf.Tensor
    real_labels: tf.Tensor
    mirror: tf.Tensor
    penalty: tf.Tensor
    augment_real: tf.Tensor
    augment_fake: tf.Tensor


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
        self._slots = schema.slots
        self.num_images = len(labels)
        self._labels = tf.constant(labels, tf.int8)
        self.label_rows, self.label_sampler = LabelRows.empty(), None
        if schema.num_labels:
            self.label_rows = LabelRows.from_labels(labels)
            self.label_sampler = LabelSampler(schema, self.label_rows)
        self._adversarial = ADVERSARIAL_LOSSES[config.adversarial_loss]
        self._penalty = GRADIENT_PENALTIES[config.gradient_penalty]
        weight = config.penalty_weight
        self._penalty_weight = self._penalty.default_weight if weight < 0 else weight

        architecture = get_architecture(config.architecture)
        self._image_shape = (config.resolution, config.resolution, 3)
        with self.strategy.scope():
            generator_options = dict(
                num_labels=schema.num_labels,
                latent_dim=config.latent_dim,
                seed=config.seed,
                dtype=dtype,
                synchronized=replicas > 1,
                resolution=config.resolution,
            )
            self.generator = architecture.make_generator(**generator_options)
            self.ema_generator = architecture.make_generator(**generator_options)
            self.discriminator = get_architecture(config.discriminator_name).make_discriminator(
                num_labels=schema.num_labels,
                seed=config.seed + 1,
                dtype=dtype,
                synchronized=replicas > 1,
                attribute_head=config.attribute_head,
                projection=config.projection,
                resolution=config.resolution,
            )
            self.generator_optimizer = self._make_optimizer(
                self.generator, config.generator_learning_rate or config.learning_rate
            )
            self.discriminator_optimizer = self._make_optimizer(self.discriminator, config.learning_rate)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step")
        self._augment_probability = tf.Variable(
            float(config.augment == "always"), trainable=False, name="augment_probability"
        )
        # Sums since the last report; in the checkpoint, so that a resumed run reports the same means.
        self._sums = tf.Variable(tf.zeros([len(REPORTED)]), trainable=False, name="sums")
        self._sums_steps = tf.Variable(0, dtype=tf.int64, trainable=False, name="sums_steps")
        self.checkpoint = tf.train.Checkpoint(
            generator=self.generator,
            ema_generator=self.ema_generator,
            discriminator=self.discriminator,
            generator_optimizer=self.generator_optimizer,
            discriminator_optimizer=self.discriminator_optimizer,
            step=self.step,
            augment_probability=self._augment_probability,
            sums=self._sums,
            sums_steps=self._sums_steps,
        )

    def train_step(self, images: tf.Tensor, labels: tf.Tensor) -> np.ndarray:
        """Updates both networks and the moving average on one global batch.

        Args:
            images: uint8 [batch_size, height, width, 3].
            labels: int8 [batch_size, num_labels] of +1, -1 and 0.

        Returns:
            float32 [len(REPORTED)], the step's values.

        Raises:
            NonFiniteError: A value is infinite or NaN.
        """
        with_penalty = int(self.step) % self.config.penalty_interval == 0
        with_generator = int(self.step) >= self.config.discriminator_steps
        values = self._train_step(
            tf.constant(images), tf.constant(labels), with_penalty, with_generator
        ).numpy()
        if not np.all(np.isfinite(values)):
            term = REPORTED[int(np.flatnonzero(~np.isfinite(values))[0])]
            raise NonFiniteError(f"{term} is {values[REPORTED.index(term)]} at step {int(self.step)}")
        return values

    def take_report(self) -> dict[str, float]:
        """The mean of each value since the last report, by name; starts a new mean."""
        means = (self._sums / tf.cast(tf.maximum(self._sums_steps, 1), tf.float32)).numpy()
        self._sums.assign(tf.zeros_like(self._sums))
        self._sums_steps.assign(0)
        return {name: float(mean) for name, mean in zip(REPORTED, means, strict=True)}

    @tf.function(autograph=False)
    def generate(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Images of the moving average: float32 [n, height, width, 3] in [-1, 1]."""
        return self.ema_generator(latents, labels if self.label_sampler else None, training=False)

    @tf.function(autograph=False)
    def _train_step(
        self, images: tf.Tensor, labels: tf.Tensor, with_penalty: bool, with_generator: bool
    ) -> tf.Tensor:
        # Step numbers come from a variable: a Python number would retrace the graph at every step.
        noise = self._draw_noise(self.step)
        per_replica = self.strategy.run(
            self._replica_step, args=(images, labels, noise, with_penalty, with_generator)
        )
        values = self.strategy.reduce(tf.distribute.ReduceOp.SUM, per_replica, axis=None)
        self._update_average()
        if self.config.augment == "adaptive":
            self._adapt_augmentation(values[REPORTED.index("logits/real_sign")])
        self.step.assign_add(1)
        self._sums.assign_add(values)
        self._sums_steps.assign_add(1)
        return values

    def _draw_noise(self, step: tf.Tensor) -> StepNoise:
        """Draws a step's randomness for the whole batch, so that it does not depend on the replicas."""
        batch, attributes = self.config.batch_size, len(self._slots)
        run_seed = tf.stack([tf.constant(self.config.seed, tf.int64), step])
        seeds = tf.unstack(tf.random.split(run_seed, 9, alg="philox"))
        shape = self._penalty.noise_shape(self._image_shape) or ()

        def uniform(seed: tf.Tensor, shape: list[int], dtype: tf.DType) -> tf.Tensor:
            return tf.random.stateless_uniform(shape, seed, dtype=dtype, alg="philox")

        return StepNoise(
            latents=tf.random.stateless_normal([batch, self.config.latent_dim], seeds[0], alg="philox"),
            rows=tf.random.stateless_uniform(
                [batch], seeds[1], maxval=self._labels.shape[0], dtype=tf.int32, alg="philox"
            ),
            recombine=uniform(seeds[2], [batch], tf.float32) < 0.5,
            fake_labels=uniform(seeds[3], [batch, attributes], tf.float64),
            real_labels=uniform(seeds[4], [batch, attributes], tf.float64),
            mirror=uniform(seeds[6], [batch], tf.float32) < 0.5,
            penalty=uniform(seeds[5], [batch, *shape], tf.float32),
            augment_real=uniform(seeds[7], [batch, NUM_UNIFORMS], tf.float32),
            augment_fake=uniform(seeds[8], [batch, NUM_UNIFORMS], tf.float32),
        )

    def _replica_step(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        noise: StepNoise,
        with_penalty: bool,
        with_generator: bool,
    ) -> tf.Tensor:
        """One replica's part of the step; returns its share of the reported values."""
        # Take this replica's part of the global batch.
        context = tf.distribute.get_replica_context()
        part_size = self.config.batch_size // context.num_replicas_in_sync
        start = context.replica_id_in_sync_group * part_size
        images, labels, *parts = (x[start : start + part_size] for x in (images, labels, *noise))
        noise = StepNoise(*parts)

        # Real images, and their labels: what is unknown is drawn, since the generator's labels are always
        # complete and the discriminator would tell fakes by that.
        real = tf.cast(images, tf.float32) / 127.5 - 1.0
        if self.config.flip:
            real = tf.where(noise.mirror[:, tf.newaxis, tf.newaxis, tf.newaxis], real[:, :, ::-1], real)
        real = self._augment(real, noise.augment_real)
        known_labels = tf.cast(labels, tf.float32)
        real_labels, fake_labels = self._complete_labels(known_labels, noise)

        # Generate once for both updates.
        with tf.GradientTape() as generator_tape:
            fake = self.generator(noise.latents, fake_labels, training=True)
            fake = self._augment(fake, noise.augment_fake)

        # Update the discriminator.
        with tf.GradientTape() as tape:
            on_real = self.discriminator(real, real_labels, training=True)
            on_fake = self.discriminator(tf.stop_gradient(fake), fake_labels, training=True)
            real_term, fake_term = self._adversarial.discriminator(on_real["logits"], on_fake["logits"])
            attribute_term, accuracy_real = self._attribute_term(on_real, known_labels)
            penalty = self._penalty_term(real, fake, real_labels, noise.penalty, with_penalty)
            discriminator_loss = self._sum([real_term, fake_term, penalty]) + (
                self.config.attribute_weight * attribute_term
            )
        discriminator_norm = self._apply(
            self.discriminator_optimizer, self.discriminator, tape, discriminator_loss
        )

        # Update the generator by what the updated discriminator says of the same images.
        generator_term, fake_attribute_term, accuracy_fake, generator_norm = (
            self._update_generator(generator_tape, fake, fake_labels) if with_generator else [0.0] * 4
        )

        return tf.stack(
            [
                self._sum([real_term]),
                self._sum([fake_term]),
                self._sum([penalty]),
                attribute_term,
                generator_term,
                fake_attribute_term,
                self._sum([on_real["logits"]]),
                self._sum([on_fake["logits"]]),
                self._sum([tf.sign(on_real["logits"])]),
                accuracy_real,
                accuracy_fake,
                discriminator_norm,
                generator_norm,
                self._augment_probability / context.num_replicas_in_sync,
            ]
        )

    def _update_generator(
        self, generator_tape: tf.GradientTape, fake: tf.Tensor, labels: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """Trains the generator on what it drew; returns this replica's shares of what is reported of it."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(fake)
            judged = self.discriminator(fake, labels, training=True)
            adversarial_term = self._sum([self._adversarial.generator(judged["logits"])])
            attribute_term, accuracy = self._attribute_term(judged, labels)
            loss = adversarial_term + self.config.attribute_weight * attribute_term
        direction = tape.gradient(loss, fake)
        norm = self._apply(self.generator_optimizer, self.generator, generator_tape, fake, direction)
        return adversarial_term, attribute_term, accuracy, norm

    def _augment(self, images: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
        """What the discriminator is shown of images [b, h, w, 3]."""
        if self.config.augment == "none":
            return images
        return augment(images, noise, self._augment_probability)

    def _adapt_augmentation(self, real_sign: tf.Tensor) -> None:
        """Moves the probability by the mean sign of the logits of the step's training images."""
        change = tf.sign(real_sign - REAL_SIGN_TARGET) * self.config.batch_size / ADAPTATION_IMAGES
        self._augment_probability.assign(tf.clip_by_value(self._augment_probability + change, 0.0, 1.0))

    def _complete_labels(
        self, known_labels: tf.Tensor, noise: StepNoise
    ) -> tuple[tf.Tensor | None, tf.Tensor | None]:
        """Complete labels for the real images and for the images to generate.

        The generator's labels are those of other real rows; half of the time each attribute is drawn by
        itself, so that combinations nobody drew are practised.
        """
        if self.label_sampler is None:
            return None, None
        rows = tf.cast(tf.gather(self._labels, noise.rows), tf.float32)
        start = tf.where(noise.recombine[:, tf.newaxis], tf.zeros_like(rows), rows)
        return (
            self.label_sampler.fill(known_labels, noise.real_labels),
            self.label_sampler.fill(start, noise.fake_labels),
        )

    def _attribute_term(
        self, judged: dict[str, tf.Tensor], labels: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """This replica's share of the mean attribute loss and accuracy over all known attributes."""
        if labels is None or "attributes" not in judged:
            return tf.constant(0.0), tf.constant(0.0)
        losses, known = attribute_loss(judged["attributes"], labels, self._slots)
        right, _ = attribute_accuracy(judged["attributes"], labels, self._slots)
        context = tf.distribute.get_replica_context()
        known_everywhere = context.all_reduce(tf.distribute.ReduceOp.SUM, tf.reduce_sum(known))
        total = tf.maximum(known_everywhere, 1.0)
        return tf.reduce_sum(losses) / total, tf.reduce_sum(right) / total

    def _penalty_term(
        self,
        real: tf.Tensor,
        fake: tf.Tensor,
        labels: tf.Tensor | None,
        noise: tf.Tensor,
        with_penalty: bool,
    ) -> tf.Tensor:
        """The weighted gradient penalty of each image [b]; zeros in the steps between two intervals."""
        if not with_penalty or self.config.gradient_penalty == "none":
            return tf.zeros([tf.shape(real)[0]])
        penalty = self._penalty.function(
            lambda images: self.discriminator(images, labels, training=True)["logits"],
            real,
            tf.stop_gradient(fake),
            noise,
        )
        return penalty * (self._penalty_weight * self.config.penalty_interval)

    def _sum(self, terms: list[tf.Tensor]) -> tf.Tensor:
        """Per-image terms -> this replica's share of their mean over the global batch."""
        return tf.add_n([tf.reduce_sum(term) for term in terms]) / self.config.batch_size

    def _apply(
        self,
        optimizer: keras.optimizers.Optimizer,
        network: keras.Model,
        tape: tf.GradientTape,
        target: tf.Tensor,
        output_gradients: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Reduces the gradients over the replicas, applies them, returns the share of their norm."""
        variables = [variable.value for variable in network.trainable_variables]
        gradients = tape.gradient(target, variables, output_gradients=output_gradients)
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        norm = tf.linalg.global_norm(context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)) / replicas
        # The update waits for the loss: TensorFlow's graph optimizer forgets that the penalty reads biases
        # for which it has no gradient, and then a bias may be read before or after its update.
        with tf.control_dependencies([target]):
            # Keras sums over the replicas by itself.
            optimizer.apply(gradients, network.trainable_variables)
        return norm

    def _update_average(self) -> None:
        """Moves the averaged generator; early on faster, so that it does not start from noise."""
        done = tf.cast(self.step, tf.float32)
        decay = tf.minimum(self.config.ema_decay, (1.0 + done) / (10.0 + done))
        for average, current in zip(self.ema_generator.variables, self.generator.variables, strict=True):
            self.strategy.extended.update(
                average.value,
                lambda target, source: target.assign_add((1.0 - decay) * (source - target)),
                args=(current.value,),
            )

    def _make_optimizer(self, network: keras.Model, rate: float) -> keras.optimizers.Optimizer:
        # Two rates: Heusel et al. 2017, arXiv 1706.08500.
        schedule: float | keras.optimizers.schedules.LearningRateSchedule = rate
        if self.config.learning_rate_halving:
            # By the steps done, not by those planned: a run that is resumed to go further goes on smoothly.
            schedule = keras.optimizers.schedules.ExponentialDecay(
                rate, self.config.learning_rate_halving, 0.5
            )
        # beta_1 = 0.5: with 0.9 the momentum outlives the opponent it was measured against
        # (Radford et al., arXiv 1511.06434, section 4).
        optimizer = keras.optimizers.Adam(schedule, beta_1=0.5, beta_2=0.999)
        optimizer.build(network.trainable_variables)
        return optimizer
