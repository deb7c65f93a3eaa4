"""The tagger: a small classifier that recognizes the attributes of an image.

It is trained on real images only, without the test split, so its labels of generated images are independent
of the networks that drew them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from anime_gan.attributes.scales import TOLERANCE
from anime_gan.attributes.schema import Schema, Slot
from anime_gan.common.backend import keras, tf
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.judges import store, training
from anime_gan.training.augment import mirrored_labels
from anime_gan.training.losses import attribute_loss
from anime_gan.training.precision import resolve_dtype

NAME = "tagger"
# Larger images are reduced to this size, at which every attribute is visible.
MAX_SIDE = 64
NUM_FEATURES = 128
BATCH = 64
STEPS = 2500
# A small dataset is memorized long before that number of steps.
MAX_EPOCHS = 60
LEARNING_RATE = 4e-3
# Below this accuracy on real images, figures about generated images mean little.
RELIABLE = 0.9
# Limits of `hardest_cases`: fewer images would be chance, and nobody reads a longer list.
MIN_CASE_IMAGES, MAX_CASES = 30, 6


@dataclasses.dataclass(frozen=True)
class Judgement:
    """The predictions of the tagger for n images.

    Attributes:
        probabilities: float32 [n, num_labels]; within a group they sum to 1, a tag has its own. A
            scale has its value, moved from -1..1 to 0..1.
        features: float32 [n, 128], the layer before the last, used for distances between sets.
    """

    probabilities: np.ndarray
    features: np.ndarray


class Tagger:
    """Recognizes the attributes of images.

    Attributes:
        checksum: SHA-256 of the weights, hexadecimal. Figures of different taggers cannot be compared.
        accuracy: Attribute name -> accuracy on held-out real images in which it is known and visible. NaN
            without such images.
        column_accuracy: Label column, such as `hair_color=blue` -> accuracy on the held-out real images that
            have it. NaN without such images.
        hardest: Result of `hardest_cases` on held-out real images.
    """

    def __init__(
        self,
        network: keras.Model,
        schema: Schema,
        accuracy: Mapping[str, float],
        column_accuracy: Mapping[str, float],
        hardest: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Wraps a float32 network from `make_network`."""
        self.schema = schema
        self.accuracy = dict(accuracy)
        self.column_accuracy = dict(column_accuracy)
        self.hardest = [dict(case) for case in hardest]
        self.checksum = store.weights_checksum(network.get_weights())
        self._network = network
        self._side, self._channels = network.input_shape[2:]
        self._run = tf.function(self._judge_batch, autograph=False, reduce_retracing=True)

    def save(self, directory: Path) -> None:
        """Writes `weights.npz` (float16) and `tagger.json` into a folder, atomically."""
        # JSON has no NaN.
        shares = {
            part: {name: None if np.isnan(share) else share for name, share in values.items()}
            for part, values in (("accuracy", self.accuracy), ("column_accuracy", self.column_accuracy))
        }
        record = {"side": self._side, "channels": self._channels, **shares, "hardest": self.hardest}
        store.save_judge(directory, self._network, NAME, record)

    @classmethod
    def load(cls, directory: Path, schema: Schema) -> Tagger:
        """Loads a tagger that `save` wrote; the dataset is not needed.

        Raises:
            JudgeError: There is no tagger, or it is damaged.
        """
        record = store.read_record(directory, NAME, TaggerRecord)
        network = make_network(record.side, record.channels, schema, "float32")
        store.read_weights(directory, network, record.checksum)
        accuracy, column_accuracy = (
            {name: float("nan") if share is None else share for name, share in part.items()}
            for part in (record.accuracy, record.column_accuracy)
        )
        return cls(network, schema, accuracy, column_accuracy, record.hardest)

    def judge(self, images: np.ndarray) -> Judgement:
        """Recognizes attributes, in batches.

        Args:
            images: uint8 [n, h, w, channels], square, as large as the training images or 64 pixels, or
                larger. Alpha is straight.

        Raises:
            ValueError: The images have another type or shape.
        """
        training.check_images(images, self._side, self._channels)
        parts = [(np.zeros((0, self.schema.num_labels), np.float32), np.zeros((0, NUM_FEATURES), np.float32))]
        parts += [(p.numpy(), f.numpy()) for p, f in training.in_batches(images, self._run)]
        probabilities, features = zip(*parts, strict=True)
        return Judgement(np.concatenate(probabilities), np.concatenate(features))

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Returns the predicted labels: [n, num_labels] of +1 and -1, and values of scales."""
        return decide(self.judge(images).probabilities, self.schema)

    def notes(self) -> list[str]:
        """Returns warnings about attributes that the tagger recognizes poorly."""
        poor = [f"{name} {share:.0%}" for name, share in self.accuracy.items() if not share >= RELIABLE]
        if not poor:
            return []
        return [f"unreliable figures, because the tagger is often wrong on real images: {', '.join(poor)}"]

    def _judge_batch(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits, features = self._network(training.to_input(images, self._side), training=False)
        parts = [
            tf.nn.softmax(logits[:, slot.columns])
            if slot.is_group
            else tf.clip_by_value((logits[:, slot.columns] + 1.0) / 2.0, 0.0, 1.0)
            if slot.is_scale
            else tf.sigmoid(logits[:, slot.columns])
            for slot in self.schema.slots
        ]
        return tf.concat(parts, axis=1), features


class TaggerRecord(msgspec.Struct):
    """The contents of `tagger.json`; see `Tagger`. A share is None if it could not be measured."""

    side: int
    accuracy: dict[str, float | None]
    column_accuracy: dict[str, float | None]
    hardest: list[dict[str, Any]]
    checksum: str
    channels: int = 3


def load_tagger(dataset: Dataset, max_side: int = MAX_SIDE) -> Tagger:
    """Loads the tagger of a dataset from the cache, or trains one, which takes a few minutes.

    Args:
        dataset: Labeled images.
        max_side: Larger images are reduced to this side in pixels.

    Raises:
        DataError: The dataset has no labels, or too few images.
        JudgeError: The cached tagger is damaged.
    """
    if not dataset.schema.num_labels:
        raise DataError(f"{dataset.name}: has no labels, so no tagger can be trained")
    folder = store.judge_folder(dataset, NAME)
    if not folder.is_dir():
        _train(dataset, max_side).save(folder)
    return Tagger.load(folder, dataset.schema)


def visible(labels: np.ndarray, schema: Schema) -> np.ndarray:
    """Returns which attributes are visible, given the others: closed eyes hide their color.

    `Schema.hidden_by` holds the rules.

    Args:
        labels: [n, num_labels] of +1, -1 and 0.
        schema: Meaning of the columns; it need not contain the attributes of the rules.

    Returns:
        bool [n, num_labels], False where another attribute hides the attribute of the column.
    """
    seen = np.ones(np.shape(labels), bool)
    for hidden, hider in schema.hidden_by:
        seen[np.asarray(labels)[:, hider] > 0, hidden.columns] = False
    return seen


def decide(probabilities: np.ndarray, schema: Schema) -> np.ndarray:
    """Turns probabilities into labels of +1 and -1, one +1 per group: [n, num_labels].

    They are int8, or float32 if there are scales, whose values they contain.
    """
    labels = np.where(probabilities > 0.5, 1, -1).astype(np.float32 if schema.scales else np.int8)
    for column in schema.scales:
        labels[:, column] = 2 * probabilities[:, column] - 1
    for slot in schema.slots:
        if slot.is_group:
            largest = np.argmax(probabilities[:, slot.columns], axis=1)
            labels[:, slot.columns] = np.where(np.arange(slot.size) == largest[:, None], 1, -1)
    return labels


def measure_accuracy(
    predicted: np.ndarray, labels: np.ndarray, schema: Schema
) -> tuple[dict[str, float], dict[str, float]]:
    """Returns the accuracy of predictions, where the truth is known and visible.

    Args:
        predicted: [n, num_labels] of +1 and -1.
        labels: [n, num_labels] of +1, -1 and 0, the truth.
        schema: Meaning of the columns.

    Returns:
        Accuracy by attribute and, among the images that have it, by label column; NaN without images.
    """
    labels = labels * visible(labels, schema)
    by_slot, by_column = {}, {}
    for slot in schema.slots:
        right, known = _right_and_known(predicted, labels, slot)
        by_slot[slot.name] = _share(right[known])
        for column in range(slot.start, slot.start + slot.size) if not slot.is_scale else ():
            by_column[schema.columns[column]] = _share(right[labels[:, column] > 0])
    return by_slot, by_column


def hardest_cases(predicted: np.ndarray, labels: np.ndarray, schema: Schema) -> list[dict[str, Any]]:
    """Finds the least accurate predictions: an attribute in images that have a value of another.

    For example, glasses may hide the eyes.

    Args:
        predicted: [n, num_labels] of +1 and -1.
        labels: [n, num_labels] of +1, -1 and 0, the truth.
        schema: Meaning of the columns.

    Returns:
        The lowest accuracies first: `attribute`, `given` (a label column), `right` (accuracy), `images`.
    """
    seen = labels * visible(labels, schema)
    cases: list[dict[str, Any]] = []
    for slot in schema.slots:
        right, known = _right_and_known(predicted, seen, slot)
        for column, name in enumerate(schema.columns):
            if column in schema.scales:
                continue
            chosen = known & (labels[:, column] > 0)
            if np.sum(chosen) >= MIN_CASE_IMAGES and column not in range(slot.start, slot.start + slot.size):
                share, images = _share(right[chosen]), int(np.sum(chosen))
                cases.append({"attribute": slot.name, "given": name, "right": share, "images": images})
    return sorted(cases, key=lambda case: case["right"])[:MAX_CASES]


def make_network(side: int, channels: int, schema: Schema, dtype: str) -> keras.Model:
    """Builds the network: images [n, side, side, channels] -> logits [n, num_labels], features [n, 128]."""
    seeds = iter(range(100))
    x = inputs = keras.Input((side, side, channels))
    parts = []
    for filters, size in ((32, 4), (64, 3), (96, 3), (128, 3)):
        x = training.convolution(x, filters, size, 2, next(seeds), dtype)
        x = training.convolution(x, filters, 3, 1, next(seeds), dtype, residual=True)
        # Small details, such as the color of an eye, wherever they are.
        if filters > 32:
            parts.append(keras.layers.GlobalMaxPooling2D(dtype="float32")(x))
    parts.append(keras.layers.Flatten(dtype="float32")(x))
    x = keras.layers.Concatenate(dtype="float32")(parts)
    features = training.dense(x, NUM_FEATURES, next(seeds))
    initializer = keras.initializers.GlorotUniform(next(seeds))
    logits = keras.layers.Dense(schema.num_labels, kernel_initializer=initializer, dtype="float32")(features)
    return keras.Model(inputs, (logits, features))


def _train(dataset: Dataset, max_side: int) -> Tagger:
    schema, slots = dataset.schema, dataset.schema.slots
    train, validation, test = training.split_for_judges(dataset)
    side = min(dataset.images.shape[1], max_side)
    channels = dataset.images.shape[3]
    network = make_network(side, channels, schema, resolve_dtype("auto"))
    # Hidden attributes cannot be learned, so they count as unknown.
    labels = schema.decode(dataset.labels) * visible(dataset.labels, schema)
    indices = training.shuffled_batches(train, BATCH, seed=0)

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = indices(step)
        return dataset.images[chosen], labels[chosen]

    def mean_loss(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        losses, known = attribute_loss(logits, labels, slots)
        return tf.reduce_sum(losses) / tf.maximum(tf.reduce_sum(known), 1.0)

    def batch_loss(images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        images = training.augment(training.to_input(images, side), seed, shift=0.06, color=0.1)
        labels = mirrored_labels(
            tf.cast(labels, tf.float32), training.is_mirrored(seed, tf.shape(images)[0]), schema
        )
        return mean_loss(network(images, training=True)[0], labels)

    @tf.function(autograph=False, reduce_retracing=True)
    def judge(images: tf.Tensor) -> tf.Tensor:
        return network(training.to_input(images, side), training=False)[0]

    def validation_loss() -> float:
        logits = tf.concat(list(training.in_batches(dataset.images[validation], judge)), axis=0)
        return float(mean_loss(logits, tf.constant(labels[validation])))

    steps = min(STEPS, -(-MAX_EPOCHS * len(train) // BATCH))
    training.fit(network, batch_loss, batch, validation_loss, steps, LEARNING_RATE, f"training {NAME}")
    store.round_weights(network)
    exact = make_network(side, channels, schema, "float32")
    exact.set_weights(network.get_weights())
    tagger = Tagger(exact, schema, {}, {})
    predicted, truth = tagger.predict(dataset.images[test]), schema.decode(dataset.labels[test])
    tagger.accuracy, tagger.column_accuracy = measure_accuracy(predicted, truth, schema)
    tagger.hardest = hardest_cases(predicted, truth, schema)
    return tagger


def agreement(predicted: np.ndarray, labels: np.ndarray, schema: Schema) -> np.ndarray:
    """Whether predicted labels are the requested ones, bool [n, num_labels].

    Args:
        predicted: From `decide`.
        labels: float32 [n, num_labels]. A tag with a strength between absent and present may be either.
        schema: Meaning of the columns.
    """
    agrees = (predicted == labels) | (np.abs(labels) < 1)
    for column in schema.scales:
        agrees[:, column] = np.abs(predicted[:, column] - labels[:, column]) <= TOLERANCE
    return agrees


def _right_and_known(predicted: np.ndarray, labels: np.ndarray, slot: Slot) -> tuple[np.ndarray, np.ndarray]:
    """Returns whether an attribute is predicted correctly and whether its truth is known: bool [n] each."""
    truth, guess = labels[:, slot.columns], predicted[:, slot.columns]
    if slot.is_group:
        return np.any((truth > 0) & (guess > 0), axis=1), np.any(truth > 0, axis=1)
    if slot.is_scale:
        return (np.abs(truth - guess) <= TOLERANCE)[:, 0], truth[:, 0] != 0
    return (truth == guess)[:, 0], truth[:, 0] != 0


def _share(right: np.ndarray) -> float:
    return float(np.mean(right)) if len(right) else float("nan")
