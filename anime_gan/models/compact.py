"""Small networks for images of 32 to 512 pixels. Two CPU cores can train them in hours.

Most of the work is done on small feature maps. Transposed convolutions with kernel size 4 and stride 2
upsample the maps. They cover the same inputs as nearest-neighbor upsampling and a 3x3 convolution, with four
ninths of the multiplications. Latent vector and labels modulate every convolution, not only the first layer.
The discriminator starts with strided convolutions. It has no normalization, so gradient penalties can be
used.

Networks can grow from trained ones of half the resolution (Karras et al. 2018, "Progressive Growing of GANs",
arXiv 1710.10196). From `base_resolution` on, each level of the generator has an image output, which is added
to the enlarged image of the level below. Each level of the discriminator has an image input, which reads the
reduced image (Karras et al. 2020, arXiv 1912.04958, section 4.1). The contribution of a new level starts at
zero, so the larger networks start where the smaller ones ended, and need no schedule that fades the level in.
Levels of the generator above `base_resolution` smooth what they upsample (`SmoothConv2DTranspose`), whether
or not the network has grown.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeAlias

from anime_gan.common.backend import keras, tf
from anime_gan.models import layers
from anime_gan.models.common import AttributeDiscriminator, AttributeGenerator, Shape
from anime_gan.models.strided import SIZE, STRIDE, StridedConv2D, StridedConv2DTranspose

Convolution: TypeAlias = keras.layers.Conv2D | keras.layers.Conv2DTranspose
# Height and width of the first feature map.
START = 4
# Resolution -> channels of each feature map. With these numbers, a CPU can train the networks within hours.
GENERATOR_FILTERS = {
    32: (256, 256, 128, 64),
    64: (256, 256, 128, 64, 32),
    128: (256, 256, 128, 64, 32, 16),
    256: (256, 256, 128, 64, 32, 16, 8),
    512: (256, 256, 128, 64, 32, 16, 8, 8),
}
DISCRIMINATOR_FILTERS = {
    32: (96, 192, 256),
    64: (48, 96, 192, 256),
    128: (24, 48, 96, 192, 256),
    256: (16, 24, 48, 96, 192, 256),
    512: (8, 16, 24, 48, 96, 192, 256),
}
# From this size on, a second convolution follows the upsampling. Smaller maps do not need it.
SECOND_CONVOLUTION_SIZE = 32


class Generator(AttributeGenerator):
    """Maps latent vectors and labels to images. The first map is 4x4, and each level doubles the size.

    The latent vector and the label embedding together form the style, which modulates all convolutions.

    Args:
        num_labels: Number of attributes that control the image; 0 for an unconditional model.
        embedding_dim: Size of the label embedding.
        resolution: Height and width of the images, in pixels.
        filters: Channels of the first map and of each level; by default, those in `GENERATOR_FILTERS`.
        base_resolution: Resolution of the first image output; by default, there is only one output.
        options: Arguments of `AttributeGenerator`.
    """

    def __init__(
        self,
        num_labels: int = 0,
        embedding_dim: int = 64,
        resolution: int = 64,
        filters: Sequence[int] | None = None,
        base_resolution: int | None = None,
        **options: Any,
    ) -> None:
        """Creates the layers; see the class."""
        super().__init__(num_labels, **options)
        self.embedding_dim = embedding_dim
        self.resolution = resolution
        self.filters = tuple(filters or GENERATOR_FILTERS[resolution])
        self.base_resolution = base_resolution or resolution

        self.add_label_embedding(embedding_dim)
        self.fc = keras.layers.Dense(START * START * self.filters[0], **self.layer_options("fc"))
        # Each layer is a separate attribute, because a checkpoint silently omits layers in a list.
        names: list[str] = []
        channels = self.filters[0]
        for level, width in enumerate(self.filters[1:]):
            has_second = START << (level + 1) >= SECOND_CONVOLUTION_SIZE
            for index in range(1 + has_second):
                name = f"level{level}_convolution{index}"
                inner_options = {"padding": "same", "use_bias": False, **self.layer_options(name)}
                if index == 0 and START << (level + 1) > self.base_resolution:
                    inner = SmoothConv2DTranspose(width, SIZE, STRIDE, **inner_options)
                elif index == 0:
                    inner = StridedConv2DTranspose(width, SIZE, STRIDE, **inner_options)
                else:
                    inner = keras.layers.Conv2D(width, 3, **inner_options)
                style = keras.layers.Dense(
                    channels, bias_initializer="ones", **self.layer_options(f"{name}_style")
                )
                layer = ModulatedConvolution(inner, style, dtype=self.dtype_policy, name=f"{name}_modulated")
                setattr(self, layer.name, layer)
                names.append(layer.name)
                channels = width
        self.convolution_names = tuple(names)
        self.rgb = keras.layers.Conv2D(self.channels, 3, padding="same", **self.layer_options("rgb"))
        for side in added_levels(self.base_resolution, resolution):
            options = {**self.layer_options(f"rgb{side}"), "kernel_initializer": "zeros"}
            setattr(self, f"rgb{side}", keras.layers.Conv2D(self.channels, 3, padding="same", **options))

    def build_layers(self, shape: Shape) -> None:
        """Creates the variables of all layers except the embedding; see the base class."""
        self.fc.build(shape)
        map_shape: Shape = (None, START, START, self.filters[0])
        for convolutions, output in self.levels:
            for layer in convolutions:
                layer.build(map_shape, shape)
                map_shape = layer.compute_output_shape(map_shape, shape)
            if output is not None:
                output.build(map_shape)

    def synthesize(self, inputs: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Maps styles to images before the final tanh; see the base class."""
        del training
        x = layers.leaky_relu(tf.reshape(self.fc(inputs), [-1, START, START, self.filters[0]]))
        image = None
        for convolutions, output in self.levels:
            for layer in convolutions:
                x = layers.leaky_relu(layer(x, inputs))
            if output is not None:
                added = output(x)
                image = added if image is None else enlarged(image) + tf.cast(added, tf.float32)
        return image

    @property
    def convolutions(self) -> list[ModulatedConvolution]:
        """The modulated convolutions, in order."""
        return [getattr(self, name) for name in self.convolution_names]

    @property
    def levels(self) -> list[tuple[list[ModulatedConvolution], keras.layers.Conv2D | None]]:
        """The modulated convolutions of each level, and its image output, if any."""
        found = []
        for level in range(len(self.filters) - 1):
            side = START << (level + 1)
            convolutions = [layer for layer in self.convolutions if layer.name.startswith(f"level{level}_")]
            output = self.rgb if side == self.base_resolution else getattr(self, f"rgb{side}", None)
            found.append((convolutions, output))
        return found

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "resolution": self.resolution,
            "filters": self.filters,
            "base_resolution": self.base_resolution,
        }


def enlarged(images: tf.Tensor) -> tf.Tensor:
    """Doubles the height and width by bilinear interpolation; returns float32."""
    height, width = images.shape[1:3]
    return tf.image.resize(images, [2 * height, 2 * width])


def added_levels(base_resolution: int, resolution: int) -> list[int]:
    """Returns the resolutions above a base, such as [128, 256] for base 64 and resolution 256."""
    return [base_resolution << level for level in range(1, (resolution // base_resolution).bit_length())]


class SmoothConv2DTranspose(keras.layers.Conv2DTranspose):
    """A transposed convolution whose output is smoothed with [1, 2, 1] / 4 along both axes.

    With stride 2, each pixel of a 2x2 block has its own part of the kernel, so neighbors may alternate, and
    the faces are dithered. The filter is zero at the frequency of this pattern. StyleGAN smooths after
    upsampling in the same way (Karras et al. 2019, arXiv 1812.04948, section 2). Filtering the kernel has the
    same effect as filtering the output, and takes less time. The layer has no bias.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps `[b, h, w, channels]` to `[b, 2 * h, 2 * w, filters]`."""
        # Keras returns the kernel in the compute dtype.
        kernel = tf.cast(self.kernel, tf.float32)
        for axis in range(2):
            padding = [[2, 2] if axis == place else [0, 0] for place in range(4)]
            wide = tf.pad(kernel, padding)
            size = kernel.shape[axis] + 2
            left, middle, right = (tf.gather(wide, range(i, i + size), axis=axis) for i in range(3))
            kernel = (left + 2.0 * middle + right) / 4.0
        shape = tf.shape(inputs)
        sides = [stride * length for stride, length in zip(self.strides, inputs.shape[1:3], strict=True)]
        return tf.nn.conv2d_transpose(
            inputs,
            tf.cast(kernel, self.compute_dtype),
            [shape[0], *sides, self.filters],
            self.strides,
            padding="SAME",
        )


class ModulatedConvolution(keras.layers.Layer):
    """A convolution whose weights are scaled by the style, without batch statistics.

    Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv 1912.04958, section
    2.2). Input channel i is scaled by s_i. Output channel j is then divided by its standard deviation for
    inputs of unit variance, sqrt(sum_ik (s_i w_ijk)^2). This layer scales the feature maps instead of the
    weights. The result is the same, and all images of a batch share one convolution.
    """

    def __init__(self, convolution: Convolution, style: keras.layers.Dense, **kwargs: Any) -> None:
        """Stores the layers.

        Args:
            convolution: A convolution without a bias.
            style: A dense layer with one output for each input channel of the convolution.
            kwargs: Arguments of `keras.layers.Layer`.
        """
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
        """Returns the output shape of the convolution."""
        del style_shape
        shape: Shape = self.convolution.compute_output_shape(inputs_shape)
        return shape

    def call(self, inputs: tf.Tensor, style: tf.Tensor) -> tf.Tensor:
        """Maps `[b, h, w, channels]` with styles `[b, style]` to `[b, height, width, filters]`."""
        scale = self.style(style)
        outputs = self.convolution(inputs * scale[:, tf.newaxis, tf.newaxis, :])
        # The factor sqrt(2) compensates for the leaky ReLU, which roughly halves the variance.
        gain = math.sqrt(2.0) * tf.math.rsqrt(self._variance(tf.cast(scale, tf.float32)) + 1e-8)
        outputs *= tf.cast(gain, self.compute_dtype)[:, tf.newaxis, tf.newaxis, :]
        return tf.nn.bias_add(outputs, tf.cast(self.bias, self.compute_dtype))

    def _variance(self, scale: tf.Tensor) -> tf.Tensor:
        """Returns the variance of each output channel for inputs of unit variance.

        Args:
            scale: float32 `[b, channels]`.

        Returns:
            float32 `[b, filters]`.
        """
        # Keras returns the kernel in the compute dtype.
        power = tf.reduce_sum(tf.square(tf.cast(self.convolution.kernel, tf.float32)), axis=[0, 1])
        if isinstance(self.convolution, keras.layers.Conv2DTranspose):
            # The filters come first. An output pixel depends on only one of every strides^2 kernel entries.
            power = tf.transpose(power) / math.prod(self.convolution.strides)
        return tf.matmul(tf.square(scale), power)


class Discriminator(AttributeDiscriminator):
    """Tells real images from generated ones, and predicts their attributes.

    Args:
        num_labels: Number of attributes. With 0, there is neither a projection nor an attribute head.
        resolution: Height and width of the images, in pixels.
        base_resolution: Resolution of the last image input; by default, there is only one input.
        options: Arguments of `AttributeDiscriminator`.
    """

    def __init__(
        self,
        num_labels: int = 0,
        resolution: int = 64,
        base_resolution: int | None = None,
        **options: Any,
    ) -> None:
        """Creates the layers; see the class."""
        super().__init__(num_labels, **options)
        self.resolution = resolution
        self.base_resolution = base_resolution or resolution
        added = added_levels(self.base_resolution, resolution)
        self.filters = DISCRIMINATOR_FILTERS[resolution][len(added) :]

        def convolution(name: str, width: int, **changes: Any) -> None:
            # The layers are attributes, not in a list, for the reason given in the generator.
            options = {**self.layer_options(name), **changes}
            setattr(self, name, StridedConv2D(width, SIZE, STRIDE, "same", **options))

        for index, width in enumerate(self.filters):
            convolution(f"convolution{index}", width)
        widths = DISCRIMINATOR_FILTERS[resolution][len(added) :: -1]
        for side, width, below in zip(added, widths[1:], widths, strict=False):
            convolution(f"image{side}", width)
            convolution(f"maps{side}", below, kernel_initializer="zeros", use_bias=False)
        self.add_heads(self.filters[-1] * (self.base_resolution // 2 ** len(self.filters)) ** 2)

    def build_layers(self, shape: Shape) -> Shape:
        """Creates the variables of the convolutions; see the base class."""
        for side in added_levels(self.base_resolution, self.resolution):
            image, maps = getattr(self, f"image{side}"), getattr(self, f"maps{side}")
            image.build((None, side, side, self.channels))
            maps.build((None, side // 2, side // 2, image.filters))
        shape = (None, self.base_resolution, self.base_resolution, self.channels)
        for layer in self.convolutions:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
        return shape

    def extract_features(self, images: tf.Tensor, training: bool | None) -> tf.Tensor:
        """Computes the last feature map; see the base class."""
        del training
        added: tf.Tensor | float = 0.0
        for side in reversed(added_levels(self.base_resolution, self.resolution)):
            x = layers.leaky_relu(getattr(self, f"image{side}")(images) + added)
            added = getattr(self, f"maps{side}")(x)
            images = tf.nn.avg_pool2d(images, 2, 2, "VALID")
        first, *others = self.convolutions
        x = first(images)
        x = layers.leaky_relu(x if isinstance(added, float) else x + added)
        for convolution in others:
            x = layers.leaky_relu(convolution(x))
        return x

    @property
    def convolutions(self) -> list[keras.layers.Conv2D]:
        """The convolutions from the base resolution downward, in order."""
        return [getattr(self, f"convolution{index}") for index in range(len(self.filters))]

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "resolution": self.resolution,
            "base_resolution": self.base_resolution,
        }
