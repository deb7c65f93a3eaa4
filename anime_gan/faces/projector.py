"""GAN inversion: finds the face of a model that is closest to a given picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from anime_gan.attributes.edits import options, with_value
from anime_gan.attributes.scales import MIDDLE_BIN, NEARLY_ZERO
from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import tf
from anime_gan.exports.read import CRITIC, SMALLEST, find_export
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.likeness import OPAQUE_CRITIC, Comparison, CriticFeatures
from anime_gan.faces.request import FaceRequest
from anime_gan.models.pixels import to_float

# Number of faces drawn as starting points, and the first seed, which is far from seeds that people use.
CANDIDATES = 256
FIRST_SEED = 2**62
BATCH = 64
# (faces, steps): each round keeps the closest faces and optimizes them, with attributes relaxed to -1..1.
ROUNDS = ((8, 40), (4, 40), (2, 60))
# Number of further steps with definite attributes.
FIXED_STEPS = 60
FREE_STEPS = sum(steps for _, steps in ROUNDS)
STEPS = FREE_STEPS + FIXED_STEPS
LATENT_RATE, LABEL_RATE, FIXED_RATE = 0.1, 0.3, 0.04
# Latent vectors are standard normal. Vectors far from the origin give broken faces, especially after edits.
PRIOR_WEIGHT = 0.02
# Number of faces used to find which pixels the attributes change.
PROBES = 16
# Share of a pixel's weight that is uniform; the rest depends on how much attributes change the pixel.
EVEN_SHARE = 0.1


class Inversion(NamedTuple):
    """The result of a GAN inversion.

    Attributes:
        request: The request that draws the face.
        image: uint8 [h, w, channels], the face.
        feature_distance: Distance to the picture; see `Comparison.feature_distance`.
        typical_distance: Mean feature distance between the picture and random faces.
        pixel_error: Mean absolute difference of the pixel values, 0 to 255.
    """

    request: FaceRequest
    image: np.ndarray
    feature_distance: float
    typical_distance: float
    pixel_error: float

    def measured(self) -> dict[str, float]:
        """Returns the distances, rounded."""
        return {
            "feature_distance": round(self.feature_distance, 4),
            "typical_distance": round(self.typical_distance, 4),
            "pixel_error": round(self.pixel_error, 2),
        }

    def describe(self) -> str:
        """Returns the distances in words."""
        return (
            f"feature distance {self.feature_distance:.2f} (random faces: {self.typical_distance:.2f}), "
            f"mean pixel error {self.pixel_error:.1f} of 255"
        )


class Target(NamedTuple):
    """A picture whose face is searched.

    Attributes:
        picture: float32 [1, h, w, channels] in [-1, 1], with premultiplied alpha.
        backdrop: float32 [channels] in [-1, 1]: the color on which faces stand when they are compared with
            the picture; -1 in all channels is transparent.
    """

    picture: tf.Tensor
    backdrop: tf.Tensor

    def compared(self, images: tf.Tensor) -> tf.Tensor:
        """Composites faces onto the backdrop, for premultiplied pixels in [-1, 1] (Porter & Duff 1984)."""
        if images.shape[-1] == 3:
            return images
        return images + (0.5 - 0.5 * images[..., 3:]) * (self.backdrop + 1.0)


class Projector:
    """Inverts pictures deterministically: the same picture gives the same face.

    First, many faces are drawn and compared with the picture. The closest ones are optimized by gradient
    descent (Adam, Kingma & Ba 2015, arXiv 1412.6980, algorithm 1) in rounds that keep fewer and fewer of
    them. Latent vectors and attributes are optimized together, so attributes are relaxed to values between
    -1 and 1. The remaining faces then get definite attributes. Every other value of each attribute is tried,
    and the latent vectors are optimized once more.
    """

    def __init__(self, generator: FaceGenerator) -> None:
        """Draws the starting points.

        Args:
            generator: The model. Its critic provides the features to compare. If it has none, the critic of
                the smallest bundled model is used, or for opaque faces, that of version 0.1.0.

        Raises:
            JudgeError: The critic is damaged.
        """
        self._generator = generator
        self._schema = generator.schema
        own = generator.directory / CRITIC
        self._latents, self._labels = generator.inputs(
            FaceRequest(seeds=tuple(range(FIRST_SEED, FIRST_SEED + CANDIDATES)))
        )
        self._images = self._draw(self._latents, self._labels)
        other = OPAQUE_CRITIC if self._images.shape[-1] == 3 else find_export(SMALLEST) / CRITIC
        features = CriticFeatures(own if own.is_dir() else other)
        self._comparison = Comparison(features, self._images[:BATCH], self._place_weights())
        self._score = tf.function(self._scored, autograph=False, reduce_retracing=True)
        self._free_slope = tf.function(self._free, autograph=False, reduce_retracing=True)
        self._fixed_slope = tf.function(self._fixed, autograph=False, reduce_retracing=True)

    def project(self, picture: np.ndarray, progress: Callable[[], object] = lambda: None) -> Inversion:
        """Finds the face closest to a picture.

        Args:
            picture: uint8 [h, w, channels], at the model's resolution.
            progress: Called after each of the `STEPS` steps.
        """
        target = make_target(picture)
        first = self._in_batches(lambda part: self._loss(self._images[part], target))
        starts = np.argsort(first, kind="stable")[: ROUNDS[0][0]]
        latents, labels = self._follow(self._latents[starts], self._labels[starts], target, progress)
        labels = np.stack([self._best_labels(*pair, target) for pair in zip(latents, labels, strict=True)])
        latents = self._settle(latents, labels, target, progress)
        winner = int(np.argmin(self._score(latents, labels, target).numpy()))
        latent = latents[winner]
        return self._result(latent, self._best_labels(latent, labels[winner], target), target)

    def _result(self, latent: np.ndarray, labels: np.ndarray, target: Target) -> Inversion:
        request = FaceRequest(self._schema.describe(labels), (), latent=tuple(latent.tolist()))
        image = next(self._generator.faces(request)).image
        found = target.compared(to_float(tf.constant(image[np.newaxis])))
        others = target.compared(self._images[:BATCH])
        distance = self._comparison.feature_distance
        return Inversion(
            request,
            image,
            float(distance(found, target.picture)[0]),
            float(tf.reduce_mean(distance(others, target.picture))),
            float(tf.reduce_mean(tf.abs(found - target.picture))) * 127.5,
        )

    def _follow(
        self, latents: np.ndarray, labels: np.ndarray, target: Target, progress: Callable[[], object]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Optimizes latent vectors and relaxed attributes; returns the nearest definite attributes."""
        # Both are in one array, so that a round selects the same rows of the values and of Adam's moments.
        width = latents.shape[1]
        values = np.concatenate([latents, labels], axis=1)
        rates = np.repeat(np.array([LATENT_RATE, LABEL_RATE], np.float32), [width, labels.shape[1]])
        mover = Adam(rates, FREE_STEPS)
        for count, steps in ROUNDS:
            scores = self._free_slope(tf.constant(values[:, :width]), tf.constant(values[:, width:]), target)[
                0
            ]
            kept = np.argsort(scores.numpy(), kind="stable")[:count]
            values = mover.select(values, kept)
            for _ in range(steps):
                _, *slopes = self._free_slope(
                    tf.constant(values[:, :width]), tf.constant(values[:, width:]), target
                )
                values = mover.moved(values, np.concatenate([slope.numpy() for slope in slopes], axis=1))
                progress()
        relaxed = relaxed_labels(tf.constant(values[:, width:]), self._schema).numpy()
        return values[:, :width], definite_labels(relaxed, self._schema)

    def _settle(
        self, latents: np.ndarray, labels: np.ndarray, target: Target, progress: Callable[[], object]
    ) -> np.ndarray:
        """Optimizes the latent vectors with fixed attributes."""
        mover = Adam(FIXED_RATE, FIXED_STEPS)
        for _ in range(FIXED_STEPS):
            slope = self._fixed_slope(tf.constant(latents), tf.constant(labels), target)
            latents = mover.moved(latents, slope.numpy())
            progress()
        return latents

    def _best_labels(self, latent: np.ndarray, labels: np.ndarray, target: Target) -> np.ndarray:
        """Changes the attribute that brings the face closest to the picture, until no change helps."""
        while True:
            rows = neighbors(labels, self._schema)
            latents = np.tile(latent, (len(rows), 1))
            scores = np.concatenate(
                [
                    self._score(latents[start : start + BATCH], rows[start : start + BATCH], target).numpy()
                    for start in range(0, len(rows), BATCH)
                ]
            )
            best = int(np.argmin(scores))
            if best == 0:
                return labels
            labels = rows[best]

    def _free(self, latents: tf.Tensor, logits: tf.Tensor, target: Target) -> list[tf.Tensor]:
        """Returns the objective, [n], and its gradients."""
        with tf.GradientTape() as tape:
            tape.watch([latents, logits])
            values = self._objective(latents, relaxed_labels(logits, self._schema), target)
        return [values, *tape.gradient(values, [latents, logits], unconnected_gradients="zero")]

    def _fixed(self, latents: tf.Tensor, labels: tf.Tensor, target: Target) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(latents)
            values = self._objective(latents, labels, target)
        return tape.gradient(values, latents)

    def _objective(self, latents: tf.Tensor, labels: tf.Tensor, target: Target) -> tf.Tensor:
        prior = tf.reduce_mean(tf.square(latents), axis=1)
        return self._scored(latents, labels, target) + PRIOR_WEIGHT * prior

    def _scored(self, latents: tf.Tensor, labels: tf.Tensor, target: Target) -> tf.Tensor:
        return self._loss(self._generator.images(latents, labels), target)

    def _loss(self, images: tf.Tensor, target: Target) -> tf.Tensor:
        return self._comparison.loss(target.compared(images), target.picture)

    def _draw(self, latents: np.ndarray, labels: np.ndarray) -> tf.Tensor:
        parts = [slice(start, start + BATCH) for start in range(0, len(latents), BATCH)]
        return tf.concat([self._generator.images(latents[part], labels[part]) for part in parts], axis=0)

    def _in_batches(self, function: Callable[[slice], tf.Tensor]) -> np.ndarray:
        parts = [slice(start, start + BATCH) for start in range(0, CANDIDATES, BATCH)]
        return np.concatenate([function(part).numpy() for part in parts])

    def _place_weights(self) -> tf.Tensor:
        """Weights pixels by how much attributes change them, so that eyes count more than the background.

        Every attribute contributes the same total weight.

        Returns:
            float32 [h, w], 1 on average.
        """
        latents, labels, images = (values[:PROBES] for values in (self._latents, self._labels, self._images))
        changes = []
        for slot in self._schema.slots:
            # Each face gets the next value of the attribute.
            columns = labels[:, slot.columns]
            changed = labels.copy()
            changed[:, slot.columns] = np.roll(columns, 1, axis=1) if slot.is_group else -columns
            difference = tf.abs(self._draw(latents, changed) - images)
            place = tf.reduce_mean(difference, axis=[0, 3])
            changes.append(place / (tf.reduce_mean(place) + 1e-6))
        even = tf.ones(images.shape[1:3])
        if not changes:
            return even
        return EVEN_SHARE * even + (1.0 - EVEN_SHARE) * tf.add_n(changes) / len(changes)


def make_target(picture: np.ndarray) -> Target:
    """Prepares a picture, uint8 [h, w, channels], for the search.

    If the picture has an alpha channel but no transparent pixel, it has a background that a transparent model
    cannot draw. Then faces stand on the median color of its border.
    """
    backdrop = np.zeros(picture.shape[-1], np.uint8)
    if picture.shape[-1] == 4 and picture[..., 3].min() == 255:
        border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
        backdrop = np.median(border, axis=0).astype(np.uint8)
    return Target(
        to_float(tf.constant(picture[np.newaxis])),
        to_float(tf.constant(backdrop[np.newaxis, np.newaxis, np.newaxis]))[0, 0, 0],
    )


class Adam:
    """Adam in NumPy, for arrays of rows, with rates that decrease to 0 over the second half of the steps."""

    def __init__(self, rate: float | np.ndarray, steps: int) -> None:
        self._rate, self._steps, self._step = rate, steps, 0
        self._mean: np.ndarray = np.zeros((1, 1), np.float32)
        self._square = self._mean

    def select(self, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Returns some of the rows and drops the moments of the others."""
        if self._step:
            self._mean, self._square = self._mean[rows], self._square[rows]
        return values[rows]

    def moved(self, values: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Returns the values after one step."""
        self._step += 1
        self._mean = 0.9 * self._mean + 0.1 * slope
        self._square = 0.99 * self._square + 0.01 * slope * slope
        mean = self._mean / (1.0 - 0.9**self._step)
        deviation = np.sqrt(self._square / (1.0 - 0.99**self._step))
        falling = min(1.0, 2.0 * (1.0 - (self._step - 1) / self._steps))
        return (values - falling * self._rate * mean / (deviation + 1e-8)).astype(np.float32)


def relaxed_labels(logits: tf.Tensor, schema: Schema) -> tf.Tensor:
    """Maps logits to labels in -1..1 by a softmax over each group and a sigmoid for each tag.

    Args:
        logits: float32 [n, num_labels].
        schema: The attributes that the columns stand for.
    """
    parts = [
        2.0 * tf.nn.softmax(logits[:, slot.columns]) - 1.0
        if slot.is_group
        else tf.tanh(logits[:, slot.columns] / (1.0 if slot.is_scale else 2.0))
        for slot in schema.slots
    ]
    return tf.concat(parts, axis=1) if parts else tf.zeros_like(logits)


def definite_labels(labels: np.ndarray, schema: Schema) -> np.ndarray:
    """Returns the nearest labels of +1 and -1, with one +1 in each group: float32 [n, num_labels]."""
    definite = np.where(labels > 0, 1, -1).astype(np.float32)
    for column in schema.scales:
        values = np.round(labels[:, column] * (MIDDLE_BIN - 1)) / (MIDDLE_BIN - 1)
        definite[:, column] = np.where(values == 0, NEARLY_ZERO, values)
    for slot in schema.slots:
        if slot.is_group:
            definite[:, slot.columns] = -1
            definite[np.arange(len(labels)), slot.start + np.argmax(labels[:, slot.columns], axis=1)] = 1
    return definite


def neighbors(labels: np.ndarray, schema: Schema) -> np.ndarray:
    """Returns a label row, followed by all rows that differ from it in one attribute.

    Args:
        labels: float32 [num_labels] of +1 and -1, and values of scales.
        schema: The attributes that the columns stand for.

    Returns:
        float32 [1 + number of other values of all attributes, num_labels].
    """
    rows = [labels]
    for slot in schema.slots:
        for option in range(len(options(schema, slot))):
            row = with_value(labels[np.newaxis], slot, option)[0]
            if not np.array_equal(row, labels):
                rows.append(row)
    return np.stack(rows)
