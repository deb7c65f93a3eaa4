"""Runs a WebDNN model kernel by kernel in NumPy, written only from the description of the format."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np


def tree_table() -> np.ndarray:
    """Returns the values of the 126 codes between 0 and 1: float32.

    The position of the highest bit of code + 1 is the decade. The bits below it count the steps: the lower
    half from 0.1 to 0.45, the upper half from 0.45 to 1.
    """
    values = []
    for code in range(1, 127):
        decade = (code + 1).bit_length() - 2
        steps = 1 << decade
        step = code + 1 - 2 * steps
        within = (
            0.1 + 0.35 * (step + 0.5) / steps if step < steps else 0.45 + 0.55 * (step - steps + 0.5) / steps
        )
        values.append(within * 10.0 ** (decade - 5))
    return np.array(values, np.float32)


def read_records(data: bytes, table: np.ndarray) -> dict[int, np.ndarray]:
    """Returns offset -> float32 array. `table` contains the values of the 126 codes between 0 and 1."""
    magnitudes = np.concatenate([[0], table, [1]]).astype(np.float32)
    arrays = {}
    position = 0
    while position < len(data):
        offset, length, maximum, zero = struct.unpack_from("<iifi", data, position)
        assert zero == 0
        position += 16
        codes = np.frombuffer(zlib.decompress(data[position : position + length]), np.uint8)
        position += length
        signs = np.where(codes & 128, -1, 1).astype(np.float32)
        arrays[offset] = signs * magnitudes[codes & 127] * np.float32(maximum)
    return arrays


def run(graph: dict[str, Any], arrays: dict[int, np.ndarray], given: np.ndarray) -> np.ndarray:
    """Computes the output for one input.

    Args:
        graph: The parsed JSON.
        arrays: The result of `read_records`.
        given: Latent vector and labels, [n].

    Returns:
        float32 [3, height, width], channels blue, green, red.
    """
    places = graph["memory_layout"]["static"]["allocations"]
    memory: dict[int, Any] = dict(arrays)
    start = places[graph["inputs"][0]]["offset"]
    memory[start] = given.astype(np.float32)
    # Offsets that depend on the input. In a division, such an operand is the dividend.
    live = {start}
    for info in graph["exec_infos"]:
        meta = bytes(info["meta_buffer"])
        numbers = struct.unpack(f"<{len(meta) // 4}i", meta)
        floats = struct.unpack(f"<{len(meta) // 4}f", meta)
        kind = info["entry_func_name"].split("_")[0]
        if kind == "sgemm" or kind.startswith("elementwise"):
            reads, target = numbers[:2], numbers[2]
        else:
            reads, target = numbers[:1], numbers[1]
        x, y = memory[reads[0]], memory[reads[-1]]
        if kind in ("reshape", "reinterpretaxis"):
            result = x
        elif kind == "scalaradd":
            result = x + np.float32(floats[3])
        elif kind == "scalarpow":
            result = x ** np.float32(floats[3])
        elif kind == "scalaraffine":
            result = x * np.float32(floats[3]) + np.float32(floats[4])
        elif kind == "relu":
            result = np.maximum(x, 0)
        elif kind == "tanh":
            result = np.tanh(x)
        elif kind == "transpose":
            result = x.reshape(numbers[4:6]).T.ravel()
        elif kind == "im2col":
            result = _columns(x, numbers[2:])
        elif kind == "sgemm":
            result = _product(x, y, *numbers[3:])
        elif kind == "depth2space":
            result = _depth_to_space(x, *numbers[2:])
        else:
            if len(numbers) > 4:
                pixels, _, channels, _ = numbers[3:]
                x, y = (
                    np.repeat(part, pixels) if part.size == channels and not at & live else part
                    for part, at in ((x, {reads[0]}), (y, {reads[1]}))
                )
            if kind == "elementwiseadd":
                result = x + y
            elif kind == "elementwisemul":
                result = x * y
            else:
                assert kind == "elementwisediv"
                result = x / y if reads[0] in live else y / x
        memory[target] = result
        (live.add if live.intersection(reads) else live.discard)(target)
    place = places[graph["outputs"][0]]
    side = int((place["size"] // 3) ** 0.5)
    return memory[place["offset"]].reshape(3, side, side)


def _columns(x: np.ndarray, numbers: tuple[int, ...]) -> np.ndarray:
    """Returns a view [h, w, kh, kw, c]; a copy would take a third of a gigabyte for the last convolution."""
    images, channels, height, width, _, _, size, _, _, _, _, _, padding, _ = numbers
    assert images == 1
    padded = np.pad(x.reshape(height, width, channels), ((padding, padding), (padding, padding), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(0, 1))
    return windows.transpose(0, 1, 3, 4, 2)


def _product(left: np.ndarray, right: np.ndarray, rows: int, columns: int, inner: int) -> np.ndarray:
    matrix = right.reshape(inner, columns)
    if left.ndim == 1:
        return (left.reshape(rows, inner) @ matrix).ravel()
    return np.concatenate([line.reshape(-1, inner) @ matrix for line in left]).ravel()


def _depth_to_space(
    x: np.ndarray, block: int, images: int, before: int, after: int, *sides: int
) -> np.ndarray:
    assert images == 1 and before == after * block**2
    height, tall, width, wide = sides
    assert (tall, wide) == (height * block, width * block)
    pixels = x.reshape(height, width, block, block, after)
    return pixels.transpose(0, 2, 1, 3, 4).ravel()
