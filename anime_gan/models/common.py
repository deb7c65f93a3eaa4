"""Base classes of the networks, with label embedding, output heads, and seeded initial weights."""

from __future__ import annotations

import hashlib
import math
from typing import Any, ClassVar, TypeAlias

from anime_gan.common.backend import keras, tf
from anime_gan.models.layers import BatchNormalization

# The shape of an array. The batch size comes first and is None.
Shape: TypeAlias = tuple[Any, ...]


def seeded_initializer(
    seed: int,
    name: str,
    initializer: type[keras.initializers.RandomInitializer] = keras.initializers.GlorotUniform,
) -> keras.initializers.Initializer:
    """Returns an initializer whose seed is different for each layer.

    The seed is a hash of the model's seed and the layer's name. If the model's seed were added to the layer's
    number, layers of two networks with neighboring seeds would draw the same values.

    Args:
        seed: Seed of the model.
        name: Name of the layer, unique among all networks with this seed.
        initializer: The distribution; by default, that of Keras layers.
    """
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return initializer(seed=int.from_bytes(digest[:4], "little") >> 1)


class AttributeNetwork(keras.Model):
    """The common base class of generators and discriminators.

    `build()` creates all variables and needs no shapes. Call it in the scope of the distribution strategy,
    before a checkpoint is restored.

    Args:
        num_labels: Number of attributes; 0 for an unconditional model.
        channels: 3 for RGB images, 4 for RGBA with premultiplied alpha.
        seed: Seed of the initial weights.
        dtype: Keras dtype policy, such as `"mixed_bfloat16"`. Outputs are always float32.
        synchronized: Whether batch normalization, if any, averages over all replicas of a `tf.distribute`
            strategy. The result then does not depend on the number of replicas.
        kwargs: Arguments of `keras.Model`.

    Attributes:
        kind: `"generator"` or `"discriminator"`.
        resolution: Height and width of the images, in pixels. Each architecture sets it.
    """

    kind: ClassVar[str]
    resolution: int

    def __init__(
        self,
        num_labels: int = 0,
        channels: int = 3,
        seed: int = 0,
        dtype: str | keras.DTypePolicy | None = None,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        """Stores the arguments; see the class."""
        super().__init__(dtype=dtype, **kwargs)
        self.num_labels = num_labels
        self.channels = channels
        self.seed = seed
        self.synchronized = synchronized

    def layer_options(self, name: str) -> dict[str, Any]:
        """Returns the Keras arguments that all layers with a kernel have in common."""
        return {
            "kernel_initializer": seeded_initializer(self.seed, f"{self.kind}/{name}"),
            "dtype": self.dtype_policy,
            "name": name,
        }

    def batch_normalization(self, name: str, **options: Any) -> BatchNormalization:
        """Returns a batch normalization with the network's settings. The options can replace them."""
        options = {"synchronized": self.synchronized, "dtype": self.dtype_policy, **options}
        return BatchNormalization(name=name, **options)

    def check_labels(self, labels: object, *, required: bool) -> None:
        """Rejects missing labels, and labels for an unconditional model.

        Raises:
            ValueError: The labels do not fit the model. The message says what to do.
        """
        if labels is None and required and self.num_labels:
            raise ValueError(
                f"This {self.kind} was made with num_labels={self.num_labels} and must be called with labels "
                f"of shape [batch, {self.num_labels}], but it got None."
            )
        if labels is not None and not self.num_labels:
            raise ValueError(
                f"This {self.kind} was made with num_labels=0 (unconditional), but was called with labels. "
                "Leave them out, or make the model with num_labels."
            )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        # Keras 3.15 cannot do this: for subclasses of Model, it silently records the defaults.
        return {
            **super().get_config(),
            "num_labels": self.num_labels,
            "channels": self.channels,
            "seed": self.seed,
            "synchronized": self.synchronized,
        }


class AttributeGenerator(AttributeNetwork):
    """The base class of all generators, which map latent vectors and labels to images.

    A subclass creates its layers in the constructor, builds them in `build_layers`, and computes images in
    `synthesize`. If it calls `add_label_embedding` before it creates other layers, labels pass through the
    embedding. Otherwise, they are concatenated with the latent vector without an embedding.

    Args:
        num_labels: Number of attributes that control the image; 0 for an unconditional model.
        latent_dim: Size of the latent vector.
        options: Arguments of `AttributeNetwork`.

    Attributes:
        embedding: The label embedding; None if the model has none.
    """

    kind = "generator"

    def __init__(self, num_labels: int = 0, latent_dim: int = 100, **options: Any) -> None:
        """Stores the arguments; see the class."""
        super().__init__(num_labels, **options)
        self.latent_dim = latent_dim
        self.embedding: keras.layers.Dense | None = None

    def add_label_embedding(self, size: int) -> None:
        """Creates a linear embedding of the labels, which is concatenated with the latent vector.

        Glorot initialization gives the embedding about the same variance as the latent vector.
        """
        if self.num_labels:
            self.embedding = keras.layers.Dense(size, **self.layer_options("embedding"))

    def build(self, latents_shape: Shape | None = None, labels_shape: Shape | None = None) -> None:
        """Creates all variables. The shapes follow from the constructor's arguments."""
        del latents_shape, labels_shape
        size = self.latent_dim + self.num_labels
        if self.embedding is not None:
            self.embedding.build((None, self.num_labels))
            size = self.latent_dim + self.embedding.units
        self.build_layers((None, size))
        self.built = True

    def build_layers(self, shape: Shape) -> None:
        """Creates the variables of the subclass's layers.

        Args:
            shape: Shape of the inputs of `synthesize`.
        """
        raise NotImplementedError

    def synthesize(self, inputs: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Computes images before the final tanh.

        Args:
            inputs: `[b, n]`, the latent vectors, followed by the labels or their embedding.
            training: Whether batch normalization, if any, uses the statistics of this batch.

        Returns:
            `[b, resolution, resolution, channels]` with unlimited values.
        """
        raise NotImplementedError

    def call(
        self, latents: tf.Tensor, labels: tf.Tensor | None = None, training: bool | None = None
    ) -> tf.Tensor:
        """Generates images.

        Args:
            latents: `[b, latent_dim]`, drawn from N(0, 1).
            labels: `[b, num_labels]` in -1..1, with +1 for on, -1 for off, and 0 for unknown. `None` if the
                model is unconditional.
            training: Whether batch normalization, if any, uses the statistics of this batch.

        Returns:
            float32 images `[b, resolution, resolution, channels]` in [-1, 1].

        Raises:
            ValueError: Labels are missing, or the model is unconditional and labels were given.
        """
        self.check_labels(labels, required=True)
        inputs = tf.cast(latents, self.compute_dtype)
        if self.num_labels:
            labels = tf.cast(labels, self.compute_dtype)
            embedded = labels if self.embedding is None else self.embedding(labels)
            inputs = tf.concat([inputs, embedded], axis=-1)
        return tf.tanh(tf.cast(self.synthesize(inputs, training), tf.float32))

    @property
    def label_layer(self) -> tuple[keras.layers.Dense, int]:
        """The dense layer that takes the labels, and the index of the first row of its kernel for labels.

        Fine-tuning rearranges these rows for a new set of labels. Without labels, the value is undefined.
        """
        return self.embedding, 0

    @property
    def normalized_convolutions(self) -> list[tuple[keras.layers.Layer, BatchNormalization]]:
        """Pairs of a convolution or dense layer and the batch normalization that follows it.

        Packing an exported model folds each normalization into its layer.
        """
        return []

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "latent_dim": self.latent_dim}


class AttributeDiscriminator(AttributeNetwork):
    """The base class of all discriminators, which tell real images from generated ones.

    Discriminators also predict the attributes of images. A subclass creates its convolutions in the
    constructor and calls `add_heads` at the end. It builds the convolutions in `build_layers` and computes
    the last feature map in `extract_features`.

    Args:
        num_labels: Number of attributes. With 0, there is neither a projection nor an attribute head.
        attribute_head: Whether to predict the attributes with an auxiliary classifier (Odena et al. 2016,
            arXiv 1610.09585).
        projection: Whether to condition the logit on the labels, as in Miyato and Koyama 2018, "cGANs with
            Projection Discriminator" (arXiv 1802.05637, equation 4). The inner product of the features and a
            linear embedding of the labels is added to the logit.
        options: Arguments of `AttributeNetwork`.
    """

    kind = "discriminator"

    def __init__(
        self, num_labels: int = 0, attribute_head: bool = True, projection: bool = True, **options: Any
    ) -> None:
        """Stores the arguments; see the class."""
        super().__init__(num_labels, **options)
        self.has_attribute_head = attribute_head
        self.has_projection = projection

    def add_heads(self, num_features: int) -> None:
        """Creates the layers after the last feature map, for the logit, the attributes, and the projection.

        Args:
            num_features: Height x width x channels of the last feature map.
        """

        def head(name: str, units: int, use_bias: bool = True) -> keras.layers.Dense:
            # The heads are float32, because bfloat16 would round logits around 10 to multiples of 1/16.
            options = {**self.layer_options(name), "dtype": "float32"}
            return keras.layers.Dense(units, use_bias=use_bias, **options)

        labels = self.num_labels
        self.flatten = keras.layers.Flatten(dtype="float32", name="flatten")
        self.fc = head("fc", 1)
        self.attributes = head("attributes", labels) if labels and self.has_attribute_head else None
        self.projection = (
            head("projection", num_features, use_bias=False) if labels and self.has_projection else None
        )

    def build(self, images_shape: Shape | None = None, labels_shape: Shape | None = None) -> None:
        """Creates all variables. The shapes follow from the constructor's arguments."""
        del images_shape, labels_shape
        shape = self.build_layers((None, self.resolution, self.resolution, self.channels))
        self.flatten.build(shape)
        shape = self.flatten.compute_output_shape(shape)
        self.fc.build(shape)
        if self.attributes is not None:
            self.attributes.build(shape)
        if self.projection is not None:
            self.projection.build((None, self.num_labels))
        self.built = True

    def build_layers(self, shape: Shape) -> Shape:
        """Creates the variables of the subclass's layers.

        Args:
            shape: Shape of the images.

        Returns:
            Shape of the last feature map.
        """
        raise NotImplementedError

    def extract_features(self, images: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Computes the last feature map, `[b, h, w, c]`.

        Args:
            images: `[b, resolution, resolution, channels]` in the compute dtype.
            training: Whether batch normalization, if any, uses the statistics of this batch.
        """
        raise NotImplementedError

    def call(
        self, images: tf.Tensor, labels: tf.Tensor | None = None, training: bool | None = None
    ) -> dict[str, tf.Tensor]:
        """Judges images.

        Args:
            images: `[b, resolution, resolution, channels]` in [-1, 1].
            labels: `[b, num_labels]` in -1..1, with +1 for on, -1 for off, and 0 for unknown. Only the
                projection uses them.
            training: Whether batch normalization, if any, uses the statistics of this batch.

        Returns:
            `"logits"`: float32 `[b, 1]`, positive for real.
            `"attributes"`: float32 `[b, num_labels]`, one logit per attribute; only with an attribute head.

        Raises:
            ValueError: The projection needs labels and got none, or the model is unconditional and labels
                were given.
        """
        self.check_labels(labels, required=self.projection is not None)
        features = self.flatten(self.extract_features(tf.cast(images, self.compute_dtype), training))
        outputs = {"logits": self.fc(features)}
        if self.projection is not None and labels is not None:
            # Glorot initialization gives each embedding weight the variance 2 / (num_labels + num_features).
            # The sum over labels of +1 and -1 multiplies the variance by num_labels. Dividing by the square
            # root of num_labels makes the projection start at the scale of `fc`.
            embedded = self.projection(tf.cast(labels, tf.float32)) / math.sqrt(labels.shape[-1])
            outputs["logits"] += tf.reduce_sum(embedded * features, axis=-1, keepdims=True)
        if self.attributes is not None:
            outputs["attributes"] = self.attributes(features)
        return outputs

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "attribute_head": self.has_attribute_head,
            "projection": self.has_projection,
        }
