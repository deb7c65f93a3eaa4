"""Damage done to real pictures, such as generators do: what the critic learns to tell from intact ones.

Every kind of damage has the signature `(images, others, severity, seed) -> images`:

- `images`: float32 [n, h, w, 3] in [-1, 1].
- `others`: other pictures of the same shape, for damage that mixes two.
- `severity`: float32 [n] in [0, 1]; 0 leaves a picture as it is, 1 ruins it.
- `seed`: int32 [2]; the same seed does the same.

Lengths are shares of the side, so that the same severity looks alike at every resolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import tensorflow as tf

Damage = Callable[[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]

# Rec. 601.
LUMA = (0.299, 0.587, 0.114)
# Draws of this share of the damages concern the whole picture, the others a region.
WHOLE_SHARE = 0.3


def warp(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Wobbly, torn shapes: a smooth random displacement of up to 8% of the side."""
    del others
    fields, masks = _split(seed, 2)
    side = images.shape[1]
    coarse = tf.random.stateless_uniform([tf.shape(images)[0], 8, 8, 2], fields, -1.0, 1.0)
    smooth = tf.image.resize(coarse, [side, side], tf.image.ResizeMethod.BICUBIC)
    return _displaced(
        images, smooth * (0.08 * side) * _scaled(severity) * _somewhere(images, severity, masks)
    )


def blur(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A region or everything out of focus, by a Gaussian of up to 4% of the side."""
    del others
    blurred = _blurred(images, 0.04 * severity)
    return _mixed(images, blurred, _somewhere(images, severity, seed))


def noise(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Independent normal noise on pixels, with a standard deviation of up to 0.3."""
    del others
    values, masks = _split(seed, 2)
    normal = tf.random.stateless_normal(tf.shape(images), values)
    noisy = images + normal * (0.3 * _scaled(severity))
    return tf.clip_by_value(_mixed(images, noisy, _somewhere(images, severity, masks)), -1.0, 1.0)


def ragged(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Ragged outlines: each pixel is taken from a place nearby, with a spread of up to 3% of the side."""
    del others
    fields, masks = _split(seed, 2)
    field = tf.random.stateless_normal([*_leading(images), 2], fields) * (0.03 * images.shape[1])
    return _displaced(images, field * _scaled(severity) * _somewhere(images, severity, masks))


def patch(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A region of another picture at the same place: another eye, another lock of hair."""
    return _mixed(images, others, _region(images, severity, seed))


def bleed(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Colours that run over their outlines in a region, while the brightness stays."""
    del others
    moves, masks = _split(seed, 2)
    luma = tf.reduce_sum(images * tf.constant(LUMA), axis=-1, keepdims=True)
    move = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 2], moves, -1.0, 1.0)
    field = tf.ones([*_leading(images), 1]) * move * (0.12 * images.shape[1]) * _scaled(severity)
    chroma = _displaced(_blurred(images - luma, 0.08 * severity), field)
    return tf.clip_by_value(_mixed(images, luma + chroma, _somewhere(images, severity, masks)), -1.0, 1.0)


def resample(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Too few pixels: averaged over cells of up to 6% of the side, and drawn large again."""
    del others
    side = images.shape[1]
    # Cells along a side: all at severity 0, a sixteenth part of 256 pixels and a fourth of 64 at 1.
    cells = tf.cast(side, tf.float32) * (1.0 - severity) + 16.0 * severity
    cell = tf.floor((tf.range(side, dtype=tf.float32) + 0.5) * cells[:, None] / side)
    averaging = tf.cast(cell[:, :, None] == cell[:, None, :], tf.float32)
    averaging /= tf.reduce_sum(averaging, axis=-1, keepdims=True)
    return _mixed(images, _along_both(averaging, images), _somewhere(images, severity, seed))


def smear(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A region that repeats its surroundings: mirrored at its middle, or dragged along from there."""
    del others
    middles, ways, regions = _split(seed, 3)
    count, side = tf.shape(images)[0], images.shape[1]
    middle = _draw_middle(count, middles)
    place = (tf.range(side, dtype=tf.float32) + 0.5) / side
    places = tf.stack(tf.meshgrid(place, place, indexing="ij"), axis=-1)
    beyond = tf.maximum(places - middle, 0.0) * side
    way = tf.random.stateless_uniform([count, 1, 1, 1], ways, 0, 4, tf.int32)
    # Twice as far back is the mirror image, as far back is the line itself; along rows or along columns.
    back = -beyond * tf.where(way % 2 == 0, 2.0, 1.0) * tf.where(way < 2, [1.0, 0.0], [0.0, 1.0])
    return _mixed(images, _displaced(images, back), _region(images, severity, regions, middle))


def ghost(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Another picture shines through everywhere or in a region, by up to half."""
    return _mixed(images, others, 0.5 * _scaled(severity) * _somewhere(images, severity, seed))


def fade(images: tf.Tensor, others: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A region or everything fades into its mean colour, until nothing is left."""
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
# Fainter damage than this is hardly seen.
FAINTEST = 0.2


def draw_severity(count: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """How strong to damage pictures: uniform from `FAINTEST` to 1, float32 [count]."""
    return tf.random.stateless_uniform([count], seed, FAINTEST, 1.0)


def tolerate(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes so faint that a picture with them still counts as intact: a trifle soft, grainy, uneven.

    Without them the critic would look for nothing but the last bit of sharpness, which no generator has.

    Args:
        images: float32 [n, h, w, 3] in [-1, 1].
        seed: int32 [2].

    Returns:
        Like `images`; a third of them as they were. Values may leave [-1, 1] a little.
    """
    count, side = tf.shape(images)[0], images.shape[1]
    choices, fields, waves, blurs, grains, grain, mottles, mottle = _split(seed, 8)

    def below(limit: float, seed: tf.Tensor) -> tf.Tensor:
        return tf.random.stateless_uniform([count], seed, 0.0, limit)

    field = _smooth_field(images, fields) * (side * _scaled(below(0.01, waves)))
    changed = _blurred(_displaced(images, field), below(0.01, blurs))
    changed += tf.random.stateless_normal(tf.shape(images), grain) * _scaled(below(0.04, grains))
    spots = tf.image.resize(tf.random.stateless_normal([count, 16, 16, 3], mottle), [side, side])
    changed += spots * _scaled(below(0.06, mottles))
    kept = tf.random.stateless_uniform([count, 1, 1, 1], choices) < 1.0 / 3.0
    return tf.where(kept, images, changed)


def corrupt(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Damages each picture of a batch in one way: the first by the first kind, the second by the second.

    Args:
        images: float32 [n, h, w, 3] in [-1, 1], of which no two neighbours are alike.
        seed: int32 [2].

    Returns:
        Like `images`, but in the order of the kinds: all of the first, then all of the second.
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


def _leading(images: tf.Tensor) -> list:
    return [tf.shape(images)[0], images.shape[1], images.shape[2]]


def _scaled(severity: tf.Tensor) -> tf.Tensor:
    return severity[:, None, None, None]


def _mixed(images: tf.Tensor, damaged: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    return images + (damaged - images) * mask


def _draw_middle(count: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Where a region is: row and column as shares of the side, [count, 1, 1, 2]."""
    return tf.random.stateless_uniform([count, 1, 1, 2], seed, 0.2, 0.8)


def _region(
    images: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor, middle: tf.Tensor | None = None
) -> tf.Tensor:
    """A soft ellipse that grows with the severity: [n, h, w, 1] from 0 (outside) to 1."""
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
    # Nothing at severity 0.
    return tf.sigmoid(8.0 * (1.0 - distance)) * tf.minimum(_scaled(severity) / FAINTEST, 1.0)


def _somewhere(images: tf.Tensor, severity: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A region, or now and then everything: [n, h, w, 1] from 0 to 1."""
    choices, regions = _split(seed, 2)
    everywhere = tf.random.stateless_uniform([tf.shape(images)[0], 1, 1, 1], choices) < WHOLE_SHARE
    return tf.where(everywhere, tf.ones_like(images[..., :1]), _region(images, severity, regions))


def _smooth_field(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A random displacement that changes slowly: [n, h, w, 2], about -1 to 1."""
    coarse = tf.random.stateless_uniform([tf.shape(images)[0], 8, 8, 2], seed, -1.0, 1.0)
    return tf.image.resize(coarse, images.shape[1:3], tf.image.ResizeMethod.BICUBIC)


def _blurred(images: tf.Tensor, deviation: tf.Tensor) -> tf.Tensor:
    """Gaussian blur, each picture by its own standard deviation [n], given in shares of the side.

    Written as a product with a matrix from either side; at the edges the weights that are left are scaled.
    """
    place = (tf.range(images.shape[1], dtype=tf.float32) + 0.5) / images.shape[1]
    steps = (place[:, None] - place[None, :]) / tf.maximum(deviation, 1e-4)[:, None, None]
    return _along_both(tf.nn.softmax(-0.5 * steps**2), images)


def _along_both(matrices: tf.Tensor, images: tf.Tensor) -> tf.Tensor:
    """Multiplies rows and columns of each picture by its matrix [n, h, h]."""
    return tf.einsum("nyi,nxj,nijc->nyxc", matrices, matrices, images)


def _displaced(images: tf.Tensor, field: tf.Tensor) -> tf.Tensor:
    """Reads each pixel (row, column) at (row, column) + field, between pixels linearly.

    Args:
        images: float32 [n, h, w, c].
        field: float32 [n, h, w, 2], in pixels; what lies outside is taken from the edge.
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
