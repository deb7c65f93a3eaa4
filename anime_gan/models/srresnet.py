"""The networks of Jin et al. 2017 for 128x128 images (arXiv 1708.05509).

The generator follows SRResNet (Ledig et al. 2017, arXiv 1609.04802): residual blocks on a small map, then
sub-pixel convolutions (Shi et al. 2016, arXiv 1609.05158) that double the side three times. The discriminator
is a residual network without any normalization, so that gradient penalties apply. With 34 labels and latents
of 128 numbers the generator has 4,385,283 trainable parameters and 37,376 statistics: those of the published
weights, which follow the figure but for its long skip connection around the blocks.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

from anime_gan.common.backend import keras, tf
from anime_gan.models import layers
from anime_gan.models.common import AttributeDiscriminator, check_labels, seeded_initializer

# Of arrays: None, which is the batch, then integers.
Shape: TypeAlias = tuple[Any, ...]
# Chainer's, with which the published weights were trained.
EPSILON = 2e-5
# The side of the map on which the blocks work, and how often it is doubled then.
START = 16
STAGES = 3
# Of the discriminator: channels, kernel and whether two residual blocks follow, a strided convolution each.
DISCRIMINATOR_LEVELS = (
    (32, 4, True),
    (64, 4, True),
    (128, 4, True),
    (256, 3, True),
    (512, 3, True),
    (1024, 3, False),
)


class Generator(keras.Model):
    """Maps latents and labels to images: residual blocks at 16x16, then 32x32, 64x64, 128x128.

    The labels stand raw beside the latent, without an embedding. All variables exist after `build()`, which
    needs no shapes. Build the model before restoring a checkpoint, and inside the strategy's scope.

    Args:
        num_labels: Number of attributes that control the image; 0 for an unconditional model.
        latent_dim: Length of a latent; the paper's is 128.
        filters: Channels of every map but those before a doubling, which have four times as many.
        blocks: Number of residual blocks.
        seed: Seed of the initial weights.
        dtype: Keras dtype policy, for example `"mixed_bfloat16"`. Images are float32 in any case, and so is
            what the blocks add to: sixteen roundings in a row would be seen.
        synchronized: Whether batch normalization averages over all replicas.
    """

    resolution: ClassVar[int] = START << STAGES

    def __init__(
        self,
        num_labels: int = 0,
        latent_dim: int = 128,
        filters: int = 64,
        blocks: int = 16,
        seed: int = 0,
        dtype: str | keras.DTypePolicy | None = None,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.num_labels = num_labels
        self.latent_dim = latent_dim
        self.filters = filters
        self.num_blocks = blocks
        self.seed = seed
        self.synchronized = synchronized
        policy = self.dtype_policy

        def options(name: str) -> dict[str, Any]:
            return {"kernel_initializer": seeded_initializer(seed, f"generator/{name}"), "name": name}

        def convolution(name: str, width: int) -> keras.layers.Conv2D:
            return keras.layers.Conv2D(width, 3, padding="same", dtype=policy, **options(name))

        def normalization(name: str, dtype: str | keras.DTypePolicy = policy) -> layers.BatchNormalization:
            return layers.BatchNormalization(
                epsilon=EPSILON, synchronized=synchronized, dtype=dtype, name=name
            )

        # In float32, since it costs next to nothing and everything begins with it.
        self.fc = keras.layers.Dense(START * START * filters, dtype="float32", **options("fc"))
        self.fc_bn = normalization("fc_bn", "float32")
        # Each layer is an attribute of its own: what is in a list, a checkpoint forgets without a word.
        for index in range(blocks):
            name = f"block{index}"
            block = NormalizedBlock(
                convolution(f"{name}_conv1", filters),
                normalization(f"{name}_bn1"),
                convolution(f"{name}_conv2", filters),
                normalization(f"{name}_bn2"),
                dtype="float32",
                name=name,
            )
            setattr(self, name, block)
        self.conv = convolution("conv", filters)
        self.bn = normalization("bn")
        for index in range(STAGES):
            setattr(self, f"upsample{index}", convolution(f"upsample{index}", 4 * filters))
            setattr(self, f"upsample{index}_bn", normalization(f"upsample{index}_bn"))
        self.rgb = layers.SubPixelConv2D(3, 9, padding="same", dtype=policy, **options("rgb"))

    def build(self, latents_shape: Shape | None = None, labels_shape: Shape | None = None) -> None:
        """Creates all variables. The shapes follow from the constructor's arguments."""
        del latents_shape, labels_shape
        self.fc.build((None, self.latent_dim + self.num_labels))
        self.fc_bn.build((None, 1, 1, self.fc.units))
        shape: Shape = (None, START, START, self.filters)
        for layer in (*self.blocks, self.conv, self.bn):
            layer.build(shape)
        for convolution, normalization in self.stages:
            convolution.build(shape)
            halved_shape = convolution.compute_output_shape(shape)
            shape = (None, 2 * shape[1], 2 * shape[2], self.filters)
            normalization.build(shape)
        self.rgb.build(halved_shape)
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
            float32 images `[b, 128, 128, 3]` in [-1, 1].

        Raises:
            ValueError: If labels are missing, or given to an unconditional model.
        """
        check_labels(labels, self.num_labels, required=True, model="generator")
        x = tf.cast(latents, tf.float32)
        if self.num_labels:
            x = tf.concat([x, tf.cast(labels, tf.float32)], axis=-1)
        # Normalized number by number, then laid out channel by channel, as the published weights have it.
        x = tf.nn.relu(self.fc_bn(self.fc(x)[:, tf.newaxis, tf.newaxis, :], training=training))
        x = tf.transpose(tf.reshape(x, [-1, self.filters, START, START]), [0, 2, 3, 1])
        for block in self.blocks:
            x = block(x, training=training)
        x = tf.nn.relu(self.bn(self.conv(x), training=training))
        for index, (convolution, normalization) in enumerate(self.stages):
            if index:
                x = tf.nn.depth_to_space(x, 2)
            x = convolution(x)
            # Four pixels of the doubled map lie in one another's place: in a row they are normalized alike.
            height, width, channels = x.shape[1:]
            x = tf.reshape(x, [-1, height, 4 * width, channels // 4])
            x = tf.nn.relu(normalization(x, training=training))
            x = tf.reshape(x, [-1, height, width, channels])
        return tf.tanh(tf.cast(self.rgb(x), tf.float32))

    @property
    def blocks(self) -> list[NormalizedBlock]:
        """The residual blocks, in order."""
        return [getattr(self, f"block{index}") for index in range(self.num_blocks)]

    @property
    def stages(self) -> list[tuple[keras.layers.Conv2D, layers.BatchNormalization]]:
        """The convolution before each doubling of the side, and what normalizes after it, in order."""
        return [
            (getattr(self, f"upsample{index}"), getattr(self, f"upsample{index}_bn"))
            for index in range(STAGES)
        ]

    @property
    def label_layer(self) -> tuple[keras.layers.Dense, int]:
        """The dense layer that takes the labels, and the first row of its kernel that is theirs."""
        return self.fc, self.latent_dim

    @property
    def normalized_convolutions(
        self,
    ) -> list[tuple[keras.layers.Conv2D | keras.layers.Dense, layers.BatchNormalization]]:
        """Each convolution, and the dense layer, with the batch normalization behind it."""
        pairs = [(self.fc, self.fc_bn)]
        for block in self.blocks:
            pairs += [(block.conv1, block.bn1), (block.conv2, block.bn2)]
        return [*pairs, (self.conv, self.bn), *self.stages]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_labels": self.num_labels,
            "latent_dim": self.latent_dim,
            "filters": self.filters,
            "blocks": self.num_blocks,
            "seed": self.seed,
            "synchronized": self.synchronized,
        }


class NormalizedBlock(keras.layers.Layer):
    """The generator's: convolution, normalization, ReLU, convolution, normalization, added to what came in.

    There is no activation behind the sum (arXiv 1609.04802, section 2.1.1).
    """

    def __init__(
        self,
        conv1: keras.layers.Conv2D,
        bn1: layers.BatchNormalization,
        conv2: keras.layers.Conv2D,
        bn2: layers.BatchNormalization,
        **kwargs,
    ):
        """Takes layers that keep the shape of what they are given."""
        super().__init__(**kwargs)
        self.conv1, self.bn1 = conv1, bn1
        self.conv2, self.bn2 = conv2, bn2

    def build(self, inputs_shape: Shape) -> None:
        """Creates all variables."""
        for layer in (self.conv1, self.bn1, self.conv2, self.bn2):
            layer.build(inputs_shape)
        self.built = True

    def compute_output_shape(self, inputs_shape: Shape) -> Shape:
        """That of the inputs."""
        return inputs_shape

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps `[b, h, w, channels]` to the same shape, in the block's own dtype."""
        x = tf.nn.relu(self.bn1(self.conv1(inputs), training=training))
        x = self.bn2(self.conv2(x), training=training)
        return inputs + tf.cast(x, inputs.dtype)


class Discriminator(AttributeDiscriminator):
    """Tells real images from generated ones, and which attributes they show: 128x128 down to 2x2.

    Each strided convolution halves the side; two residual blocks follow it, but for the last. All variables
    exist after `build()`, which needs no shapes.

    How the paper's begins is not known here. This one's blocks add nothing at first, a rule of Zhang et al.
    2019 (arXiv 1901.09321, section 3) for residual networks without normalization; the other convolutions
    begin as for ReLU (He et al. 2015, arXiv 1502.01852, section 2.2). docs/paper.md shows what that changes.

    Args:
        num_labels: Number of attributes. With 0 there is neither projection nor attribute head.
        attribute_head: Whether to predict the attributes (auxiliary classifier).
        projection: Whether to condition the logit on the labels, as in Miyato & Koyama 2018,
            "cGANs with Projection Discriminator" (arXiv 1802.05637, equation 4). The paper's is not.
        seed: Seed of the initial weights.
        dtype: Keras dtype policy, for example `"mixed_bfloat16"`. Outputs are float32 in any case.
        synchronized: Ignored: there are no batch statistics.
    """

    resolution: ClassVar[int] = START << STAGES

    def __init__(
        self,
        num_labels: int = 0,
        attribute_head: bool = True,
        projection: bool = True,
        seed: int = 0,
        dtype: str | keras.DTypePolicy | None = None,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(num_labels, attribute_head, projection, seed, dtype, **kwargs)
        del synchronized
        policy = self.dtype_policy

        def convolution(
            name: str,
            width: int,
            kernel_size: int = 3,
            strides: int = 1,
            initializer: keras.initializers.Initializer | None = None,
        ) -> keras.layers.Conv2D:
            he_normal = seeded_initializer(seed, f"discriminator/{name}", keras.initializers.HeNormal)
            return keras.layers.Conv2D(
                width,
                kernel_size,
                strides,
                padding="same",
                kernel_initializer=initializer or he_normal,
                dtype=policy,
                name=name,
            )

        # Attributes, not a list: see the generator.
        for level, (width, kernel_size, has_blocks) in enumerate(DISCRIMINATOR_LEVELS):
            setattr(self, f"down{level}", convolution(f"down{level}", width, kernel_size, strides=2))
            for index in range(2 if has_blocks else 0):
                name = f"level{level}_block{index}"
                block = ResidualBlock(
                    convolution(f"{name}_conv1", width),
                    convolution(f"{name}_conv2", width, initializer=keras.initializers.Zeros()),
                    dtype=policy,
                    name=name,
                )
                setattr(self, name, block)
        self.add_heads(DISCRIMINATOR_LEVELS[-1][0] * (self.resolution >> len(DISCRIMINATOR_LEVELS)) ** 2)

    def build(self, images_shape: Shape | None = None, labels_shape: Shape | None = None) -> None:
        """Creates all variables. The shapes follow from the constructor's arguments."""
        del images_shape, labels_shape
        shape: Shape = (None, self.resolution, self.resolution, 3)
        for convolution, blocks in self.levels:
            convolution.build(shape)
            shape = convolution.compute_output_shape(shape)
            for block in blocks:
                block.build(shape)
        self.build_heads(shape)

    def extract_features(self, images: tf.Tensor, training: bool | None) -> tf.Tensor:
        """The last map: see the base class."""
        del training
        x = images
        for convolution, blocks in self.levels:
            x = layers.leaky_relu(convolution(x))
            for block in blocks:
                x = block(x)
        return x

    @property
    def levels(self) -> list[tuple[keras.layers.Conv2D, list[ResidualBlock]]]:
        """Each strided convolution with the residual blocks behind it, in order."""
        return [
            (
                getattr(self, f"down{level}"),
                [getattr(self, f"level{level}_block{index}") for index in range(2 if has_blocks else 0)],
            )
            for level, (_, _, has_blocks) in enumerate(DISCRIMINATOR_LEVELS)
        ]


class ResidualBlock(keras.layers.Layer):
    """The discriminator's: convolution, leaky ReLU, convolution, added to what came in, leaky ReLU."""

    def __init__(self, conv1: keras.layers.Conv2D, conv2: keras.layers.Conv2D, **kwargs):
        """Takes convolutions that keep the shape of what they are given."""
        super().__init__(**kwargs)
        self.conv1, self.conv2 = conv1, conv2

    def build(self, inputs_shape: Shape) -> None:
        """Creates all variables."""
        self.conv1.build(inputs_shape)
        self.conv2.build(inputs_shape)
        self.built = True

    def compute_output_shape(self, inputs_shape: Shape) -> Shape:
        """That of the inputs."""
        return inputs_shape

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps `[b, h, w, channels]` to the same shape."""
        return layers.leaky_relu(inputs + self.conv2(layers.leaky_relu(self.conv1(inputs))))
