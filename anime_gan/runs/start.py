"""Builds what a run starts with: the data split and the trainer."""

from __future__ import annotations

from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import tf
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.splits import Split, parse_combinations, split_dataset
from anime_gan.runs.warm_start import WarmStart
from anime_gan.training.config import TrainConfig
from anime_gan.training.precision import resolve_dtype
from anime_gan.training.trainer import Trainer


def make_trainer(
    config: TrainConfig, dataset: Dataset, strategy: tf.distribute.Strategy | None = None
) -> Trainer:
    """Builds the trainer for a dataset, on all GPUs if there are several."""
    if strategy is None and len(tf.config.list_physical_devices("GPU")) > 1:
        strategy = tf.distribute.MirroredStrategy()
    labels = dataset.labels[split_for(config, dataset).train]
    return Trainer(config, dataset.schema, labels, resolve_dtype(config.precision), strategy)


def begin_with(start: WarmStart, trainer: Trainer, schema: Schema) -> None:
    """Puts a trained generator into both of the trainer's.

    Raises:
        ConfigError: It does not fit.
    """
    start.fill(trainer.generator, schema)
    trainer.ema_generator.set_weights(trainer.generator.get_weights())


def split_for(config: TrainConfig, dataset: Dataset) -> Split:
    """What the run trains on, and what it keeps back.

    Raises:
        DataError: A combination to hold out cannot be read.
    """
    combinations = parse_combinations(config.hold_out, dataset.schema)
    return split_dataset(dataset.labels, combinations, config.test_every)
