"""What the two judges share: how they see pictures, how they are trained, and where they are kept.

A judge is a small network that is trained on real pictures alone and then judges generated ones: the tagger
says what is on them, the critic how intact they are. Each is trained once a dataset, and kept in the cache.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.splits import split_dataset
from anime_gan.models.layers import BatchNormalization
from anime_gan.training.batches import Batches

# Of the training split: what decides when training stops, and which weights are kept.
VALIDATION_SHARE = 0.1
MAX_VALIDATION = 1000
# So many held-out images give a share to within a per cent; a million would only take longer.
MAX_TEST = 4000
# Fewer leave nothing to test with.
MINIMUM = 30
JUDGE_BATCH = 256
CHECKS, PATIENCE = 12, 4
# Of the moving averages in batch normalization: short trainings should have them too.
MOMENTUM = 0.95


def split_for_judges(dataset: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which images a judge learns from, which decide when it stops, and which it is tested on.

    Returns:
        Three arrays of ascending indices without a common one: the first two are of the training split,
        the third of the test split, of which at most `MAX_TEST` are taken, evenly spread.

    Raises:
        DataError: The dataset is too small.
    """
    count = len(dataset.images)
    if count < MINIMUM:
        raise DataError(f"{dataset.name}: {count} images are too few to judge by; {MINIMUM} are the least")
    split = split_dataset(dataset.labels, np.zeros((0, dataset.labels.shape[1]), np.int8))
    validation = spread(split.train, min(MAX_VALIDATION, int(len(split.train) * VALIDATION_SHARE)))
    return np.setdiff1d(split.train, validation), validation, spread(split.test, MAX_TEST)


def spread(indices: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the indices, evenly spread over them."""
    return indices[np.arange(min(count, len(indices))) * len(indices) // min(count, len(indices))]


def to_input(images: tf.Tensor, side: int) -> tf.Tensor:
    """Pictures as a judge sees them: reduced by averaging areas, as numbers from -1 to 1.

    Args:
        images: uint8 [n, h, w, 3], no smaller than `side`.
        side: Pixels along a side.

    Returns:
        float32 [n, side, side, 3].
    """
    values = tf.cast(images, tf.float32) / 127.5 - 1.0
    if images.shape[1:3] == (side, side):
        return values
    return tf.image.resize(values, [side, side], tf.image.ResizeMethod.AREA)


def convolution(
    x: keras.KerasTensor,
    filters: int,
    size: int,
    strides: int,
    seed: int,
    dtype: str,
    residual: bool = False,
) -> keras.KerasTensor:
    """Convolution, batch normalization and ReLU; with `residual`, `x` is added before the ReLU.

    Args:
        x: The layer's input.
        filters: Channels of the result.
        size: Pixels along a side of the kernel.
        strides: Pixels from one place of the kernel to the next.
        seed: Decides the initial weights; one of the layer's own.
        dtype: Keras dtype policy.
        residual: Whether to add the input.
    """
    y = keras.layers.Conv2D(
        filters,
        size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(seed),
        dtype=dtype,
    )(x)
    y = BatchNormalization(momentum=MOMENTUM, dtype=dtype)(y)
    return keras.layers.ReLU(dtype=dtype)(keras.layers.Add(dtype=dtype)([x, y]) if residual else y)


def dense(x: keras.KerasTensor, units: int, seed: int) -> keras.KerasTensor:
    """Dense layer in float32, batch normalization and ReLU: without the second, most units die early on."""
    y = keras.layers.Dense(
        units, use_bias=False, kernel_initializer=keras.initializers.HeNormal(seed), dtype="float32"
    )(x)
    return keras.layers.ReLU(dtype="float32")(
        keras.layers.BatchNormalization(momentum=MOMENTUM, dtype="float32")(y)
    )


def augment(
    images: tf.Tensor, seed: tf.Tensor, shift: float, color: float, whole_pixels: bool = False
) -> tf.Tensor:
    """Changes that leave a picture what it is: mirrored or not, moved a little, a little other light.

    Hues stay, since colours are attributes: contrast and brightness change, and each channel only slightly.

    Args:
        images: float32 [n, h, w, 3] in [-1, 1].
        seed: int32 [2], decides everything.
        shift: Moved by up to so much of the side, in both directions; edges are continued.
        whole_pixels: Whether to move by whole pixels only, which blurs nothing.
        color: Contrast and brightness change by up to this factor and summand, a channel by a quarter of it.

    Returns:
        Like `images`; values may leave [-1, 1] a little.
    """
    count, side = tf.shape(images)[0], float(images.shape[1])
    flips, shifts, gains, offsets, tints = tf.unstack(tf.random.split(seed, 5))

    def between(shape: list, seed: tf.Tensor, limit: float) -> tf.Tensor:
        return tf.random.stateless_uniform([count, *shape], seed, -limit, limit)

    mirrored = between([1], flips, 1.0) < 0
    # Rows of the matrix that gives the place to read for each place to write.
    ones, zeros = tf.ones([count, 1]), tf.zeros([count, 1])
    moved = between([2], shifts, shift * side)
    if whole_pixels:
        moved = tf.round(moved)
    transform = [
        tf.where(mirrored, -ones, ones),
        zeros,
        moved[:, :1] + tf.where(mirrored, (side - 1.0) * ones, zeros),
        zeros,
        ones,
        moved[:, 1:],
        zeros,
        zeros,
    ]
    images = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.concat(transform, axis=1),
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    gain = 1.0 + between([1, 1, 1], gains, color)
    offset = between([1, 1, 1], offsets, color) + between([1, 1, 3], tints, color / 4.0)
    return images * gain + offset


def shuffled_batches(indices: np.ndarray, size: int, seed: int) -> Callable[[int], np.ndarray]:
    """Step -> so many of the indices: shuffled epochs, decided by the seed."""
    batches = Batches(len(indices), size, seed)
    return lambda step: indices[batches.indices(step)]


def fit(
    network: keras.Model,
    batch_loss: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor],
    batch: Callable[[int], tuple[np.ndarray, np.ndarray]],
    validation_loss: Callable[[], float],
    steps: int,
    learning_rate: float,
    description: str,
) -> None:
    """Trains a network; it ends with the weights that were best on the validation part.

    Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101).

    Args:
        network: Any Keras model.
        batch_loss: (images, labels, seed int32 [2]) -> mean loss of the batch; part of the graph.
        batch: Step -> (images, labels).
        validation_loss: Judges the current weights.
        steps: How many at most, with `CHECKS` checks among them; it stops earlier after `PATIENCE` checks in
            a row none of which was better than the best.
        learning_rate: The highest; see `scheduled_rate`.
        description: For the progress bar.
    """
    optimizer = keras.optimizers.AdamW(weight_decay=0.02, beta_2=0.99)
    optimizer.build(network.trainable_variables)

    @tf.function(autograph=False)
    def train_step(images: tf.Tensor, labels: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = batch_loss(images, labels, seed)
        gradients = tape.gradient(loss, [variable.value for variable in network.trainable_variables])
        optimizer.apply(gradients, network.trainable_variables)
        return loss

    check_every = -(-steps // CHECKS)
    best, best_weights, since_best = float("inf"), network.get_weights(), 0
    with tqdm(
        total=steps, unit="step", desc=description, mininterval=0.5 if sys.stderr.isatty() else 30.0
    ) as progress:
        for step in range(steps):
            images, labels = batch(step)
            # A schedule of Keras's would be computed anew for each variable.
            optimizer.learning_rate.assign(scheduled_rate(step, steps, learning_rate))
            train_step(tf.constant(images), tf.constant(labels), tf.constant([step, 0]))
            progress.update()
            if (step + 1) % check_every == 0 or step + 1 == steps:
                loss = validation_loss()
                progress.set_postfix_str(f"validation loss {loss:.4f}", refresh=False)
                if loss < best:
                    best, best_weights, since_best = loss, network.get_weights(), 0
                else:
                    since_best += 1
                if since_best == PATIENCE:
                    break
    network.set_weights(best_weights)


def scheduled_rate(step: int, steps: int, highest: float) -> float:
    """Learning rate of a step: rises for a twentieth of the steps, then falls along half a cosine.

    The fall is that of Loshchilov & Hutter 2017 (arXiv 1608.03983, equation 5), without restarts.
    """
    warm_up = -(-steps // 20)
    if step < warm_up:
        return highest * (step + 1) / warm_up
    return highest * 0.5 * (1.0 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))


def in_batches(images: np.ndarray, function: Callable[[tf.Tensor], Any]) -> Iterator[Any]:
    """Calls a function with one part of the images after the other, so that a million need no memory."""
    for start in range(0, len(images), JUDGE_BATCH):
        yield function(tf.constant(images[start : start + JUDGE_BATCH]))


def check_images(images: np.ndarray, side: int) -> None:
    """Refuses what a judge cannot judge.

    Raises:
        ValueError: Not uint8 [n, h, w, 3], not square, or smaller than `side`.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(f"images must be uint8 [n, height, width, 3], not {images.dtype} {images.shape}")
    height, width = images.shape[1:3]
    if height != width or height < side:
        raise ValueError(f"images of {height}x{width}: this judge wants squares of {side} pixels or more")
