"""A plain version of `Trainer`'s training step, for comparing their speed in the benchmark.

The plain version uses Keras's own layers, float32, and new fakes for the generator's update. A test checks
that both versions compute the same losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from anime_gan.attributes.schema import Slot
from anime_gan.common.backend import keras, tf
from anime_gan.training.losses import attribute_loss
from anime_gan.training.penalties import GRADIENT_PENALTIES


class PlainGenerator(keras.Model):
    """`models.published.Generator` built from Keras's own layers; `set_weights` accepts its weights."""

    def __init__(self, num_labels: int, embedding_dim: int) -> None:
        """Creates the layers."""
        super().__init__()
        self.embedding = keras.layers.Dense(embedding_dim)
        self.fc = keras.layers.Dense(3 * 3 * 512)
        self.conv1 = keras.layers.Conv2DTranspose(256, 3, 3)
        self.bn1 = keras.layers.BatchNormalization()
        self.conv2 = keras.layers.Conv2DTranspose(128, 5, 2)
        self.bn2 = keras.layers.BatchNormalization()
        self.conv3 = keras.layers.Conv2DTranspose(3, 4, 3)
        self.num_labels = num_labels

    def call(self, latents: tf.Tensor, labels: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Draws images [b, 64, 64, 3] in [-1, 1]."""
        x = tf.concat([latents, self.embedding(labels)], axis=-1)
        x = tf.nn.leaky_relu(tf.reshape(self.fc(x), [-1, 3, 3, 512]))
        x = tf.nn.leaky_relu(self.bn1(self.conv1(x), training=training))
        x = tf.nn.leaky_relu(self.bn2(self.conv2(x), training=training))
        return tf.tanh(self.conv3(x))


class PlainDiscriminator(keras.Model):
    """`models.published.Discriminator` built from Keras's own layers; `set_weights` accepts its weights."""

    def __init__(self, num_labels: int) -> None:
        """Creates the layers."""
        super().__init__()
        self.conv1 = keras.layers.Conv2D(64, 5, 3, padding="same")
        self.conv2 = keras.layers.Conv2D(128, 5, 3, padding="same")
        self.conv3 = keras.layers.Conv2D(256, 5, 3, padding="same")
        self.flatten = keras.layers.Flatten()
        self.fc = keras.layers.Dense(1)
        self.attributes = keras.layers.Dense(num_labels)
        self.projection = keras.layers.Dense(3 * 3 * 256, use_bias=False)
        self.num_labels = num_labels

    def call(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns the real/fake logits [b, 1] and the attribute logits [b, num_labels]."""
        x = tf.nn.leaky_relu(self.conv1(images))
        x = tf.nn.leaky_relu(self.conv2(x))
        features = self.flatten(tf.nn.leaky_relu(self.conv3(x)))
        projected = self.projection(labels) / tf.sqrt(float(self.num_labels))
        logits = self.fc(features) + tf.reduce_sum(projected * features, axis=-1, keepdims=True)
        return logits, self.attributes(features)


class PlainLosses(NamedTuple):
    """The losses of a step, named as in `trainer.REPORTED`."""

    discriminator_real: tf.Tensor
    discriminator_fake: tf.Tensor
    gradient_penalty: tf.Tensor
    discriminator_attributes: tf.Tensor
    generator_adversarial: tf.Tensor
    generator_attributes: tf.Tensor


class PlainLoop:
    """Networks, optimizers, and the step, with the preset `published` and DRAGAN in every step."""

    def __init__(self, slots: Sequence[Slot], latent_dim: int, embedding_dim: int, batch_size: int) -> None:
        """Builds the networks and the optimizers with all their variables."""
        num_labels = sum(slot.size for slot in slots)
        self.generator = PlainGenerator(num_labels, embedding_dim)
        self.discriminator = PlainDiscriminator(num_labels)
        labels = tf.zeros([batch_size, num_labels])
        self.discriminator(self.generator(tf.zeros([batch_size, latent_dim]), labels), labels)
        self._slots = slots
        self._optimizers = [
            keras.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.999),
            keras.optimizers.Adam(2e-4, beta_1=0.5, beta_2=0.999),
        ]
        self._optimizers[0].build(self.generator.trainable_variables)
        self._optimizers[1].build(self.discriminator.trainable_variables)

    @tf.function(autograph=False)
    def step(
        self,
        real: tf.Tensor,
        real_labels: tf.Tensor,
        latents: tuple[tf.Tensor, tf.Tensor],
        fake_labels: tf.Tensor,
        noise: tf.Tensor,
    ) -> PlainLosses:
        """Updates both networks once.

        Args:
            real: float32 [b, 64, 64, 3] in [-1, 1].
            real_labels: float32 [b, num_labels] of +1 and -1.
            latents: Two batches, float32 [b, latent_dim]; the first for the discriminator's update.
            fake_labels: float32 [b, num_labels] of +1 and -1, for both updates.
            noise: float32 [b, 64, 64, 3], uniform in [0, 1), for DRAGAN.
        """
        dragan = GRADIENT_PENALTIES["dragan"]
        generator_optimizer, discriminator_optimizer = self._optimizers

        fake = self.generator(latents[0], fake_labels, training=True)
        with tf.GradientTape() as tape:
            real_logits, real_attributes = self.discriminator(real, real_labels)
            fake_logits, _ = self.discriminator(fake, fake_labels)
            real_term = tf.reduce_mean(tf.nn.softplus(-real_logits))
            fake_term = tf.reduce_mean(tf.nn.softplus(fake_logits))
            penalty = dragan.default_weight * tf.reduce_mean(
                dragan.function(lambda images: self.discriminator(images, real_labels)[0], real, fake, noise)
            )
            real_attribute_term = self._attribute_term(real_attributes, real_labels)
            loss = real_term + fake_term + penalty + real_attribute_term
        self._update(discriminator_optimizer, self.discriminator, tape, loss)

        with tf.GradientTape() as tape:
            fake = self.generator(latents[1], fake_labels, training=True)
            logits, attributes = self.discriminator(fake, fake_labels)
            generator_term = tf.reduce_mean(tf.nn.softplus(-logits))
            fake_attribute_term = self._attribute_term(attributes, fake_labels)
            loss = generator_term + fake_attribute_term
        self._update(generator_optimizer, self.generator, tape, loss)
        return PlainLosses(
            real_term, fake_term, penalty, real_attribute_term, generator_term, fake_attribute_term
        )

    def _attribute_term(self, logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        losses, known = attribute_loss(logits, labels, self._slots)
        return tf.reduce_sum(losses) / tf.reduce_sum(known)

    def _update(
        self,
        optimizer: keras.optimizers.Optimizer,
        network: keras.Model,
        tape: tf.GradientTape,
        loss: tf.Tensor,
    ) -> None:
        variables = network.trainable_variables
        optimizer.apply(tape.gradient(loss, [variable.value for variable in variables]), variables)
