"""Latents and labels from seeds: the same seed gives the same face, whatever stands beside it in a batch."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from anime_gan.attributes.label_sampler import LabelSampler
from anime_gan.attributes.phrases import NORMALIZATION
from anime_gan.attributes.schema import AMBIGUOUS_PHRASE, UNKNOWN_PHRASE, Schema

# The second word of a stateless seed says what the numbers are for, so that no two uses share a stream.
LATENT_STREAM = 0
LABEL_STREAM = 1


class FaceInputs(NamedTuple):
    """What a generator needs for n faces.

    Attributes:
        latents: float32 [n, latent_dim], standard normal, times the truncation.
        labels: float32 [n, num_labels] of +1 and -1.
    """

    latents: tf.Tensor
    labels: tf.Tensor


def latents_from_seeds(seeds: tf.Tensor, latent_dim: int) -> tf.Tensor:
    """Standard normal latents, one row a seed.

    Args:
        seeds: int64 [n].
        latent_dim: Width of a row.

    Returns:
        float32 [n, latent_dim].
    """

    def draw(seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_normal([latent_dim], tf.stack([seed, LATENT_STREAM]), alg="philox")

    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec([latent_dim], tf.float32))


def uniforms_from_seeds(seeds: tf.Tensor, count: int) -> tf.Tensor:
    """Uniform numbers in [0, 1) for drawing labels: float64 [n, count], one row a seed."""

    def draw(seed: tf.Tensor) -> tf.Tensor:
        pair = tf.stack([seed, LABEL_STREAM])
        return tf.random.stateless_uniform([count], pair, dtype=tf.float64, alg="philox")

    return tf.map_fn(draw, seeds, fn_output_signature=tf.TensorSpec([count], tf.float64))


class RequestReader(tf.Module):
    """`Schema.parse` as a graph: reads what people type inside a SavedModel.

    It runs the same normalization rules and the same phrase table as Python does.
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
        """Reads requests.

        Args:
            attributes: string [n], phrases separated by commas.

        Returns:
            float32 [n, num_labels]: +1 must have, -1 must not have, 0 open.

        Raises:
            tf.errors.InvalidArgumentError: A phrase is unknown or ambiguous, or phrases contradict each
                other; the message names them.
        """
        text = tf.strings.lower(attributes)
        for pattern, replacement in NORMALIZATION:
            text = tf.strings.regex_replace(text, pattern, replacement)
        split = tf.strings.split(text, sep=",")
        phrases = tf.strings.regex_replace(split.flat_values, "^ +| +$", "")
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
        # Every request has at least the empty phrase, so no segment is empty.
        clash = tf.reduce_any(must * must_not > 0, axis=-1)
        size = tf.reduce_sum(self._group_columns, axis=-1)
        ruled_out = tf.matmul(must_not, self._group_columns, transpose_b=True) >= size
        clash = tf.logical_or(clash, tf.reduce_any(ruled_out, axis=-1))
        with tf.control_dependencies([_refuse(clash, "contradiction in", attributes)]):
            return must - must_not


class FaceSampler(tf.Module):
    """From seeds and requests to latents and complete labels."""

    def __init__(self, schema: Schema, labels: LabelSampler | None, latent_dim: int) -> None:
        """Ties the reader and the label sampler together.

        Args:
            schema: What may be asked for; may be empty.
            labels: Draws what is left open; None when the schema is empty.
            latent_dim: Width of a latent row.
        """
        super().__init__(name="face_sampler")
        self._latent_dim = latent_dim
        self._num_labels = schema.num_labels
        self._labels = labels
        self._reader = RequestReader(schema)

    def __call__(self, attributes: tf.Tensor, seeds: tf.Tensor, truncation: tf.Tensor) -> FaceInputs:
        """Draws the inputs of n faces.

        Args:
            attributes: string [n], requests as typed.
            seeds: int64 [n].
            truncation: float32 [n] in (0, 1]: latents are scaled by it; 1 is off.
        """
        latents = latents_from_seeds(seeds, self._latent_dim) * truncation[:, tf.newaxis]
        wanted = self._reader(attributes)
        if self._labels is None:
            return FaceInputs(latents, wanted)
        uniforms = uniforms_from_seeds(seeds, 1 + self._labels.num_slots)
        return FaceInputs(latents, self._labels.complete(wanted, uniforms))


def to_uint8(images: tf.Tensor) -> tf.Tensor:
    """Turns images in [-1, 1] into uint8 pixels, rounding to the nearest."""
    return tf.cast(tf.round(tf.clip_by_value(images, -1.0, 1.0) * 127.5 + 127.5), tf.uint8)


def _refuse(bad: tf.Tensor, what: str, words: tf.Tensor) -> tf.Operation:
    """An assertion that fails, naming the first bad word, if any element of `bad` is true."""
    first = tf.strings.reduce_join(tf.boolean_mask(words, bad)[:1])
    message = tf.strings.join([what, " '", first, "'; see attributes.json beside the model"])
    return tf.debugging.Assert(tf.logical_not(tf.reduce_any(bad)), [message])
