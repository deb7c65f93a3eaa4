"""Which images of a dataset are for training, which for testing, and which combinations are kept back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anime_gan.attributes.schema import AttributeRequestError, Schema
from anime_gan.datasets.dataset import DataError

# Whoever judges networks (the tagger, say) keeps these images back, whatever the networks kept back.
TEST_EVERY = 10


class Split(NamedTuple):
    """Indices into a dataset, ascending int64; no image is in two parts.

    Attributes:
        train: What may be trained on.
        test: Every k-th image of the dataset, without the held-out combinations.
        held_out: Every image with a held-out combination.
    """

    train: np.ndarray
    test: np.ndarray
    held_out: np.ndarray


def split_dataset(labels: np.ndarray, combinations: np.ndarray, test_every: int = TEST_EVERY) -> Split:
    """Splits a dataset by position and by labels; nothing is drawn, so that every command splits alike.

    Args:
        labels: int8 [n, num_labels] of +1, -1 and 0 (unknown).
        combinations: int8 [k, num_labels] from `parse_combinations`; may have no rows.
        test_every: Every so many-th image is for testing; 0 keeps none back.
    """
    held_out = np.any(find_combinations(labels, combinations), axis=1)
    is_test = np.zeros(len(labels), bool)
    if test_every:
        is_test[test_every - 1 :: test_every] = True
    return Split(
        np.flatnonzero(~is_test & ~held_out), np.flatnonzero(is_test & ~held_out), np.flatnonzero(held_out)
    )


def find_combinations(labels: np.ndarray, combinations: np.ndarray) -> np.ndarray:
    """Which label rows have which combination: bool [n, k]. An unknown attribute matches nothing."""
    found = np.zeros((len(labels), len(combinations)), bool)
    for index, wanted in enumerate(combinations):
        asked = np.flatnonzero(wanted)
        found[:, index] = np.all(labels[:, asked] == wanted[asked], axis=1)
    return found


def parse_combinations(text: str, schema: Schema) -> np.ndarray:
    """Reads `--hold_out`, such as `"hair_color=blue,eye_color=green; blonde hair, red eyes"`.

    Args:
        text: Combinations separated by semicolons, each written as a request to `generate.py`.
        schema: What can be asked for.

    Returns:
        int8 [k, num_labels]: a row a combination, +1 has it, -1 has it not, 0 may be anything.

    Raises:
        DataError: A combination cannot be read; the message names the nearest words.
    """
    parts = [part.strip() for part in text.split(";") if part.strip()]
    try:
        rows = [schema.parse(part) for part in parts]
    except AttributeRequestError as error:
        raise DataError(f"--hold_out={text}: {error}") from error
    return np.array(rows, np.int8).reshape(len(rows), schema.num_labels)
