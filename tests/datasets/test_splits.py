"""Splits into training, test, and held-out images."""

from __future__ import annotations

import numpy as np
import pytest

from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.splits import find_combinations, parse_combinations, split_dataset


def encode(schema, **description):
    return schema.encode(description)


def test_every_image_is_in_one_part_and_no_held_out_one_in_another(schema, labels):
    combinations = parse_combinations("blue hair, green eyes; hair_color=red, smile=no", schema)
    split = split_dataset(labels, combinations, test_every=10)
    together = np.concatenate(split)
    assert sorted(together) == list(range(len(labels)))
    # Computed from the column names.
    column = schema.columns.index
    blue_green = (labels[:, column("hair_color=blue")] > 0) & (labels[:, column("eye_color=green")] > 0)
    unsmiling_red = (labels[:, column("hair_color=red")] > 0) & (labels[:, column("smile")] < 0)
    held_out = np.flatnonzero(blue_green | unsmiling_red)
    assert 50 < len(held_out) < 250
    np.testing.assert_array_equal(split.held_out, held_out)
    np.testing.assert_array_equal(split.test, np.setdiff1d(np.arange(9, len(labels), 10), held_out))


def test_an_unknown_attribute_is_no_reason_to_hold_out(schema):
    rows = np.stack(
        [
            encode(schema, hair_color="blue", eye_color=None),
            encode(schema, hair_color="blue", eye_color="green"),
            encode(schema, hair_color=None, eye_color="green"),
        ]
    )
    found = find_combinations(rows, parse_combinations("blue hair, green eyes", schema))
    assert found[:, 0].tolist() == [False, True, False]


def test_nothing_held_out_and_no_test_images(labels, schema):
    split = split_dataset(labels, parse_combinations(" ; ", schema), test_every=0)
    np.testing.assert_array_equal(split.train, np.arange(len(labels)))
    assert len(split.test) == len(split.held_out) == 0


def test_a_wrong_word_is_named_with_the_nearest(schema):
    with pytest.raises(DataError) as error:
        parse_combinations("red hair; blu hair, green eyes", schema)
    said = "--hold_out=red hair; blu hair, green eyes: unknown attribute 'blu hair'; did you mean 'blue hair'"
    assert error.value.as_flag().startswith(said)
