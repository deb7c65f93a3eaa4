"""What the networks share: seeded initial weights, a check of the labels, the discriminators' heads."""

from __future__ import annotations

import hashlib
import math
from typing import Any

from anime_gan.common.backend import keras, tf


def seeded_initializer(
    seed: int,
    name: str,
    initializer: type[keras.initializers.RandomInitializer] = keras.initializers.GlorotUniform,
) -> keras.initializers.Initializer:
    """Returns an initializer, by default Keras's default, with a seed of the layer's own.

    The layer's name is hashed into the seed. Seeds counted upwards would repeat: an initializer
    draws the same stream for equal seeds, whatever the layer.

    Args:
        seed: Seed of the whole model.
        name: Name of the layer, unique among all networks made with `seed`.
        initializer: The distribution.
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return initializer(seed=int.from_bytes(digest[:4], "little") >> 1)


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


class AttributeDiscriminator(keras.Model):
    """What all discriminators have behind their convolutions: a logit, a projection, an attribute head.

    A subclass makes its convolutions, calls `add_heads` at the end of its constructor and `build_heads` at
    the end of its `build()`, and says in `extract_features` what the convolutions make of images.

    Args:
        num_labels: Number of attributes. With 0 there is neither projection nor attribute head.
        attribute_head: Whether to predict the attributes (auxiliary classifier).
        projection: Whether to condition the logit on the labels, as in Miyato & Koyama 2018,
            "cGANs with Projection Discriminator" (arXiv 1802.05637, equation 4): the inner product
            of the features and a linear embedding of the labels is added to the logit.
        seed: Seed of the initial weights.
        dtype: Keras dtype policy, for example `"mixed_bfloat16"`. Outputs are float32 in any case.
    """

    def __init__(
        self,
        num_labels: int,
        attribute_head: bool,
        projection: bool,
        seed: int,
        dtype: str | keras.DTypePolicy | None,
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.num_labels = num_labels
        self.has_attribute_head = attribute_head
        self.has_projection = projection
        self.seed = seed

    def add_heads(self, num_features: int) -> None:
        """Makes the layers behind the last map, which has so many numbers."""

        def head(name: str, units: int, use_bias: bool = True) -> keras.layers.Dense:
            # float32: in bfloat16 logits around 10 would come in steps of 1/16.
            return keras.layers.Dense(
                units,
                use_bias=use_bias,
                kernel_initializer=seeded_initializer(self.seed, f"discriminator/{name}"),
                dtype="float32",
                name=name,
            )

        labels = self.num_labels
        self.flatten = keras.layers.Flatten(dtype="float32", name="flatten")
        self.fc = head("fc", 1)
        self.attributes = head("attributes", labels) if labels and self.has_attribute_head else None
        self.projection = (
            head("projection", num_features, use_bias=False) if labels and self.has_projection else None
        )

    def build_heads(self, shape: tuple[Any, ...]) -> None:
        """Creates their variables, for a last map of this shape."""
        self.flatten.build(shape)
        shape = self.flatten.compute_output_shape(shape)
        self.fc.build(shape)
        if self.attributes is not None:
            self.attributes.build(shape)
        if self.projection is not None:
            self.projection.build((None, self.num_labels))
        self.built = True

    def extract_features(self, images: tf.Tensor, training: bool | None) -> tf.Tensor:
        """The last map `[b, h, w, c]` for images in the dtype of the computation."""
        raise NotImplementedError

    def call(
        self, images: tf.Tensor, labels: tf.Tensor | None = None, training: bool | None = None
    ) -> dict[str, tf.Tensor]:
        """Judges images.

        Args:
            images: `[b, resolution, resolution, 3]` in [-1, 1].
            labels: `[b, num_labels]` in -1..1: +1 on, -1 off, 0 unknown. Needed by the projection
                only, otherwise ignored.
            training: Whether batch normalization, if there is any, uses this batch's statistics.

        Returns:
            `"logits"`: float32 `[b, 1]`, positive for real; and with an attribute head
            `"attributes"`: float32 `[b, num_labels]`, one logit per attribute.

        Raises:
            ValueError: If the projection misses its labels, or an unconditional model is given
                some.
        """
        check_labels(labels, self.num_labels, required=self.projection is not None, model="discriminator")
        features = self.flatten(self.extract_features(tf.cast(images, self.compute_dtype), training))
        outputs = {"logits": self.fc(features)}
        if self.projection is not None and labels is not None:
            # Glorot gives each embedding weight variance 2 / (num_labels + num_features). The sum over the
            # +-1 labels multiplies that by num_labels; dividing by its root makes the projection start at
            # the scale of `fc`, whatever the number of attributes.
            embedded = self.projection(tf.cast(labels, tf.float32)) / math.sqrt(labels.shape[-1])
            outputs["logits"] += tf.reduce_sum(embedded * features, axis=-1, keepdims=True)
        if self.attributes is not None:
            outputs["attributes"] = self.attributes(features)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        # Not left to Keras: for subclasses of Model, Keras 3.15 silently records the defaults.
        return {
            **super().get_config(),
            "num_labels": self.num_labels,
            "attribute_head": self.has_attribute_head,
            "projection": self.has_projection,
            "seed": self.seed,
        }
