"""The identity measure: how far apart two faces are, whatever their expressions.

A small network maps a face to a point on a sphere. It is trained on pairs of real faces that show the same
person with different expressions, and pulls the two together and all other faces apart (InfoNCE: van den Oord
et al. 2018, arXiv 1807.03748, with both directions as in SimCLR: Chen et al. 2020, arXiv 2002.05709).

It is stored with the limits that held-out real pairs set. No generated face is used.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import keras, tf
from anime_gan.datasets.dataset import Dataset
from anime_gan.judges import store, training
from anime_gan.judges.selection import Selector
from anime_gan.judges.tagger import Tagger
from anime_gan.training.precision import resolve_dtype

NAME = "person"
MAX_SIDE = 64
NUM_FEATURES = 64
TEMPERATURE = 0.1
# Persons per batch; each is shown twice.
BATCH = 48
STEPS = 1500
LEARNING_RATE = 4e-3
# Share of the pairs that only set the limits, and the seed by which they are chosen.
HELD_OUT, SPLIT_SEED = 0.2, 3
# Percentiles of the distances between held-out real faces: of the same person, and of different persons. A
# character has about twenty faces, so a lower one would reject most real characters too.
SAME_PERCENTILE = 99.9
DISTINCT_PERCENTILE = 0.1
# Percentile of the change of an attribute's probabilities between two expressions of a real person. A face
# has about a dozen attributes, so a lower one would often find a change by chance.
CHANGE_PERCENTILE = 99.5
# The tagger is never so certain that a smaller change means anything.
SMALLEST_CHANGE = 0.1
# Percentile of the margins of held-out real faces. Closed eyes are rare in the data for the critics, whose
# own floor rejects one in five of them.
INTACT_PERCENTILE = 1.0


@dataclasses.dataclass(frozen=True)
class Limits:
    """What held-out real pairs say.

    Attributes:
        same: The distance that 99.9% of the pairs of the same person stay below.
        distinct: The distance that 99.9% of the pairs of different persons exceed.
        confused: Share of the pairs of different persons that are nearer than `same`.
        pairs: Number of held-out pairs of the same person.
        changes: Attribute name -> the change of its probabilities (total variation distance) that 99.5% of
            the pairs of the same person stay below; empty without a tagger.
        intact: The margin (see `Selector.margins`) that 99% of the faces exceed.
    """

    same: float
    distinct: float
    confused: float
    pairs: int
    changes: Mapping[str, float]
    intact: float


class PersonMeasure:
    """Measures how far apart the persons of two faces are.

    Attributes:
        limits: What is usual among real faces.
        checksum: SHA-256 of the weights, hexadecimal.
    """

    def __init__(self, network: keras.Model, limits: Limits) -> None:
        """Wraps a float32 network from `make_network`."""
        self.limits = limits
        self.checksum = store.weights_checksum(network.get_weights())
        self._network = network
        self._side, self._channels = network.input_shape[2:]
        self._run = tf.function(self._locate, autograph=False, reduce_retracing=True)

    def features(self, images: np.ndarray) -> np.ndarray:
        """Returns the points of faces on the sphere: float32 [n, 64] of length 1.

        Args:
            images: uint8 [n, h, w, channels], square, at least as large as the network's input.

        Raises:
            ValueError: The images have another type or shape.
        """
        training.check_images(images, self._side, self._channels)
        parts = [part.numpy() for part in training.in_batches(images, self._run)]
        return np.concatenate([np.zeros((0, NUM_FEATURES), np.float32), *parts])

    def save(self, directory: Path) -> None:
        """Writes `weights.npz` (float16) and `person.json` into a folder, atomically."""
        sizes = {"side": self._side, "channels": self._channels}
        store.save_judge(directory, self._network, NAME, {**sizes, **dataclasses.asdict(self.limits)})

    @classmethod
    def load(cls, directory: Path) -> PersonMeasure:
        """Loads a measure that `save` wrote.

        Raises:
            JudgeError: There is none, or it is damaged.
        """
        record = store.read_record(directory, NAME, _Record)
        network = make_network(record.side, record.channels, "float32")
        store.read_weights(directory, network, record.checksum)
        limits = Limits(
            record.same, record.distinct, record.confused, record.pairs, record.changes, record.intact
        )
        return cls(network, limits)

    def _locate(self, images: tf.Tensor) -> tf.Tensor:
        return self._network(training.to_input(images, self._side), training=False)


class _Record(msgspec.Struct):
    """The contents of `person.json`; see `Limits`."""

    side: int
    channels: int
    same: float
    distinct: float
    confused: float
    pairs: int
    changes: dict[str, float]
    intact: float
    checksum: str


def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns the Euclidean distances between two lists of points: float32 [n, m], 0 to 2."""
    products = np.clip(np.asarray(first) @ np.asarray(second).T, -1.0, 1.0)
    result: np.ndarray = np.sqrt(2.0 - 2.0 * products)
    return result


def load_person_measure(siblings: Dataset, selector: Selector, tagger: Tagger | None) -> PersonMeasure:
    """Loads the measure of a dataset of pairs from the cache, or trains one, which takes a few minutes.

    Args:
        siblings: Faces 2k and 2k + 1 show the same person with different expressions.
        selector: The critics, which also see the pairs.
        tagger: Also measures how much the attributes change between the two; None for data without labels.

    Raises:
        DataError: The dataset has too few images.
        JudgeError: The cached measure is damaged.
    """
    folder = store.judge_folder(siblings, NAME, __name__)
    if not folder.is_dir():
        _train(siblings, selector, tagger).save(folder)
    return PersonMeasure.load(folder)


def make_network(side: int, channels: int, dtype: str) -> keras.Model:
    """Builds the network: float32 [n, side, side, channels] in [-1, 1] -> points of length 1, [n, 64]."""
    seeds = iter(range(100))
    x = inputs = keras.Input((side, side, channels))
    parts = []
    for filters, size in ((32, 4), (48, 3), (64, 3), (96, 3)):
        x = training.convolution(x, filters, size, 2, next(seeds), dtype)
        x = training.convolution(x, filters, 3, 1, next(seeds), dtype, residual=True)
        # Colors are averages, and shapes depend on the place.
        parts.append(keras.layers.GlobalAveragePooling2D(dtype="float32")(x))
    parts.append(keras.layers.Flatten(dtype="float32")(x))
    x = training.dense(keras.layers.Concatenate(dtype="float32")(parts), 128, next(seeds))
    initializer = keras.initializers.GlorotUniform(next(seeds))
    points = keras.layers.Dense(NUM_FEATURES, kernel_initializer=initializer, dtype="float32")(x)
    return keras.Model(inputs, keras.layers.UnitNormalization(dtype="float32")(points))


def contrast(points: tf.Tensor) -> tf.Tensor:
    """Returns the mean cross entropy of finding each person's second face among those of all persons.

    Args:
        points: float32 [2 * n, 64]; rows 2k and 2k + 1 are the same person.
    """
    first, second = points[0::2], points[1::2]
    logits = tf.matmul(first, second, transpose_b=True) / TEMPERATURE
    persons = tf.range(tf.shape(first)[0])
    both = (
        tf.nn.sparse_softmax_cross_entropy_with_logits(persons, direction)
        for direction in (logits, tf.transpose(logits))
    )
    return tf.add_n([tf.reduce_mean(losses) for losses in both]) / 2.0


def _train(siblings: Dataset, selector: Selector, tagger: Tagger | None) -> PersonMeasure:
    persons = len(siblings.images) // 2
    training.split_for_judges(siblings)  # raises an error if there are too few
    # In random order, because the persons of several sources follow one another.
    order = np.random.default_rng(SPLIT_SEED).permutation(persons)
    train, held_out = np.split(order, [persons - int(HELD_OUT * persons)])
    validation = held_out[: len(held_out) // 2]
    side = min(siblings.images.shape[1], MAX_SIDE)
    channels = siblings.images.shape[3]
    network = make_network(side, channels, resolve_dtype("auto"))
    groups = [train[rows] for rows in similar_persons(siblings.labels[2 * train], siblings.schema)]

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng([step, 2])
        # Every other batch contains persons who are alike, which are harder to tell apart.
        among = groups[random.integers(len(groups))] if step % 2 and groups else train
        return _both(siblings, random.choice(among, BATCH, replace=False)), np.zeros(0, np.int8)

    def batch_loss(images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        del labels
        shown = training.augment(training.to_input(images, side), seed, shift=0.03, color=0.03)
        return contrast(network(shown, training=True))

    @tf.function(autograph=False, reduce_retracing=True)
    def locate(images: tf.Tensor) -> tf.Tensor:
        return network(training.to_input(images, side), training=False)

    def validation_loss() -> float:
        points = tf.concat(list(training.in_batches(_both(siblings, validation), locate)), axis=0)
        return float(contrast(points))

    training.fit(network, batch_loss, batch, validation_loss, STEPS, LEARNING_RATE, f"training {NAME}")
    store.round_weights(network)
    exact = make_network(side, channels, "float32")
    exact.set_weights(network.get_weights())
    measure = PersonMeasure(exact, Limits(0.0, 0.0, 0.0, 0, {}, 0.0))
    # The first half of the held-out pairs chose the weights.
    test = held_out[len(validation) :]
    faces = _faces(test)
    labels = np.asarray(siblings.labels[faces])
    measure.limits = measure_limits(measure, _both(siblings, test), labels, selector, tagger)
    return measure


def similar_persons(labels: np.ndarray, schema: Schema) -> list[np.ndarray]:
    """Returns, for each value of a group that is frequent enough for a batch, the persons who have it.

    Args:
        labels: int8 [persons, num_labels].
        schema: Meaning of the columns.
    """
    columns = [
        column
        for slot in schema.slots
        if slot.is_group
        for column in range(slot.start, slot.start + slot.size)
    ]
    found = (np.flatnonzero(labels[:, column] > 0) for column in columns)
    return [persons for persons in found if len(persons) >= 2 * BATCH]


def measure_limits(
    measure: PersonMeasure,
    images: np.ndarray,
    labels: np.ndarray,
    selector: Selector,
    tagger: Tagger | None,
) -> Limits:
    """Measures how far apart real faces are.

    Args:
        measure: A trained measure.
        images: uint8 [2 * n, h, w, channels], held-out faces; 2k and 2k + 1 are the same person.
        labels: int8 [2 * n, num_labels], their labels.
        selector: As in `load_person_measure`.
        tagger: As in `load_person_measure`.
    """
    points = measure.features(images)
    between = distances(points[0::2], points[1::2])
    same = float(np.percentile(np.diagonal(between), SAME_PERCENTILE))
    others = between[~np.eye(len(between), dtype=bool)]
    return Limits(
        same=same,
        distinct=float(np.percentile(others, DISTINCT_PERCENTILE)),
        confused=float(np.mean(others < same)),
        pairs=len(between),
        changes={} if tagger is None else usual_changes(tagger, images, labels),
        intact=float(np.percentile(selector.margins(images), INTACT_PERCENTILE)),
    )


def usual_changes(tagger: Tagger, images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Returns by how much the tagger changes its mind about an attribute that both faces of a person share.

    Args:
        tagger: A trained tagger.
        images: As in `measure_limits`.
        labels: As in `measure_limits`.
    """
    schema, probabilities = tagger.schema, tagger.judge(images).probabilities
    changes = attribute_changes(probabilities[0::2], probabilities[1::2], schema)
    usual = {}
    for number, slot in enumerate(schema.slots):
        first, second = labels[0::2, slot.columns], labels[1::2, slot.columns]
        shared = np.all(first == second, axis=1) & np.any(first != 0, axis=1)
        if shared.any():
            usual[slot.name] = max(
                SMALLEST_CHANGE, float(np.percentile(changes[shared, number], CHANGE_PERCENTILE))
            )
    return usual


def attribute_changes(first: np.ndarray, second: np.ndarray, schema: Schema) -> np.ndarray:
    """Returns how much each attribute changes between two faces, as the tagger sees it.

    Args:
        first: float32 [n, num_labels], probabilities as in `Judgement`.
        second: The same of the other faces.
        schema: Meaning of the columns.

    Returns:
        float32 [n, slots]: the total variation distance between the two distributions, 0 to 1.
    """
    moved = np.abs(first - second)
    parts = [moved[:, slot.columns].sum(axis=1) / (2 if slot.is_group else 1) for slot in schema.slots]
    return np.stack(parts, axis=1)


def _faces(persons: np.ndarray) -> np.ndarray:
    """Returns the numbers of both faces of each person, one after the other."""
    faces: np.ndarray = (2 * np.asarray(persons)[:, np.newaxis] + (0, 1)).ravel()
    return faces


def _both(siblings: Dataset, persons: np.ndarray) -> np.ndarray:
    """Returns both faces of each person, one after the other."""
    return np.asarray(siblings.images[_faces(persons)])
