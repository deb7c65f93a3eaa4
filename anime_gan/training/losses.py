"""Adversarial losses and the attribute loss.

All functions are pure. They take logits of any float dtype and return one float32 value per sample. The
caller sums the values and divides by the size of the global batch. If each function returned a mean, the
result would depend on the number of replicas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from anime_gan.attributes.scales import TOLERANCE
from anime_gan.attributes.schema import Slot
from anime_gan.common.backend import tf
from anime_gan.common.errors import InputError
from anime_gan.common.user_code import load_object

# Standard deviation in the loss of a scale, whose values are in -1..1.
SCALE_DEVIATION = 0.25


@dataclasses.dataclass(frozen=True)
class AdversarialLoss:
    """The losses that the discriminator and the generator minimize.

    Attributes:
        discriminator: `(real_logits, fake_logits) -> (real_term, fake_term)`, with logits `[b, 1]` and terms
            float32 `[b]`. The loss is the sum of both terms.
        generator: `fake_logits -> term`, with logits `[b, 1]` and a term float32 `[b]`.
    """

    discriminator: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
    generator: Callable[[tf.Tensor], tf.Tensor]


def non_saturating_discriminator(
    real_logits: tf.Tensor, fake_logits: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cross-entropy of real versus fake (Goodfellow et al. 2014, arXiv 1406.2661, equation 1)."""
    return tf.nn.softplus(-_per_sample(real_logits)), tf.nn.softplus(_per_sample(fake_logits))


def non_saturating_generator(fake_logits: tf.Tensor) -> tf.Tensor:
    """-log D(G(z)); its gradient is large if D rejects the image (arXiv 1406.2661, section 3)."""
    return tf.nn.softplus(-_per_sample(fake_logits))


def hinge_discriminator(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Hinge loss, which is zero beyond a margin of 1 (Miyato et al. 2018, arXiv 1802.05957, equation 16)."""
    return tf.nn.relu(1.0 - _per_sample(real_logits)), tf.nn.relu(1.0 + _per_sample(fake_logits))


def wasserstein_discriminator(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Difference of the discriminator's outputs; needs a gradient penalty (arXiv 1701.07875, section 3)."""
    return -_per_sample(real_logits), _per_sample(fake_logits)


def negative_logit_generator(fake_logits: tf.Tensor) -> tf.Tensor:
    """-D(G(z)), the generator's part of the hinge loss and of the Wasserstein loss."""
    return -_per_sample(fake_logits)


ADVERSARIAL_LOSSES: Mapping[str, AdversarialLoss] = MappingProxyType(
    {
        "non_saturating": AdversarialLoss(non_saturating_discriminator, non_saturating_generator),
        "hinge": AdversarialLoss(hinge_discriminator, negative_logit_generator),
        "wasserstein": AdversarialLoss(wasserstein_discriminator, negative_logit_generator),
    }
)


def get_adversarial_loss(name: str) -> AdversarialLoss:
    """Returns the loss with this name, or imports the loss that `module:NAME` refers to.

    Raises:
        InputError: The loss does not exist, or its terms are not float32 `[b]`.
    """
    if name in ADVERSARIAL_LOSSES:
        return ADVERSARIAL_LOSSES[name]
    loss = load_object(name, AdversarialLoss, "adversarial_loss")
    logits = tf.zeros([2, 1])
    for term in (*loss.discriminator(logits, logits), loss.generator(logits)):
        check_per_sample(term, name, "adversarial_loss")
    return loss


def check_per_sample(term: tf.Tensor, name: str, field: str) -> None:
    """Checks that a term for two samples is float32 `[2]`, rather than a mean over the batch.

    Raises:
        InputError: The dtype or the shape is wrong.
    """
    if term.dtype != tf.float32 or term.shape != [2]:
        returned = f"{term.dtype.name} {term.shape}"
        raise InputError(f"must return float32 (2,) for a batch of 2 images, not {returned}", field, name)


def attribute_loss(
    logits: tf.Tensor, labels: tf.Tensor, slots: Sequence[Slot]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the cross-entropy of each sample, summed over its known attributes.

    A group has a softmax cross-entropy, and a tag has a sigmoid cross-entropy. A scale has the negative
    log-likelihood of a normal distribution, whose mean is the logit, up to a constant. A tag or a scale
    labeled 0 is unknown, and so is a group without a +1. Unknown attributes affect neither the loss nor the
    gradient.

    Jin et al. 2017 (arXiv 1708.05509) add up 34 sigmoid cross-entropies, the adversarial loss with weight
    lambda_adv = 34, and the gradient penalty with weight lambda_gp = 0.5. If the adversarial loss has weight
    1, the sum of the cross-entropies has weight 1/34, so their mean has weight 1. The penalty has weight
    0.5/34.

    Args:
        logits: `[b, a]`, any float dtype.
        labels: `[b, a]` of -1 (off), 0 (unknown), and +1 (on); scales are in -1..1. If several columns of a
            group are on, only the first one counts.
        slots: The columns of every attribute.

    Returns:
        `(loss, known)`, both float32 `[b]`: the sum over the known attributes of each sample, and their
        number. For a mean, divide the global sum of `loss` by the global sum of `known`.
    """
    logits = tf.cast(logits, tf.float32)
    labels = tf.cast(labels, tf.float32)
    losses, known = [], []
    for columns in _groups(slots):
        on = labels[:, columns] > 0
        cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=_first_on(on), logits=logits[:, columns]
        )
        losses.append(cross_entropy[:, None])
        known.append(tf.reduce_any(on, axis=-1, keepdims=True))
    if tags := _tags(slots):
        tag_labels = tf.gather(labels, tags, axis=1)
        losses.append(
            tf.nn.sigmoid_cross_entropy_with_logits(
                labels=(tag_labels + 1.0) / 2.0, logits=tf.gather(logits, tags, axis=1)
            )
        )
        known.append(tf.not_equal(tag_labels, 0.0))
    if scales := _scales(slots):
        values, predicted = (tf.gather(part, scales, axis=1) for part in (labels, logits))
        losses.append(0.5 * tf.square((predicted - values) / SCALE_DEVIATION))
        known.append(tf.not_equal(values, 0.0))
    return _sum_known(losses, known, batch_size=tf.shape(logits)[0])


def attribute_accuracy(
    logits: tf.Tensor, labels: tf.Tensor, slots: Sequence[Slot]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Counts the known attributes that are predicted correctly.

    A group is correct if its largest logit is in the column that is on. A tag is correct if its logit has the
    sign of its label. A scale is correct if its logit is close to its value.

    Args:
        logits: `[b, a]`, any float dtype.
        labels: `[b, a]` of -1, 0, and +1; scales are in -1..1.
        slots: The columns of every attribute.

    Returns:
        `(right, known)`, both float32 `[b]`: the number of correctly predicted known attributes, and the
        number of known attributes. The accuracy is the ratio of their sums.
    """
    labels = tf.cast(labels, tf.float32)
    right, known = [], []
    for columns in _groups(slots):
        on = labels[:, columns] > 0
        predicted = tf.argmax(logits[:, columns], axis=-1)
        right.append(tf.cast(tf.equal(predicted, _first_on(on)), tf.float32)[:, None])
        known.append(tf.reduce_any(on, axis=-1, keepdims=True))
    if tags := _tags(slots):
        tag_labels = tf.gather(labels, tags, axis=1)
        predicted_on = tf.gather(logits, tags, axis=1) > 0
        right.append(tf.cast(tf.equal(predicted_on, tag_labels > 0), tf.float32))
        known.append(tf.not_equal(tag_labels, 0.0))
    if scales := _scales(slots):
        values, predicted_values = (tf.gather(part, scales, axis=1) for part in (labels, logits))
        distance = tf.abs(tf.cast(predicted_values, tf.float32) - values)
        right.append(tf.cast(distance <= TOLERANCE, tf.float32))
        known.append(tf.not_equal(values, 0.0))
    return _sum_known(right, known, batch_size=tf.shape(logits)[0])


def _per_sample(logits: tf.Tensor) -> tf.Tensor:
    # `axis=-1` raises an error for shapes that would broadcast silently, such as [b] or [b, h, w].
    return tf.squeeze(tf.cast(logits, tf.float32), axis=-1)


def _groups(slots: Sequence[Slot]) -> list[slice]:
    return [slot.columns for slot in slots if slot.is_group]


def _tags(slots: Sequence[Slot]) -> list[int]:
    return [slot.start for slot in slots if not (slot.is_group or slot.is_scale)]


def _scales(slots: Sequence[Slot]) -> list[int]:
    return [slot.start for slot in slots if slot.is_scale]


def _first_on(on: tf.Tensor) -> tf.Tensor:
    return tf.argmax(tf.cast(on, tf.int32), axis=-1)


def _sum_known(
    values: list[tf.Tensor], known: list[tf.Tensor], batch_size: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    if not values:
        return tf.zeros([batch_size]), tf.zeros([batch_size])
    mask = tf.cast(tf.concat(known, axis=1), tf.float32)
    return tf.reduce_sum(tf.concat(values, axis=1) * mask, axis=1), tf.reduce_sum(mask, axis=1)
