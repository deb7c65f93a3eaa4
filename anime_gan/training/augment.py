"""Differentiable augmentation: random changes of all real and generated images before the discriminator.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv 2006.10738, section 4).
If only the real images were changed, the generator would learn to draw the changes. Gradients flow through
every change.

All functions are pure. Random numbers are arguments, one row per image, so the result does not depend on how
a batch is split over replicas.
"""

from __future__ import annotations

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import tf

# Random numbers per image: one for each kind of change to decide whether it happens, then the parameters.
NUM_UNIFORMS = 3 + 3 + 2 + 2

# The paper's values, relative to the image's side.
MAX_SHIFT = 1 / 8
CUTOUT_SIDE = 1 / 2


def augment(images: tf.Tensor, uniforms: tf.Tensor, probability: tf.Tensor | float = 1.0) -> tf.Tensor:
    """Randomly changes the colors of images, shifts them, and covers parts of them.

    Args:
        images: float32 `[b, h, w, 3 or 4]` in [-1, 1], with premultiplied alpha.
        uniforms: float32 `[b, NUM_UNIFORMS]` in [0, 1).
        probability: Probability of each kind of change in each image, in 0..1.

    Returns:
        float32 of the same shape; values may lie outside [-1, 1].
    """
    if images.shape[3] == 4:
        # Convert to colors around 0, multiplied by alpha in 0..1. Zeros are then transparent. Without alpha,
        # zeros are gray.
        alpha = images[..., 3:] * 0.5 + 0.5
        images = tf.concat([images[..., :3] + 1.0 - alpha, alpha], axis=-1)
    happens = tf.unstack(uniforms[:, :3] < probability, axis=1)
    changes = (
        (change_colors, uniforms[:, 3:6]),
        (translate, uniforms[:, 6:8]),
        (cut_out, uniforms[:, 8:10]),
    )
    for chosen, (change, numbers) in zip(happens, changes, strict=True):
        images = tf.where(chosen[:, tf.newaxis, tf.newaxis, tf.newaxis], change(images, numbers), images)
    if images.shape[3] == 4:
        alpha = images[..., 3:]
        images = tf.concat([images[..., :3] + alpha - 1.0, alpha * 2.0 - 1.0], axis=-1)
    return images


def mirrored_labels(labels: tf.Tensor, mirrored: tf.Tensor, schema: Schema) -> tf.Tensor:
    """Returns the labels of pictures some of which are mirrored; see `Schema.mirroring`.

    Args:
        labels: float32 `[b, num_labels]`.
        mirrored: bool `[b]`.
        schema: The attributes of the labels.
    """
    order, factors = schema.mirroring
    if np.array_equal(order, np.arange(len(order))) and np.all(factors == 1):
        return labels
    return tf.where(mirrored[:, tf.newaxis], tf.gather(labels, order, axis=1) * factors, labels)


def change_colors(images: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Adds -0.5..0.5 to the brightness, and multiplies saturation by 0..2 and contrast by 0.5..1.5.

    Hues do not change, because color attributes name them.

    Args:
        images: float32 `[b, h, w, 3 or 4]`: colors in [-1, 1], multiplied by alpha, and alpha in 0..1.
        uniforms: float32 `[b, 3]` in [0, 1), for brightness, saturation, and contrast; 0.5 changes nothing.

    Returns:
        float32 of the same shape.
    """
    colors, alpha = images[..., :3], images[..., 3:]
    if not alpha.shape[3]:
        alpha = tf.ones_like(images[..., :1])
    brightness, saturation, contrast = tf.unstack(uniforms[:, :, tf.newaxis, tf.newaxis, tf.newaxis], axis=1)
    colors += alpha * (brightness - 0.5)
    gray = tf.reduce_mean(colors, axis=3, keepdims=True)
    colors = gray + (colors - gray) * (2.0 * saturation)
    # The mean is taken over visible areas only.
    opacity = tf.reduce_mean(alpha, axis=[1, 2, 3], keepdims=True)
    middle = alpha * tf.math.divide_no_nan(tf.reduce_mean(colors, axis=[1, 2, 3], keepdims=True), opacity)
    return tf.concat([middle + (colors - middle) * (contrast + 0.5), images[..., 3:]], axis=-1)


def translate(images: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Shifts each image by up to an eighth of its side, in whole pixels.

    Uncovered areas become gray, or transparent if there is alpha.

    Args:
        images: float32 `[b, h, w, c]`.
        uniforms: float32 `[b, 2]` in [0, 1), for the shift down and to the right; 0.5 shifts nothing.

    Returns:
        float32 `[b, h, w, c]`.
    """
    height, width = images.shape[1:3]
    # The shifts are products with shifted identity matrices, because their gradients are cheap.
    images = tf.einsum("bij,bjwc->biwc", _shift_matrix(height, uniforms[:, 0]), images)
    return tf.einsum("bij,bhjc->bhic", _shift_matrix(width, uniforms[:, 1]), images)


def cut_out(images: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Covers a square of half the image's side with gray, or makes it transparent if there is alpha.

    The square may extend beyond the edge.

    Args:
        images: float32 `[b, h, w, c]`.
        uniforms: float32 `[b, 2]` in [0, 1), for the vertical and horizontal position of the square's center.

    Returns:
        float32 `[b, h, w, c]`.
    """
    height, width = images.shape[1:3]
    rows = _is_covered(height, uniforms[:, 0])
    columns = _is_covered(width, uniforms[:, 1])
    covered = tf.logical_and(rows[:, :, tf.newaxis], columns[:, tf.newaxis, :])
    return images * tf.cast(~covered, images.dtype)[..., tf.newaxis]


def _shift_matrix(size: int, uniforms: tf.Tensor) -> tf.Tensor:
    """Returns matrices `[b, size, size]` that shift the rows of an image by up to `MAX_SHIFT * size`."""
    limit = int(size * MAX_SHIFT + 0.5)
    shift = tf.cast(tf.floor(uniforms * (2 * limit + 1)), tf.int32) - limit
    source = tf.range(size)[tf.newaxis, :] - shift[:, tf.newaxis]
    # A row whose source is outside the image is all zeros.
    return tf.one_hot(source, size)


def _is_covered(size: int, uniforms: tf.Tensor) -> tf.Tensor:
    """Returns whether each position along one side is in the square, bool `[b, size]`."""
    side = int(size * CUTOUT_SIDE + 0.5)
    middle = tf.cast(tf.floor(uniforms * (size + 1 - side % 2)), tf.int32)
    distance = tf.range(size)[tf.newaxis, :] - middle[:, tf.newaxis] + side // 2
    return tf.logical_and(distance >= 0, distance < side)
