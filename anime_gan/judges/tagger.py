"""The tagger: a small classifier that says which attributes a picture shows.

It is trained on real pictures alone, and on none of the test split, so that what it says of generated
pictures is no opinion of the networks that made them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from anime_gan.attributes.schema import Schema, Slot
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.judges import store, training
from anime_gan.training.losses import attribute_loss
from anime_gan.training.precision import resolve_dtype

NAME = "tagger"
# Larger pictures are judged at this size, at which every attribute can be seen.
MAX_SIDE = 64
NUM_FEATURES = 128
BATCH = 64
STEPS = 2500
# A small dataset is learned by heart long before that many steps.
MAX_EPOCHS = 60
LEARNING_RATE = 4e-3
# Below this accuracy on real pictures, figures about generated ones mean little.
RELIABLE = 0.9
# Of the kinds of pictures that it errs on most: fewer would be chance, more nobody reads.
MIN_CASE_IMAGES, MAX_CASES = 30, 6


@dataclasses.dataclass(frozen=True)
class Judgement:
    """What the tagger sees on n pictures.

    Attributes:
        probabilities: float32 [n, num_labels]; within a group they sum to 1, a tag has its own.
        features: float32 [n, 128], the last layer but one: what distances between sets are measured in.
    """

    probabilities: np.ndarray
    features: np.ndarray


class Tagger:
    """Says which attributes pictures have.

    Attributes:
        checksum: SHA-256 of the weights, hexadecimal: figures of different taggers cannot be compared.
        accuracy: Attribute name -> share of the held-out real pictures on which it is recognized; only those
            count on which it is known and visible. NaN if there is none.
        column_accuracy: Label column, such as `hair_color=blue` -> share of the held-out real pictures with
            it on which it is recognized. NaN if there is none.
        hardest: What it errs on most among held-out real pictures, as `hardest_cases` has it.
    """

    def __init__(
        self,
        network: keras.Model,
        schema: Schema,
        accuracy: Mapping[str, float],
        column_accuracy: Mapping[str, float],
        hardest: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Takes a network from `make_network`, which computes in float32."""
        self.schema = schema
        self.accuracy = dict(accuracy)
        self.column_accuracy = dict(column_accuracy)
        self.hardest = [dict(case) for case in hardest]
        self.checksum = store.weights_checksum(network.get_weights())
        self._network = network
        self._side = network.input_shape[1]
        self._run = tf.function(self._judge_batch, autograph=False, reduce_retracing=True)

    def judge(self, images: np.ndarray) -> Judgement:
        """Looks at pictures, in batches.

        Args:
            images: uint8 [n, h, w, 3], squares no smaller than those it was trained on (or than 64).

        Raises:
            ValueError: The images are none of that.
        """
        training.check_images(images, self._side)
        parts = [(np.zeros((0, self.schema.num_labels), np.float32), np.zeros((0, NUM_FEATURES), np.float32))]
        parts += [(p.numpy(), f.numpy()) for p, f in training.in_batches(images, self._run)]
        probabilities, features = zip(*parts, strict=True)
        return Judgement(np.concatenate(probabilities), np.concatenate(features))

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The labels it would give: int8 [n, num_labels] of +1 and -1, one +1 in each group."""
        return decide(self.judge(images).probabilities, self.schema)

    def notes(self) -> list[str]:
        """What somebody who relies on the tagger should know; empty if all is well."""
        poor = [f"{name} {share:.0%}" for name, share in self.accuracy.items() if not share >= RELIABLE]
        if not poor:
            return []
        return [f"figures are unreliable where the tagger often errs on real pictures: {', '.join(poor)}"]

    def _judge_batch(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        logits, features = self._network(training.to_input(images, self._side), training=False)
        parts = [
            tf.nn.softmax(logits[:, slot.columns]) if slot.is_group else tf.sigmoid(logits[:, slot.columns])
            for slot in self.schema.slots
        ]
        return tf.concat(parts, axis=1), features


def load_tagger(dataset: Dataset) -> Tagger:
    """The tagger of a dataset, from the cache; if there is none yet it is trained, which takes minutes.

    Raises:
        DataError: The dataset has no labels, or too few images.
        JudgeError: What the cache holds is damaged.
    """
    if not dataset.schema.num_labels:
        raise DataError(f"{dataset.name}: has no labels, so that nothing can be recognized")
    folder = store.judge_folder(dataset, NAME)
    if not folder.is_dir():
        _train(dataset, folder)
    record = store.read_record(folder, NAME)
    network = make_network(record["side"], dataset.schema, "float32")
    store.read_weights(folder, network, record)
    accuracy, column_accuracy = (
        {name: float("nan") if share is None else share for name, share in record[part].items()}
        for part in ("accuracy", "column_accuracy")
    )
    return Tagger(network, dataset.schema, accuracy, column_accuracy, record["hardest"])


def visible(labels: np.ndarray, schema: Schema) -> np.ndarray:
    """Which attributes can be seen, given the others: closed eyes hide their colour.

    What hides what is said by `Schema.hidden_by`.

    Args:
        labels: [n, num_labels] of +1, -1 and 0.
        schema: What the columns mean; the attributes of the rules need not be among them.

    Returns:
        bool [n, num_labels], False where something hides the attribute of the column.
    """
    seen = np.ones(np.shape(labels), bool)
    for hidden, hider in schema.hidden_by:
        seen[np.asarray(labels)[:, hider] > 0, hidden.columns] = False
    return seen


def decide(probabilities: np.ndarray, schema: Schema) -> np.ndarray:
    """Probabilities -> labels: int8 [n, num_labels] of +1 and -1, one +1 in each group."""
    labels = np.where(probabilities > 0.5, 1, -1).astype(np.int8)
    for slot in schema.slots:
        if slot.is_group:
            largest = np.argmax(probabilities[:, slot.columns], axis=1)
            labels[:, slot.columns] = np.where(np.arange(slot.size) == largest[:, None], 1, -1)
    return labels


def measure_accuracy(
    predicted: np.ndarray, labels: np.ndarray, schema: Schema
) -> tuple[dict[str, float], dict[str, float]]:
    """How often predictions are right, where the truth is known and visible.

    Args:
        predicted: [n, num_labels] of +1 and -1.
        labels: [n, num_labels] of +1, -1 and 0, the truth.
        schema: What the columns mean.

    Returns:
        The share by attribute and, among the pictures that have it, by label column; NaN of nothing.
    """
    labels = labels * visible(labels, schema)
    by_slot, by_column = {}, {}
    for slot in schema.slots:
        right, known = _right_and_known(predicted, labels, slot)
        by_slot[slot.name] = _share(right[known])
        for column in range(slot.start, slot.start + slot.size):
            by_column[schema.columns[column]] = _share(right[labels[:, column] > 0])
    return by_slot, by_column


def hardest_cases(predicted: np.ndarray, labels: np.ndarray, schema: Schema) -> list[dict[str, Any]]:
    """Where predictions are wrong most often: an attribute in pictures that show a value of another.

    A fringe or glasses may hide the eyes, say.

    Args:
        predicted: [n, num_labels] of +1 and -1.
        labels: [n, num_labels] of +1, -1 and 0, the truth.
        schema: What the columns mean.

    Returns:
        The lowest shares first: `attribute`, `given` (a label column), `right` (the share), `images`.
    """
    seen = labels * visible(labels, schema)
    cases: list[dict[str, Any]] = []
    for slot in schema.slots:
        right, known = _right_and_known(predicted, seen, slot)
        for column, name in enumerate(schema.columns):
            chosen = known & (labels[:, column] > 0)
            if np.sum(chosen) >= MIN_CASE_IMAGES and column not in range(slot.start, slot.start + slot.size):
                share, images = _share(right[chosen]), int(np.sum(chosen))
                cases.append({"attribute": slot.name, "given": name, "right": share, "images": images})
    return sorted(cases, key=lambda case: case["right"])[:MAX_CASES]


def make_network(side: int, schema: Schema, dtype: str) -> keras.Model:
    """float32 [n, side, side, 3] in [-1, 1] -> (logits [n, num_labels], features [n, 128]), float32."""
    seeds = iter(range(100))
    x = inputs = keras.Input((side, side, 3))
    parts = []
    for filters, size in ((32, 4), (64, 3), (96, 3), (128, 3)):
        x = training.convolution(x, filters, size, 2, next(seeds), dtype)
        x = training.convolution(x, filters, 3, 1, next(seeds), dtype, residual=True)
        # Small things, such as the colour of an eye, wherever they are.
        if filters > 32:
            parts.append(keras.layers.GlobalMaxPooling2D(dtype="float32")(x))
    parts.append(keras.layers.Flatten(dtype="float32")(x))
    x = keras.layers.Concatenate(dtype="float32")(parts)
    features = training.dense(x, NUM_FEATURES, next(seeds))
    initializer = keras.initializers.GlorotUniform(next(seeds))
    logits = keras.layers.Dense(schema.num_labels, kernel_initializer=initializer, dtype="float32")(features)
    return keras.Model(inputs, (logits, features))


def _train(dataset: Dataset, folder: Path) -> None:
    """Trains a tagger and puts it into the cache."""
    schema, slots = dataset.schema, dataset.schema.slots
    train, validation, test = training.split_for_judges(dataset)
    side = min(dataset.images.shape[1], MAX_SIDE)
    network = make_network(side, schema, resolve_dtype("auto"))
    # What cannot be seen cannot be learned: it counts as unknown.
    labels = dataset.labels * visible(dataset.labels, schema)
    indices = training.shuffled_batches(train, BATCH, seed=0)

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = indices(step)
        return dataset.images[chosen], labels[chosen]

    def mean_loss(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        losses, known = attribute_loss(logits, labels, slots)
        return tf.reduce_sum(losses) / tf.maximum(tf.reduce_sum(known), 1.0)

    def batch_loss(images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        images = training.augment(training.to_input(images, side), seed, shift=0.06, color=0.1)
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
    exact = make_network(side, schema, "float32")
    exact.set_weights(network.get_weights())
    tagger = Tagger(exact, schema, {}, {})
    predicted, truth = tagger.predict(dataset.images[test]), dataset.labels[test]
    accuracy, column_accuracy = measure_accuracy(predicted, truth, schema)
    hardest = hardest_cases(predicted, truth, schema)
    shares = {"accuracy": accuracy, "column_accuracy": column_accuracy}
    # JSON knows no NaN.
    record = {
        part: {name: None if np.isnan(share) else share for name, share in values.items()}
        for part, values in shares.items()
    }
    store.save_judge(folder, exact, NAME, {"side": side, **record, "hardest": hardest})


def _right_and_known(predicted: np.ndarray, labels: np.ndarray, slot: Slot) -> tuple[np.ndarray, np.ndarray]:
    """Whether an attribute is predicted right, and whether its truth is known: bool [n] each."""
    truth, guess = labels[:, slot.columns], predicted[:, slot.columns]
    if slot.is_group:
        return np.any((truth > 0) & (guess > 0), axis=1), np.any(truth > 0, axis=1)
    return (truth == guess)[:, 0], truth[:, 0] != 0


def _share(right: np.ndarray) -> float:
    return float(np.mean(right)) if len(right) else float("nan")
