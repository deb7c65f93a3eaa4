"""Convolutions with kernel size 4 and stride 2 that train faster in bfloat16 on a CPU.

On a CPU, TensorFlow takes a long time for the gradient of a kernel in bfloat16 if the maps are small. For a
layer that maps 8x8 to 4x4 pixels, the gradient took 15 ms, and the output 3 ms. As a matrix product, the
gradient takes 3 ms. The layers here use this product. They have the variables and results of Keras's layers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from anime_gan.common.backend import keras, tf

SIZE, STRIDE = 4, 2
# Height and width of the largest map for which the matrix product is faster.
LARGEST_SIDE = 16

Gradient: TypeAlias = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class StridedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with kernel size 4, stride 2, and padding "same"."""

    def convolution_op(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        """Maps `[b, h, w, channels]` to `[b, h / 2, w / 2, filters]`, without the bias."""
        if not is_faster(inputs.dtype, inputs.shape[1:3]):
            return super().convolution_op(inputs, kernel)
        return convolve(inputs, tf.convert_to_tensor(kernel))


class StridedConv2DTranspose(keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with kernel size 4, stride 2, padding "same", and no bias."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Maps `[b, h, w, channels]` to `[b, 2 * h, 2 * w, filters]`."""
        if not is_faster(inputs.dtype, [STRIDE * side for side in inputs.shape[1:3]]):
            return super().call(inputs)
        return convolve_transposed(inputs, tf.convert_to_tensor(self.kernel))


def is_faster(dtype: tf.DType, size: list[int]) -> bool:
    """Returns whether the matrix product is faster, given the type and the size of the larger map."""
    fits = max(size) <= LARGEST_SIDE and not any(side % STRIDE for side in size)
    return fits and tf.as_dtype(dtype) == tf.bfloat16 and not tf.config.list_physical_devices("GPU")


@tf.custom_gradient
def convolve(maps: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """Convolves maps, as `tf.nn.conv2d` does.

    Args:
        maps: `[b, h, w, channels]` with even h and w.
        kernel: `[4, 4, channels, filters]`.

    Returns:
        `[b, h / 2, w / 2, filters]`. The second item is the gradient function for `tf.custom_gradient`.
    """

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return convolve_transposed(upstream, kernel), kernel_gradient(maps, upstream)

    return tf.nn.conv2d(maps, kernel, STRIDE, "SAME"), gradient


@tf.custom_gradient
def convolve_transposed(maps: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Gradient]:
    """Convolves maps as `tf.nn.conv2d_transpose` does; this is the gradient of `convolve` for its maps.

    Args:
        maps: `[b, h, w, channels]`.
        kernel: `[4, 4, filters, channels]`.

    Returns:
        `[b, 2 * h, 2 * w, filters]`. The second item is the gradient function for `tf.custom_gradient`.
    """
    height, width = (STRIDE * side for side in maps.shape[1:3])

    def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return convolve(upstream, kernel), kernel_gradient(upstream, maps)

    shape = [tf.shape(maps)[0], height, width, kernel.shape[2]]
    return tf.nn.conv2d_transpose(maps, kernel, shape, STRIDE, "SAME"), gradient


def kernel_gradient(maps: tf.Tensor, upstream: tf.Tensor) -> tf.Tensor:
    """Returns the gradient of `convolve` for its kernel.

    Each 2x2 block of the padded maps becomes one position with four times the channels. The kernel then
    covers 2x2 positions. The gradient at each of them is a product of all inputs at this position with the
    gradients of all outputs.

    Args:
        maps: `[b, 2 * h, 2 * w, channels]`, the input of the convolution.
        upstream: `[b, h, w, filters]`, the gradient of its output.

    Returns:
        `[4, 4, channels, filters]`.
    """
    channels, filters = maps.shape[3], upstream.shape[3]
    height, width = upstream.shape[1:3]
    blocks = tf.nn.space_to_depth(tf.pad(maps, [[0, 0], [1, 1], [1, 1], [0, 0]]), STRIDE)
    outputs = tf.reshape(upstream, [-1, filters])
    products = [
        tf.matmul(
            tf.reshape(blocks[:, row : row + height, column : column + width], [-1, 4 * channels]),
            outputs,
            transpose_a=True,
        )
        for row in range(2)
        for column in range(2)
    ]
    # The axes are the position's row and column, the row and column in its block, and the channels.
    kernel = tf.reshape(tf.stack(products), [2, 2, 2, 2, channels, filters])
    return tf.reshape(tf.transpose(kernel, [0, 2, 1, 3, 4, 5]), [SIZE, SIZE, channels, filters])
