"""Finds the layers of a generator in a list of kernels, by following the data flow.

No kernel is executed. First, all kernels are read in order. Their arguments say where they read and write, so
the contents of the memory are always known. Then the layers are identified one by one, from the picture back
to the input. Kernels may be in any order in which they can run. Arrays may be at any position, and the
operands of a sum or division may be in any order.
"""

from __future__ import annotations

import dataclasses
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from anime_gan.importers.webdnn_files import Graph, Kernel, WebDnnError


@dataclasses.dataclass(frozen=True, eq=False)
class Array:
    """An array of weights.

    Attributes:
        values: float32 [size], as in the file.
        offset: Position in memory, which identifies the array.
        transposed: Rows and columns before the transposition; None without one. The transposition is only
            recorded, because a graph may transpose one array a thousand times.
        shape: Shape in the layer that uses it.
    """

    values: np.ndarray
    offset: int
    transposed: tuple[int, int] | None = None
    shape: tuple[int, ...] = (-1,)

    @property
    def size(self) -> int:
        """Number of values."""
        return self.values.size


@dataclasses.dataclass(frozen=True, eq=False)
class Statistic:
    """A mean or variance that is being prepared for a batch normalization."""

    kind: Literal["negative", "with epsilon", "root"]
    array: Array
    epsilon: float = 0.0

    @property
    def size(self) -> int:
        """Number of values."""
        return self.array.size


@dataclasses.dataclass(frozen=True, eq=False)
class Step:
    """An operation of the network, linked to the operations before it.

    Attributes:
        operation: `input`, `dense`, `convolution`, `add`, `subtract`, `divide`, `multiply`, `sum`, `relu`,
            `double`, or `tanh`.
        kernel: The kernel that computes it; None for the input.
        sources: The steps it reads: two for a sum, none for the input, else one.
        array: The weights it uses, if any.
        epsilon: The number added to the variance, for `divide`.
    """

    operation: str
    kernel: Kernel | None = None
    sources: tuple[Step, ...] = ()
    array: Array | None = None
    epsilon: float = 0.0

    def __str__(self) -> str:
        return str(self.kernel or "the input")


@dataclasses.dataclass(frozen=True, eq=False)
class Maps:
    """The result of a step in memory: feature maps, or a vector (`pixels` is 1).

    Attributes:
        step: The step.
        channels: Number of maps.
        pixels: Pixels of each map.
        pixels_first: Whether a row is a pixel rather than a channel.
    """

    step: Step
    channels: int
    pixels: int = 1
    pixels_first: bool = False

    @property
    def size(self) -> int:
        """Number of values."""
        return self.channels * self.pixels


@dataclasses.dataclass(frozen=True, eq=False)
class Columns:
    """The receptive field of each output pixel of a convolution, one pixel per row (`im2col`)."""

    maps: Maps
    kernel_size: int

    @property
    def size(self) -> int:
        """Number of values."""
        return self.maps.size * self.kernel_size**2


Content: TypeAlias = Array | Statistic | Maps | Columns


class Layer(NamedTuple):
    """A convolution (kernel [k, k, in, out]) or a dense layer (kernel [in, out]), with its bias [out]."""

    place: str
    kernel: np.ndarray
    bias: np.ndarray


class Normalization(NamedTuple):
    """A batch normalization with four arrays [channels]."""

    place: str
    gamma: np.ndarray
    beta: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    epsilon: float


class Network(NamedTuple):
    """A generator with the layers of `models.srresnet`.

    Attributes:
        num_inputs: Length of the latent vector and the labels together.
        filters: Channels of the residual blocks.
        blocks: Number of residual blocks.
        normalized: Layers, each with the normalization that follows it: the dense layer, both convolutions of
            each block, the convolution after the blocks, and one convolution per upsampling stage.
        rgb: The last convolution, with channels in the order of the file.
    """

    num_inputs: int
    filters: int
    blocks: int
    normalized: list[tuple[Layer, Normalization]]
    rgb: Layer


def read_network(graph: Graph, arrays: Mapping[int, np.ndarray]) -> Network:
    """Finds the layers of a generator in a list of kernels.

    Args:
        graph: The list of kernels.
        arrays: Offset -> float32 [size].

    Raises:
        WebDnnError: A kernel does not belong to such a network, or an array is missing or not used.
    """
    memory = _Memory(graph, arrays)
    for kernel in graph.kernels:
        if kernel.operation not in _OPERATIONS:
            known = ", ".join(_OPERATIONS)
            raise WebDnnError(f"{kernel}: unknown operation; must be one of {known}")
        _OPERATIONS[kernel.operation](memory, kernel)
    offset, size = graph.outputs
    picture = memory.contents.get(offset)
    if not isinstance(picture, Maps) or picture.size != size or picture.pixels_first:
        raise WebDnnError(f"no kernel writes a picture to the output, {graph.name(offset)}")
    layers = _Layers()
    network = layers.take_network(picture.step)
    unused = sorted(set(arrays) - layers.used)
    if unused:
        raise WebDnnError(f"{len(unused)} arrays belong to no layer; the first is at {graph.name(unused[0])}")
    return network


class _Memory:
    """The contents of the memory while the kernels are read."""

    def __init__(self, graph: Graph, arrays: Mapping[int, np.ndarray]) -> None:
        self._graph = graph
        self.contents: dict[int, Content] = {
            offset: Array(values, offset) for offset, values in arrays.items()
        }
        offset, size = graph.inputs
        self._put(offset, Maps(Step("input"), size))

    def read(self, kernel: Kernel, offset: int) -> Content:
        if offset not in self.contents:
            raise WebDnnError(
                f"{kernel}: reads {self._graph.name(offset)}, which is empty; an array or an earlier kernel "
                "is missing"
            )
        return self.contents[offset]

    def write(self, kernel: Kernel, offset: int, content: Content) -> None:
        if content.size not in self._graph.allocations.get(offset, {}):
            raise WebDnnError(
                f"{kernel}: writes {content.size} numbers to {self._graph.name(offset)}, which has no array "
                "of that size"
            )
        self._put(offset, content)

    def _put(self, offset: int, content: Content) -> None:
        """Stores an array and drops all arrays that it overlaps."""
        end = offset + content.size
        gone = [at for at, old in self.contents.items() if at < end and offset < at + old.size]
        for at in gone:
            del self.contents[at]
        self.contents[offset] = content


def _arguments(kernel: Kernel, *layouts: str) -> tuple[Any, ...]:
    """Unpacks the arguments of a kernel by the layout of the same length (`i` integer, `f` float)."""
    for layout in layouts:
        if struct.calcsize(f"<{layout}") == len(kernel.meta):
            return struct.unpack(f"<{layout}", kernel.meta)
    raise WebDnnError(f"{kernel}: has {len(kernel.meta) // 4} arguments, expected {len(layouts[-1])}")


def _check(kernel: Kernel, right: bool, problem: str) -> None:
    if not right:
        raise WebDnnError(f"{kernel}: {problem}")


def _maps(kernel: Kernel, content: Content) -> Maps:
    if not isinstance(content, Maps):
        raise WebDnnError(f"{kernel}: reads weights instead of data computed from the input")
    return content


def _weights(kernel: Kernel, content: Content) -> Array:
    if not isinstance(content, Array):
        raise WebDnnError(f"{kernel}: its weights do not come directly from the file")
    return content


def _copy(memory: _Memory, kernel: Kernel) -> None:
    """Reads `reshape` or `reinterpretaxis`, which copy the numbers in the same order."""
    source, target, size = _arguments(kernel, "iii")
    content = memory.read(kernel, source)
    _check(kernel, content.size == size, f"copies {size} numbers from an array of {content.size}")
    memory.write(kernel, target, content)


def _transpose(memory: _Memory, kernel: Kernel) -> None:
    source, target, *shape = _arguments(kernel, "iiiiii")
    content = memory.read(kernel, source)
    rows, columns = shape[2:]
    fits = shape[:2] == [columns, rows] and min(rows, columns) > 0 and rows * columns == content.size
    _check(kernel, fits, f"transposes {content.size} numbers by {shape}")
    if isinstance(content, Array):
        _check(kernel, content.transposed is None, "transposes weights a second time")
        memory.write(kernel, target, dataclasses.replace(content, transposed=(rows, columns)))
        return
    maps = _maps(kernel, content)
    if maps.pixels == 1:
        # A vector becomes maps that are stored one after another.
        maps = dataclasses.replace(maps, channels=rows, pixels=columns, pixels_first=False)
    laid_out = (maps.pixels, maps.channels) if maps.pixels_first else (maps.channels, maps.pixels)
    _check(kernel, laid_out == (rows, columns), f"transposes {laid_out} numbers by {shape}")
    memory.write(kernel, target, dataclasses.replace(maps, pixels_first=not maps.pixels_first))


def _scalar(memory: _Memory, kernel: Kernel) -> None:
    """Reads an operation on batch statistics: -mean, variance + epsilon, or its square root."""
    source, target, size, *values = _arguments(
        kernel, "iiiff" if kernel.operation == "scalaraffine" else "iiif"
    )
    content = memory.read(kernel, source)
    _check(kernel, content.size == size, f"reads {size} numbers from an array of {content.size}")
    if kernel.operation == "scalaradd" and isinstance(content, Array):
        result = Statistic("with epsilon", content, values[0])
    elif kernel.operation == "scalaraffine" and isinstance(content, Array) and values == [-1.0, 0.0]:
        result = Statistic("negative", content)
    elif (
        kernel.operation == "scalarpow"
        and isinstance(content, Statistic)
        and content.kind == "with epsilon"
        and values == [0.5]
    ):
        result = dataclasses.replace(content, kind="root")
    else:
        raise WebDnnError(f"{kernel}: the values {values} do not match a batch normalization")
    memory.write(kernel, target, result)


def _im2col(memory: _Memory, kernel: Kernel) -> None:
    source, target, *numbers = _arguments(kernel, "i" * 16)
    maps = _maps(kernel, memory.read(kernel, source))
    side, size = math.isqrt(maps.pixels), numbers[6]
    # In order: one picture, channels, sides before and after, kernel size, strides and dilation, padding.
    wanted = [1, maps.channels, *[side] * 4, size, size, 1, 1, 1, 1, size // 2, size // 2]
    right = maps.pixels_first and side * side == maps.pixels and numbers == wanted and size in (1, 3, 5, 7, 9)
    _check(kernel, right, f"{numbers} is not a convolution that keeps the size of {maps.channels} maps")
    memory.write(kernel, target, Columns(maps, size))


def _sgemm(memory: _Memory, kernel: Kernel) -> None:
    """Reads a matrix product: a convolution if an operand is `Columns`, a dense layer if it is a vector."""
    left, right, target, rows, columns, inner = _arguments(kernel, "iiiiii")
    given, array = memory.read(kernel, left), _weights(kernel, memory.read(kernel, right))
    if isinstance(given, Columns):
        maps, size = given.maps, given.kernel_size
        operation, pixels = "convolution", maps.pixels
        shape: tuple[int, ...] = (size, size, maps.channels, columns)
    else:
        maps = _maps(kernel, given)
        operation, pixels = "dense", 1
        shape = (maps.channels, columns)
        _check(kernel, maps.pixels == 1, "a dense layer cannot read maps")
    fits = columns > 0 and (rows, inner) == (pixels, math.prod(shape[:-1])) and array.size == inner * columns
    _check(kernel, fits, f"[{rows}, {inner}] by [{inner}, {columns}] does not match its operands")
    step = Step(operation, kernel, (maps.step,), dataclasses.replace(array, shape=shape))
    memory.write(kernel, target, Maps(step, columns, pixels, pixels_first=pixels > 1))


def _elementwise(memory: _Memory, kernel: Kernel) -> None:
    """Reads an operation on two operands in any order: two maps, or maps and one number per channel."""
    first, second, target, *shape = _arguments(kernel, "iiii", "iiiiiii")
    operands = [memory.read(kernel, first), memory.read(kernel, second)]
    flowing = [operand for operand in operands if isinstance(operand, Maps)]
    if len(flowing) == 2:
        step = Step("sum", kernel, (flowing[0].step, flowing[1].step))
        alike = _alike(*flowing) and shape == [flowing[0].size] and kernel.operation == "elementwiseadd"
        _check(kernel, alike, "must be a sum of maps of the same size")
        memory.write(kernel, target, dataclasses.replace(max(flowing, key=lambda m: m.pixels), step=step))
        return
    _check(kernel, len(flowing) == 1, "no operand depends on the input")
    maps, other = flowing[0], next(operand for operand in operands if not isinstance(operand, Maps))
    # All strides and shapes, except for the channels, equal the number of pixels.
    whole = [maps.size] if maps.pixels == 1 else [maps.pixels, maps.pixels, maps.channels, maps.pixels]
    fits = shape == whole and other.size == maps.channels and not maps.pixels_first
    found = f"{maps.channels} maps of {maps.pixels} and {other.size} weights"
    _check(kernel, fits, f"{shape} does not match {found}")
    # Only the source code says which operand is the divisor, but only one is a standard deviation.
    done = {
        ("elementwiseadd", "array"): "add",
        ("elementwiseadd", "negative"): "subtract",
        ("elementwisemul", "array"): "multiply",
        ("elementwisediv", "root"): "divide",
    }.get((kernel.operation, other.kind if isinstance(other, Statistic) else "array"))
    if done is None or isinstance(other, Columns):
        raise WebDnnError(f"{kernel}: these operands do not match any supported layer")
    array = other.array if isinstance(other, Statistic) else other
    epsilon = other.epsilon if isinstance(other, Statistic) else 0.0
    step = Step(done, kernel, (maps.step,), array, epsilon)
    memory.write(kernel, target, dataclasses.replace(maps, step=step))


def _alike(one: Maps, other: Maps) -> bool:
    """Whether two operands have the same memory layout; a vector matches maps of the same size."""
    if one.size != other.size or one.pixels_first != other.pixels_first:
        return False
    return 1 in (one.pixels, other.pixels) or one.pixels == other.pixels


def _activation(memory: _Memory, kernel: Kernel) -> None:
    source, target, size = _arguments(kernel, "iii")
    maps = _maps(kernel, memory.read(kernel, source))
    _check(kernel, maps.size == size, f"reads {size} numbers from an array of {maps.size}")
    step = Step(kernel.operation, kernel, (maps.step,))
    memory.write(kernel, target, dataclasses.replace(maps, step=step))


def _depth_to_space(memory: _Memory, kernel: Kernel) -> None:
    source, target, *numbers = _arguments(kernel, "i" * 10)
    maps = _maps(kernel, memory.read(kernel, source))
    size = math.isqrt(maps.pixels)
    wanted = [2, 1, maps.channels, maps.channels // 4, size, 2 * size, size, 2 * size]
    right = maps.pixels_first and size * size == maps.pixels and maps.channels % 4 == 0 and numbers == wanted
    _check(kernel, right, f"{numbers} does not double the side of {maps.channels} square maps")
    step = Step("double", kernel, (maps.step,))
    memory.write(kernel, target, Maps(step, maps.channels // 4, 4 * maps.pixels, pixels_first=True))


_OPERATIONS: dict[str, Callable[[_Memory, Kernel], None]] = {
    "reshape": _copy,
    "reinterpretaxis": _copy,
    "transpose": _transpose,
    "scalaradd": _scalar,
    "scalarpow": _scalar,
    "scalaraffine": _scalar,
    "im2col": _im2col,
    "sgemm": _sgemm,
    "elementwiseadd": _elementwise,
    "elementwisemul": _elementwise,
    "elementwisediv": _elementwise,
    "relu": _activation,
    "tanh": _activation,
    "depth2space": _depth_to_space,
}


class _Layers:
    """Identifies layers from the last to the first.

    Attributes:
        used: Offsets of the arrays that belong to the layers found so far.
    """

    def __init__(self) -> None:
        self.used: set[int] = set()

    def take_network(self, step: Step) -> Network:
        """Identifies all layers, from the picture back to the input."""
        normalized: list[tuple[Layer, Normalization]] = []
        rgb, step = self._layer(self._source(step, "tanh"), "convolution")
        while True:
            normalization, step = self._normalization(self._source(step, "relu"))
            doubling = step.operation == "double"
            layer, step = self._layer(self._source(step, "double") if doubling else step, "convolution")
            normalized.append((layer, normalization))
            if not doubling:
                break
        blocks = 0
        while step.operation == "sum":
            pairs, step = self._block(step)
            normalized += pairs
            blocks += 1
        normalization, step = self._normalization(self._source(step, "relu"))
        layer, step = self._layer(step, "dense")
        normalized.append((layer, normalization))
        if step.operation != "input":
            raise WebDnnError(f"{step}: expected the input, found {step.operation}")
        normalized.reverse()
        return Network(layer.kernel.shape[0], rgb.kernel.shape[2], blocks, normalized, rgb)

    def _block(self, step: Step) -> tuple[list[tuple[Layer, Normalization]], Step]:
        """Identifies a residual block; returns its convolutions, last one first, and the step before it."""
        for branch, shortcut in (step.sources, step.sources[::-1]):
            # The shortcut is a sum or the first ReLU, so only the branch ends with an `add`.
            if branch.operation == "add":
                second, inner = self._normalization(branch)
                conv2, inner = self._layer(inner, "convolution")
                first, inner = self._normalization(self._source(inner, "relu"))
                conv1, inner = self._layer(inner, "convolution")
                if inner is not shortcut:
                    raise WebDnnError(f"{step}: does not add the input of its residual block")
                return [(conv2, second), (conv1, first)], shortcut
        raise WebDnnError(f"{step}: neither of its operands is a residual block")

    def _layer(self, step: Step, operation: str) -> tuple[Layer, Step]:
        product = self._source(step, "add")
        kernel, bias = self._array(product), self._array(step)
        return Layer(str(product), kernel, bias), self._source(product, operation)

    def _normalization(self, step: Step) -> tuple[Normalization, Step]:
        multiply = self._source(step, "add")
        divide = self._source(multiply, "multiply")
        subtract = self._source(divide, "divide")
        gamma, beta, mean, variance = (self._array(part) for part in (multiply, step, subtract, divide))
        normalization = Normalization(str(divide), gamma, beta, mean, variance, divide.epsilon)
        if not np.all(normalization.variance >= 0):
            raise WebDnnError(f"{divide}: a variance is negative")
        return normalization, self._source(subtract, "subtract")

    def _source(self, step: Step, operation: str) -> Step:
        if step.operation != operation:
            raise WebDnnError(f"{step}: expected {operation}, found {step.operation}")
        return step.sources[0]

    def _array(self, step: Step) -> np.ndarray:
        if step.array is None:
            raise WebDnnError(f"{step}: {step.operation} does not use weights")
        if step.array.offset in self.used:
            raise WebDnnError(f"{step}: another layer uses the array at offset {step.array.offset} too")
        self.used.add(step.array.offset)
        values = step.array.values
        if step.array.transposed:
            values = values.reshape(step.array.transposed).T
        return values.reshape(step.array.shape)
