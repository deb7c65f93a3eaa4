"""The label rows of a training set, and the tables from which label samplers draw open attributes."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np

from anime_gan.attributes.scales import BINS, decoded
from anime_gan.attributes.schema import Schema

MAX_ROWS = 16_384
# Rows that are compared at once.
BLOCK = 2**12


@dataclasses.dataclass(frozen=True)
class LabelRows:
    """The distinct label rows of a training set and their counts.

    Attributes:
        rows: int8 [r, a] of +1, -1, and 0 (unknown), and bins of scales.
        counts: int64 [r].
    """

    rows: np.ndarray
    counts: np.ndarray

    @classmethod
    def from_labels(cls, labels: np.ndarray, limit: int = MAX_ROWS) -> LabelRows:
        """Counts the distinct rows of `labels`, int8 [n, a], and keeps the `limit` most frequent ones."""
        rows = np.ascontiguousarray(labels, np.int8)
        # Comparing each row as one value is ten times as fast as `np.unique(axis=0)`.
        whole = rows.view(np.dtype((np.void, rows.shape[1]))).ravel()
        first, counts = _distinct(whole)
        if len(first) > limit:
            # They are sorted by value. Dropping ties in that order would favor some attributes.
            shuffled = np.random.default_rng(0).permutation(len(first))
            kept = np.sort(shuffled[np.argsort(-counts[shuffled], kind="stable")[:limit]])
            first, counts = first[kept], counts[kept]
        return cls(rows[first], counts)

    @classmethod
    def empty(cls) -> LabelRows:
        """Returns the rows of a training set without labels."""
        return cls(np.zeros((0, 0), np.int8), np.zeros(0, np.int64))


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns where each distinct value, in ascending order, comes first, and how often: both int64 [d].

    `np.unique` does the same with several copies of all values, too much for the labels of 10^8 images.
    """
    order = np.argsort(values, kind="stable")
    is_new = np.ones(len(order), bool)
    for start in range(1, len(order), BLOCK):
        block = values[order[start - 1 : start + BLOCK]]
        is_new[start : start + BLOCK] = block[1:] != block[:-1]
    places = np.flatnonzero(is_new)
    return order[places], np.diff(places, append=len(order))


class LabelTables:
    """The options of each attribute: the values of a group, or "on" and "off" for a tag, bins of a scale.

    Attributes:
        distribution: The label rows to sample from.
        scale_columns: The label columns of scales.
        is_scale: float32 [columns]: 1 for these columns, else 0.
        meaning: float32 [slots, options, columns]: the label row of an option, with zeros for other
            attributes.
        exists: float64 [slots, options]: 1 for an option that the attribute has, else 0.
        owner: float32 [slots, columns]: 1 if the column belongs to the attribute, else 0.
        hides: float32 [columns, columns]: hides[a, t] is 1 if column t hides column a, else 0.
    """

    def __init__(self, schema: Schema, distribution: LabelRows) -> None:
        """Builds the tables.

        Args:
            schema: The meaning of the label columns.
            distribution: The label rows to sample from.
        """
        slots = schema.slots
        options = max(slot.size if slot.is_group else BINS if slot.is_scale else 2 for slot in slots)
        width = schema.num_labels
        self.distribution = distribution
        self.scale_columns = list(schema.scales)
        self.is_scale = np.isin(np.arange(width), self.scale_columns).astype(np.float32)
        self._scale_slots = [(i, slot.start) for i, slot in enumerate(slots) if slot.is_scale]
        self.meaning = np.zeros((len(slots), options, width), np.float32)
        self.exists = np.zeros((len(slots), options), np.float64)
        self.owner = np.zeros((len(slots), width), np.float32)
        for index, slot in enumerate(slots):
            self.owner[index, slot.columns] = 1
            if slot.is_group:
                self.meaning[index, : slot.size, slot.columns] = 2 * np.eye(slot.size) - 1
                self.exists[index, : slot.size] = 1
            elif slot.is_scale:
                bins = np.arange(1, BINS + 1)[:, np.newaxis]
                self.meaning[index, :BINS, slot.start] = decoded(bins, [0])[:, 0]
                self.exists[index, :BINS] = 1
            else:
                self.meaning[index, :2, slot.start] = (1, -1)
                self.exists[index, :2] = 1
        self.hides = np.zeros((width, width), np.float32)
        for hidden, hider in schema.hidden_by:
            self.hides[hidden.columns, hider] = 1

    @functools.cached_property
    def rows(self) -> np.ndarray:
        """The label rows with the values of scales: float32 [r, columns]."""
        return decoded(self.distribution.rows, self.scale_columns)

    @functools.cached_property
    def frequency(self) -> np.ndarray:
        """How often each option occurs in the label rows: float64 [slots, options]."""
        rows = self.distribution.rows.astype(np.float32)
        slots, options, width = self.meaning.shape
        agreement = (rows @ self.meaning.reshape(-1, width).T).reshape(-1, slots, options)
        has_option = agreement >= self.owner.sum(1)[:, None]
        for index, column in self._scale_slots:
            has_option[:, index, :BINS] = rows[:, column, np.newaxis] == np.arange(1, BINS + 1)
        counts = self.distribution.counts.astype(np.float64)
        return np.tensordot(counts, has_option * self.exists, axes=1)
