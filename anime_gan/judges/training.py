"""What the two judges share: preprocessing, layers and training.

A judge is a small network that is trained on real images only and then judges generated ones: the tagger
recognizes attributes, the critic detects damage. Each is trained once per dataset and stored in the cache.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from tqdm import tqdm

from anime_gan.common.backend import keras, tf
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.splits import split_dataset
from anime_gan.models.layers import BatchNormalization
from anime_gan.models.pixels import to_float
from anime_gan.training.batches import Batches

# Share of the training split used for validation: early stopping and the choice of the weights.
VALIDATION_SHARE = 0.1
MAX_VALIDATION = 1000
# 4,000 images determine a share to within one percent; more would only take longer.
MAX_TEST = 4000
# A smaller dataset has too few test images.
MINIMUM = 30
JUDGE_BATCH = 256
CHECKS, PATIENCE = 12, 4
# Momentum of batch normalization: low enough for the moving averages to settle in a short training.
MOMENTUM = 0.95


def split_for_judges(dataset: Dataset) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Splits a dataset into the images for training, validation and testing of a judge.

    Returns:
        Three disjoint arrays of ascending indices. The first two are from the training split, the third has
        at most `MAX_TEST` evenly spaced indices from the test split.

    Raises:
        DataError: The dataset is too small.
    """
    count = len(dataset.images)
    if count < MINIMUM:
        raise DataError(f"{dataset.name}: has only {count} images; an evaluation needs at least {MINIMUM}")
    split = split_dataset(dataset.labels, np.zeros((0, dataset.labels.shape[1]), np.int8))
    validation = spread(split.train, min(MAX_VALIDATION, int(len(split.train) * VALIDATION_SHARE)))
    return np.setdiff1d(split.train, validation), validation, spread(split.test, MAX_TEST)


def spread(indices: np.ndarray, count: int) -> np.ndarray:
    """Returns at most `count` of the indices, evenly spaced."""
    return indices[np.arange(min(count, len(indices))) * len(indices) // min(count, len(indices))]


def to_input(images: tf.Tensor, side: int) -> tf.Tensor:
    """Scales images to [-1, 1] and reduces them to the judge's resolution by area averaging.

    Args:
        images: uint8 [n, h, w, 3 or 4], no smaller than `side`.
        side: Pixels along a side.

    Returns:
        float32 [n, side, side, 3 or 4], with premultiplied alpha.
    """
    values = to_float(images)
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
    """Applies a convolution, batch normalization and ReLU; `residual` adds `x` before the ReLU.

    Args:
        x: Input of the layer.
        filters: Number of output channels.
        size: Side of the kernel, in pixels.
        strides: Stride, in pixels.
        seed: Random seed of the initial weights, different for each layer.
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
    """Applies a dense layer, batch normalization (else most units die early) and ReLU, in float32."""
    y = keras.layers.Dense(
        units, use_bias=False, kernel_initializer=keras.initializers.HeNormal(seed), dtype="float32"
    )(x)
    return keras.layers.ReLU(dtype="float32")(
        keras.layers.BatchNormalization(momentum=MOMENTUM, dtype="float32")(y)
    )


def is_mirrored(seed: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Returns which of the images `augment` mirrors with this seed, bool [count]."""
    return _mirrored(tf.random.split(seed, 5)[0], count)[:, 0]


def _mirrored(seed: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_uniform([count, 1], seed, -1.0, 1.0) < 0


def augment(
    images: tf.Tensor, seed: tf.Tensor, shift: float, color: float, whole_pixels: bool = False
) -> tf.Tensor:
    """Augments images: random mirroring, small shifts, small changes of contrast and brightness.

    Hues are kept because colors are attributes, so single channels change only slightly.

    Args:
        images: float32 [n, h, w, 3 or 4] in [-1, 1], with premultiplied alpha, which keeps its value.
        seed: int32 [2], random seed.
        shift: Maximum shift in either direction, as a share of the side; edge pixels are repeated.
        whole_pixels: Whether to shift by whole pixels only, which avoids blur.
        color: Maximum change of contrast and brightness; of a single channel, a quarter of it.

    Returns:
        Like `images`; values may leave [-1, 1] a little.
    """
    count, side = tf.shape(images)[0], float(images.shape[1])
    flips, shifts, gains, offsets, tints = tf.unstack(tf.random.split(seed, 5))

    def between(shape: list[int], seed: tf.Tensor, limit: float) -> tf.Tensor:
        return tf.random.stateless_uniform([count, *shape], seed, -limit, limit)

    mirrored = _mirrored(flips, count)
    # Rows of the matrix that maps output positions to input positions.
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
    if images.shape[-1] == 3:
        return images * gain + offset
    # The same change of the straight colors.
    colors, alpha = images[..., :3], images[..., 3:]
    changed = (colors + 1.0) * gain + (alpha + 1.0) * 0.5 * (1.0 - gain + offset) - 1.0
    return tf.concat([changed, alpha], axis=-1)


def shuffled_batches(indices: np.ndarray, size: int, seed: int) -> Callable[[int], np.ndarray]:
    """Returns a function from the step to `size` of the indices, in epochs shuffled by the seed."""
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
    """Trains a network with early stopping and restores the weights with the lowest validation loss.

    Adam with decoupled weight decay (Loshchilov & Hutter 2019, arXiv 1711.05101).

    Args:
        network: Any Keras model.
        batch_loss: (images, labels, seed int32 [2]) -> mean loss of the batch; runs inside the graph.
        batch: Step -> (images, labels).
        validation_loss: Computes the loss of the current weights.
        steps: Maximum number of steps, with `CHECKS` validations in between. Training stops early after
            `PATIENCE` validations in a row without an improvement.
        learning_rate: Peak learning rate; see `scheduled_rate`.
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
            # A Keras schedule would be evaluated once for every variable.
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
    """Returns the learning rate: linear warm-up over a twentieth of the steps, then cosine decay.

    Loshchilov & Hutter 2017 (arXiv 1608.03983, equation 5), without restarts.
    """
    warm_up = -(-steps // 20)
    if step < warm_up:
        return highest * (step + 1) / warm_up
    return highest * 0.5 * (1.0 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))


def in_batches(images: np.ndarray, function: Callable[[tf.Tensor], Any]) -> Iterator[Any]:
    """Yields the results of a function for one batch of the images after the other."""
    for start in range(0, len(images), JUDGE_BATCH):
        yield function(tf.constant(images[start : start + JUDGE_BATCH]))


def check_images(images: np.ndarray, side: int, channels: int) -> None:
    """Checks that a judge can process the images.

    Raises:
        ValueError: Not uint8 [n, h, w, channels], not square, or smaller than `side`.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != channels:
        raise ValueError(
            f"images must be uint8 [n, height, width, {channels}], not {images.dtype} {images.shape}"
        )
    height, width = images.shape[1:3]
    if height != width or height < side:
        raise ValueError(
            f"images of {height}x{width}: this judge needs square images of at least {side} pixels"
        )
