"""Draws latent vectors and labels from seeds, for each face independently of the rest of its batch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anime_gan.attributes.label_sampler import LabelSampler
from anime_gan.attributes.phrases import NORMALIZATION
from anime_gan.attributes.schema import AMBIGUOUS_PHRASE, UNKNOWN_PHRASE, Schema
from anime_gan.common.backend import tf

# Second word of the stateless seed: separate random streams for latent vectors and labels.
LATENT_STREAM = 0
LABEL_STREAM = 1


class FaceInputs(NamedTuple):
    """The inputs of a generator for n faces.

    Attributes:
        latents: float32 [n, latent_dim], standard normal, scaled by the truncation.
        labels: float32 [n, num_labels], each +1 or -1.
    """

    latents: tf.Tensor
    labels: tf.Tensor


def latents_from_seeds(seeds: tf.Tensor, latent_dim: int) -> tf.Tensor:
    """Draws a standard normal latent vector for each seed.

    Args:
        seeds: int64 [n].
        latent_dim: Length of a latent vector.

    Returns:
        float32 [n, latent_dim].
    """

    def draw(seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_normal([latent_dim], tf.stack([seed, LATENT_STREAM]), alg="philox")

    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec([latent_dim], tf.float32))


def uniforms_from_seeds(seeds: tf.Tensor, count: int) -> tf.Tensor:
    """Draws uniform numbers in [0, 1) for the label sampler, one row for each seed: float64 [n, count]."""

    def draw(seed: tf.Tensor) -> tf.Tensor:
        pair = tf.stack([seed, LABEL_STREAM])
        return tf.random.stateless_uniform([count], pair, dtype=tf.float64, alg="philox")

    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec([count], tf.float64))


class RequestReader(tf.Module):
    """`Schema.parse` as a TensorFlow graph: parses attribute text inside the SavedModel.

    It uses the same normalization rules and the same phrase table as the Python version.
    """

    def __init__(self, schema: Schema) -> None:
        super().__init__(name="request_reader")
        phrases = list(schema.phrase_codes)
        self._codes = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(phrases), tf.constant([schema.phrase_codes[p] for p in phrases], tf.int64)
            ),
            default_value=UNKNOWN_PHRASE,
        )
        self._effects = tf.constant(schema.phrase_effects, tf.float32)
        group_columns = np.zeros((len(schema.groups), schema.num_labels), np.float32)
        for row, slot in enumerate(slot for slot in schema.slots if slot.is_group):
            group_columns[row, slot.columns] = 1
        self._group_columns = tf.constant(group_columns)

    def __call__(self, attributes: tf.Tensor) -> tf.Tensor:
        """Parses requests.

        Args:
            attributes: string [n], phrases separated by commas.

        Returns:
            float32 [n, num_labels]: +1 for present, -1 for absent, 0 for open.

        Raises:
            tf.errors.InvalidArgumentError: A phrase is unknown or ambiguous, or phrases contradict each
                other. The message quotes them.
        """
        text = tf.strings.lower(attributes)
        for pattern, replacement in NORMALIZATION:
            text = tf.strings.regex_replace(text, pattern, replacement)
        split = tf.strings.split(text, sep=",")
        phrases = split.flat_values
        codes = self._codes.lookup(phrases)
        checks = [
            _refuse(codes == UNKNOWN_PHRASE, "unknown attribute", phrases),
            _refuse(codes == AMBIGUOUS_PHRASE, "ambiguous attribute", phrases),
        ]
        with tf.control_dependencies(checks):
            effects = tf.gather(self._effects, tf.maximum(codes, 0))
        rows, count = split.value_rowids(), split.nrows()
        must = tf.math.unsorted_segment_max(tf.maximum(effects, 0), rows, count)
        must_not = tf.math.unsorted_segment_max(tf.maximum(-effects, 0), rows, count)
        # No segment is empty: an empty request consists of one empty phrase.
        clash = tf.reduce_any(must * must_not > 0, axis=-1)
        size = tf.reduce_sum(self._group_columns, axis=-1)
        ruled_out = tf.matmul(must_not, self._group_columns, transpose_b=True) >= size
        clash = tf.logical_or(clash, tf.reduce_any(ruled_out, axis=-1))
        with tf.control_dependencies([_refuse(clash, "contradiction in", attributes)]):
            return must - must_not


class FaceSampler(tf.Module):
    """Turns seeds and requests into latent vectors and complete labels."""

    def __init__(self, schema: Schema, labels: LabelSampler | None, latent_dim: int) -> None:
        """Combines a request reader with a label sampler.

        Args:
            schema: The attributes that can be requested; may be empty.
            labels: Draws the attributes that a request leaves open; None if the schema is empty.
            latent_dim: Length of a latent vector.
        """
        super().__init__(name="face_sampler")
        self._latent_dim = latent_dim
        self._labels = labels
        self._reader = RequestReader(schema)

    def __call__(self, attributes: tf.Tensor, seeds: tf.Tensor, truncation: tf.Tensor) -> FaceInputs:
        """Draws the inputs of n faces.

        Args:
            attributes: string [n], requests as typed.
            seeds: int64 [n].
            truncation: float32 [n] in (0, 1], the scale of the latent vectors; 1 = no truncation.
        """
        latents = latents_from_seeds(seeds, self._latent_dim) * truncation[:, tf.newaxis]
        wanted = self._reader(attributes)
        if self._labels is None:
            return FaceInputs(latents, wanted)
        uniforms = uniforms_from_seeds(seeds, 1 + self._labels.num_slots)
        return FaceInputs(latents, self._labels.complete(wanted, uniforms))


def _refuse(bad: tf.Tensor, what: str, words: tf.Tensor) -> tf.Operation:
    """Returns an assertion that fails if any element of `bad` is true, and quotes the first such word."""
    first = tf.strings.reduce_join(tf.boolean_mask(words, bad)[:1])
    message = tf.strings.join([what, " '", first, "'; see attributes.json beside the model"])
    return tf.debugging.Assert(tf.logical_not(tf.reduce_any(bad)), [message])
