"""A light pair for small images: what two CPU cores can train in an hour or two.

Most of the work is done on small maps. The generator doubles the side by transposed convolutions of kernel
4 and stride 2: they see what nearest upsampling and a 3x3 convolution see, with four ninths of the
multiplications. Latent and labels steer every convolution, not only the first layer. The discriminator begins
with strided convolutions and has no normalization, so that gradient penalties apply.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from anime_gan.common.backend import keras, tf
from anime_gan.models import layers
from anime_gan.models.common import AttributeDiscriminator, check_labels, seeded_initializer

# Of arrays: None, which is the batch, then integers.
Shape: TypeAlias = tuple[Any, ...]
Convolution: TypeAlias = keras.layers.Conv2D | keras.layers.Conv2DTranspose
# The side of the first map.
START = 4
# By resolution: what fits the hours of a CPU.
GENERATOR_FILTERS = {64: (256, 256, 128, 64, 32), 128: (256, 256, 128, 64, 32, 16)}
DISCRIMINATOR_FILTERS = {64: (48, 96, 192, 256), 128: (24, 48, 96, 192, 256)}


class Generator(keras.Model):
    """Maps latents and labels to images: 4x4, then twice the side at each level.

    All variables exist after `build()`, which needs no shapes. Build the model before restoring a
    checkpoint, and inside the strategy's scope.

    Args:
        num_labels: Number of attributes that control the image; 0 for an unconditional model.
        latent_dim: Length of a latent.
        embedding_dim: Length of the label embedding that is concatenated to the latent; the two together
            are the style.
        resolution: Side of the images, in pixels.
        filters: Channels of the first map, then of each level; by default those of the resolution.
        extra_convolutions: For each level, the 3x3 convolutions behind the one that doubles the side.
        conditioning: How the style steers a convolution: `"modulation"` or `"batch"`; see
            `ModulatedConvolution` and `NormalizedConvolution`.
        upsampling: `"transposed"` (kernel 4, stride 2), or `"nearest"` and a 3x3 convolution.
        seed: Seed of the initial weights.
        dtype: Keras dtype policy, for example `"mixed_bfloat16"`. Images are float32 in any case.
        synchronized: Whether batch normalization, if there is any, averages over all replicas.
    """

    def __init__(
        self,
        num_labels: int = 0,
        latent_dim: int = 100,
        embedding_dim: int = 64,
        resolution: int = 64,
        filters: Sequence[int] | None = None,
        extra_convolutions: Sequence[int] | None = None,
        conditioning: Literal["modulation", "batch"] = "modulation",
        upsampling: Literal["transposed", "nearest"] = "transposed",
        seed: int = 0,
        dtype: str | keras.DTypePolicy | None = None,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(dtype=dtype, **kwargs)
        self.num_labels = num_labels
        self.latent_dim = latent_dim
        self.embedding_dim = embedding_dim
        self.resolution = resolution
        self.filters = tuple(filters or GENERATOR_FILTERS[resolution])
        # Small maps are enough of a mixture already, and large ones would be dear with more.
        self.extra_convolutions = tuple(
            (int(START << (level + 1) >= 32) for level in range(len(self.filters) - 1))
            if extra_convolutions is None
            else extra_convolutions
        )
        self.conditioning = conditioning
        self.upsampling = upsampling
        self.seed = seed
        self.synchronized = synchronized
        policy = self.dtype_policy

        def initializer(name: str) -> keras.initializers.Initializer:
            return seeded_initializer(seed, f"generator/{name}")

        def dense(name: str, units: int, **options: Any) -> keras.layers.Dense:
            return keras.layers.Dense(
                units, kernel_initializer=initializer(name), dtype=policy, name=name, **options
            )

        def convolution(name: str, width: int, doubles: bool = False, use_bias: bool = True) -> Convolution:
            options = dict(
                padding="same",
                use_bias=use_bias,
                kernel_initializer=initializer(name),
                dtype=policy,
                name=name,
            )
            if doubles:
                return keras.layers.Conv2DTranspose(width, 4, 2, **options)
            return keras.layers.Conv2D(width, 3, **options)

        self.embedding = dense("embedding", embedding_dim) if num_labels else None
        self.fc = dense("fc", START * START * self.filters[0])
        # Each layer is an attribute of its own: what is in a list, a checkpoint forgets without a word.
        names: list[str] = []
        doubling_steps: list[int] = []
        channels = self.filters[0]
        for level, (width, extra) in enumerate(zip(self.filters[1:], self.extra_convolutions, strict=True)):
            for index in range(1 + extra):
                name = f"level{level}_convolution{index}"
                doubles = index == 0
                if doubles:
                    doubling_steps.append(len(names))
                transposed = doubles and upsampling == "transposed"
                if conditioning == "modulation":
                    inner = convolution(name, width, transposed, use_bias=False)
                    style = dense(f"{name}_style", channels, bias_initializer="ones")
                    layer = ModulatedConvolution(inner, style, dtype=policy, name=f"{name}_modulated")
                else:
                    inner = convolution(name, width, transposed)
                    style = dense(f"{name}_style", 2 * width, use_bias=False)
                    normalization = layers.BatchNormalization(
                        synchronized=synchronized, dtype=policy, name=f"{name}_normalization"
                    )
                    layer = NormalizedConvolution(
                        inner, normalization, style, dtype=policy, name=f"{name}_normalized"
                    )
                setattr(self, layer.name, layer)
                names.append(layer.name)
                channels = width
        self.steered_names = tuple(names)
        self.doubling_steps = tuple(doubling_steps)
        self.rgb = convolution("rgb", 3)

    def build(self, latents_shape: Shape | None = None, labels_shape: Shape | None = None) -> None:
        """Creates all variables. The shapes follow from the constructor's arguments."""
        del latents_shape, labels_shape
        style_size = self.latent_dim
        if self.embedding is not None:
            self.embedding.build((None, self.num_labels))
            style_size += self.embedding_dim
        style_shape: Shape = (None, style_size)
        self.fc.build(style_shape)
        shape: Shape = (None, START, START, self.filters[0])
        for index, layer in enumerate(self.steered):
            if self.upsampling == "nearest" and index in self.doubling_steps:
                shape = (None, 2 * shape[1], 2 * shape[2], shape[3])
            layer.build(shape, style_shape)
            shape = layer.compute_output_shape(shape, style_shape)
        self.rgb.build(shape)
        self.built = True

    def call(
        self, latents: tf.Tensor, labels: tf.Tensor | None = None, training: bool | None = None
    ) -> tf.Tensor:
        """Generates images.

        Args:
            latents: `[b, latent_dim]`, drawn from N(0, 1).
            labels: `[b, num_labels]` in -1..1: +1 on, -1 off, 0 unknown. `None` if the model is
                unconditional.
            training: Whether batch normalization, if there is any, uses the statistics of this batch.

        Returns:
            float32 images `[b, resolution, resolution, 3]` in [-1, 1].

        Raises:
            ValueError: If labels are missing, or given to an unconditional model.
        """
        check_labels(labels, self.num_labels, required=True, model="generator")
        style = tf.cast(latents, self.compute_dtype)
        if self.embedding is not None:
            style = tf.concat([style, self.embedding(tf.cast(labels, self.compute_dtype))], axis=-1)
        x = layers.leaky_relu(tf.reshape(self.fc(style), [-1, START, START, self.filters[0]]))
        for index, layer in enumerate(self.steered):
            if self.upsampling == "nearest" and index in self.doubling_steps:
                x = tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
            x = layers.leaky_relu(layer(x, style, training=training))
        return tf.tanh(tf.cast(self.rgb(x), tf.float32))

    @property
    def steered(self) -> list[ModulatedConvolution | NormalizedConvolution]:
        """The convolutions that the style steers, in order."""
        return [getattr(self, name) for name in self.steered_names]

    @property
    def normalized_convolutions(self) -> list[tuple[Convolution, layers.BatchNormalization]]:
        """Each convolution that has a batch normalization behind it, with that."""
        return [
            (layer.convolution, layer.normalization)
            for layer in self.steered
            if isinstance(layer, NormalizedConvolution)
        ]

    @property
    def label_layer(self) -> tuple[keras.layers.Dense, int]:
        """The dense layer that takes the labels, and the first row of its kernel that is theirs."""
        return self.embedding, 0

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "num_labels": self.num_labels,
            "latent_dim": self.latent_dim,
            "embedding_dim": self.embedding_dim,
            "resolution": self.resolution,
            "filters": self.filters,
            "extra_convolutions": self.extra_convolutions,
            "conditioning": self.conditioning,
            "upsampling": self.upsampling,
            "seed": self.seed,
            "synchronized": self.synchronized,
        }


class ModulatedConvolution(keras.layers.Layer):
    """A convolution whose weights the style scales, without any statistics of a batch.

    Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958, section
    2.2): input channel i is scaled by s_i, and output channel j divided by what that does to its standard
    deviation, sqrt(sum_ik (s_i w_ijk)^2) for inputs of unit variance. Scaling the maps instead of the weights
    gives the same and lets a whole batch share one convolution.
    """

    def __init__(self, convolution: Convolution, style: keras.layers.Dense, **kwargs):
        """Takes a convolution without a bias, and a layer with one output for each input channel."""
        super().__init__(**kwargs)
        self.convolution = convolution
        self.style = style

    def build(self, inputs_shape: Shape, style_shape: Shape) -> None:
        """Creates all variables."""
        self.convolution.build(inputs_shape)
        self.style.build(style_shape)
        self.bias = self.add_weight(shape=(self.convolution.filters,), initializer="zeros", name="bias")
        self.built = True

    def compute_output_shape(self, inputs_shape: Shape, style_shape: Shape) -> Shape:
        """The convolution's."""
        del style_shape
        return self.convolution.compute_output_shape(inputs_shape)

    def call(self, inputs: tf.Tensor, style: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps `[b, h, w, channels]` under styles `[b, style]` to `[b, height, width, filters]`."""
        del training
        scale = self.style(style)
        outputs = self.convolution(inputs * scale[:, tf.newaxis, tf.newaxis, :])
        # Leaky ReLU halves the variance, about: sqrt(2) makes up for it.
        gain = math.sqrt(2.0) * tf.math.rsqrt(self._variance(tf.cast(scale, tf.float32)) + 1e-8)
        outputs *= tf.cast(gain, self.compute_dtype)[:, tf.newaxis, tf.newaxis, :]
        return tf.nn.bias_add(outputs, tf.cast(self.bias, self.compute_dtype))

    def _variance(self, scale: tf.Tensor) -> tf.Tensor:
        """Of each output channel for inputs of unit variance: `[b, channels]` -> float32 `[b, filters]`."""
        # Keras hands out the kernel in the dtype of the computation.
        power = tf.reduce_sum(tf.square(tf.cast(self.convolution.kernel, tf.float32)), axis=[0, 1])
        if isinstance(self.convolution, keras.layers.Conv2DTranspose):
            # Filters come first, and each output pixel sees one kernel entry in strides^2.
            power = tf.transpose(power) / math.prod(self.convolution.strides)
        return tf.matmul(tf.square(scale), power)


class NormalizedConvolution(keras.layers.Layer):
    """A convolution and batch normalization whose gain and shift the style sets.

    As in Brock et al. 2019, "Large Scale GAN Training" (arXiv 1809.11096, section 3.1 and appendix B).
    """

    def __init__(
        self,
        convolution: Convolution,
        normalization: layers.BatchNormalization,
        style: keras.layers.Dense,
        **kwargs,
    ):
        """Takes a convolution, and a layer with two outputs for each of its filters."""
        super().__init__(**kwargs)
        self.convolution = convolution
        self.normalization = normalization
        self.style = style

    def build(self, inputs_shape: Shape, style_shape: Shape) -> None:
        """Creates all variables."""
        self.convolution.build(inputs_shape)
        self.normalization.build(self.convolution.compute_output_shape(inputs_shape))
        self.style.build(style_shape)
        self.built = True

    def compute_output_shape(self, inputs_shape: Shape, style_shape: Shape) -> Shape:
        """The convolution's."""
        del style_shape
        return self.convolution.compute_output_shape(inputs_shape)

    def call(self, inputs: tf.Tensor, style: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Maps `[b, h, w, channels]` under styles `[b, style]` to `[b, height, width, filters]`."""
        outputs = self.normalization(self.convolution(inputs), training=training)
        gain, shift = tf.split(self.style(style)[:, tf.newaxis, tf.newaxis, :], 2, axis=-1)
        return outputs * (1.0 + gain) + shift


class Discriminator(AttributeDiscriminator):
    """Tells real images from generated ones, and which attributes they show: halves the side down to 4x4.

    All variables exist after `build()`, which needs no shapes.

    Args:
        num_labels: Number of attributes. With 0 there is neither projection nor attribute head.
        attribute_head: Whether to predict the attributes (auxiliary classifier).
        projection: Whether to condition the logit on the labels, as in Miyato & Koyama 2018,
            "cGANs with Projection Discriminator" (arXiv 1802.05637, equation 4).
        resolution: Side of the images, in pixels.
        filters: Channels of each convolution of kernel 4 and stride 2; by default those of the resolution.
        seed: Seed of the initial weights.
        dtype: Keras dtype policy, for example `"mixed_bfloat16"`. Outputs are float32 in any case.
        synchronized: Ignored: there are no batch statistics.
    """

    def __init__(
        self,
        num_labels: int = 0,
        attribute_head: bool = True,
        projection: bool = True,
        resolution: int = 64,
        filters: Sequence[int] | None = None,
        seed: int = 0,
        dtype: str | keras.DTypePolicy | None = None,
        synchronized: bool = False,
        **kwargs,
    ):
        super().__init__(num_labels, attribute_head, projection, seed, dtype, **kwargs)
        del synchronized
        self.resolution = resolution
        self.filters = tuple(filters or DISCRIMINATOR_FILTERS[resolution])

        # Attributes, not a list: see the generator.
        for index, width in enumerate(self.filters):
            convolution = keras.layers.Conv2D(
                width,
                kernel_size=4,
                strides=2,
                padding="same",
                kernel_initializer=seeded_initializer(seed, f"discriminator/convolution{index}"),
                dtype=self.dtype_policy,
                name=f"convolution{index}",
            )
            setattr(self, convolution.name, convolution)
        self.add_heads(self.filters[-1] * (self.resolution // 2 ** len(self.filters)) ** 2)

    def build(self, images_shape: Shape | None = None, labels_shape: Shape | None = None) -> None:
        """Creates all variables. The shapes follow from the constructor's arguments."""
        del images_shape, labels_shape
        shape: Shape = (None, self.resolution, self.resolution, 3)
        for layer in self.convolutions:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        self.build_heads(shape)

    def extract_features(self, images: tf.Tensor, training: bool | None) -> tf.Tensor:
        """The last map: see the base class."""
        del training
        x = images
        for convolution in self.convolutions:
            x = layers.leaky_relu(convolution(x))
        return x

    @property
    def convolutions(self) -> list[keras.layers.Conv2D]:
        """The convolutions, in order."""
        return [getattr(self, f"convolution{index}") for index in range(len(self.filters))]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "resolution": self.resolution,
            "filters": self.filters,
        }
