"""The critic: a small network that scores how intact an image is.

It learns to tell real images from damaged copies of them (`corruptions.py`). It sees neither generated images
nor labels, so no generator was trained against it. An image counts as a success if its score is above the
floor, which 95% of held-out real images exceed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anime_gan.common.backend import keras, tf
from anime_gan.datasets.dataset import Dataset
from anime_gan.judges import store, training
from anime_gan.judges.corruptions import DAMAGES, Damage, corrupt, draw_severity, tolerate
from anime_gan.judges.record import CriticRecord
from anime_gan.training.precision import resolve_dtype

NAME = "critic"
# Larger images are reduced to this size: damage that then vanishes is hardly visible anyway.
MAX_SIDE = 128
# Percentile of the scores of held-out real images that defines the floor.
FLOOR_PERCENTILE = 5.0
# Intact images; each batch also holds an equal number of damaged ones.
BATCH = 32
STEPS = 2000
# Damage is redrawn each time, so a small dataset can be repeated often.
MAX_EPOCHS = 150
LEARNING_RATE = 6e-3
# Maximum number of held-out images on which each kind of damage is measured.
MAX_DAMAGED = 1000


class Critic:
    """Scores images by how intact they are.

    Attributes:
        checksum: SHA-256 of the weights, hexadecimal. Scores of different critics cannot be compared.
        floor: The 5th percentile of the scores of held-out real images.
        detection: Kind of damage -> share of held-out real images whose score falls below the floor after
            this damage, from faint to strong.
    """

    def __init__(self, network: keras.Model, floor: float, detection: Mapping[str, float]) -> None:
        """Wraps a float32 network from `make_network`."""
        self.floor = floor
        self.detection = dict(detection)
        self.checksum = store.weights_checksum(network.get_weights())
        self._network = network
        self._side, self._channels = network.input_shape[2:]
        self._run = tf.function(self._score_batch, autograph=False, reduce_retracing=True)

    def score(self, images: np.ndarray) -> np.ndarray:
        """Scores images, in batches.

        Args:
            images: uint8 [n, h, w, channels], square, as large as the training images or 128 pixels, or
                larger. Alpha is straight.

        Returns:
            float32 [n], logits: higher is more intact.

        Raises:
            ValueError: The images have another type or shape.
        """
        training.check_images(images, self._side, self._channels)
        parts = [part.numpy() for part in training.in_batches(images, self._run)]
        return np.concatenate([np.zeros(0, np.float32), *parts])

    def save(self, directory: Path) -> None:
        """Writes `weights.npz` (float16) and `critic.json` into a folder, atomically."""
        record = {
            "side": self._side,
            "channels": self._channels,
            "floor": self.floor,
            "detection": self.detection,
        }
        store.save_judge(directory, self._network, NAME, record)

    @classmethod
    def load(cls, directory: Path) -> Critic:
        """Loads a critic that `save` wrote; the dataset is not needed.

        Raises:
            JudgeError: There is no critic, or it is damaged.
        """
        record, network = read_critic(directory)
        return cls(network, record.floor, record.detection)

    def _score_batch(self, images: tf.Tensor) -> tf.Tensor:
        return self._network(training.to_input(images, self._side), training=False)[:, 0]


def read_critic(directory: Path) -> tuple[CriticRecord, keras.Model]:
    """Reads the record and the network of a critic.

    Raises:
        JudgeError: There is no critic, or it is damaged.
    """
    record = store.read_record(directory, NAME, CriticRecord)
    network = make_network(record.side, record.channels, "float32")
    store.read_weights(directory, network, record.checksum)
    return record, network


def load_critic(dataset: Dataset) -> Critic:
    """Loads the critic of a dataset from the cache, or trains one, which takes a few minutes.

    Raises:
        DataError: The dataset has too few images.
        JudgeError: The cached critic is damaged.
    """
    folder = store.judge_folder(dataset, NAME)
    if not folder.is_dir():
        _train(dataset).save(folder)
    return Critic.load(folder)


def make_network(side: int, channels: int, dtype: str) -> keras.Model:
    """Builds the network: float32 [n, side, side, channels] in [-1, 1] -> logits [n, 1], float32."""
    seeds = iter(range(100))
    x = inputs = keras.Input((side, side, channels))
    levels = []
    # The first kernel covers 4x4 pixels: a finer one would find traces of any generator.
    for filters, size in ((32, 4), (48, 3), (64, 3), (96, 3)):
        x = training.convolution(x, filters, size, 2, next(seeds), dtype)
        if filters < 96:
            x = training.convolution(x, filters, 3, 1, next(seeds), dtype, residual=True)
        levels.append(x)
    # Averages find damage everywhere, maxima find damage in one place.
    pools = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)
    parts = [pool(dtype="float32")(level) for level in levels for pool in pools]
    x = training.dense(keras.layers.Concatenate(dtype="float32")(parts), 64, next(seeds))
    initializer = keras.initializers.GlorotUniform(next(seeds))
    return keras.Model(inputs, keras.layers.Dense(1, kernel_initializer=initializer, dtype="float32")(x))


def _train(dataset: Dataset) -> Critic:
    train, validation, test = training.split_for_judges(dataset)
    side = min(dataset.images.shape[1], MAX_SIDE)
    channels = dataset.images.shape[3]
    network = make_network(side, channels, resolve_dtype("auto"))
    indices = training.shuffled_batches(train, BATCH, seed=1)

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        return dataset.images[indices(step)], np.zeros(0, np.int8)

    def loss_of(intact: tf.Tensor, damaged: tf.Tensor, training: bool) -> tf.Tensor:
        # One batch for both: in separate batches, batch normalization would remove the difference.
        logits = network(tf.concat([intact, damaged], axis=0), training=training)[:, 0]
        count = tf.shape(intact)[0]
        # Cross entropy of intact against damaged.
        terms = tf.concat([tf.nn.softplus(-logits[:count]), tf.nn.softplus(logits[count:])], axis=0)
        return tf.reduce_mean(terms)

    def batch_loss(images: tf.Tensor, labels: Any, seed: tf.Tensor) -> tf.Tensor:
        del labels
        changes, trifles, damages = tf.unstack(tf.random.split(seed, 3))
        # Shifts by parts of a pixel would blur all intact images.
        moved = training.augment(
            training.to_input(images, side), changes, shift=0.05, color=0.05, whole_pixels=True
        )
        intact = tolerate(moved, trifles)
        return loss_of(intact, corrupt(intact, damages), training=True)

    @tf.function(autograph=False, reduce_retracing=True)
    def judge(images: tf.Tensor) -> tf.Tensor:
        intact = training.to_input(images, side)
        # The same damage at every validation.
        return loss_of(intact, corrupt(intact, tf.constant([0, 1])), training=False)

    def validation_loss() -> float:
        return float(np.mean(list(training.in_batches(dataset.images[validation], judge))))

    steps = min(STEPS, -(-MAX_EPOCHS * len(train) // BATCH))
    training.fit(network, batch_loss, batch, validation_loss, steps, LEARNING_RATE, f"training {NAME}")
    store.round_weights(network)
    exact = make_network(side, channels, "float32")
    exact.set_weights(network.get_weights())
    return _measured(exact, dataset.images[test])


def _measured(network: keras.Model, images: np.ndarray) -> Critic:
    """Sets the floor on held-out images and measures how much damage falls below it."""
    critic = Critic(network, 0.0, {})
    critic.floor = float(np.percentile(critic.score(images), FLOOR_PERCENTILE))
    side, channels = network.input_shape[2:]
    sample = images[training.spread(np.arange(len(images)), MAX_DAMAGED)]
    score = tf.function(
        lambda values: network(values, training=False)[:, 0],
        input_signature=[tf.TensorSpec([None, side, side, channels])],
        autograph=False,
    )
    for number, (kind, damage) in enumerate(DAMAGES.items()):
        severities, own = tf.unstack(tf.random.split([number, 2], 2))

        def score_damaged(
            images: tf.Tensor,
            damage: Damage = damage,
            severities: tf.Tensor = severities,
            own: tf.Tensor = own,
        ) -> np.ndarray:
            intact = training.to_input(images, side)
            severity = draw_severity(tf.shape(intact)[0], severities)
            return score(damage(intact, tf.roll(intact, 1, axis=0), severity, own)).numpy()

        scores = np.concatenate(list(training.in_batches(sample, score_damaged)))
        critic.detection[kind] = float(np.mean(scores < critic.floor))
    return critic
