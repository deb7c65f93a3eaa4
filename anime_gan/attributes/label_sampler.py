"""What people leave open: label rows drawn so that they look like the training set's.

Everything here is TensorFlow, so that the same code runs in the training step, in Python and inside an
exported graph. Randomness comes in as uniform numbers; nothing here holds a seed.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import tensorflow as tf

from anime_gan.attributes.schema import Schema

MAX_ROWS = 16_384


@dataclasses.dataclass(frozen=True)
class LabelRows:
    """The distinct label rows of a training set and how often each occurs.

    Attributes:
        rows: int8 [r, a] of +1, -1 and 0 (unknown).
        counts: int64 [r].
    """

    rows: np.ndarray
    counts: np.ndarray

    @classmethod
    def from_labels(cls, labels: np.ndarray, limit: int = MAX_ROWS) -> LabelRows:
        """Counts the distinct rows of `labels` (int8 [n, a]) and keeps the `limit` most frequent."""
        rows = np.ascontiguousarray(labels, np.int8)
        # Each row as one value: a tenth of the time of `np.unique(axis=0)`, seconds with a million rows.
        whole = rows.view(np.dtype((np.void, rows.shape[1]))).ravel()
        _, first, counts = np.unique(whole, return_index=True, return_counts=True)
        rows = rows[first]
        if len(rows) > limit:
            # `unique` sorts by value: cutting ties in that order would favour some attributes.
            shuffled = np.random.default_rng(0).permutation(len(rows))
            kept = np.sort(shuffled[np.argsort(-counts[shuffled], kind="stable")[:limit]])
            rows, counts = rows[kept], counts[kept]
        return cls(rows, counts.astype(np.int64))

    @classmethod
    def empty(cls) -> LabelRows:
        """Of a training set without labels."""
        return cls(np.zeros((0, 0), np.int8), np.zeros(0, np.int64))


class LabelSampler(tf.Module):
    """Completes partly given labels from a training set's distribution.

    Each attribute is seen as a choice between options: a group's values, or "on" and "off" for a tag.
    """

    def __init__(self, schema: Schema, distribution: LabelRows) -> None:
        """Prepares the tables.

        Args:
            schema: What the columns mean.
            distribution: The label rows to draw from.
        """
        super().__init__(name="label_sampler")
        slots = schema.slots
        self.num_slots = len(slots)
        options = max(slot.size if slot.is_group else 2 for slot in slots)
        width = sum(slot.size for slot in slots)
        meaning = np.zeros((len(slots), options, width), np.float32)
        exists = np.zeros((len(slots), options), np.float64)
        owner = np.zeros((len(slots), width), np.float32)
        for index, slot in enumerate(slots):
            owner[index, slot.columns] = 1
            if slot.is_group:
                meaning[index, : slot.size, slot.columns] = 2 * np.eye(slot.size) - 1
                exists[index, : slot.size] = 1
            else:
                meaning[index, :2, slot.start] = (1, -1)
                exists[index, :2] = 1
        # hides[a, t]: whether attribute column a, if asked for, cannot be seen beside column t.
        hides = np.zeros((width, width), np.float32)
        for hidden, hider in schema.hidden_by:
            hides[hidden.columns, hider] = 1
        rows = distribution.rows.astype(np.float32)
        has_option = np.einsum("ra,soa->rso", rows, meaning) >= owner.sum(1)[:, None]
        frequency = np.einsum("rso,r->so", has_option * exists, distribution.counts.astype(np.float64))

        # meaning[s, o]: the part of a label row that option o of attribute s stands for.
        self._meaning = tf.constant(meaning)
        self._exists = tf.constant(exists)
        self._owner = tf.constant(owner)
        self._hides = tf.constant(hides)
        self._frequency = tf.constant(frequency)
        # int8 in the graph: an export of 16,384 rows stays small.
        self._rows = tf.constant(distribution.rows, tf.int8)
        self._counts = tf.constant(distribution.counts, tf.float64)

    def independent(self, wanted: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        """Draws each attribute by itself, with its frequency in the training set.

        Args:
            wanted: float32 [n, a]: +1 must have, -1 must not have, 0 open.
            uniforms: float64 [n, attributes] in [0, 1).

        Returns:
            float32 [n, a] of +1 and -1, in agreement with `wanted`.
        """
        agreement = tf.einsum("na,soa->nso", wanted, self._meaning)
        asked = tf.einsum("na,sa->ns", tf.abs(wanted), self._owner)[..., tf.newaxis]
        allowed = tf.cast(agreement >= asked, tf.float64) * self._exists
        weights = allowed * self._frequency
        never_seen = tf.reduce_sum(weights, axis=-1, keepdims=True) <= 0
        option = _pick(tf.where(never_seen, allowed, weights), uniforms)
        chosen = tf.one_hot(option, self._meaning.shape[1], dtype=tf.float32)
        return tf.einsum("nso,soa->na", chosen, self._meaning)

    def fill(self, labels: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        """Keeps the attributes that are known and draws the others by themselves (see `independent`)."""
        drawn = self.independent(labels, uniforms)
        # A tag is known when it is not 0, a group when one of its values is +1.
        positive = tf.einsum("na,sa->ns", tf.cast(labels > 0, tf.float32), self._owner)
        single = tf.reduce_sum(self._owner, axis=-1) == 1
        nonzero = tf.einsum("na,sa->ns", tf.abs(labels), self._owner)
        known = tf.where(single, nonzero, positive)
        return tf.where(tf.einsum("ns,sa->na", known, self._owner) > 0, labels, drawn)

    def complete(self, wanted: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
        """Draws complete labels that agree with what was asked.

        A training row is drawn, by its count, among those that have everything that was asked; if there is
        none, among those that contradict nothing of it (in what they leave unknown); if there is none
        either, among those that agree with most of it. What was asked replaces what the row says, and what
        the row leaves unknown is drawn by itself. Asking for what closed eyes hide, say, opens the eyes.

        Args:
            wanted: float32 [n, a]: +1 must have, -1 must not have, 0 open.
            uniforms: float64 [n, 1 + attributes] in [0, 1): one number picks the row.

        Returns:
            float32 [n, a] of +1 and -1.
        """
        hidden = tf.matmul(tf.cast(wanted > 0, tf.float32), self._hides) > 0
        wanted = tf.where(tf.logical_and(hidden, tf.equal(wanted, 0)), -tf.ones_like(wanted), wanted)
        rows = tf.cast(self._rows, tf.float32)
        # In numbers of columns: same - opposite, and same + opposite.
        difference = tf.matmul(wanted, rows, transpose_b=True)
        compared = tf.matmul(tf.abs(wanted), tf.abs(rows), transpose_b=True)
        asked = tf.reduce_sum(tf.abs(wanted), axis=-1, keepdims=True)
        candidates = (
            difference >= asked,
            difference >= compared,
            difference >= tf.reduce_max(difference, axis=-1, keepdims=True),
        )
        exact, compatible, nearest = (tf.cast(rule, tf.float64) * self._counts for rule in candidates)
        weights = tf.where(_any(exact), exact, tf.where(_any(compatible), compatible, nearest))
        row = tf.gather(rows, _pick(weights, uniforms[:, 0]))
        # Where the row contradicts, it says nothing of the whole attribute.
        clash = tf.einsum("na,sa->ns", tf.cast(wanted * row < 0, tf.float32), self._owner)
        clash = tf.einsum("ns,sa->na", clash, self._owner) > 0
        known = tf.where(tf.logical_or(clash, tf.not_equal(wanted, 0)), wanted, row)
        return self.fill(known, uniforms[:, 1:])


def _any(weights: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(weights, axis=-1, keepdims=True) > 0


def _pick(weights: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Picks an index with probability proportional to its weight (inverse of the cumulative sum).

    Args:
        weights: float64 [..., k], not negative.
        uniforms: float64 [...] in [0, 1).

    Returns:
        int64 [...].
    """
    cumulative = tf.cumsum(weights, axis=-1)
    threshold = uniforms[..., tf.newaxis] * cumulative[..., -1:]
    return tf.argmax(tf.cast(cumulative > threshold, tf.int8), axis=-1)
