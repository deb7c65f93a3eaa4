"""Differentiable augmentation: what the discriminator sees, real and generated alike, is changed at random.

Zhao et al. 2020, "Differentiable Augmentation for Data-Efficient GAN Training" (arXiv 2006.10738, section 4):
if only the real images were changed, the generator would learn to draw the changes. Gradients flow through
every change. All functions are pure; randomness comes in as uniform numbers, one row an image, so that the
result does not depend on how a batch is split over replicas.
"""

from __future__ import annotations

from anime_gan.common.backend import tf

# Uniform numbers that `augment` needs for an image: does colour, translation and cutout happen, then how.
NUM_UNIFORMS = 3 + 3 + 2 + 2

# Of the side of the image, as in the paper.
MAX_SHIFT = 1 / 8
CUTOUT_SIDE = 1 / 2


def augment(images: tf.Tensor, uniforms: tf.Tensor, probability: tf.Tensor | float = 1.0) -> tf.Tensor:
    """Changes the colours of images, moves them and covers a part of them.

    Args:
        images: float32 `[b, h, w, 3]` in [-1, 1].
        uniforms: float32 `[b, NUM_UNIFORMS]` in [0, 1).
        probability: Of each kind of change, for each image by itself, in 0..1.

    Returns:
        float32 `[b, h, w, 3]`; colours may leave [-1, 1].
    """
    happens = tf.unstack(uniforms[:, :3] < probability, axis=1)
    changes = (
        (change_colors, uniforms[:, 3:6]),
        (translate, uniforms[:, 6:8]),
        (cut_out, uniforms[:, 8:10]),
    )
    for chosen, (change, numbers) in zip(happens, changes, strict=True):
        images = tf.where(chosen[:, tf.newaxis, tf.newaxis, tf.newaxis], change(images, numbers), images)
    return images


def change_colors(images: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Changes brightness by -0.5..0.5, saturation by 0..2 times and contrast by 0.5..1.5 times.

    Hues stay: they are what colour attributes name.

    Args:
        images: float32 `[b, h, w, 3]`.
        uniforms: float32 `[b, 3]` in [0, 1); 0.5 changes nothing.
    """
    brightness, saturation, contrast = tf.unstack(uniforms[:, :, tf.newaxis, tf.newaxis, tf.newaxis], axis=1)
    images += brightness - 0.5
    grey = tf.reduce_mean(images, axis=3, keepdims=True)
    images = grey + (images - grey) * (2.0 * saturation)
    middle = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return middle + (images - middle) * (contrast + 0.5)


def translate(images: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Moves each image by up to an eighth of its side, by whole pixels; grey comes in from beyond.

    Args:
        images: float32 `[b, h, w, c]`.
        uniforms: float32 `[b, 2]` in [0, 1), down and right; 0.5 moves nothing.
    """
    height, width = images.shape[1:3]
    # As products with shifted unit matrices, whose gradients are cheap.
    images = tf.einsum("bij,bjwc->biwc", _shift_matrix(height, uniforms[:, 0]), images)
    return tf.einsum("bij,bhjc->bhic", _shift_matrix(width, uniforms[:, 1]), images)


def cut_out(images: tf.Tensor, uniforms: tf.Tensor) -> tf.Tensor:
    """Covers a square of half the image's side, which may hang over the edge, with grey.

    Args:
        images: float32 `[b, h, w, c]`.
        uniforms: float32 `[b, 2]` in [0, 1): where the square's middle is, down and across.
    """
    height, width = images.shape[1:3]
    rows = _is_covered(height, uniforms[:, 0])
    columns = _is_covered(width, uniforms[:, 1])
    covered = tf.logical_and(rows[:, :, tf.newaxis], columns[:, tf.newaxis, :])
    return images * tf.cast(~covered, images.dtype)[..., tf.newaxis]


def _shift_matrix(size: int, uniforms: tf.Tensor) -> tf.Tensor:
    """`[b, size, size]`: multiplied from the left, moves rows by up to `MAX_SHIFT` of their number."""
    limit = int(size * MAX_SHIFT + 0.5)
    shift = tf.cast(tf.floor(uniforms * (2 * limit + 1)), tf.int32) - limit
    source = tf.range(size)[tf.newaxis, :] - shift[:, tf.newaxis]
    # A source outside the image has a row of zeros.
    return tf.one_hot(source, size)


def _is_covered(size: int, uniforms: tf.Tensor) -> tf.Tensor:
    """Returns bool `[b, size]`: which positions along one side lie in the square."""
    side = int(size * CUTOUT_SIDE + 0.5)
    middle = tf.cast(tf.floor(uniforms * (size + 1 - side % 2)), tf.int32)
    distance = tf.range(size)[tf.newaxis, :] - middle[:, tf.newaxis] + side // 2
    return tf.logical_and(distance >= 0, distance < side)
