"""Damage as generators cause it, applied to real images: the critic learns to detect it.

Every kind of damage has the signature `(images, others, severity, seed) -> images`:

- `images`: float32 [n, h, w, 3 or 4] in [-1, 1]; alpha is premultiplied.
- `others`: other images of the same shape, for damage that mixes two images.
- `severity`: float32 [n] in [0, 1]; 0 changes nothing, 1 ruins the image.
- `seed`: int32 [2], random seed.

Lengths are shares of the side, so a severity looks the same at every resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from anime_gan.common.backend import tf

Damage = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]

# Rec. 601.
LUMA = (0.299, 0.587, 0.114)
# Share of the damage that affects the whole image; the rest affects a region.
WHOLE_SHARE = 0.3


def warp(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Distorts shapes by a smooth random displacement of up to 8% of the side."""
    del others
    fields, masks = _split(seed, 2)
    side = images.shape[1]
    coarse = tf.random.stateless_uniform([tf.shape(images)[0], 8, 8, 2], fields, -1.0, 1.0)
    smooth = tf.image.resize(coarse, [side, side], tf.image.ResizeMethod.BICUBIC)
    return _displaced(
        images, smooth * (0.08 * side) * _scaled(severity) * _somewhere(images, severity, masks)
    )


def blur(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Blurs a region or the whole image with a Gaussian of up to 4% of the side."""
    del others
    blurred = _blurred(images, 0.04 * severity)
    return _mixed(images, blurred, _somewhere(images, severity, seed))


def noise(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Adds independent normal noise to pixels, with a standard deviation of up to 0.3."""
    del others
    values, masks = _split(seed, 2)
    normal = tf.random.stateless_normal(tf.shape(images), values)
    noisy = images + normal * (0.3 * _scaled(severity))
    return tf.clip_by_value(_mixed(images, noisy, _somewhere(images, severity, masks)), -1.0, 1.0)


def ragged(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Roughens outlines: each pixel is read from a random position nearby, up to 3% of the side away."""
    del others
    fields, masks = _split(seed, 2)
    field = tf.random.stateless_normal([*_leading(images), 2], fields) * (0.03 * images.shape[1])
    return _displaced(images, field * _scaled(severity) * _somewhere(images, severity, masks))


def patch(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Replaces a region by the same region of another image: another eye, another lock of hair."""
    return _mixed(images, others, _region(images, severity, seed))


def bleed(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Shifts and blurs the colors in a region across their outlines, but keeps the brightness."""
    del others
    moves, masks = _split(seed, 2)
    colors = images[..., :3]
    luma = tf.reduce_sum(colors * tf.constant(LUMA), axis=-1, keepdims=True)
    move = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 2], moves, -1.0, 1.0)
    field = tf.ones([*_leading(images), 1]) * move * (0.12 * images.shape[1]) * _scaled(severity)
    chroma = _displaced(_blurred(colors - luma, 0.08 * severity), field)
    bled = tf.concat([luma + chroma, images[..., 3:]], axis=-1)
    return tf.clip_by_value(_mixed(images, bled, _somewhere(images, severity, masks)), -1.0, 1.0)


def resample(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Pixelates the image: averages over cells of up to 6% of the side."""
    del others
    side = images.shape[1]
    # Number of cells along a side: one per pixel at severity 0, 16 at severity 1.
    cells = tf.cast(side, tf.float32) * (1.0 - severity) + 16.0 * severity
    cell = tf.floor((tf.range(side, dtype=tf.float32) + 0.5) * cells[:, None] / side)
    averaging = tf.cast(cell[:, :, None] == cell[:, None, :], tf.float32)
    averaging /= tf.reduce_sum(averaging, axis=-1, keepdims=True)
    return _mixed(images, _along_both(averaging, images), _somewhere(images, severity, seed))


def smear(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Repeats the surroundings in a region: mirrored at its center, or stretched from there."""
    del others
    middles, ways, regions = _split(seed, 3)
    count, side = tf.shape(images)[0], images.shape[1]
    middle = _draw_middle(count, middles)
    place = (tf.range(side, dtype=tf.float32) + 0.5) / side
    places = tf.stack(tf.meshgrid(place, place, indexing="ij"), axis=-1)
    beyond = tf.maximum(places - middle, 0.0) * side
    way = tf.random.stateless_uniform([count, 1, 1, 1], ways, 0, 4, tf.int32)
    # Reading twice as far back mirrors, reading as far back stretches; along rows or along columns.
    back = -beyond * tf.where(way % 2 == 0, 2.0, 1.0) * tf.where(way < 2, [1.0, 0.0], [0.0, 1.0])
    return _mixed(images, _displaced(images, back), _region(images, severity, regions, middle))


def ghost(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Blends in another image everywhere or in a region, by up to one half."""
    return _mixed(images, others, 0.5 * _scaled(severity) * _somewhere(images, severity, seed))


def fade(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Fades a region or the whole image into its mean color."""
    del others
    mask = _somewhere(images, severity, seed)
    mean = tf.reduce_sum(images * mask, axis=[1, 2], keepdims=True)
    mean /= tf.maximum(tf.reduce_sum(mask, axis=[1, 2], keepdims=True), 1e-6)
    return _mixed(images, mean, _scaled(severity) * mask)


DAMAGES: Mapping[str, Damage] = MappingProxyType(
    {
        "warp": warp,
        "blur": blur,
        "noise": noise,
        "ragged": ragged,
        "patch": patch,
        "bleed": bleed,
        "resample": resample,
        "smear": smear,
        "ghost": ghost,
        "fade": fade,
    }
)
# Lowest severity: fainter damage is hardly visible.
FAINTEST = 0.2


def draw_severity(count: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws severities: uniform from `FAINTEST` to 1, float32 [count]."""
    return tf.random.stateless_uniform([count], seed, FAINTEST, 1.0)


def tolerate(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Applies changes so faint that an image still counts as intact: slight blur, grain, unevenness.

    Without them the critic would only detect perfect sharpness, which no generator reaches.

    Args:
        images: float32 [n, h, w, 3 or 4] in [-1, 1].
        seed: int32 [2].

    Returns:
        Like `images`; a third of them unchanged. Values may leave [-1, 1] slightly.
    """
    count, side = tf.shape(images)[0], images.shape[1]
    choices, fields, waves, blurs, grains, grain, mottles, mottle = _split(seed, 8)

    def below(limit: float, seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_uniform([count], seed, 0.0, limit)

    field = _smooth_field(images, fields) * (side * _scaled(below(0.01, waves)))
    changed = _blurred(_displaced(images, field), below(0.01, blurs))
    changed += tf.random.stateless_normal(tf.shape(images), grain) * _scaled(below(0.04, grains))
    spots = tf.image.resize(
        tf.random.stateless_normal([count, 16, 16, images.shape[3]], mottle), [side, side]
    )
    changed += spots * _scaled(below(0.06, mottles))
    kept = tf.random.stateless_uniform([count, 1, 1, 1], choices) < 1.0 / 3.0
    return tf.where(kept, images, changed)


def corrupt(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Damages each image of a batch: the first by the first kind of damage, the second by the second.

    Args:
        images: float32 [n, h, w, 3 or 4] in [-1, 1], no two neighbors equal.
        seed: int32 [2].

    Returns:
        Like `images`, but ordered by kind of damage.
    """
    others = tf.roll(images, 1, axis=0)
    kinds = len(DAMAGES)
    damaged = []
    for number, damage in enumerate(DAMAGES.values()):
        part, other = images[number::kinds], others[number::kinds]
        severities, own = _split(seed + [0, number], 2)
        damaged.append(damage(part, other, draw_severity(tf.shape(part)[0], severities), own))
    return tf.concat(damaged, axis=0)


def _split(seed: tf.Tensor, count: int) -> list[tf.Tensor]:
    return tf.unstack(tf.random.split(seed, count))


def _leading(images: tf.Tensor) -> list[Any]:
    return [tf.shape(images)[0], images.shape[1], images.shape[2]]


def _scaled(severity: tf.Tensor) -> tf.Tensor:
    return severity[:, None, None, None]


def _mixed(images: tf.Tensor, damaged: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    return images + (damaged - images) * mask


def _draw_middle(count: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws the center of a region: row and column as shares of the side, [count, 1, 1, 2]."""
    return tf.random.stateless_uniform([count, 1, 1, 2], seed, 0.2, 0.8)


def _region(
    images: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor, middle: tf.Tensor | None = None
) -> tf.Tensor:
    """Draws a soft ellipse that grows with the severity: [n, h, w, 1] from 0 (outside) to 1."""
    count, side = tf.shape(images)[0], images.shape[1]
    middles, radii = _split(seed, 2)
    if middle is None:
        middle = _draw_middle(count, middles)
    radius = tf.random.stateless_uniform([count, 1, 1, 2], radii, 0.7, 1.3) * (
        0.05 + 0.25 * _scaled(severity)
    )
    place = (tf.range(side, dtype=tf.float32) + 0.5) / side
    places = tf.stack(tf.meshgrid(place, place, indexing="ij"), axis=-1)
    distance = tf.norm((places - middle) / radius, axis=-1, keepdims=True)
    # Severity 0 gives an empty region.
    return tf.sigmoid(8.0 * (1.0 - distance)) * tf.minimum(_scaled(severity) / FAINTEST, 1.0)


def _somewhere(images: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws a region, or sometimes the whole image: [n, h, w, 1] from 0 to 1."""
    choices, regions = _split(seed, 2)
    everywhere = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], choices) < WHOLE_SHARE
    return tf.where(everywhere, tf.ones_like(images[..., :1]), _region(images, severity, regions))


def _smooth_field(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draws a smooth random displacement: [n, h, w, 2], about -1 to 1."""
    coarse = tf.random.stateless_uniform([tf.shape(images)[0], 8, 8, 2], seed, -1.0, 1.0)
    return tf.image.resize(coarse, images.shape[1:3], tf.image.ResizeMethod.BICUBIC)


def _blurred(images: tf.Tensor, deviation: tf.Tensor) -> tf.Tensor:
    """Applies a Gaussian blur to each image, with standard deviations [n] as shares of the side.

    Computed as matrix products along both axes; at the edges the weights are renormalized.
    """
    place = (tf.range(images.shape[1], dtype=tf.float32) + 0.5) / images.shape[1]
    steps = (place[:, None] - place[None, :]) / tf.maximum(deviation, 1e-4)[:, None, None]
    return _along_both(tf.nn.softmax(-0.5 * steps**2), images)


def _along_both(matrices: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """Multiplies the rows and columns of each image by its matrix [n, h, h]."""
    return tf.einsum("nyi,nxj,nijc->nyxc", matrices, matrices, images)


def _displaced(images: tf.Tensor, field: tf.Tensor) -> tf.Tensor:
    """Reads each pixel (row, column) at (row, column) + field, with bilinear interpolation.

    Args:
        images: float32 [n, h, w, c].
        field: float32 [n, h, w, 2], in pixels; positions outside are clipped to the edge.
    """
    height, width, channels = images.shape[1:]
    rows, columns = tf.meshgrid(tf.range(height), tf.range(width), indexing="ij")
    place = tf.cast(tf.stack([rows, columns], axis=-1), tf.float32) + field
    place = tf.clip_by_value(place, 0.0, [height - 1.0, width - 1.0])
    first = tf.minimum(tf.cast(place, tf.int32), [height - 2, width - 2])
    share = (place - tf.cast(first, tf.float32))[..., None]
    flat = tf.reshape(images, [-1, height * width, channels])
    index = first[..., 0] * width + first[..., 1]

    def read(step: int) -> tf.Tensor:
        return tf.gather(flat, index + step, batch_dims=1)

    above = read(0) * (1.0 - share[..., 1, :]) + read(1) * share[..., 1, :]
    below = read(width) * (1.0 - share[..., 1, :]) + read(width + 1) * share[..., 1, :]
    return above * (1.0 - share[..., 0, :]) + below * share[..., 0, :]
