"""The two files of a WebDNN model: the list of kernels, and the weights in eight bits.

Neither is trusted. Sizes are checked before anything of that size is read or made, and whatever does not fit
is one error that says where.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anime_gan.common.errors import InputError

# The published files have 0.2 and 4 MB; with the source of its kernels a graph is a few times as large.
MAX_GRAPH_BYTES = 8 << 20
MAX_WEIGHT_BYTES = 64 << 20
# Numbers in all arrays together; published are 4 million, 498 kernels and 723 arrays.
MAX_WEIGHTS = 1 << 25
MAX_KERNELS = 2_048
MAX_ARRAYS = 4_096
# Of the graph's memory, of which nothing is allocated here.
MAX_OFFSET = 1 << 31
ENCODING = "eightbit"
# Offset of the array, bytes of compressed data, its largest value, zero.
RECORD = struct.Struct("<iifi")


class WebDnnError(InputError):
    """A file is not what it should be; the message says which one, and where."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One step of the computation.

    Attributes:
        number: Its place in the list, from 0.
        name: What the file calls it: the operation, an underscore, a checksum of its source.
        meta: Its arguments, four bytes each.
    """

    number: int
    name: str
    meta: bytes

    @property
    def operation(self) -> str:
        """What it does, for example `im2col`."""
        return self.name.split("_")[0]

    def __str__(self) -> str:
        return f"kernel {self.number} ({shown(self.name)})"


@dataclasses.dataclass(frozen=True)
class Graph:
    """What is computed, and where in one large memory of floats everything lies.

    Attributes:
        kernels: In the order in which they run.
        allocations: Offset -> size -> name of what lies there; memory may be used again.
        inputs: Offset and size of what is given: latent and labels.
        outputs: Offset and size of the picture.
    """

    kernels: tuple[Kernel, ...]
    allocations: Mapping[int, Mapping[int, str]]
    inputs: tuple[int, int]
    outputs: tuple[int, int]

    def name(self, offset: int) -> str:
        """What lies at an offset, for messages."""
        names = list(self.allocations.get(offset, {}).values())
        return f"offset {offset}" + (f" ({shown(names[0])})" if names else "")


def shown(name: str) -> str:
    """A name from a file, fit for a message: short, on one line."""
    return ascii(name[:40])[1:-1]


def read_graph(path: Path) -> Graph:
    """Reads a file such as `graph_webgpu.json`.

    Raises:
        WebDnnError: It is not such a file.
    """
    text = _read(path, MAX_GRAPH_BYTES)
    try:
        return _graph(json.loads(text))
    except WebDnnError as error:
        raise WebDnnError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise WebDnnError(f"{path}: is not JSON: {error}") from error


def read_weights(path: Path, graph: Graph) -> dict[int, np.ndarray]:
    """Reads a file such as `weight_webgpu.bin`: one record after another, one array each.

    Args:
        path: The file.
        graph: Says how large the array at each offset is.

    Returns:
        Offset -> float32 [size].

    Raises:
        WebDnnError: A record is cut short, damaged, or no array of the graph.
    """
    data = _read(path, MAX_WEIGHT_BYTES)
    arrays: dict[int, np.ndarray] = {}
    table, total, start = decode_table(), 0, 0
    while start < len(data):
        where = f"{path}: record at byte {start}"
        if len(data) - start < RECORD.size:
            raise WebDnnError(f"{where}: the file ends within it")
        offset, length, maximum, zero = RECORD.unpack_from(data, start)
        start += RECORD.size
        if zero != 0 or not (math.isfinite(maximum) and maximum >= 0):
            raise WebDnnError(f"{where}: largest value {maximum:g} and {zero} after it make no sense")
        if offset not in graph.allocations or offset in arrays:
            problem = "occurs twice" if offset in arrays else "is no array of the graph"
            raise WebDnnError(f"{where}: {graph.name(offset)} {problem}")
        if not 0 < length <= len(data) - start:
            raise WebDnnError(f"{where}: {length} bytes should follow, {len(data) - start} do")
        sizes = graph.allocations[offset]
        if total + max(sizes) > MAX_WEIGHTS:
            raise WebDnnError(f"{where}: more than {MAX_WEIGHTS} weights")
        codes = _decompressed(data[start : start + length], max(sizes), where)
        if codes.size not in sizes:
            raise WebDnnError(
                f"{where}: {graph.name(offset)} has {codes.size} weights, must have {max(sizes)}"
            )
        with np.errstate(over="ignore"):
            arrays[offset] = table[codes] * np.float32(maximum)
        if not np.all(np.isfinite(arrays[offset])):
            raise WebDnnError(f"{where}: its largest value {maximum:g} is too large")
        total += codes.size
        start += length
    _check_overlaps(path, graph, arrays)
    return arrays


def decode_table() -> np.ndarray:
    """What each byte stands for, as a part of the array's largest value.

    The dynamic tree of Dettmers 2016, "8-Bit Approximations for Parallelism in Deep Learning" (arXiv
    1511.04561, section 2.3): bit 7 is the sign; the others choose a decade, and in it one of 2 to 64 steps,
    half of them from 0.1 to 0.45 and half from there to 1. A step stands for its middle; the first code is
    0, the last 1.

    Returns:
        float32 [256].
    """
    values = [0.0]
    for level in range(6):
        for low, high in ((0.1, 0.45), (0.45, 1.0)):
            width = (high - low) / 2**level
            values += [10.0 ** (level - 5) * (low + (step + 0.5) * width) for step in range(2**level)]
    values.append(1.0)
    return np.array([*values, *(-value for value in values)], np.float32)


def _read(path: Path, limit: int) -> bytes:
    if not path.is_file():
        raise WebDnnError(f"{path}: no such file")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise WebDnnError(f"{path}: has {size} bytes, at most {limit} are read")
        # The file may grow meanwhile.
        return file.read(limit)


def _decompressed(data: bytes, limit: int, where: str) -> np.ndarray:
    """Unpacks uint8 [n]; no more than one above the limit is ever made."""
    unpacker = zlib.decompressobj()
    try:
        codes = unpacker.decompress(data, limit + 1)
    except zlib.error as error:
        raise WebDnnError(f"{where}: damaged: {error}") from error
    if len(codes) > limit:
        raise WebDnnError(f"{where}: holds more than {limit} weights")
    if not unpacker.eof or unpacker.unused_data:
        raise WebDnnError(f"{where}: its data ends too {'soon' if not unpacker.eof else 'late'}")
    return np.frombuffer(codes, np.uint8)


def _check_overlaps(path: Path, graph: Graph, arrays: Mapping[int, np.ndarray]) -> None:
    end = 0
    for offset in sorted(arrays):
        if offset < end:
            raise WebDnnError(f"{path}: the array at {graph.name(offset)} overlaps the one before it")
        end = offset + arrays[offset].size


def _graph(data: Any) -> Graph:
    encoding = _member(data, str, "weight_encoding")
    if encoding != ENCODING:
        raise WebDnnError(f"weight_encoding is {shown(encoding)!r}, only {ENCODING!r} can be read")
    places: dict[str, tuple[int, int]] = {}
    allocations: dict[int, dict[int, str]] = {}
    entries = _member(data, dict, "memory_layout", "static", "allocations")
    if len(entries) > MAX_ARRAYS:
        raise WebDnnError(f"memory_layout: {len(entries)} arrays, at most {MAX_ARRAYS} are read")
    for name, entry in entries.items():
        offset, size = _member(entry, int, "offset"), _member(entry, int, "size")
        if offset < 0 or size < 1 or offset + size > MAX_OFFSET:
            numbers = f"offset {shown(str(offset))} and size {shown(str(size))}"
            raise WebDnnError(f"memory_layout: {shown(name)} has {numbers}")
        places[name] = (offset, size)
        allocations.setdefault(offset, {})[size] = name
    infos = _member(data, list, "exec_infos")
    if len(infos) > MAX_KERNELS:
        raise WebDnnError(f"exec_infos: {len(infos)} kernels, at most {MAX_KERNELS} are read")
    kernels = tuple(_kernel(number, info) for number, info in enumerate(infos))
    return Graph(kernels, allocations, _only(data, "inputs", places), _only(data, "outputs", places))


def _kernel(number: int, entry: Any) -> Kernel:
    name, meta = _member(entry, str, "entry_func_name"), _member(entry, list, "meta_buffer")
    kernel = Kernel(number, name, b"")
    if entry.get("unresolved_value_list"):
        raise WebDnnError(f"{kernel}: sizes that are known only when it runs cannot be read")
    if not all(isinstance(byte, int) and 0 <= byte <= 255 for byte in meta) or len(meta) % 4:
        raise WebDnnError(f"{kernel}: meta_buffer is no list of bytes, four for each argument")
    return dataclasses.replace(kernel, meta=bytes(meta))


def _only(data: Any, key: str, places: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Where the only input or output lies."""
    names = _member(data, list, key)
    if len(names) != 1 or not isinstance(names[0], str) or names[0] not in places:
        raise WebDnnError(f"{key}: must name one array of memory_layout")
    return places[names[0]]


def _member(data: Any, kind: type, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    if not isinstance(data, kind) or isinstance(data, bool):
        words = {str: "a text", int: "a whole number", list: "a list", dict: "an object"}
        raise WebDnnError(f"{'.'.join(keys)} is missing or is not {words[kind]}")
    return data
