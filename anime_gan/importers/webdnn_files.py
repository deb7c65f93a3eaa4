"""Reads the two files of a WebDNN model: the list of kernels, and the 8-bit weights.

The files are not trusted. Sizes are checked before memory is allocated, and any inconsistency is reported as
one error that says where it is.
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

# The published files have 0.2 and 4 MB. A graph with the source code of its kernels is a few times larger.
MAX_GRAPH_BYTES = 8 << 20
MAX_WEIGHT_BYTES = 64 << 20
# Limits of the whole model. The published model has 4 million weights, 498 kernels, and 723 arrays.
MAX_WEIGHTS = 1 << 25
MAX_KERNELS = 2_048
MAX_ARRAYS = 4_096
# Largest size of the graph's memory. It is only checked; nothing of that size is allocated.
MAX_OFFSET = 1 << 31
ENCODING = "eightbit"
# Header of a record: offset of the array, bytes of compressed data, largest value, zero.
RECORD = struct.Struct("<iifi")


class WebDnnError(InputError):
    """A file is damaged or not of the expected kind. The message names the file and the place in it."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    """One step of the computation.

    Attributes:
        number: Index in the list, from 0.
        name: Name in the file: the operation, an underscore, and a checksum of the source code.
        meta: The arguments, four bytes each.
    """

    number: int
    name: str
    meta: bytes

    @property
    def operation(self) -> str:
        """Name of the operation, such as `im2col`."""
        return self.name.split("_")[0]

    def __str__(self) -> str:
        return f"kernel {self.number} ({shown(self.name)})"


@dataclasses.dataclass(frozen=True)
class Graph:
    """The computation, and the layout of its memory, which is one large array of floats.

    Attributes:
        kernels: The kernels, in the order in which they run.
        allocations: Offset -> size -> name of the array there. Memory may be reused.
        inputs: Offset and size of the input: latent vector and labels.
        outputs: Offset and size of the picture.
    """

    kernels: tuple[Kernel, ...]
    allocations: Mapping[int, Mapping[int, str]]
    inputs: tuple[int, int]
    outputs: tuple[int, int]

    def name(self, offset: int) -> str:
        """Returns an offset and the name of its array, for messages."""
        names = list(self.allocations.get(offset, {}).values())
        return f"offset {offset}" + (f" ({shown(names[0])})" if names else "")


def shown(name: str) -> str:
    """Returns a short form of a name from a file, on one line, for messages."""
    return ascii(name[:40])[1:-1]


def read_graph(path: Path) -> Graph:
    """Reads a list of kernels, such as `graph_webgpu.json`.

    Raises:
        WebDnnError: The file is damaged or of another kind.
    """
    text = _read(path, MAX_GRAPH_BYTES)
    try:
        return _graph(json.loads(text))
    except WebDnnError as error:
        raise WebDnnError(f"{path}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise WebDnnError(f"{path}: is not JSON: {error}") from error


def read_weights(path: Path, graph: Graph) -> dict[int, np.ndarray]:
    """Reads a file of weights, such as `weight_webgpu.bin`, in which each record contains one array.

    Args:
        path: The file.
        graph: The graph, which gives the size of the array at each offset.

    Returns:
        Offset -> float32 [size].

    Raises:
        WebDnnError: A record is truncated or damaged, or its array is not in the graph.
    """
    data = _read(path, MAX_WEIGHT_BYTES)
    arrays: dict[int, np.ndarray] = {}
    table, total, start = decode_table(), 0, 0
    while start < len(data):
        where = f"{path}: record at byte {start}"
        if len(data) - start < RECORD.size:
            raise WebDnnError(f"{where}: the file ends inside it")
        offset, length, maximum, zero = RECORD.unpack_from(data, start)
        start += RECORD.size
        if zero != 0 or not (math.isfinite(maximum) and maximum >= 0):
            raise WebDnnError(f"{where}: invalid header, largest value {maximum:g} followed by {zero}")
        if offset not in graph.allocations or offset in arrays:
            problem = "occurs twice" if offset in arrays else "is not an array of the graph"
            raise WebDnnError(f"{where}: {graph.name(offset)} {problem}")
        if not 0 < length <= len(data) - start:
            raise WebDnnError(f"{where}: expected {length} bytes, found {len(data) - start}")
        sizes = graph.allocations[offset]
        if total + max(sizes) > MAX_WEIGHTS:
            raise WebDnnError(f"{where}: more than {MAX_WEIGHTS} weights")
        codes = _decompressed(data[start : start + length], max(sizes), where)
        if codes.size not in sizes:
            raise WebDnnError(
                f"{where}: {graph.name(offset)} has {codes.size} weights, expected {max(sizes)}"
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
    """Returns the value of each byte, relative to the largest value of its array.

    This is the dynamic tree of Dettmers 2016, "8-Bit Approximations for Parallelism in Deep Learning" (arXiv
    1511.04561, section 2.3). Bit 7 is the sign. The other bits select a decade and one of 2 to 64 steps in
    it. Half of the steps are from 0.1 to 0.45, and half from 0.45 to 1. The value of a step is its midpoint.
    The first code is 0, and the last is 1.

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
            raise WebDnnError(f"{path}: has {size} bytes; the limit is {limit}")
        # The limit applies again, because the file may have grown since.
        return file.read(limit)


def _decompressed(data: bytes, limit: int, where: str) -> np.ndarray:
    """Decompresses uint8 [n] without ever producing more than one value above the limit."""
    unpacker = zlib.decompressobj()
    try:
        codes = unpacker.decompress(data, limit + 1)
    except zlib.error as error:
        raise WebDnnError(f"{where}: damaged: {error}") from error
    if len(codes) > limit:
        raise WebDnnError(f"{where}: contains more than {limit} weights")
    if not unpacker.eof or unpacker.unused_data:
        raise WebDnnError(f"{where}: its data is {'too long' if unpacker.eof else 'truncated'}")
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
        raise WebDnnError(f"weight_encoding is {shown(encoding)!r}; only {ENCODING!r} is supported")
    places: dict[str, tuple[int, int]] = {}
    allocations: dict[int, dict[int, str]] = {}
    entries = _member(data, dict, "memory_layout", "static", "allocations")
    if len(entries) > MAX_ARRAYS:
        raise WebDnnError(f"memory_layout: {len(entries)} arrays; the limit is {MAX_ARRAYS}")
    for name, entry in entries.items():
        offset, size = _member(entry, int, "offset"), _member(entry, int, "size")
        if offset < 0 or size < 1 or offset + size > MAX_OFFSET:
            numbers = f"offset {shown(str(offset))} and size {shown(str(size))}"
            raise WebDnnError(f"memory_layout: {shown(name)} has {numbers}")
        places[name] = (offset, size)
        allocations.setdefault(offset, {})[size] = name
    infos = _member(data, list, "exec_infos")
    if len(infos) > MAX_KERNELS:
        raise WebDnnError(f"exec_infos: {len(infos)} kernels; the limit is {MAX_KERNELS}")
    kernels = tuple(_kernel(number, info) for number, info in enumerate(infos))
    return Graph(kernels, allocations, _only(data, "inputs", places), _only(data, "outputs", places))


def _kernel(number: int, entry: Any) -> Kernel:
    name, meta = _member(entry, str, "entry_func_name"), _member(entry, list, "meta_buffer")
    kernel = Kernel(number, name, b"")
    if entry.get("unresolved_value_list"):
        raise WebDnnError(f"{kernel}: sizes that are only known at run time are not supported")
    if not all(isinstance(byte, int) and 0 <= byte <= 255 for byte in meta) or len(meta) % 4:
        raise WebDnnError(f"{kernel}: meta_buffer is not a list of bytes, four for each argument")
    return dataclasses.replace(kernel, meta=bytes(meta))


def _only(data: Any, key: str, places: Mapping[str, tuple[int, int]]) -> tuple[int, int]:
    """Returns the offset and size of the only input or output."""
    names = _member(data, list, key)
    if len(names) != 1 or not isinstance(names[0], str) or names[0] not in places:
        raise WebDnnError(f"{key}: must name one array of memory_layout")
    return places[names[0]]


def _member(data: Any, kind: type, *keys: str) -> Any:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    if not isinstance(data, kind) or isinstance(data, bool):
        words = {str: "a string", int: "an integer", list: "a list", dict: "an object"}
        raise WebDnnError(f"{'.'.join(keys)} is missing or is not {words[kind]}")
    return data
