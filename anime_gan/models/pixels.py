"""Converts pixels between files and networks.

Files have uint8 in 0..255 and straight alpha, if there is alpha. Networks have float32 in [-1, 1] and
premultiplied alpha, so a transparent pixel is -1 in all four channels.
"""

from __future__ import annotations

from anime_gan.common.backend import tf


def to_float(images: tf.Tensor) -> tf.Tensor:
    """Converts pixels of files to pixels of networks, from uint8 [b, h, w, 3 or 4] to float32."""
    values = tf.cast(images, tf.float32)
    if images.shape[-1] == 4:
        colors, alpha = values[..., :3], values[..., 3:]
        values = tf.concat([colors * alpha / 255.0, alpha], axis=-1)
    return values / 127.5 - 1.0


def to_uint8(images: tf.Tensor) -> tf.Tensor:
    """Converts pixels of networks to pixels of files, and rounds to the nearest value.

    Transparent pixels get the colors of their surroundings. A program that enlarges a picture without regard
    to alpha mixes these colors into the edges, where black would appear as a dark line.

    Args:
        images: float32 [b, h, w, 3 or 4]; values outside [-1, 1] are clipped.

    Returns:
        uint8 of the same shape.
    """
    images = tf.clip_by_value(images, -1.0, 1.0)
    if images.shape[-1] == 4:
        images = _straight(images * 0.5 + 0.5) * 2.0 - 1.0
    return tf.cast(tf.round(images * 127.5 + 127.5), tf.uint8)


def _straight(images: tf.Tensor) -> tf.Tensor:
    """Divides colors by alpha, and fills transparent areas with the colors of their surroundings.

    A transparent pixel gets its color from the largest reduced picture that is not transparent at that place.
    This is the pull-push algorithm of Gortler et al. 1996, "The Lumigraph" (section 3.4.3), without
    smoothing.

    Args:
        images: float32 [b, h, w, 4] in 0..1, with premultiplied alpha.
    """
    # A pixel whose alpha rounds to 0 is transparent.
    visible = images * tf.cast(images[..., 3:] >= 0.5 / 255.0, tf.float32)
    levels = [visible]
    while max(levels[-1].shape[1:3]) > 1:
        levels.append(tf.nn.avg_pool2d(levels[-1], 2, 2, "SAME"))
    colors = tf.zeros_like(levels[-1][..., :3])
    for level in reversed(levels):
        alpha = level[..., 3:]
        filled = tf.image.resize(colors, level.shape[1:3], tf.image.ResizeMethod.NEAREST_NEIGHBOR)
        colors = tf.where(alpha > 0.0, tf.minimum(tf.math.divide_no_nan(level[..., :3], alpha), 1.0), filled)
    return tf.concat([colors, images[..., 3:]], axis=-1)
