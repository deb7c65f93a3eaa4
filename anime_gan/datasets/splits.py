"""Splits a dataset into training images, test images, and images of held-out combinations."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anime_gan.attributes.schema import AttributeRequestError, Schema
from anime_gan.datasets.dataset import DataError

# The tagger and the critic always hold out these test images, whatever split the judged model used.
TEST_EVERY = 10


class Split(NamedTuple):
    """Indices into a dataset: ascending int64, each in exactly one part.

    Attributes:
        train: Training images.
        test: Every k-th image of the dataset, except images with a held-out combination.
        held_out: All images with a held-out combination.
    """

    train: np.ndarray
    test: np.ndarray
    held_out: np.ndarray


def split_dataset(labels: np.ndarray, combinations: np.ndarray, test_every: int = TEST_EVERY) -> Split:
    """Splits a dataset by position and labels, without randomness, so that all commands agree.

    Args:
        labels: int8 [n, num_labels] of +1, -1, and 0 (unknown).
        combinations: int8 [k, num_labels] from `parse_combinations`; may have no rows.
        test_every: Every k-th image is a test image; 0 for no test images.
    """
    held_out = np.any(find_combinations(labels, combinations), axis=1)
    is_test = np.zeros(len(labels), bool)
    if test_every:
        is_test[test_every - 1 :: test_every] = True
    return Split(
        np.flatnonzero(~is_test & ~held_out), np.flatnonzero(is_test & ~held_out), np.flatnonzero(held_out)
    )


def find_combinations(labels: np.ndarray, combinations: np.ndarray) -> np.ndarray:
    """Returns which label rows match which combination, bool [n, k]; an unknown attribute never matches."""
    found = np.zeros((len(labels), len(combinations)), bool)
    for index, wanted in enumerate(combinations):
        asked = np.flatnonzero(wanted)
        found[:, index] = np.all(labels[:, asked] == wanted[asked], axis=1)
    return found


def parse_combinations(text: str, schema: Schema) -> np.ndarray:
    """Parses held-out combinations such as `"hair_color=blue,eye_color=green; blonde hair, red eyes"`.

    Args:
        text: Combinations separated by semicolons, each written like a request to `generate.py`.
        schema: The schema of the dataset.

    Returns:
        int8 [k, num_labels], one row per combination: +1 for present, -1 for absent, 0 for any.

    Raises:
        DataError: A combination cannot be parsed (field `hold_out`); the message names the nearest phrases.
    """
    parts = [part.strip() for part in text.split(";") if part.strip()]
    try:
        rows = [schema.parse(part) for part in parts]
    except AttributeRequestError as error:
        raise DataError(str(error), "hold_out", text) from error
    if any(np.any((row != 0) & (np.abs(row) != 1)) for row in rows) or any(
        row[column] for row in rows for column in schema.scales
    ):
        reason = "numbers cannot be held out; name values of groups and tags"
        raise DataError(reason, "hold_out", text)
    return np.array(rows, np.int8).reshape(len(rows), schema.num_labels)
