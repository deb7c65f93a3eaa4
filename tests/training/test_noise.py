"""A worker draws its rows of the noise alone."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from anime_gan.training.noise import uniform_rows


@pytest.mark.parametrize("shape", [[6, 4, 4, 3], [6, 2], [6]])
@pytest.mark.parametrize("part", [slice(0, 6), slice(2, 5)])
def test_rows_are_those_of_the_whole_batch(shape, part):
    seed = tf.constant([5, 2**40], tf.int64)
    whole = tf.random.stateless_uniform(shape, seed, alg="philox").numpy()
    rows = uniform_rows(seed, shape, part).numpy()
    np.testing.assert_array_equal(rows, whole[part])


def test_rows_can_be_drawn_in_a_graph():
    seed = tf.constant([1, 2])
    rows = tf.function(lambda: uniform_rows(seed, [4, 8, 8, 3], slice(3, 4)))()
    whole = tf.random.stateless_uniform([4, 8, 8, 3], seed, alg="philox")
    np.testing.assert_array_equal(rows, whole[3:])
