"""Adversarial losses and the attribute loss.

All functions are pure and return one float32 value per sample, whatever the dtype of the logits.
The caller sums them and divides by the size of the global batch; if each function took a mean, the
result would change with the number of replicas.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from anime_gan.attributes.schema import Slot
from anime_gan.common.backend import tf


@dataclasses.dataclass(frozen=True)
class AdversarialLoss:
    """What the discriminator and the generator minimize.

    Attributes:
        discriminator: `(real_logits, fake_logits) -> (real_term, fake_term)`; logits `[b, 1]`,
            terms float32 `[b]`, to be added.
        generator: `fake_logits -> term`; logits `[b, 1]`, term float32 `[b]`.
    """

    discriminator: Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]
    generator: Callable[[tf.Tensor], tf.Tensor]


def non_saturating_discriminator(
    real_logits: tf.Tensor, fake_logits: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cross entropy of real against fake (Goodfellow et al. 2014, arXiv 1406.2661, equation 1)."""
    return tf.nn.softplus(-_per_sample(real_logits)), tf.nn.softplus(_per_sample(fake_logits))


def non_saturating_generator(fake_logits: tf.Tensor) -> tf.Tensor:
    """-log D(G(z)), whose gradient is large where D rejects (arXiv 1406.2661, section 3)."""
    return tf.nn.softplus(-_per_sample(fake_logits))


def hinge_discriminator(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Zero beyond a margin of 1 (Miyato et al. 2018, arXiv 1802.05957, equation 16)."""
    return tf.nn.relu(1.0 - _per_sample(real_logits)), tf.nn.relu(1.0 + _per_sample(fake_logits))


def wasserstein_discriminator(real_logits: tf.Tensor, fake_logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Difference of the critic's values; needs a gradient penalty (arXiv 1701.07875, section 3)."""
    return -_per_sample(real_logits), _per_sample(fake_logits)


def negative_logit_generator(fake_logits: tf.Tensor) -> tf.Tensor:
    """-D(G(z)): the generator's side of the hinge and of the Wasserstein loss."""
    return -_per_sample(fake_logits)


ADVERSARIAL_LOSSES: Mapping[str, AdversarialLoss] = MappingProxyType(
    {
        "non_saturating": AdversarialLoss(non_saturating_discriminator, non_saturating_generator),
        "hinge": AdversarialLoss(hinge_discriminator, negative_logit_generator),
        "wasserstein": AdversarialLoss(wasserstein_discriminator, negative_logit_generator),
    }
)


def attribute_loss(
    logits: tf.Tensor, labels: tf.Tensor, slots: Sequence[Slot]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Cross entropy of the predicted attributes, over the attributes that are known.

    Softmax cross entropy for a group, sigmoid cross entropy for a tag. A tag labelled 0 is unknown,
    and so is a group without a +1; unknowns add nothing to the loss nor to its gradient.

    Weights: Jin et al. 2017 (arXiv 1708.05509) sum 34 sigmoid cross entropies, weigh the
    adversarial loss by lambda_adv = 34 and the gradient penalty by lambda_gp = 0.5. Where the
    adversarial loss has weight 1, that is 1/34 for this sum (or 1 for its mean over 34 attributes)
    and 0.5/34 for the penalty.

    Args:
        logits: `[b, a]`, any float dtype.
        labels: `[b, a]` in {-1, 0, +1}: off, unknown, on. If several columns of a group are on, the
            first counts.
        slots: The columns of every group and tag.

    Returns:
        `(loss, known)`, both float32 `[b]`: the sum over the known slots of each sample, and how
        many those are. For a mean, divide the global sum of the one by that of the other.
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
    return _sum_known(losses, known, batch_size=tf.shape(logits)[0])


def attribute_accuracy(
    logits: tf.Tensor, labels: tf.Tensor, slots: Sequence[Slot]
) -> tuple[tf.Tensor, tf.Tensor]:
    """Counts correctly predicted attributes among those known.

    A group is right if its largest logit is at the column that is on, a tag if its logit has the
    sign of its label.

    Args:
        logits: `[b, a]`, any float dtype.
        labels: `[b, a]` in {-1, 0, +1}.
        slots: As in `attribute_loss`.

    Returns:
        `(right, known)`, both float32 `[b]`: number of slots predicted correctly, and of slots
        known. The accuracy is the sum of the one divided by the sum of the other.
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
    return _sum_known(right, known, batch_size=tf.shape(logits)[0])


def _per_sample(logits: tf.Tensor) -> tf.Tensor:
    # Squeezing the last axis by name refuses what would broadcast silently, such as [b] or patches.
    return tf.squeeze(tf.cast(logits, tf.float32), axis=-1)


def _groups(slots: Sequence[Slot]) -> list[slice]:
    return [slot.columns for slot in slots if slot.is_group]


def _tags(slots: Sequence[Slot]) -> list[int]:
    return [slot.start for slot in slots if not slot.is_group]


def _first_on(on: tf.Tensor) -> tf.Tensor:
    return tf.argmax(tf.cast(on, tf.int32), axis=-1)


def _sum_known(
    values: list[tf.Tensor], known: list[tf.Tensor], batch_size: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    if not values:
        return tf.zeros([batch_size]), tf.zeros([batch_size])
    mask = tf.cast(tf.concat(known, axis=1), tf.float32)
    return tf.reduce_sum(tf.concat(values, axis=1) * mask, axis=1), tf.reduce_sum(mask, axis=1)
