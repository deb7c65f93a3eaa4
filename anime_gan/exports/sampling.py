"""Draws latent vectors and labels from seeds, for each face independently of the rest of its batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from anime_gan.attributes.label_sampler import LabelSampler
from anime_gan.attributes.phrases import NORMALIZATION
from anime_gan.attributes.schema import AMBIGUOUS_PHRASE, UNKNOWN_PHRASE, Schema
from anime_gan.common.backend import tf
from anime_gan.exports.streams import LABEL_STREAM, LATENT_STREAM


class FaceInputs(NamedTuple):
    """The inputs of a generator for n faces.

    Attributes:
        latents: float32 [n, latent_dim], standard normal, scaled by the truncation.
        labels: float32 [n, num_labels], each +1 or -1.
    """

    latents: tf.Tensor
    labels: tf.Tensor


class Checked(NamedTuple):
    """Values of n rows, and what is wrong with a row.

    Attributes:
        values: A tensor or a structure of tensors.
        errors: string [n], empty where nothing is wrong.
    """

    values: Any
    errors: tf.Tensor


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

    def __call__(self, attributes: tf.Tensor) -> Checked:
        """Parses requests.

        Args:
            attributes: string [n], phrases separated by commas.

        Returns:
            As `values`, float32 [n, num_labels]: +1 for present, -1 for absent, 0 for open. An error says
            that a phrase is unknown or ambiguous, or that phrases contradict each other, and quotes them.
        """
        text = tf.strings.lower(attributes)
        for pattern, replacement in NORMALIZATION:
            text = tf.strings.regex_replace(text, pattern, replacement)
        split = tf.strings.split(text, sep=",")
        phrases = split.flat_values
        codes = self._codes.lookup(phrases)
        effects = tf.gather(self._effects, tf.maximum(codes, 0))
        rows, count = split.value_rowids(), split.nrows()
        must = tf.math.unsorted_segment_max(tf.maximum(effects, 0), rows, count)
        must_not = tf.math.unsorted_segment_max(tf.maximum(-effects, 0), rows, count)
        # No segment is empty: an empty request consists of one empty phrase.
        clash = tf.reduce_any(must * must_not > 0, axis=-1)
        size = tf.reduce_sum(self._group_columns, axis=-1)
        ruled_out = tf.matmul(must_not, self._group_columns, transpose_b=True) >= size
        clash = tf.logical_or(clash, tf.reduce_any(ruled_out, axis=-1))

        def quoted(code: int, what: str) -> tf.Tensor:
            """Returns an error for each row with this code, which quotes the row's first such phrase."""
            bad = codes == code
            found = tf.RaggedTensor.from_value_rowids(phrases[bad], rows[bad], count)
            first = tf.strings.reduce_join(found[:, :1], axis=1)
            return _error_where(found.row_lengths() > 0, what, first)

        errors = first_error(
            quoted(UNKNOWN_PHRASE, "unknown attribute"),
            quoted(AMBIGUOUS_PHRASE, "ambiguous attribute"),
            _error_where(clash, "contradiction in", attributes),
        )
        return Checked(must - must_not, errors)


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

    def __call__(self, attributes: tf.Tensor, seeds: tf.Tensor, truncation: tf.Tensor) -> Checked:
        """Draws the inputs of n faces.

        Args:
            attributes: string [n], requests as typed.
            seeds: int64 [n], 0 or more.
            truncation: float32 [n] in (0, 1], the scale of the latent vectors; 1 = no truncation.

        Returns:
            `FaceInputs` as `values`. A row with an error gets the inputs of an empty request.
        """
        sizes = check_sizes(attributes=attributes, seed=seeds, truncation=truncation)
        count = sizes.values
        attributes, seeds = fitted(attributes, count, ""), fitted(seeds, count, 0)
        truncation = fitted(truncation, count, 1.0)
        wanted = self._reader(attributes)
        in_range = tf.logical_and(truncation > 0.0, truncation <= 1.0)
        errors = first_error(
            sizes.errors,
            wanted.errors,
            tf.where(seeds < 0, "the seed must be 0 or more", ""),
            # A comparison with NaN is false.
            tf.where(in_range, "", "the truncation must be a number above 0 and at most 1"),
        )
        good = errors == ""
        truncation = tf.where(good, truncation, 1.0)
        latents = latents_from_seeds(seeds, self._latent_dim) * truncation[:, tf.newaxis]
        labels = tf.where(good[:, tf.newaxis], wanted.values, 0.0)
        if self._labels is not None:
            uniforms = uniforms_from_seeds(seeds, 1 + self._labels.num_slots)
            labels = self._labels.complete(labels, uniforms)
        return Checked(FaceInputs(latents, labels), errors)


def check_inputs(latents: tf.Tensor, labels: tf.Tensor) -> Checked:
    """Checks the inputs of a generator.

    Args:
        latents: float32 [n, latent_dim], finite.
        labels: float32 [n, num_labels] in -1..1.

    Returns:
        `FaceInputs` as `values`. A row with an error contains zeros.
    """
    sizes = check_sizes(latents=latents, labels=labels)
    latents, labels = fitted(latents, sizes.values, 0.0), fitted(labels, sizes.values, 0.0)
    finite = tf.reduce_all(tf.math.is_finite(latents), axis=1)
    in_range = tf.reduce_all(tf.abs(labels) <= 1.0, axis=1)
    errors = first_error(
        sizes.errors,
        tf.where(finite, "", "the latent vector must contain finite numbers"),
        tf.where(in_range, "", "the labels must be numbers from -1 to 1"),
    )
    good = (errors == "")[:, tf.newaxis]
    return Checked(FaceInputs(tf.where(good, latents, 0.0), tf.where(good, labels, 0.0)), errors)


def check_sizes(**inputs: tf.Tensor) -> Checked:
    """Checks that all inputs have the same number of rows.

    Returns:
        The largest number of rows, an int32 scalar, as `values`. If the numbers differ, each row has an error
        that names them.
    """
    sizes = {name: tf.shape(values)[0] for name, values in inputs.items()}
    count = tf.reduce_max(list(sizes.values()))
    words = [part for name, size in sizes.items() for part in (f", {name} ", tf.strings.as_string(size))]
    message = tf.strings.join(["the inputs have different numbers of rows", *words])
    same = tf.reduce_all(tf.equal(list(sizes.values()), count))
    return Checked(count, tf.fill([count], tf.where(same, "", message)))


def refuse_errors(checked: Checked) -> tf.Tensor:
    """Returns the values; fails at run time with the first error, if there is any.

    Raises:
        tf.errors.InvalidArgumentError: A row has an error.
    """
    first = tf.strings.reduce_join(tf.boolean_mask(checked.errors, checked.errors != "")[:1])
    with tf.control_dependencies([tf.debugging.Assert(tf.reduce_all(checked.errors == ""), [first])]):
        return tf.nest.map_structure(tf.identity, checked.values)


def first_error(*errors: tf.Tensor) -> tf.Tensor:
    """Returns the first error of each row; errors are string [n], and empty where there is none."""
    first, *others = errors
    for more in others:
        first = tf.where(first == "", more, first)
    return first


def fitted(values: tf.Tensor, count: tf.Tensor, fill: object) -> tf.Tensor:
    """Appends rows of a constant, up to `count` rows."""
    shape = tf.concat([[count - tf.shape(values)[0]], tf.shape(values)[1:]], axis=0)
    fitted = tf.concat([values, tf.fill(shape, tf.constant(fill, values.dtype))], axis=0)
    return tf.ensure_shape(fitted, [None, *values.shape[1:]])


def _error_where(bad: tf.Tensor, what: str, words: tf.Tensor) -> tf.Tensor:
    """Returns an error for each row that is bad, which quotes the row's words: string [n]."""
    message = tf.strings.join([what, " '", words, "'; see attributes.json beside the model"])
    return tf.where(bad, message, "")
