"""The networks of the published example for 64x64 images, extended with labels.

Without labels, and with `padding="valid"` and `normalized=True` in the discriminator, these are exactly the
networks of the published example. The generator has 2,472,323 parameters and the discriminator has 1,031,041,
including the statistics of batch normalization. Three things were added:

- Labels. The generator has an embedding that is concatenated with the latent vector. The discriminator has a
  projection (Miyato and Koyama 2018) and an auxiliary classifier (Odena et al. 2016, arXiv 1610.09585). The
  base classes in `models/common.py` compute all three.
- A discriminator that sees the whole image and has no batch normalization.
- Seeded initial weights, mixed precision, and batch normalization over all replicas.
"""

from __future__ import annotations

from typing import Any, Literal

from anime_gan.common.backend import keras, tf
from anime_gan.models import layers
from anime_gan.models.common import AttributeDiscriminator, AttributeGenerator, Shape


class Generator(AttributeGenerator):
    """Maps latent vectors and labels to images: 3x3 -> 9x9 -> 21x21 -> 64x64.

    With 0 labels, it is the published generator.

    Args:
        num_labels: Number of attributes that control the image; 0 for an unconditional model.
        embedding_dim: Size of the label embedding.
        options: Arguments of `AttributeGenerator`.
    """

    resolution = 64

    def __init__(self, num_labels: int = 0, embedding_dim: int = 64, **options: Any) -> None:
        """Creates the layers; see the class."""
        super().__init__(num_labels, **options)
        self.embedding_dim = embedding_dim

        # Labels: [b, num_labels] => [b, 64]. Concatenated with the latent vectors: [b, 164].
        self.add_label_embedding(embedding_dim)
        # [b, 164] => [b, 3*3*512] => [b, 3, 3, 512] => [b, 9, 9, 256] => [b, 21, 21, 128]
        # => [b, 64, 64, channels]
        self.fc = keras.layers.Dense(3 * 3 * 512, **self.layer_options("fc"))
        self.conv1 = layers.Conv2DTranspose(256, 3, 3, "valid", **self.layer_options("conv1"))
        self.bn1 = self.batch_normalization("bn1")
        self.conv2 = layers.Conv2DTranspose(128, 5, 2, "valid", **self.layer_options("conv2"))
        self.bn2 = self.batch_normalization("bn2")
        self.conv3 = layers.Conv2DTranspose(self.channels, 4, 3, "valid", **self.layer_options("conv3"))

    def build_layers(self, shape: Shape) -> None:
        """Creates the variables of all layers except the embedding; see the base class."""
        self.fc.build(shape)
        shape = (None, 3, 3, 512)
        for layer in (self.conv1, self.bn1, self.conv2, self.bn2, self.conv3):
            layer.build(shape)
            shape = layer.compute_output_shape(shape)

    def synthesize(self, inputs: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Maps latent vectors with embedded labels to images before the final tanh; see the base class."""
        x = layers.leaky_relu(tf.reshape(self.fc(inputs), [-1, 3, 3, 512]))
        x = layers.leaky_relu(self.bn1(self.conv1(x), training=training))
        x = layers.leaky_relu(self.bn2(self.conv2(x), training=training))
        return self.conv3(x)

    @property
    def normalized_convolutions(self) -> list[tuple[keras.layers.Layer, layers.BatchNormalization]]:
        """Pairs of a convolution and the batch normalization that follows it."""
        return [(self.conv1, self.bn1), (self.conv2, self.bn2)]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "embedding_dim": self.embedding_dim}


class Discriminator(AttributeDiscriminator):
    """Tells real images from generated ones, and predicts their attributes.

    The network has three convolutions with kernel size 5 and stride 3. The published variant, which has
    `padding="valid"` and `normalized=True`, has two weaknesses:

    - Its last feature map is 1x1, and the receptive field ends at row and column 52. At inference, the rest
      of the 64x64 image has no influence. During training, rows and columns 53 to 61 have an influence only
      through batch statistics, and the last two have none. With `padding="same"`, the maps are 22x22, 8x8,
      and 3x3, and every pixel counts.
    - With batch statistics, a logit depends on the whole batch, so the gradient of one logit with respect to
      its own image is not defined (Gulrajani et al. 2017, arXiv 1704.00028, section 4, "No critic batch
      normalization"). Gradient penalties need `normalized=False`.

    Args:
        num_labels: Number of attributes. With 0, there is neither a projection nor an attribute head.
        padding: `"same"` or `"valid"`.
        normalized: Whether batch normalization follows the second and third convolutions.
        options: Arguments of `AttributeDiscriminator`.
    """

    resolution = 64

    def __init__(
        self,
        num_labels: int = 0,
        padding: Literal["same", "valid"] = "same",
        normalized: bool = False,
        **options: Any,
    ) -> None:
        """Creates the layers; see the class."""
        super().__init__(num_labels, **options)
        self.padding = padding
        self.normalized = normalized

        # [b, 64, 64, channels] => [b, 22, 22, 64] => [b, 8, 8, 128] => [b, 3, 3, 256]
        self.conv1 = keras.layers.Conv2D(64, 5, 3, padding, **self.layer_options("conv1"))
        self.conv2 = keras.layers.Conv2D(128, 5, 3, padding, **self.layer_options("conv2"))
        self.bn2 = self.batch_normalization("bn2") if normalized else None
        self.conv3 = keras.layers.Conv2D(256, 5, 3, padding, **self.layer_options("conv3"))
        self.bn3 = self.batch_normalization("bn3") if normalized else None
        # => [b, 3*3*256] => logits [b, 1], attributes [b, num_labels]
        self.add_heads(256 * (3 * 3 if padding == "same" else 1))

    def build_layers(self, shape: Shape) -> Shape:
        """Creates the variables of the convolutions; see the base class."""
        for layer in (self.conv1, self.conv2, self.bn2, self.conv3, self.bn3):
            if layer is not None:
                layer.build(shape)
                shape = layer.compute_output_shape(shape)
        return shape

    def extract_features(self, images: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Computes the last feature map; see the base class."""
        x = layers.leaky_relu(self.conv1(images))
        x = self.conv2(x)
        x = layers.leaky_relu(x if self.bn2 is None else self.bn2(x, training=training))
        x = self.conv3(x)
        return layers.leaky_relu(x if self.bn3 is None else self.bn3(x, training=training))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "padding": self.padding, "normalized": self.normalized}
