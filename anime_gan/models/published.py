"""The published networks for 64x64 images, made controllable.

Without labels, and with `padding="valid"` and `normalization="batch"` in the discriminator, these
are the networks of the published example, weight for weight: 2,472,323 parameters in the generator
and 1,031,041 in the discriminator, the statistics of batch normalization included. What was added:

- labels: an embedding beside the latent in the generator; a projection (Miyato & Koyama 2018) and
  an auxiliary classifier (Odena et al. 2016, arXiv 1610.09585) in the discriminator;
- a discriminator that sees the whole image and leaves out batch statistics;
- seeded initial weights, mixed precision, batch normalization over all replicas.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from anime_gan.common.backend import keras, tf
from anime_gan.models import layers
from anime_gan.models.common import AttributeDiscriminator, check_labels, seeded_initializer

Shape = tuple[int | None, ...]


class Generator(keras.Model):
    """Maps latents and labels to images: 3x3 -> 9x9 -> 21x21 -> 64x64.

    All variables exist after `build()`, which needs no shapes. Build the model before restoring a
    checkpoint, and inside the strategy's scope.

    Args:
        num_labels: Number of attributes that control the image. With 0 the model is unconditional
            and is the published one.
        latent_dim: Length of a latent.
        embedding_dim: Length of the label embedding that is concatenated to the latent. Glorot
            initialization gives it about the variance of the latent, so neither drowns the other.
        seed: Seed of the initial weights.
        dtype: Keras dtype policy, for example `"mixed_bfloat16"`. Images are float32 in any case.
        synchronized: Whether batch normalization averages over all replicas of a
            `tf.distribute` strategy, so that the result does not depend on their number.
    """

    resolution: ClassVar[int] = 64

    def __init__(
        self,
        num_labels: int = 0,
        latent_dim: int = 100,
        embedding_dim: int = 64,
        seed: int = 0,
        dtype: str | keras.DTypePolicy | None = None,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.num_labels = num_labels
        self.latent_dim = latent_dim
        self.embedding_dim = embedding_dim
        self.seed = seed
        self.synchronized = synchronized
        policy = self.dtype_policy

        def upsample(name: str, filters: int, kernel_size: int, strides: int):
            return layers.Conv2DTranspose(
                filters,
                kernel_size,
                strides,
                padding="valid",
                kernel_initializer=seeded_initializer(seed, f"generator/{name}"),
                dtype=policy,
                name=name,
            )

        def dense(name: str, units: int):
            return keras.layers.Dense(
                units,
                kernel_initializer=seeded_initializer(seed, f"generator/{name}"),
                dtype=policy,
                name=name,
            )

        def normalization(name: str):
            return layers.BatchNormalization(synchronized=synchronized, dtype=policy, name=name)

        self.embedding = dense("embedding", embedding_dim) if num_labels else None
        self.fc = dense("fc", 3 * 3 * 512)
        self.conv1 = upsample("conv1", 256, 3, 3)
        self.bn1 = normalization("bn1")
        self.conv2 = upsample("conv2", 128, 5, 2)
        self.bn2 = normalization("bn2")
        self.conv3 = upsample("conv3", 3, 4, 3)

    def build(self, latents_shape: Shape | None = None, labels_shape: Shape | None = None) -> None:
        """Creates all variables. The shapes follow from the constructor's arguments."""
        del latents_shape, labels_shape
        dense_inputs = self.latent_dim
        if self.embedding is not None:
            self.embedding.build((None, self.num_labels))
            dense_inputs += self.embedding_dim
        self.fc.build((None, dense_inputs))
        shape: Shape = (None, 3, 3, 512)
        for layer in (self.conv1, self.bn1, self.conv2, self.bn2, self.conv3):
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.built = True

    def call(
        self, latents: tf.Tensor, labels: tf.Tensor | None = None, training: bool | None = None
    ) -> tf.Tensor:
        """Generates images.

        Args:
            latents: `[b, latent_dim]`, drawn from N(0, 1).
            labels: `[b, num_labels]` in -1..1: +1 on, -1 off, 0 unknown. `None` if the model is
                unconditional.
            training: Whether batch normalization uses the statistics of this batch.

        Returns:
            float32 images `[b, 64, 64, 3]` in [-1, 1].

        Raises:
            ValueError: If labels are missing, or given to an unconditional model.
        """
        check_labels(labels, self.num_labels, required=True, model="generator")
        x = tf.cast(latents, self.compute_dtype)
        if self.embedding is not None:
            embedded = self.embedding(tf.cast(labels, self.compute_dtype))
            x = tf.concat([x, embedded], axis=-1)
        x = layers.leaky_relu(tf.reshape(self.fc(x), [-1, 3, 3, 512]))
        x = layers.leaky_relu(self.bn1(self.conv1(x), training=training))
        x = layers.leaky_relu(self.bn2(self.conv2(x), training=training))
        return tf.tanh(tf.cast(self.conv3(x), tf.float32))

    @property
    def normalized_convolutions(self) -> list[tuple[keras.layers.Conv2DTranspose, layers.BatchNormalization]]:
        """Each convolution with the batch normalization behind it."""
        return [(self.conv1, self.bn1), (self.conv2, self.bn2)]

    @property
    def label_layer(self) -> tuple[keras.layers.Dense, int]:
        """The dense layer that takes the labels, and the first row of its kernel that is theirs."""
        return self.embedding, 0

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        # Not left to Keras: for subclasses of Model, Keras 3.15 silently records the defaults.
        return {
            **super().get_config(),
            "num_labels": self.num_labels,
            "latent_dim": self.latent_dim,
            "embedding_dim": self.embedding_dim,
            "seed": self.seed,
            "synchronized": self.synchronized,
        }


class Discriminator(AttributeDiscriminator):
    """Tells real images from generated ones, and which attributes they show.

    Three convolutions with kernel 5 and stride 3. Two things about the published variant
    (`padding="valid"`, `normalization="batch"`):

    - Its last feature map is 1x1 with a receptive field that ends at row and column 52: at
      inference the rest of the 64x64 image has no influence. While training, rows and columns
      53-61 leak in through the batch statistics of the unused positions; the last two are never
      read. With `padding="same"` the maps are 22x22, 8x8 and 3x3 and every pixel counts.
    - With batch statistics a logit depends on the whole batch, so the gradient of one logit by its
      own image is not defined (Gulrajani et al. 2017, arXiv 1704.00028, section 4, "No critic batch
      normalization"). Under a gradient penalty use `"none"` or `"layer"`.

    Instance normalization is not offered: on a 1x1 map it returns zero whatever the image.

    All variables exist after `build()`, which needs no shapes.

    Args:
        num_labels: Number of attributes. With 0 there is neither projection nor attribute head.
        attribute_head: Whether to predict the attributes (auxiliary classifier).
        projection: Whether to condition the logit on the labels, as in Miyato & Koyama 2018,
            "cGANs with Projection Discriminator" (arXiv 1802.05637, equation 4): the inner product
            of the features and a linear embedding of the labels is added to the logit.
        padding: `"same"` or `"valid"`.
        normalization: After the second and third convolution: `"none"`, `"batch"`, or `"layer"`
            (over height, width and channels of each image, with a gain per channel).
        seed: Seed of the initial weights.
        dtype: Keras dtype policy, for example `"mixed_bfloat16"`. Outputs are float32 in any case.
        synchronized: Whether batch normalization averages over all replicas.
    """

    resolution: ClassVar[int] = 64

    def __init__(
        self,
        num_labels: int = 0,
        attribute_head: bool = True,
        projection: bool = True,
        padding: Literal["same", "valid"] = "same",
        normalization: Literal["none", "batch", "layer"] = "none",
        seed: int = 0,
        dtype: str | keras.DTypePolicy | None = None,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(num_labels, attribute_head, projection, seed, dtype, **kwargs)
        self.padding = padding
        self.normalization = normalization
        self.synchronized = synchronized
        policy = self.dtype_policy

        def downsample(name: str, filters: int):
            return keras.layers.Conv2D(
                filters,
                kernel_size=5,
                strides=3,
                padding=padding,
                kernel_initializer=seeded_initializer(seed, f"discriminator/{name}"),
                dtype=policy,
                name=name,
            )

        self.conv1 = downsample("conv1", 64)
        self.conv2 = downsample("conv2", 128)
        self.bn2 = _normalization(normalization, "bn2", policy, synchronized)
        self.conv3 = downsample("conv3", 256)
        self.bn3 = _normalization(normalization, "bn3", policy, synchronized)
        self.add_heads(256 * (3 * 3 if padding == "same" else 1))

    def build(self, images_shape: Shape | None = None, labels_shape: Shape | None = None) -> None:
        """Creates all variables. The shapes follow from the constructor's arguments."""
        del images_shape, labels_shape
        shape: Shape = (None, self.resolution, self.resolution, 3)
        for layer in (self.conv1, self.conv2, self.bn2, self.conv3, self.bn3):
            if layer is not None:
                layer.build(shape)
                shape = layer.compute_output_shape(shape)
        self.build_heads(shape)

    def extract_features(self, images: tf.Tensor, training: bool | None) -> tf.Tensor:
        """The last map: see the base class."""
        x = layers.leaky_relu(self.conv1(images))
        x = self.conv2(x)
        x = layers.leaky_relu(x if self.bn2 is None else self.bn2(x, training=training))
        x = self.conv3(x)
        x = layers.leaky_relu(x if self.bn3 is None else self.bn3(x, training=training))
        return x

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "padding": self.padding,
            "normalization": self.normalization,
            "synchronized": self.synchronized,
        }


def _normalization(
    kind: str, name: str, policy: keras.DTypePolicy, synchronized: bool
) -> keras.layers.Layer | None:
    if kind == "none":
        return None
    if kind == "batch":
        return layers.BatchNormalization(synchronized=synchronized, dtype=policy, name=name)
    if kind == "layer":
        # One group: the statistics are over H, W and C of each image, but unlike
        # LayerNormalization(axis=(1, 2, 3)) with one gain per channel instead of one per position.
        return keras.layers.GroupNormalization(groups=1, dtype=policy, name=name)
    raise ValueError(f'normalization must be "none", "batch" or "layer", got {kind!r}.')
