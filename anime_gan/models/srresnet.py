"""The networks of Jin et al. 2017 for 128x128 images (arXiv 1708.05509).

The generator follows SRResNet (Ledig et al. 2017, arXiv 1609.04802). It has residual blocks on a small
feature map, and then sub-pixel convolutions (Shi et al. 2016, arXiv 1609.05158) that double the size three
times. The discriminator is a residual network without normalization, so gradient penalties can be used.

With 34 labels and a latent vector of size 128, the generator has 4,385,283 trainable parameters and 37,376
statistics, like the published weights. It follows the paper's figure but omits the long skip connection
around the blocks, which the published weights do not have.
"""

from __future__ import annotations

from typing import Any

from anime_gan.common.backend import keras, tf
from anime_gan.models import layers
from anime_gan.models.common import AttributeDiscriminator, AttributeGenerator, Shape, seeded_initializer

# Epsilon of batch normalization in Chainer, which trained the published weights.
EPSILON = 2e-5
# Height and width of the feature map in the residual blocks, and the number of times that it is doubled.
START = 16
STAGES = 3
# For each level of the discriminator: channels and kernel size of the strided convolution, and whether two
# residual blocks follow it.
DISCRIMINATOR_LEVELS = (
    (32, 4, True),
    (64, 4, True),
    (128, 4, True),
    (256, 3, True),
    (512, 3, True),
    (1024, 3, False),
)


class Generator(AttributeGenerator):
    """Maps latent vectors and labels to images: residual blocks at 16x16, then 32x32, 64x64, and 128x128.

    Labels are concatenated with the latent vector, without an embedding. The feature map to which the
    residual blocks add is always float32, because sixteen roundings in a row would be visible.

    Args:
        num_labels: Number of attributes that control the image; 0 for an unconditional model.
        filters: Channels of every feature map. Before a doubling, there are four times as many.
        blocks: Number of residual blocks.
        options: Arguments of `AttributeGenerator`.
    """

    resolution = START << STAGES

    def __init__(self, num_labels: int = 0, filters: int = 64, blocks: int = 16, **options: Any) -> None:
        """Creates the layers; see the class."""
        super().__init__(num_labels, **options)
        self.filters = filters
        self.num_blocks = blocks

        def convolution(name: str, width: int) -> keras.layers.Conv2D:
            return keras.layers.Conv2D(width, 3, padding="same", **self.layer_options(name))

        # The first layer is float32, because that costs almost nothing and all other layers depend on it.
        fc_options = {**self.layer_options("fc"), "dtype": "float32"}
        self.fc = keras.layers.Dense(START * START * filters, **fc_options)
        self.fc_bn = self.batch_normalization("fc_bn", epsilon=EPSILON, dtype="float32")
        # Each layer is a separate attribute, because a checkpoint silently omits layers in a list.
        for index in range(blocks):
            name = f"block{index}"
            block = NormalizedBlock(
                convolution(f"{name}_conv1", filters),
                self.batch_normalization(f"{name}_bn1", epsilon=EPSILON),
                convolution(f"{name}_conv2", filters),
                self.batch_normalization(f"{name}_bn2", epsilon=EPSILON),
                dtype="float32",
                name=name,
            )
            setattr(self, name, block)
        self.conv = convolution("conv", filters)
        self.bn = self.batch_normalization("bn", epsilon=EPSILON)
        for index in range(STAGES):
            name = f"upsample{index}"
            setattr(self, name, convolution(name, 4 * filters))
            setattr(self, f"{name}_bn", self.batch_normalization(f"{name}_bn", epsilon=EPSILON))
        self.rgb = layers.SubPixelConv2D(self.channels, 9, padding="same", **self.layer_options("rgb"))

    def build_layers(self, shape: Shape) -> None:
        """Creates the variables of all layers; see the base class."""
        self.fc.build(shape)
        self.fc_bn.build((None, 1, 1, self.fc.units))
        shape = (None, START, START, self.filters)
        for layer in (*self.blocks, self.conv, self.bn):
            layer.build(shape)
        for convolution, normalization in self.stages:
            convolution.build(shape)
            before_doubling = convolution.compute_output_shape(shape)
            shape = (None, 2 * shape[1], 2 * shape[2], self.filters)
            normalization.build(shape)
        self.rgb.build(before_doubling)

    def synthesize(self, inputs: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Maps latent vectors with labels to images before the final tanh; see the base class."""
        # The published weights normalize each unit of the dense layer. The units are ordered by channel.
        x = self.fc(inputs)[:, tf.newaxis, tf.newaxis, :]
        x = tf.nn.relu(self.fc_bn(x, training=training))
        x = tf.transpose(tf.reshape(x, [-1, self.filters, START, START]), [0, 2, 3, 1])
        for block in self.blocks:
            x = block(x, training=training)
        x = tf.nn.relu(self.bn(self.conv(x), training=training))
        for index, (convolution, normalization) in enumerate(self.stages):
            if index:
                x = tf.nn.depth_to_space(x, 2)
            x = convolution(x)
            # Each group of channels becomes one of four pixels of the doubled map. Laid out in a row, the
            # four pixels share their statistics, as in the doubled map.
            height, width, channels = x.shape[1:]
            x = tf.reshape(x, [-1, height, 4 * width, channels // 4])
            x = tf.nn.relu(normalization(x, training=training))
            x = tf.reshape(x, [-1, height, width, channels])
        return self.rgb(x)

    @property
    def blocks(self) -> list[NormalizedBlock]:
        """The residual blocks, in order."""
        return [getattr(self, f"block{index}") for index in range(self.num_blocks)]

    @property
    def stages(self) -> list[tuple[keras.layers.Conv2D, layers.BatchNormalization]]:
        """Pairs of the convolution before a doubling of the size and the normalization after it, in order."""
        return [
            (getattr(self, f"upsample{index}"), getattr(self, f"upsample{index}_bn"))
            for index in range(STAGES)
        ]

    @property
    def label_layer(self) -> tuple[keras.layers.Dense, int]:
        """The dense layer that takes the labels, and the index of the first row of its kernel for labels."""
        return self.fc, self.latent_dim

    @property
    def normalized_convolutions(self) -> list[tuple[keras.layers.Layer, layers.BatchNormalization]]:
        """Pairs of a layer and the batch normalization that follows it; the last convolution has none."""
        pairs = [(self.fc, self.fc_bn)]
        for block in self.blocks:
            pairs += [(block.conv1, block.bn1), (block.conv2, block.bn2)]
        return [*pairs, (self.conv, self.bn), *self.stages]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {**super().get_config(), "filters": self.filters, "blocks": self.num_blocks}


class NormalizedBlock(keras.layers.Layer):
    """A residual block of the generator.

    Its order is convolution, batch normalization, ReLU, convolution, batch normalization, and sum. There is
    no activation after the sum (arXiv 1609.04802, section 2.1.1).
    """

    def __init__(
        self,
        conv1: keras.layers.Conv2D,
        bn1: layers.BatchNormalization,
        conv2: keras.layers.Conv2D,
        bn2: layers.BatchNormalization,
        **kwargs: Any,
    ) -> None:
        """Stores the layers, which must keep the shape of their inputs."""
        super().__init__(**kwargs)
        self.conv1, self.bn1 = conv1, bn1
        self.conv2, self.bn2 = conv2, bn2

    def build(self, inputs_shape: Shape) -> None:
        """Creates all variables."""
        for layer in (self.conv1, self.bn1, self.conv2, self.bn2):
            layer.build(inputs_shape)
        self.built = True

    def compute_output_shape(self, inputs_shape: Shape) -> Shape:
        """Returns the shape of the inputs."""
        return inputs_shape

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps `[b, h, w, channels]` to the same shape, in the block's own dtype."""
        x = tf.nn.relu(self.bn1(self.conv1(inputs), training=training))
        x = self.bn2(self.conv2(x), training=training)
        return inputs + tf.cast(x, inputs.dtype)


class Discriminator(AttributeDiscriminator):
    """Tells real images from generated ones, and predicts their attributes. Maps shrink from 128x128 to 2x2.

    Each strided convolution halves the size. Two residual blocks follow each of them except the last. The
    paper has no projection, which is optional here.

    The paper's initialization is unknown. In this network, the residual blocks add nothing at first, as Zhang
    et al. 2019 (arXiv 1901.09321, section 3) recommend for residual networks without normalization. The other
    convolutions are initialized for ReLU (He et al. 2015, arXiv 1502.01852, section 2.2). docs/paper.md shows
    the effect.

    Args:
        num_labels: Number of attributes. With 0, there is neither a projection nor an attribute head.
        options: Arguments of `AttributeDiscriminator`.
    """

    resolution = START << STAGES

    def __init__(self, num_labels: int = 0, **options: Any) -> None:
        """Creates the layers; see the class."""
        super().__init__(num_labels, **options)

        def convolution(name: str, width: int, kernel_size: int = 3, **arguments: Any) -> keras.layers.Conv2D:
            he_normal = seeded_initializer(self.seed, f"discriminator/{name}", keras.initializers.HeNormal)
            arguments = {**self.layer_options(name), "kernel_initializer": he_normal, **arguments}
            return keras.layers.Conv2D(width, kernel_size, padding="same", **arguments)

        # The layers are attributes, not in a list, for the reason given in the generator.
        for level, (width, kernel_size, has_blocks) in enumerate(DISCRIMINATOR_LEVELS):
            setattr(self, f"down{level}", convolution(f"down{level}", width, kernel_size, strides=2))
            for index in range(2 if has_blocks else 0):
                name = f"level{level}_block{index}"
                block = ResidualBlock(
                    convolution(f"{name}_conv1", width),
                    convolution(f"{name}_conv2", width, kernel_initializer=keras.initializers.Zeros()),
                    dtype=self.dtype_policy,
                    name=name,
                )
                setattr(self, name, block)
        self.add_heads(DISCRIMINATOR_LEVELS[-1][0] * (self.resolution >> len(DISCRIMINATOR_LEVELS)) ** 2)

    def build_layers(self, shape: Shape) -> Shape:
        """Creates the variables of the convolutions; see the base class."""
        for convolution, blocks in self.levels:
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
            for block in blocks:
                block.build(shape)
        return shape

    def extract_features(self, images: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Computes the last feature map; see the base class."""
        del training
        x = images
        for convolution, blocks in self.levels:
            x = layers.leaky_relu(convolution(x))
            for block in blocks:
                x = block(x)
        return x

    @property
    def levels(self) -> list[tuple[keras.layers.Conv2D, list[ResidualBlock]]]:
        """Each strided convolution with the residual blocks that follow it, in order."""
        return [
            (
                getattr(self, f"down{level}"),
                [getattr(self, f"level{level}_block{index}") for index in range(2 if has_blocks else 0)],
            )
            for level, (_, _, has_blocks) in enumerate(DISCRIMINATOR_LEVELS)
        ]


class ResidualBlock(keras.layers.Layer):
    """A residual block of the discriminator: convolution, leaky ReLU, convolution, sum, and leaky ReLU."""

    def __init__(self, conv1: keras.layers.Conv2D, conv2: keras.layers.Conv2D, **kwargs: Any) -> None:
        """Stores the convolutions, which must keep the shape of their inputs."""
        super().__init__(**kwargs)
        self.conv1, self.conv2 = conv1, conv2

    def build(self, inputs_shape: Shape) -> None:
        """Creates all variables."""
        self.conv1.build(inputs_shape)
        self.conv2.build(inputs_shape)
        self.built = True

    def compute_output_shape(self, inputs_shape: Shape) -> Shape:
        """Returns the shape of the inputs."""
        return inputs_shape

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps `[b, h, w, channels]` to the same shape."""
        return layers.leaky_relu(inputs + self.conv2(layers.leaky_relu(self.conv1(inputs))))
