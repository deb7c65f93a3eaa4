"""The training step, from a batch of real images to updated networks. A fake is a generated image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anime_gan.attributes.schema import Slot
from anime_gan.common.backend import keras, tf
from anime_gan.models.pixels import to_float
from anime_gan.training.augment import augment, mirrored_labels
from anime_gan.training.config import TrainConfig
from anime_gan.training.losses import attribute_accuracy, attribute_loss
from anime_gan.training.noise import StepNoise

if TYPE_CHECKING:
    from anime_gan.training.trainer import Trainer

# Names of the values that a step reports. Checkpoints store the sums of the values in this order.
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


def update_networks(
    trainer: Trainer,
    images: tf.Tensor,
    labels: tf.Tensor,
    noise: StepNoise,
    with_penalty: bool,
    with_generator: bool,
) -> tf.Tensor:
    """Updates the discriminator and then the generator with the same fakes. Runs on each replica.

    Args:
        trainer: The networks, the optimizers, the loss, and the penalty.
        images: uint8 [n, height, width, channels], this worker's part of the global batch.
        labels: int8 [n, num_labels], stored label rows of these images.
        noise: The random numbers of the global batch.
        with_penalty: Whether this step includes the gradient penalty (lazy regularization).
        with_generator: Whether this step updates the generator.

    Returns:
        float32 [values], this replica's share of each value of `REPORTED` for the global batch.
    """
    config, discriminator = trainer.config, trainer.discriminator
    replica = tf.distribute.get_replica_context()

    # Take this replica's share of the batch. A worker has only its own part of the images.
    size = config.batch_size // replica.num_replicas_in_sync
    start = replica.replica_id_in_sync_group * size
    own = slice(start - trainer.part.start, start - trainer.part.start + size)
    penalty_noise = noise.penalty[own]
    noise = StepNoise(*(part[start : start + size] for part in noise))._replace(penalty=penalty_noise)
    images, labels = images[own], labels[own]

    # Scale the real images to [-1, 1], then mirror and augment them.
    real = to_float(images)
    if config.flip:
        real = tf.where(noise.mirror[:, tf.newaxis, tf.newaxis, tf.newaxis], real[:, :, ::-1], real)
    real = augmented(trainer, real, noise.augment_real)

    # Complete the labels of the real images, and choose labels for the fakes.
    known_labels = decoded(trainer, labels)
    if config.flip:
        known_labels = mirrored_labels(known_labels, noise.mirror, trainer.schema)
    real_labels, fake_labels = complete_labels(trainer, known_labels, noise)

    # Generate one batch of fakes for both updates.
    with tf.GradientTape() as generator_tape:
        fake = trainer.generator(noise.latents, fake_labels, training=True)
        fake = augmented(trainer, fake, noise.augment_fake)

    # Update the discriminator with the adversarial loss, the penalty, and the real images' attribute loss.
    with tf.GradientTape() as tape:
        on_real = discriminator(real, real_labels, training=True)
        on_fake = discriminator(tf.stop_gradient(fake), fake_labels, training=True)
        real_term, fake_term = trainer.adversarial_loss.discriminator(on_real["logits"], on_fake["logits"])
        penalty = penalty_term(trainer, real, fake, real_labels, noise.penalty, with_penalty)
        real_attributes, real_accuracy = attribute_term(on_real, known_labels, trainer.slots)
        loss = share_of_mean([real_term, fake_term, penalty], config) + (
            config.attribute_weight * real_attributes
        )
    discriminator_norm = apply_gradients(trainer.discriminator_optimizer, discriminator, tape, loss)

    # Update the generator. The updated discriminator judges the same fakes.
    adversarial_term = fake_attributes = fake_accuracy = generator_norm = tf.constant(0.0)
    if with_generator:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(fake)
            judged = discriminator(fake, fake_labels, training=True)
            adversarial_term = share_of_mean([trainer.adversarial_loss.generator(judged["logits"])], config)
            fake_attributes, fake_accuracy = attribute_term(judged, fake_labels, trainer.slots)
            loss = adversarial_term + config.attribute_weight * fake_attributes
        direction = tape.gradient(loss, fake)
        generator_norm = apply_gradients(
            trainer.generator_optimizer, trainer.generator, generator_tape, fake, direction
        )

    # Report this replica's share of each value.
    values = {
        "loss/discriminator_real": share_of_mean([real_term], config),
        "loss/discriminator_fake": share_of_mean([fake_term], config),
        "loss/gradient_penalty": share_of_mean([penalty], config),
        "loss/discriminator_attributes": real_attributes,
        "loss/generator_adversarial": adversarial_term,
        "loss/generator_attributes": fake_attributes,
        "logits/real": share_of_mean([on_real["logits"]], config),
        "logits/fake": share_of_mean([on_fake["logits"]], config),
        "logits/real_sign": share_of_mean([tf.sign(on_real["logits"])], config),
        "attributes/accuracy_real": real_accuracy,
        "attributes/accuracy_fake": fake_accuracy,
        "gradient_norm/discriminator": discriminator_norm,
        "gradient_norm/generator": generator_norm,
        "augment/probability": trainer.augment_probability / replica.num_replicas_in_sync,
    }
    return tf.stack([values[name] for name in REPORTED])


def augmented(trainer: Trainer, images: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """Augments images [b, h, w, channels] if the run uses augmentation."""
    if trainer.config.augment == "none":
        return images
    return augment(images, noise, trainer.augment_probability)


def decoded(trainer: Trainer, labels: tf.Tensor) -> tf.Tensor:
    """Returns stored label rows, int8 [b, num_labels], as float32 rows; see `Schema.decode`."""
    if trainer.label_sampler is None:
        return tf.cast(labels, tf.float32)
    return trainer.label_sampler.decode(labels)


def complete_labels(
    trainer: Trainer, known_labels: tf.Tensor, noise: StepNoise
) -> tuple[tf.Tensor | None, tf.Tensor | None]:
    """Returns complete labels of the real images and of the fakes, both float32 [b, num_labels].

    Unknown labels of real images are sampled. Otherwise, only the labels of fakes would be complete, and the
    discriminator could recognize fakes by that. Half of the fakes get the labels of random training images.
    For the other half, each attribute is drawn independently, so that the generator practices new
    combinations.
    """
    if trainer.label_sampler is None:
        return None, None
    rows = decoded(trainer, tf.gather(trainer.labels, noise.rows))
    start = tf.where(noise.recombine[:, tf.newaxis], tf.zeros_like(rows), rows)
    return (
        trainer.label_sampler.fill(known_labels, noise.real_labels),
        trainer.label_sampler.fill(start, noise.fake_labels),
    )


def attribute_term(
    judged: dict[str, tf.Tensor], labels: tf.Tensor | None, slots: tuple[Slot, ...]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns this replica's share of the mean loss and of the mean accuracy over all known attributes."""
    if labels is None or "attributes" not in judged:
        return tf.constant(0.0), tf.constant(0.0)
    losses, known = attribute_loss(judged["attributes"], labels, slots)
    right, _ = attribute_accuracy(judged["attributes"], labels, slots)
    replica = tf.distribute.get_replica_context()
    total = tf.maximum(replica.all_reduce(tf.distribute.ReduceOp.SUM, tf.reduce_sum(known)), 1.0)
    return tf.reduce_sum(losses) / total, tf.reduce_sum(right) / total


def penalty_term(
    trainer: Trainer,
    real: tf.Tensor,
    fake: tf.Tensor,
    labels: tf.Tensor | None,
    noise: tf.Tensor,
    with_penalty: bool,
) -> tf.Tensor:
    """Returns the weighted gradient penalty of each image, [b]; zeros in steps without the penalty."""
    if not with_penalty or trainer.config.gradient_penalty == "none":
        return tf.zeros([tf.shape(real)[0]])
    penalty = trainer.penalty.function(
        lambda images: trainer.discriminator(images, labels, training=True)["logits"],
        real,
        tf.stop_gradient(fake),
        noise,
    )
    return penalty * (trainer.penalty_weight * trainer.config.penalty_interval)


def share_of_mean(terms: list[tf.Tensor], config: TrainConfig) -> tf.Tensor:
    """Adds up terms [b] and returns this replica's share of their mean over the global batch."""
    return tf.add_n([tf.reduce_sum(term) for term in terms]) / config.batch_size


def apply_gradients(
    optimizer: keras.optimizers.Optimizer,
    network: keras.Model,
    tape: tf.GradientTape,
    target: tf.Tensor,
    output_gradients: tf.Tensor | None = None,
) -> tf.Tensor:
    """Updates a network with gradients summed over all replicas; returns a replica's share of their norm."""
    variables = [variable.value for variable in network.trainable_variables]
    gradients = tape.gradient(target, variables, output_gradients=output_gradients)
    replica = tf.distribute.get_replica_context()
    summed = replica.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    norm = tf.linalg.global_norm(summed) / replica.num_replicas_in_sync
    # The update must wait for the loss. The penalty reads biases but has no gradient for them, so the graph
    # optimizer of TensorFlow loses that dependency. The penalty could then read a bias after its update.
    with tf.control_dependencies([target]):
        optimizer.apply(summed, network.trainable_variables)
    return norm


def update_average(
    average: keras.Model, current: keras.Model, decay: tf.Tensor, strategy: tf.distribute.Strategy
) -> None:
    """Moves each variable of the average toward the current one by a share of 1 - decay, on all replicas."""
    for mean, variable in zip(average.variables, current.variables, strict=True):
        strategy.extended.update(
            mean.value,
            lambda target, source: target.assign_add((1.0 - decay) * (source - target)),
            args=(variable.value,),
        )
