"""Builds what a run trains: two networks, the generator's average, and an optimizer for each network."""

from __future__ import annotations

from typing import NamedTuple

from anime_gan.common.backend import keras
from anime_gan.models import get_architecture
from anime_gan.training.config import TrainConfig


class Networks(NamedTuple):
    """The networks of a run and their optimizers.

    Attributes:
        generator: The network that is trained to draw.
        ema_generator: The exponential moving average (EMA) of its weights and statistics.
        discriminator: The network that is trained to tell real images from fakes.
        generator_optimizer: Adam for the generator.
        discriminator_optimizer: Adam for the discriminator.
    """

    generator: keras.Model
    ema_generator: keras.Model
    discriminator: keras.Model
    generator_optimizer: keras.optimizers.Optimizer
    discriminator_optimizer: keras.optimizers.Optimizer


def build_networks(config: TrainConfig, num_labels: int, dtype: str, synchronized: bool) -> Networks:
    """Builds networks and optimizers with all their variables. Call it inside the strategy's scope.

    Args:
        config: The run's options.
        num_labels: Columns of a label row; 0 without labels.
        dtype: Keras dtype policy, "float32" or "mixed_bfloat16".
        synchronized: Whether batch normalization averages over all replicas.
    """

    def make_generator() -> keras.Model:
        return get_architecture(config.architecture).make_generator(
            num_labels=num_labels,
            latent_dim=config.latent_dim,
            seed=config.seed,
            dtype=dtype,
            synchronized=synchronized,
            resolution=config.resolution,
        )

    generator, ema_generator = make_generator(), make_generator()
    discriminator = get_architecture(config.discriminator_name).make_discriminator(
        num_labels=num_labels,
        seed=config.seed + 1,
        dtype=dtype,
        synchronized=synchronized,
        attribute_head=config.attribute_head,
        projection=config.projection,
        resolution=config.resolution,
    )
    # Two learning rates: Heusel et al. 2017, arXiv 1706.08500.
    generator_rate = config.generator_learning_rate or config.learning_rate
    return Networks(
        generator,
        ema_generator,
        discriminator,
        make_optimizer(generator, generator_rate, config.learning_rate_halving),
        make_optimizer(discriminator, config.learning_rate, config.learning_rate_halving),
    )


def make_optimizer(network: keras.Model, rate: float, half_life: int) -> keras.optimizers.Optimizer:
    """Adam with exponential decay of the learning rate.

    Args:
        network: A built model.
        rate: The learning rate at step 0.
        half_life: Steps in which the rate halves; 0 for a constant rate.
    """
    schedule: float | keras.optimizers.schedules.LearningRateSchedule = rate
    if half_life:
        # By the steps done, not by those planned: extending a run does not change its rate.
        schedule = keras.optimizers.schedules.ExponentialDecay(rate, half_life, 0.5)
    # beta_1 = 0.5: with 0.9 the momentum outlives the opponent it was measured against
    # (Radford et al., arXiv 1511.06434, section 4).
    optimizer = keras.optimizers.Adam(schedule, beta_1=0.5, beta_2=0.999)
    optimizer.build(network.trainable_variables)
    return optimizer
