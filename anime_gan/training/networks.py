"""Builds the networks of a run and their optimizers."""

from __future__ import annotations

from typing import Any, NamedTuple

from anime_gan.common.backend import keras
from anime_gan.models import get_architecture
from anime_gan.training.config import TrainConfig


class Networks(NamedTuple):
    """The networks of a run.

    Attributes:
        generator: The generator that is trained.
        ema_generator: The exponential moving average (EMA) of the generator's weights and batch statistics.
        discriminator: The discriminator.
    """

    generator: keras.Model
    ema_generator: keras.Model
    discriminator: keras.Model


class SummedAdam(keras.optimizers.Adam):
    """Adam for gradients that are sums over all replicas already; Keras would add them up once more."""

    def _all_reduce_sum_gradients(self, grads_and_vars: list[Any]) -> list[Any]:
        return grads_and_vars


def build_networks(
    config: TrainConfig, num_labels: int, channels: int, dtype: str, synchronized: bool
) -> Networks:
    """Builds the networks with all their variables. Call it in the strategy's scope.

    Args:
        config: The options of the run.
        num_labels: Number of label columns; 0 for an unconditional model.
        channels: 3 for RGB images, 4 for RGBA.
        dtype: Keras dtype policy, "float32" or "mixed_bfloat16".
        synchronized: Whether batch normalization averages over all replicas.
    """

    def make_generator() -> keras.Model:
        return get_architecture(config.architecture).make_generator(
            num_labels=num_labels,
            channels=channels,
            latent_dim=config.latent_dim,
            seed=config.seed,
            dtype=dtype,
            synchronized=synchronized,
            resolution=config.resolution,
            base_resolution=config.base_resolution,
        )

    generator, ema_generator = make_generator(), make_generator()
    discriminator = get_architecture(config.discriminator_name).make_discriminator(
        num_labels=num_labels,
        channels=channels,
        seed=config.seed + 1,
        dtype=dtype,
        synchronized=synchronized,
        attribute_head=config.attribute_head,
        projection=config.projection,
        resolution=config.resolution,
        base_resolution=config.base_resolution,
    )
    return Networks(generator, ema_generator, discriminator)


def make_optimizer(network: keras.Model, rate: float, half_life: int) -> keras.optimizers.Optimizer:
    """Builds Adam with exponential decay of the learning rate, for gradients that are summed already.

    Args:
        network: A built model.
        rate: Learning rate at step 0.
        half_life: Number of steps in which the learning rate halves; 0 for a constant learning rate.
    """
    schedule: float | keras.optimizers.schedules.LearningRateSchedule = rate
    if half_life:
        # The decay does not depend on the number of steps, so extending a run does not change it.
        schedule = keras.optimizers.schedules.ExponentialDecay(rate, half_life, 0.5)
    # With the usual beta_1 of 0.9, training oscillates (Radford et al. 2015, arXiv 1511.06434, section 4).
    optimizer = SummedAdam(schedule, beta_1=0.5, beta_2=0.999)
    optimizer.build(network.trainable_variables)
    return optimizer
