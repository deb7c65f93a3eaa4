"""Samples whose random numbers are given, so that each result can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.attributes.label_sampler import LabelRows, LabelSampler
from anime_gan.attributes.schema import Schema


@pytest.fixture(scope="module")
def small() -> Schema:
    """Columns: hair=red 0, hair=blue 1, hair=green 2, smile 3."""
    return Schema.from_names({"hair": ("red", "blue", "green"), "smile": None})


@pytest.fixture(scope="module")
def sampler(small: Schema) -> LabelSampler:
    """One smiling red-haired face, three serious blue-haired faces, none with green hair."""
    faces = [{"hair": "red", "smile": True}, {"hair": "blue", "smile": False}]
    rows = np.stack([small.encode(face) for face in faces])
    return LabelSampler(small, LabelRows(rows, np.array([1, 3])))


def described(schema: Schema, drawn: tf.Tensor) -> list[str]:
    return [schema.describe(row) for row in drawn.numpy()]


def wanted(schema: Schema, *texts: str) -> tf.Tensor:
    return tf.constant(np.stack([schema.parse(text) for text in texts]), tf.float32)


def test_attributes_drawn_independently_have_the_frequencies_of_the_rows(small, sampler):
    """Red hair and a smile both have frequency 1/4."""
    uniforms = [[0.0, 0.99], [0.24, 0.0], [0.26, 0.24], [0.99, 0.26]]
    drawn = sampler.independent(tf.zeros([4, 4]), tf.constant(uniforms, tf.float64))
    expected = ["red hair, no smile", "red hair, smile", "blue hair, smile", "blue hair, no smile"]
    assert described(small, drawn) == expected


def test_attributes_drawn_independently_agree_with_the_request(small, sampler):
    requests = wanted(small, "no blue hair", "no red hair", "smile", "green hair, no smile")
    uniforms = tf.constant([[0.9, 0.9], [0.1, 0.1], [0.1, 0.9], [0.1, 0.1]], tf.float64)
    expected = ["red hair, no smile", "blue hair, smile", "red hair, smile", "green hair, no smile"]
    assert described(small, sampler.independent(requests, uniforms)) == expected


def test_values_that_no_row_has_are_equally_likely(small):
    """If all hair is blue, a request without it leaves red and green, each with probability 1/2."""
    rows = small.encode({"hair": "blue", "smile": True})[np.newaxis]
    sampler = LabelSampler(small, LabelRows(rows, np.array([5])))
    uniforms = tf.constant([[0.7, 0.0, 0.6], [0.7, 0.49, 0.6], [0.2, 0.51, 0.6]], tf.float64)
    drawn = sampler.complete(wanted(small, *["no blue hair"] * 3), uniforms)
    assert described(small, drawn) == ["red hair, smile", "red hair, smile", "green hair, smile"]


def test_the_first_random_number_selects_the_row(small, sampler):
    """The others are for unknown attributes, and do not depend on the row."""
    uniforms = [[0.0, 0.9, 0.9], [0.24, 0.9, 0.1], [0.26, 0.1, 0.9], [0.99, 0.1, 0.1]]
    drawn = sampler.complete(tf.zeros([4, 4]), tf.constant(uniforms, tf.float64))
    assert described(small, drawn) == ["red hair, smile"] * 2 + ["blue hair, no smile"] * 2


def test_unknown_attributes_of_the_row_are_drawn_with_their_frequencies(small):
    """Hair is red in one of four rows where it is known; the row with a smile has no known hair color."""
    faces = [{"smile": True}, {"hair": "red", "smile": False}, {"hair": "blue", "smile": False}]
    rows = np.stack([small.encode(face) for face in faces])
    sampler = LabelSampler(small, LabelRows(rows, np.array([4, 1, 3])))
    uniforms = tf.constant([[0.9, 0.24, 0.9], [0.1, 0.26, 0.9]], tf.float64)
    drawn = sampler.complete(wanted(small, "smile", "smile"), uniforms)
    assert described(small, drawn) == ["red hair, smile", "blue hair, smile"]


def test_known_labels_are_kept(small, sampler):
    labels = np.stack(
        [
            small.encode({"hair": "green", "smile": None}),
            small.encode({"hair": None, "smile": False}),
            small.encode({"hair": "blue", "smile": True}),
        ]
    )
    uniforms = tf.constant([[0.0, 0.24], [0.24, 0.0], [0.0, 0.9]], tf.float64)
    drawn = sampler.fill(tf.constant(labels, tf.float32), uniforms)
    assert described(small, drawn) == ["green hair, smile", "red hair, no smile", "blue hair, smile"]
