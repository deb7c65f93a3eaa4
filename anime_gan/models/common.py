"""What the networks share: seeded initial weights, the discriminator's heads, a check of the labels."""

from __future__ import annotations

import hashlib
import math

import keras
import tensorflow as tf


def seeded_initializer(seed: int, name: str) -> keras.initializers.Initializer:
    """Returns Keras's default initializer, Glorot uniform, with a seed of the layer's own.

    The layer's name is hashed into the seed. Seeds counted upwards would repeat: an initializer
    draws the same stream for equal seeds, whatever the layer.

    Args:
        seed: Seed of the whole model.
        name: Name of the layer, unique among all networks made with `seed`.
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return keras.initializers.GlorotUniform(seed=int.from_bytes(digest[:4], "little") >> 1)


def check_labels(labels: object, num_labels: int, *, required: bool, model: str) -> None:
    """Refuses missing labels, and labels for an unconditional model.

    Raises:
        ValueError: The labels do not fit the model; the message says what to do.
    """
    if labels is None and required and num_labels:
        raise ValueError(
            f"This {model} was made with num_labels={num_labels} and must be called with labels "
            f"of shape [batch, {num_labels}]; got None."
        )
    if labels is not None and not num_labels:
        raise ValueError(
            f"This {model} was made with num_labels=0 (unconditional) but was called with labels. "
            "Leave them out, or make the model with num_labels."
        )


def judge_features(
    features: tf.Tensor,
    labels: tf.Tensor | None,
    fc: keras.layers.Dense,
    projection: keras.layers.Dense | None,
    attributes: keras.layers.Dense | None,
) -> dict[str, tf.Tensor]:
    """What a discriminator says, from the features of its last map.

    Args:
        features: float32 `[b, num_features]`.
        labels: `[b, num_labels]`; needed by the projection only.
        fc: Makes the logit.
        projection: Embeds the labels in the space of the features (Miyato & Koyama 2018, equation 4).
        attributes: Makes a logit for each attribute.

    Returns:
        `"logits"`: `[b, 1]`; and with `attributes` also `"attributes"`: `[b, num_labels]`.
    """
    outputs = {"logits": fc(features)}
    if projection is not None and labels is not None:
        # Glorot gives each embedding weight variance 2 / (num_labels + num_features). The sum over the +-1
        # labels multiplies that by num_labels; dividing by its root makes the projection start at the scale
        # of `fc`, whatever the number of attributes.
        embedded = projection(tf.cast(labels, tf.float32)) / math.sqrt(labels.shape[-1])
        outputs["logits"] += tf.reduce_sum(embedded * features, axis=-1, keepdims=True)
    if attributes is not None:
        outputs["attributes"] = attributes(features)
    return outputs
