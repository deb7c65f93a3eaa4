"""The image cache: each source is decoded and resized once, into files that are then memory-mapped.

A prepared folder contains `images.bin` (uint8 [n, resolution, resolution, channels]), `labels.bin` (int8
[n, num_labels]), `attributes.json`, and `dataset.json`. Its name ends in a fingerprint of the source's
content. While the folder is being filled, it has another name. The journal `chunks.jsonl` then records the
progress, so that an interrupted preparation can be resumed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec
import numpy as np
import PIL
from tqdm import tqdm

from anime_gan.attributes.schema import Attribute, Group, Schema
from anime_gan.common.files import naming, remove, write_text
from anime_gan.common.fingerprint import code_fingerprint
from anime_gan.common.json_files import JsonError, parse_record, read_json
from anime_gan.common.locks import locked_if_possible
from anime_gan.common.suggestions import listed
from anime_gan.common.user_paths import user_folder
from anime_gan.datasets.dataset import DataError, DataReport, Dataset

# A single picture is more likely a mistake than a dataset.
MINIMUM = 2
MAX_LISTED = 20  # Names in a note.
BLOCK = 2**16  # Label rows that are examined at once.
UNLABELED = "a model trained without labels draws random faces and accepts no requests"
# These files exist only while a folder is being filled: the progress, and the labels with all columns.
JOURNAL = "chunks.jsonl"
ALL_LABELS = "all_labels.bin"


class Chunk(NamedTuple):
    """Several decoded items of a source.

    Attributes:
        num_items: Number of items, including the skipped ones.
        images: The usable images, uint8 [k, resolution, resolution, channels].
        labels: Their labels, int8 [k, num_labels].
        skipped: (name, reason) of each unusable item.
    """

    num_items: int
    images: np.ndarray
    labels: np.ndarray
    skipped: tuple[tuple[str, str], ...]


class Source(Protocol):
    """A data source: `IllustratedFaces`, `ImageFolder`, or `RecordShards`.

    Attributes:
        name: Short name, for folders.
        statement: Description of the images, their license, and whom to credit.
        schema: The meaning of the chunks' label columns.
        channels: 3 for RGB images; 4 for RGBA images with straight alpha.
        num_items: Number of images to decode.
        notes: Notes for the user that are known before any image is decoded.
        skipped: (name, reason) of each file that is skipped before any image is decoded.
        verb: Verb for the progress bar, such as "drawing".
    """

    name: str
    statement: str
    schema: Schema
    channels: int
    num_items: int
    notes: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    verb: str

    def fingerprint(self) -> str:
        """Returns a hexadecimal digest of everything that the result depends on, except the resolution."""
        ...

    def chunks(self, first_item: int, resolution: int) -> Iterator[Chunk]:
        """Decodes the items from `first_item` on; yields the same chunks each time."""
        ...


def prepare(source: Source, resolution: int) -> Dataset:
    """Decodes a source, or opens it in the cache.

    Raises:
        DataError: Fewer than two images are usable.
    """
    folder = prepared_folder(source.name, resolution, source.fingerprint())
    if not folder.is_dir():
        _fill(folder, source, resolution)
    return open_prepared(folder)


def prepared_folder(name: str, resolution: int, fingerprint: str) -> Path:
    """Returns the cache folder of a source."""
    return cache_folder() / f"{re.sub(r'[^A-Za-z0-9.]+', '-', name)}-{resolution}-{fingerprint[:16]}"


def cache_folder() -> Path:
    """Returns `$XDG_CACHE_HOME/anime_gan`, by default `~/.cache/anime_gan`."""
    return user_folder("XDG_CACHE_HOME", ".cache") / "anime_gan"


class _Record(msgspec.Struct):
    """The contents of `dataset.json`. Folders from before version 0.2.0 contain RGB images."""

    name: str
    images: int
    resolution: int
    statement: str
    checksum: str
    found: int
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    channels: int = 3
    constants: dict[str, str | bool | float] = {}


def open_prepared(folder: Path) -> Dataset:
    """Opens a prepared folder; the images and the labels are memory-mapped.

    Raises:
        DataError: A file in the folder is damaged.
    """
    advice = f"delete the folder {folder} to read the data again"
    record = read_json(folder / "dataset.json", _Record, DataError, advice)
    schema = Schema.read(folder / "attributes.json", DataError, advice)
    shape = (record.images, record.resolution, record.resolution, record.channels)
    images = np.memmap(folder / "images.bin", np.uint8, "r", shape=shape)
    return Dataset(
        name=record.name,
        images=images,
        labels=_mapped_labels(folder / "labels.bin", len(images), schema.num_labels),
        schema=schema,
        statement=record.statement,
        checksum=record.checksum,
        report=DataReport(
            record.found,
            record.skipped,
            record.notes,
        ),
        constants=record.constants,
    )


def _mapped_labels(path: Path, rows: int, columns: int) -> np.ndarray:
    # An empty file cannot be mapped.
    return np.memmap(path, np.int8, "r", shape=(rows, columns)) if columns else np.empty((rows, 0), np.int8)


def source_fingerprint(*modules: str) -> str:
    """Returns a digest of the code that makes images and labels; changed code must not use an old cache."""
    # The version of Pillow decides which files can be decoded, and how.
    return hashlib.sha256((PIL.__version__ + code_fingerprint(modules)).encode()).hexdigest()


def _fill(folder: Path, source: Source, resolution: int) -> None:
    """Fills a prepared folder; resumes an interrupted attempt."""
    unfinished = folder.with_name(f"unfinished-{folder.name}")
    advice = "make room, or set XDG_CACHE_HOME to a folder on another disk"
    with naming(unfinished, advice), _only_one(unfinished):
        if folder.is_dir():
            return
        unfinished.mkdir(exist_ok=True)
        image_bytes = resolution * resolution * source.channels
        progress = _Progress(unfinished, image_bytes, source.schema.num_labels)
        with tqdm(
            total=source.num_items,
            initial=progress.items,
            unit="picture",
            desc=f"{source.verb} {source.name}",
            file=sys.stderr,
        ) as bar:
            for chunk in source.chunks(progress.items, resolution):
                progress.add(chunk)
                bar.update(chunk.num_items)
        _finish(unfinished, source, resolution, progress)
        os.replace(unfinished, folder)


@contextlib.contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Locks a folder, so that a second process that wants to fill it waits for the first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f"{folder.name}.lock")
    with locked_if_possible(lock):
        yield
    # A process that still waits finds the finished folder. Windows cannot remove a lock that it has open.
    with contextlib.suppress(OSError):
        lock.unlink()


class _JournalLine(msgspec.Struct):
    items: int
    rows: int
    skipped: tuple[tuple[str, str], ...]


class _Progress:
    """The growing files of an unfinished folder, and the journal of complete chunks.

    Attributes:
        items: Number of items that are done.
        rows: Number of usable images among them.
        skipped: (name, reason) of each unusable item.
    """

    def __init__(self, folder: Path, image_bytes: int, num_labels: int) -> None:
        self.items = 0
        self.rows = 0
        self.skipped: list[tuple[str, str]] = []
        self._folder = folder
        self._row_bytes = {"images.bin": image_bytes, ALL_LABELS: num_labels}
        lines = self._read_journal()
        # Data after the last complete line of the journal is dropped and written again.
        for name, row_bytes in self._row_bytes.items():
            with (folder / name).open("ab") as stream:
                stream.truncate(self.rows * row_bytes)
        write_text(folder / JOURNAL, "".join(json.dumps(line) + "\n" for line in lines))

    def add(self, chunk: Chunk) -> None:
        """Appends a chunk; it is complete once its line is in the journal."""
        self._append("images.bin", chunk.images.tobytes())
        self._append(ALL_LABELS, chunk.labels.astype(np.int8).tobytes())
        line = {"items": chunk.num_items, "rows": len(chunk.images), "skipped": chunk.skipped}
        # JSON escapes everything except ASCII, so names that are not valid Unicode are preserved.
        self._append(JOURNAL, (json.dumps(line) + "\n").encode())
        self._count(line)

    def _append(self, name: str, data: bytes) -> None:
        with (self._folder / name).open("ab") as stream:
            stream.write(data)

    def _count(self, line: dict[str, Any]) -> None:
        self.items += line["items"]
        self.rows += line["rows"]
        self.skipped += [(name, reason) for name, reason in line["skipped"]]

    def _read_journal(self) -> list[dict[str, Any]]:
        journal = self._folder / JOURNAL
        lines: list[dict[str, Any]] = []
        for text in journal.read_text("ascii", "replace").splitlines() if journal.is_file() else []:
            try:
                line = parse_record(text, _JournalLine)
            except JsonError:
                break
            rows = self.rows + line["rows"]
            if not self._has(rows):
                break
            lines.append(line)
            self._count(line)
        return lines

    def _has(self, rows: int) -> bool:
        """Whether the files contain this many rows; after a power failure they may be shorter."""
        return all((self._folder / name).stat().st_size >= rows * n for name, n in self._row_bytes.items())


def _finish(folder: Path, source: Source, resolution: int, progress: _Progress) -> None:
    """Drops labels that cannot be learned, and writes the files that describe the dataset."""
    skipped = (*source.skipped, *progress.skipped)
    if progress.rows < MINIMUM:
        examples = "; ".join(f"{name}: {reason}" for name, reason in skipped[:3])
        raise DataError(
            f"{source.name}: usable images: {progress.rows}; at least {MINIMUM} are needed"
            + (f" ({examples})" if examples else "")
        )
    labels = _mapped_labels(folder / ALL_LABELS, progress.rows, source.schema.num_labels)
    constants = constant_attributes(source.schema, labels)
    schema, columns, notes = learnable(source.schema, labels)
    # The result goes to a separate file, because resuming after an interruption needs all columns.
    with (folder / "labels.bin").open("wb") as stream:
        for block in _blocks(labels):
            stream.write(block[:, columns].tobytes())
    # Windows cannot remove a mapped file.
    del labels
    # The files are flushed, so that a power failure does not leave a finished folder with incomplete files.
    for name in ("images.bin", "labels.bin"):
        with (folder / name).open("r+b") as stream:  # Windows flushes only files that are open for writing.
            os.fsync(stream.fileno())
    write_text(folder / "attributes.json", schema.to_json())
    record = {
        "name": source.name,
        "resolution": resolution,
        "channels": source.channels,
        "images": progress.rows,
        "statement": source.statement,
        "checksum": _checksum(schema, folder / "labels.bin", folder / "images.bin"),
        "found": progress.items + len(source.skipped),
        "notes": [*source.notes, *notes],
        "skipped": skipped,
        "constants": constants,
    }
    write_text(folder / "dataset.json", json.dumps(record))
    remove(folder / JOURNAL)
    remove(folder / ALL_LABELS)


def learnable(schema: Schema, labels: np.ndarray) -> tuple[Schema, np.ndarray, list[str]]:
    """Drops labels that cannot be learned: values that no image has, and attributes that do not vary.

    Args:
        schema: The meaning of the columns.
        labels: int8 [n, num_labels] of +1, -1, and 0.

    Returns:
        The remaining schema, int64 indices of its columns, and notes about dropped attributes and values.
    """
    having, lacking = np.zeros((2, schema.num_labels), np.int64)
    for block in _blocks(labels):
        having += np.sum(block > 0, axis=0)
        lacking += np.sum(block < 0, axis=0)
    attributes: list[Attribute] = []
    columns: list[int] = []
    dropped: dict[str, list[str]] = {}
    for attribute, slot in zip(schema.attributes, schema.slots, strict=True):
        if isinstance(attribute, Group):
            kept = [i for i in range(slot.size) if having[slot.start + i]]
            missing = [value.name for i, value in enumerate(attribute.values) if i not in kept]
            if len(kept) < 2:
                dropped.setdefault("all known values are the same", []).append(slot.name)
                continue
            if missing:
                dropped.setdefault(f"no image has this {slot.name}", []).extend(missing)
            attributes.append(Group(slot.name, tuple(attribute.values[i] for i in kept)))
            columns += [slot.start + i for i in kept]
        elif slot.is_scale:
            if len(np.unique(labels[labels[:, slot.start] != 0, slot.start])) < 2:
                dropped.setdefault("all known values are the same", []).append(slot.name)
                continue
            attributes.append(attribute)
            columns.append(slot.start)
        elif not having[slot.start]:
            dropped.setdefault("no image has this tag", []).append(slot.name)
        elif not lacking[slot.start]:
            dropped.setdefault("every labeled image has this tag", []).append(slot.name)
        else:
            attributes.append(attribute)
            columns.append(slot.start)
    notes = [f"labels ignored: {listed(names, MAX_LISTED)} ({reason})" for reason, names in dropped.items()]
    if schema.attributes and not attributes:
        notes.append(f"no usable labels: {UNLABELED}")
    return Schema(tuple(attributes)), np.array(columns, np.int64), notes


def constant_attributes(schema: Schema, labels: np.ndarray) -> dict[str, str | bool | float]:
    """Returns the attributes that are known in all images, and have the same value in all: name -> value."""
    constants: dict[str, str | bool | float] = {}
    for slot in schema.slots:
        columns = labels[:, slot.columns]
        first = columns[0]
        if not np.all(columns == first) or not first.any() or (slot.is_group and first.max() < 1):
            continue
        if slot.is_group:
            constants[slot.name] = schema.terms[slot.start + int(np.argmax(first))].name
        elif slot.is_scale:
            value = float(schema.decode(labels[:1])[0, slot.start])
            constants[slot.name] = schema.scales[slot.start].number(value)
        else:
            constants[slot.name] = bool(first[0] > 0)
    return constants


def _blocks(labels: np.ndarray) -> Iterator[np.ndarray]:
    """Yields the rows in blocks, so that the labels of very many images need not fit into memory."""
    for start in range(0, len(labels), BLOCK):
        yield labels[start : start + BLOCK]


def _checksum(schema: Schema, labels: Path, images: Path) -> str:
    digest = hashlib.sha256(schema.to_json().encode())
    for path in (labels, images):
        with path.open("rb") as stream:
            while block := stream.read(2**22):
                digest.update(block)
    return digest.hexdigest()
