"""Makes small WebDNN models with random weights and the kinds of kernels of the published models."""

from __future__ import annotations

import copy
import json
import struct
import zlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

LABELS = 34
# Suffix of an operation's name. In real files it is a checksum of the source; here it has no meaning.
SUFFIX = "_0123456789abcdef"


class Kernel(NamedTuple):
    """An operation, the arrays that it reads, the array that it writes, and its other arguments."""

    operation: str
    reads: tuple[str, ...]
    writes: str
    numbers: tuple[int | float, ...] = ()


class Files(NamedTuple):
    """The two files of a model."""

    weights: bytes
    graph: dict[str, Any]

    def write(self, folder: Path) -> list[str]:
        """Writes both files; returns the flags that name them."""
        (folder / "weights.bin").write_bytes(self.weights)
        (folder / "graph.json").write_text(json.dumps(self.graph))
        return [f"--weights={folder / 'weights.bin'}", f"--graph={folder / 'graph.json'}"]

    def changed(self) -> Files:
        """Returns a copy whose graph can be changed."""
        return Files(self.weights, copy.deepcopy(self.graph))


class ModelWriter:
    """Builds the kernel list of a generator.

    Args:
        seed: Seed of the weights and, with `shuffled`, of the order and the positions.
        filters: Channels of the residual blocks.
        blocks: Number of residual blocks.
        latent_dim: Length of the latent vector.
        shuffled: Whether kernels are in a random order in which they can run, arrays at random positions, and
            the operands of sums, products and quotients in random order.
    """

    def __init__(
        self, seed: int = 0, filters: int = 4, blocks: int = 2, latent_dim: int = 5, shuffled: bool = False
    ) -> None:
        self.random = np.random.default_rng(seed)
        self.shuffled = shuffled
        self.sizes: dict[str, int] = {}
        self.codes: dict[str, tuple[np.ndarray, float]] = {}
        self.kernels: list[Kernel] = []
        self._generator(filters, blocks, latent_dim)

    def files(self) -> Files:
        """Lays everything out in memory and encodes it."""
        kernels = self._any_order() if self.shuffled else self.kernels
        names = list(self.codes)
        if self.shuffled:
            self.random.shuffle(names)
        # As in the published files: all weights, then everything else.
        names += [name for name in self.sizes if name not in self.codes]
        offsets, end = {}, 0
        for name in names:
            offsets[name] = end
            end += self.sizes[name]
        weights = b""
        for name, (codes, maximum) in self.codes.items():
            data = zlib.compress(codes.tobytes())
            weights += struct.pack("<iifi", offsets[name], len(data), maximum, 0) + data
        allocations = {
            name: {"name": name, "offset": offsets[name], "size": self.sizes[name]} for name in names
        }
        graph = {
            "exec_infos": [self._info(kernel, offsets) for kernel in kernels],
            "weight_encoding": "eightbit",
            "memory_layout": {"static": {"size": end, "allocations": allocations}},
            "inputs": ["input"],
            "outputs": ["output"],
        }
        return Files(weights, graph)

    def _info(self, kernel: Kernel, offsets: dict[str, int]) -> dict[str, Any]:
        numbers = [*(offsets[name] for name in (*kernel.reads, kernel.writes)), *kernel.numbers]
        meta = b"".join(struct.pack("<f" if isinstance(n, float) else "<i", n) for n in numbers)
        return {
            "entry_func_name": kernel.operation + SUFFIX,
            "meta_buffer": list(meta),
            "unresolved_value_list": [],
        }

    def _any_order(self) -> list[Kernel]:
        waiting, ordered = list(self.kernels), []
        there = {*self.codes, "input"}
        while waiting:
            ready = [kernel for kernel in waiting if there.issuperset(kernel.reads)]
            kernel = ready[self.random.integers(len(ready))]
            waiting.remove(kernel)
            there.add(kernel.writes)
            ordered.append(kernel)
        return ordered

    def _weights(self, name: str, size: int, maximum: float, positive: bool = False) -> str:
        codes = self.random.integers(64, 128, size)
        if not positive:
            codes += 128 * self.random.integers(0, 2, size)
        self.sizes[name] = size
        self.codes[name] = (codes.astype(np.uint8), maximum)
        return name

    def _add(self, operation: str, reads: tuple[str, ...], size: int, *numbers: int | float) -> str:
        name = f"v{len(self.kernels)}"
        self.sizes[name] = size
        commutes = operation.startswith("elementwise") and self.shuffled
        if commutes and self.random.integers(2):
            reads = reads[::-1]
        self.kernels.append(Kernel(operation, reads, name, numbers))
        return name

    def _transpose(self, x: str, rows: int, columns: int) -> str:
        return self._add("transpose", (x,), rows * columns, columns, rows, rows, columns)

    def _join(self, operation: str, reads: tuple[str, str], channels: int, pixels: int) -> str:
        numbers = (channels,) if pixels == 1 else (pixels, pixels, channels, pixels)
        return self._add(f"elementwise{operation}", reads, channels * pixels, *numbers)

    def _convolution(self, x: str, layer: str, size: int, side: int, channels: int, filters: int) -> str:
        """[c, h, w] to [filters, h, w], with its bias."""
        pixels, inner = side * side, size * size * channels
        x = self._transpose(x, channels, pixels)
        numbers = (1, channels, side, side, side, side, size, size, 1, 1, 1, 1, size // 2, size // 2)
        x = self._add("im2col", (x,), pixels * inner, *numbers)
        weights = self._weights(f"{layer}_w", inner * filters, 2.0 / inner**0.5)
        x = self._add("sgemm", (x, weights), pixels * filters, pixels, filters, inner)
        x = self._transpose(x, pixels, filters)
        return self._join("add", (self._weights(f"{layer}_b", filters, 0.3), x), filters, pixels)

    def _normalization(self, x: str, layer: str, channels: int, pixels: int) -> str:
        mean = self._weights(f"{layer}_mean", channels, 0.3)
        variance = self._weights(f"{layer}_var", channels, 2.0, positive=True)
        gamma, beta = (
            self._weights(f"{layer}_gamma", channels, 1.5),
            self._weights(f"{layer}_beta", channels, 0.5),
        )
        mean = self._add("scalaraffine", (mean,), channels, channels, -1.0, 0.0)
        variance = self._add("scalaradd", (variance,), channels, channels, 2e-5)
        root = self._add("scalarpow", (variance,), channels, channels, 0.5)
        x = self._join("add", (x, mean), channels, pixels)
        # In two places, the published file has the operands in this order.
        swapped = layer in ("fc", "block1_bn1")
        x = self._join("div", (root, x) if swapped else (x, root), channels, pixels)
        x = self._join("mul", (gamma, x), channels, pixels)
        return self._join("add", (beta, x), channels, pixels)

    def _relu(self, x: str) -> str:
        return self._add("relu", (x,), self.sizes[x], self.sizes[x])

    def _generator(self, filters: int, blocks: int, latent_dim: int) -> None:
        inputs, units, side = latent_dim + LABELS, 256 * filters, 16
        self.sizes["input"] = inputs
        weights = self._weights("fc_w", inputs * units, 2.0 / inputs**0.5)
        weights = self._add("reinterpretaxis", (weights,), inputs * units, inputs * units)
        weights = self._transpose(weights, units, inputs)
        x = self._add("reshape", ("input",), inputs, inputs)
        x = self._add("sgemm", (x, weights), units, 1, units, inputs)
        x = self._join("add", (self._weights("fc_b", units, 0.3), x), units, 1)
        x = self._relu(self._normalization(x, "fc", units, 1))
        x = self._add("reshape", (x,), units, units)
        for index in range(blocks):
            inner = self._convolution(x, f"block{index}_conv1", 3, side, filters, filters)
            inner = self._relu(self._normalization(inner, f"block{index}_bn1", filters, side * side))
            inner = self._convolution(inner, f"block{index}_conv2", 3, side, filters, filters)
            inner = self._normalization(inner, f"block{index}_bn2", filters, side * side)
            x = self._add("elementwiseadd", (x, inner), units, units)
        x = self._convolution(x, "conv", 3, side, filters, filters)
        x = self._relu(self._normalization(x, "bn", filters, side * side))
        for index in range(3):
            x = self._convolution(x, f"up{index}", 3, side, filters, 4 * filters)
            x = self._transpose(x, 4 * filters, side * side)
            numbers = (2, 1, 4 * filters, filters, side, 2 * side, side, 2 * side)
            x = self._add("depth2space", (x,), 4 * filters * side * side, *numbers)
            side *= 2
            x = self._transpose(x, side * side, filters)
            x = self._relu(self._normalization(x, f"up{index}_bn", filters, side * side))
        x = self._convolution(x, "rgb", 9, side, filters, 3)
        self.sizes["output"] = 3 * side * side
        self.kernels.append(Kernel("tanh", (x,), "output", (3 * side * side,)))
