"""Draws latent vectors and labels from seeds, for each face independently of the rest of its batch."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from anime_gan.attributes.label_sampler import LabelSampler
from anime_gan.attributes.phrases import NORMALIZATION
from anime_gan.attributes.scales import LIMIT, NEARLY_ZERO, NUMBER, PLACE
from anime_gan.attributes.schema import AMBIGUOUS_PHRASE, UNKNOWN_PHRASE, Schema
from anime_gan.common.backend import tf
from anime_gan.exports.streams import LABEL_STREAM, LATENT_STREAM

# The code of a phrase whose number is out of range.
OUT_OF_RANGE = -3
# Less than any label.
NOTHING = -2.0


class FaceInputs(NamedTuple):
    """The inputs of a generator for n faces.

    Attributes:
        latents: float32 [n, latent_dim], standard normal, scaled by the truncation.
        labels: float32 [n, num_labels], each +1 or -1, or in between for scales and strengths.
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
        forms = list(schema.number_forms.values())
        self._forms = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                # A table cannot be empty; no phrase has the empty form.
                tf.constant([*schema.number_forms, ""], tf.string),
                tf.range(len(forms) + 1, dtype=tf.int64),
            ),
            default_value=UNKNOWN_PHRASE,
        )
        # One more form, without an effect, is for phrases without a number.
        self._factors = tf.constant([*((form.factor, form.offset) for form in forms), (0, 0)], tf.float64)
        self._signed = tf.constant([*(form.signed for form in forms), True])
        self._columns = tf.constant([*(form.column for form in forms), -1], tf.int32)
        self._num_labels = schema.num_labels
        group_columns = np.zeros((len(schema.groups), schema.num_labels), np.float32)
        for row, slot in enumerate(slot for slot in schema.slots if slot.is_group):
            group_columns[row, slot.columns] = 1
        self._group_columns = tf.constant(group_columns)

    def __call__(self, attributes: tf.Tensor) -> Checked:
        """Parses requests.

        Args:
            attributes: string [n], phrases separated by commas.

        Returns:
            As `values`, float32 [n, num_labels]: +1 for present, -1 for absent, 0 for open, and numbers in
            between. An error says that a phrase is unknown or ambiguous, that its number is out of range, or
            that phrases contradict each other, and quotes them.
        """
        text = tf.strings.lower(attributes)
        for pattern, replacement in NORMALIZATION:
            text = tf.strings.regex_replace(text, pattern, replacement)
        split = tf.strings.split(text, sep=",")
        phrases = split.flat_values
        codes = self._codes.lookup(phrases)
        codes, numbers = self._numbers(phrases, codes)
        effects = tf.gather(self._effects, tf.maximum(codes, 0)) + numbers
        rows, count = split.value_rowids(), split.nrows()
        # No segment is empty: an empty request consists of one empty phrase.
        said = effects != 0
        most = tf.math.unsorted_segment_max(tf.where(said, effects, NOTHING), rows, count)
        least = -tf.math.unsorted_segment_max(tf.where(said, -effects, NOTHING), rows, count)
        wanted = tf.where(most == NOTHING, 0.0, most)
        clash = tf.reduce_any(tf.logical_and(wanted != 0, least != most), axis=-1)
        size = tf.reduce_sum(self._group_columns, axis=-1)
        ruled_out = tf.matmul(tf.maximum(-wanted, 0), self._group_columns, transpose_b=True) >= size
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
            quoted(OUT_OF_RANGE, "out of range:"),
            _error_where(clash, "contradiction in", attributes),
        )
        return Checked(wanted, errors)

    def _numbers(self, phrases: tf.Tensor, codes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Reads the phrases that are unknown but contain a number, such as `smile 40%`.

        Args:
            phrases: string [k].
            codes: int64 [k], the codes of the phrases.

        Returns:
            The codes, in which a phrase with a number has the code of an empty phrase or an error, and the
            effects of the numbers, float32 [k, num_labels].
        """
        candidate = tf.logical_and(codes == UNKNOWN_PHRASE, tf.strings.regex_full_match(phrases, NUMBER))
        # These have exactly one form, the last one, and the number 0.
        safe = tf.where(candidate, phrases, " 0")
        form = self._forms.lookup(tf.strings.regex_replace(safe, NUMBER, rf"\1{PLACE}\4"))
        sign = tf.strings.regex_replace(safe, NUMBER, r"\2")
        number = tf.strings.to_number(tf.strings.regex_replace(safe, NUMBER, r"\3"), tf.float64)
        negative = tf.logical_or(sign == "-", sign == "!")
        chosen = tf.where(form >= 0, form, tf.size(self._columns, tf.int64) - 1)
        allowed = tf.logical_or(sign == "", tf.gather(self._signed, chosen))
        found = tf.logical_and(tf.logical_and(candidate, form >= 0), allowed)
        factor, offset = tf.unstack(tf.gather(self._factors, chosen), axis=1)
        value = tf.where(negative, -number, number) * factor + offset
        in_range = tf.abs(value) <= LIMIT
        label = tf.cast(tf.clip_by_value(value, -1.0, 1.0), tf.float32)
        label = tf.where(label == 0, NEARLY_ZERO, label)
        used = tf.logical_and(found, in_range)
        columns = tf.where(used, tf.gather(self._columns, chosen), -1)
        empty = tf.constant(2 * self._num_labels, tf.int64)
        codes = tf.where(found, tf.where(in_range, empty, OUT_OF_RANGE), codes)
        return codes, tf.one_hot(columns, self._num_labels) * label[:, tf.newaxis]


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
