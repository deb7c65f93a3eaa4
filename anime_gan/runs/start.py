"""Prepares a run: splits the data, builds the trainer, and loads initial weights."""

from __future__ import annotations

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import tf
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.prepared import MINIMUM
from anime_gan.datasets.splits import Split, parse_combinations, split_dataset
from anime_gan.runs.trained_run import TrainedRun
from anime_gan.runs.warm_start import WarmStart
from anime_gan.training.config import TrainConfig
from anime_gan.training.precision import resolve_dtype
from anime_gan.training.trainer import Trainer


def split_for(config: TrainConfig, dataset: Dataset) -> Split:
    """Splits the dataset into training images, test images, and held-out combinations.

    Raises:
        DataError: A held-out combination cannot be parsed, or no images are left to train on.
    """
    combinations = parse_combinations(config.hold_out, dataset.schema)
    split = split_dataset(dataset.labels, combinations, config.test_every)
    check_training_images(split, config)
    return split


def check_training_images(split: Split, config: TrainConfig) -> None:
    """Checks that a split leaves images to train on.

    Raises:
        DataError: It does not (field `test_every` or `hold_out`).
    """
    left = len(split.train)
    if left >= MINIMUM:
        return
    by_hold_out = len(split.held_out) >= len(split.test)
    field, value = ("hold_out", config.hold_out) if by_hold_out else ("test_every", config.test_every)
    advice = "name fewer combinations" if by_hold_out else "use 0 or a larger number"
    raise DataError(
        f"leaves {left} training images ({len(split.test)} test images, {len(split.held_out)} held "
        f"out): {advice}",
        field,
        value,
    )


def training_indices(train: np.ndarray, frequencies: np.ndarray | None) -> np.ndarray:
    """Repeats training images according to how often they are to be used.

    Args:
        train: int64 [n], indices of the training images.
        frequencies: `Dataset.frequencies`.

    Returns:
        int64 [m]: all indices, the rarest once.
    """
    if frequencies is None:
        return train
    weights = frequencies[train] / frequencies[train].min()
    whole = np.floor(weights).astype(np.int64)
    # What is left of a weight decides by chance.
    more = np.random.default_rng(0).random(len(train)) < weights - whole
    return np.repeat(train, whole + more)


def make_strategy() -> tf.distribute.Strategy | None:
    """Returns a strategy for all GPUs of the machine; None if there are fewer than two."""
    several = len(tf.config.list_physical_devices("GPU")) > 1
    return tf.distribute.MirroredStrategy() if several else None


def make_trainer(
    config: TrainConfig,
    dataset: Dataset,
    train: np.ndarray,
    strategy: tf.distribute.Strategy | None = None,
) -> Trainer:
    """Builds the trainer, and distributes it over all GPUs if there are several.

    Args:
        config: The options of the run.
        dataset: All images and labels.
        train: int64 [n], indices of the training images.
        strategy: The strategy of several workers; None for a process that trains alone.
    """
    return Trainer(
        config,
        dataset.schema,
        dataset.labels[train],
        resolve_dtype(config.precision),
        strategy or make_strategy(),
        channels=dataset.images.shape[3],
    )


def load_initial_weights(start: TrainedRun | WarmStart, trainer: Trainer, schema: Schema) -> None:
    """Copies trained networks into the trainer: all networks of a run, or the generator of an export.

    Raises:
        ConfigError: The trained generator does not fit the new one.
    """
    if isinstance(start, TrainedRun):
        start.fill(trainer)
        return
    start.fill(trainer.generator, schema)
    trainer.ema_generator.set_weights(trainer.generator.get_weights())
