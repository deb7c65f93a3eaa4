"""Fills in labels that a request leaves open by sampling from the training set's distribution.

The module uses TensorFlow, so that the same code runs in the training step, in Python, and in an exported
graph. The caller passes random numbers; no seed is stored here.
"""

from __future__ import annotations

from anime_gan.attributes.label_rows import LabelRows, LabelTables
from anime_gan.attributes.scales import MIDDLE_BIN, NEARLY_ZERO, SAME_BIN
from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import tf

__all__ = ["LabelRows", "LabelSampler"]


class LabelSampler(tf.Module):
    """Completes partial labels by sampling from the label distribution of a training set.

    Each attribute is a choice between options: the values of a group, "on" and "off" for a tag, or bins of
    a scale.
    """

    def __init__(self, schema: Schema, distribution: LabelRows) -> None:
        """Builds the tables of options and their frequencies.

        Args:
            schema: The meaning of the label columns.
            distribution: The label rows to sample from.
        """
        super().__init__(name="label_sampler")
        tables = LabelTables(schema, distribution)
        self.num_slots = len(schema.slots)
        self._meaning = tf.constant(tables.meaning)
        self._exists = tf.constant(tables.exists)
        self._owner = tf.constant(tables.owner)
        self._hides = tf.constant(tables.hides)
        self._frequency = tf.constant(tables.frequency)
        self._scale_columns = tables.scale_columns
        self._is_scale = tf.constant(tables.is_scale) if tables.scale_columns else None
        # int8 keeps an export with 16,384 rows small.
        self._rows = tf.constant(distribution.rows, tf.int8)
        self._counts = tf.constant(distribution.counts, tf.float64)

    def decode(self, labels: tf.Tensor) -> tf.Tensor:
        """Turns stored label rows, int8 [n, a], into float32 rows; see `Schema.decode`."""
        rows = tf.cast(labels, tf.float32)
        if self._is_scale is None:
            return rows
        values = (rows - MIDDLE_BIN) / (MIDDLE_BIN - 1)
        values = tf.where(values == 0, NEARLY_ZERO, values)
        return tf.where(tf.logical_and(self._is_scale > 0, labels != 0), values, rows)

    def independent(self, wanted: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        """Samples each attribute independently by its frequencies in the training set.

        Args:
            wanted: float32 [n, a]: +1 for present, -1 for absent, 0 for open.
            uniforms: float64 [n, attributes] in [0, 1).

        Returns:
            float32 [n, a] of +1 and -1, and values of scales, consistent with `wanted`.
        """
        if self._is_scale is not None:
            # `fill` keeps the value that is requested for a scale.
            wanted *= 1.0 - self._is_scale
        agreement = tf.einsum("na,soa->nso", wanted, self._meaning)
        asked = tf.einsum("na,sa->ns", tf.abs(wanted), self._owner)[..., tf.newaxis]
        allowed = tf.cast(agreement >= asked, tf.float64) * self._exists
        weights = allowed * self._frequency
        never_seen = tf.reduce_sum(weights, axis=-1, keepdims=True) <= 0
        option = _pick(tf.where(never_seen, allowed, weights), uniforms)
        chosen = tf.one_hot(option, self._meaning.shape[1], dtype=tf.float32)
        return tf.einsum("nso,soa->na", chosen, self._meaning)

    def fill(self, labels: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        """Keeps the known attributes of `labels` and samples the others independently (see `independent`).

        Args:
            labels: float32 [n, a] of +1, -1, and 0 (unknown).
            uniforms: float64 [n, attributes] in [0, 1).

        Returns:
            float32 [n, a] of +1 and -1, and values of scales.
        """
        drawn = self.independent(labels, uniforms)
        # A tag is known if it is not 0; a group is known if one of its values is +1.
        positive = tf.einsum("na,sa->ns", tf.cast(labels > 0, tf.float32), self._owner)
        single = tf.reduce_sum(self._owner, axis=-1) == 1
        nonzero = tf.einsum("na,sa->ns", tf.abs(labels), self._owner)
        known = tf.where(single, nonzero, positive)
        return tf.where(tf.einsum("ns,sa->na", known, self._owner) > 0, labels, drawn)

    def complete(self, wanted: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        """Samples complete labels that agree with a request.

        A training row is sampled, in proportion to its count, from the rows that have all requested
        attributes. If there is no such row, it is sampled from the rows that do not contradict the request;
        an unknown attribute is no contradiction. If there is no such row either, it is sampled from the rows
        that match the request best.

        The requested attributes then replace the attributes of the row. Attributes that the row leaves
        unknown are sampled independently. A requested attribute turns off the attributes that would hide it:
        requesting an eye color opens closed eyes.

        Args:
            wanted: float32 [n, a]: +1 for present, -1 for absent, 0 for open; others are strengths or scales.
            uniforms: float64 [n, 1 + attributes] in [0, 1); the first number selects the row.

        Returns:
            float32 [n, a] of +1 and -1, and values of scales.
        """
        hidden = tf.matmul(tf.cast(wanted > 0, tf.float32), self._hides) > 0
        wanted = tf.where(tf.logical_and(hidden, tf.equal(wanted, 0)), -tf.ones_like(wanted), wanted)
        rows = self.decode(self._rows)
        # `difference` counts equal minus opposite columns; `compared` counts equal plus opposite columns.
        side, of_rows = tf.sign(wanted), tf.sign(rows)
        asked = tf.reduce_sum(tf.abs(side), axis=-1, keepdims=True)
        compared = tf.matmul(tf.abs(side), tf.abs(of_rows), transpose_b=True)
        if self._is_scale is not None:
            side *= 1.0 - self._is_scale
        difference = tf.matmul(side, of_rows, transpose_b=True)
        for column in self._scale_columns:
            # Equal means in the same bin.
            value, known = wanted[:, column, tf.newaxis], rows[tf.newaxis, :, column]
            both = tf.logical_and(value != 0, known != 0)
            equal = tf.where(tf.abs(value - known) <= SAME_BIN, 1.0, -1.0)
            difference += tf.where(both, equal, 0.0)
        candidates = (
            difference >= asked,
            difference >= compared,
            difference >= tf.reduce_max(difference, axis=-1, keepdims=True),
        )
        exact, compatible, nearest = (tf.cast(rule, tf.float64) * self._counts for rule in candidates)
        weights = tf.where(_any(exact), exact, tf.where(_any(compatible), compatible, nearest))
        row = tf.gather(rows, _pick(weights, uniforms[:, 0]))
        # If one column of an attribute contradicts the request, the row's whole attribute is ignored.
        clash = tf.einsum("na,sa->ns", tf.cast(wanted * row < 0, tf.float32), self._owner)
        clash = tf.einsum("ns,sa->na", clash, self._owner) > 0
        known = tf.where(tf.logical_or(clash, tf.not_equal(wanted, 0)), wanted, row)
        return self.fill(known, uniforms[:, 1:])


def _any(weights: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(weights, axis=-1, keepdims=True) > 0


def _pick(weights: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Samples an index with probability proportional to its weight, by inverting the cumulative sum.

    Args:
        weights: float64 [..., k], nonnegative.
        uniforms: float64 [...] in [0, 1).

    Returns:
        int64 [...].
    """
    cumulative = tf.cumsum(weights, axis=-1)
    threshold = uniforms[..., tf.newaxis] * cumulative[..., -1:]
    return tf.argmax(tf.cast(cumulative > threshold, tf.int8), axis=-1)
