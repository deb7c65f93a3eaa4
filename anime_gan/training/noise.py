"""Draws all random numbers of a training step from (seed, step)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from anime_gan.common.backend import tf
from anime_gan.training.augment import NUM_UNIFORMS


class StepNoise(NamedTuple):
    """The random numbers of one step, for a global batch of n images.

    Uniform numbers are in [0, 1). A fake is a generated image.

    Attributes:
        latents: float32 [n, latent_dim], standard normal.
        rows: int32 [n], indices of the training images whose labels the fakes get.
        recombine: bool [n], whether each attribute of a fake is drawn independently instead.
        fake_labels: float64 [n, attributes], uniform, for the labels of the fakes.
        real_labels: float64 [n, attributes], uniform, for the unknown labels of real images.
        mirror: bool [n], whether a real image is mirrored.
        penalty: float32 [m, ...], uniform, for the gradient penalty of the images of one worker; [m] if the
            penalty needs no noise.
        augment_real: float32 [n, NUM_UNIFORMS], uniform, for the augmentation of real images.
        augment_fake: float32 [n, NUM_UNIFORMS], uniform, for the augmentation of fakes.
    """

    latents: tf.Tensor
    rows: tf.Tensor
    recombine: tf.Tensor
    fake_labels: tf.Tensor
    real_labels: tf.Tensor
    mirror: tf.Tensor
    penalty: tf.Tensor
    augment_real: tf.Tensor
    augment_fake: tf.Tensor


def draw_noise(
    seed: int,
    step: tf.Tensor,
    batch_size: int,
    latent_dim: int,
    num_rows: int,
    num_attributes: int,
    penalty_shape: Sequence[int],
    part: slice,
) -> StepNoise:
    """Draws the random numbers of a step. They do not depend on the number of replicas.

    Args:
        seed: Seed of the run.
        step: Number of the step, an int64 scalar.
        batch_size: Number of images per step, over all replicas.
        latent_dim: Size of a latent vector.
        num_rows: Number of training images.
        num_attributes: Number of attributes: groups, tags, and scales.
        penalty_shape: Shape of the gradient penalty's noise for one image.
        part: The images of the batch for which the noise of the gradient penalty is drawn. It is as large as
            the images, so no worker draws that of the others.
    """
    # `step` is a tensor, because a Python number would retrace the graph at every step.
    seeds = tf.unstack(tf.random.split(tf.stack([tf.constant(seed, tf.int64), step]), 9, alg="philox"))

    def uniform(seed: tf.Tensor, shape: list[int], dtype: tf.DType) -> tf.Tensor:
        return tf.random.stateless_uniform(shape, seed, dtype=dtype, alg="philox")

    return StepNoise(
        latents=tf.random.stateless_normal([batch_size, latent_dim], seeds[0], alg="philox"),
        rows=tf.random.stateless_uniform(
            [batch_size], seeds[1], maxval=num_rows, dtype=tf.int32, alg="philox"
        ),
        recombine=uniform(seeds[2], [batch_size], tf.float32) < 0.5,
        fake_labels=uniform(seeds[3], [batch_size, num_attributes], tf.float64),
        real_labels=uniform(seeds[4], [batch_size, num_attributes], tf.float64),
        mirror=uniform(seeds[6], [batch_size], tf.float32) < 0.5,
        penalty=uniform_rows(seeds[5], [batch_size, *penalty_shape], part),
        augment_real=uniform(seeds[7], [batch_size, NUM_UNIFORMS], tf.float32),
        augment_fake=uniform(seeds[8], [batch_size, NUM_UNIFORMS], tf.float32),
    )


def uniform_rows(seed: tf.Tensor, shape: Sequence[int], part: slice) -> tf.Tensor:
    """Returns some rows of `tf.random.stateless_uniform(shape, seed, alg="philox")`, float32.

    Only these rows are drawn if a row has a multiple of four numbers, as images do.
    """
    size = math.prod(shape[1:])
    if size % 4:
        return tf.random.stateless_uniform(shape, seed, dtype=tf.float32, alg="philox")[part]
    key, counter = tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed)
    # Philox computes four numbers from each value of its counter (Salmon et al. 2011).
    counter += tf.constant([part.start * size // 4, 0], tf.uint64)
    rows = [part.stop - part.start, *shape[1:]]
    philox = tf.random.Algorithm.PHILOX.value
    return tf.raw_ops.StatelessRandomUniformV2(shape=rows, key=key, counter=counter, alg=philox)
