"""Datasets as TFRecord shards: a few large files, for clusters and cloud storage.

A folder of shards contains the shards and `records.json`: the schema, the license, and the numbers of images
and channels. A record is a `tf.train.Example` with the features `image` (bytes of a PNG file) and `labels`
(one int64 per label column: +1, -1, or 0).
"""

from __future__ import annotations

import bisect
import collections
import hashlib
import io
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from google.protobuf.message import DecodeError
from PIL import Image
from tqdm import tqdm

from anime_gan.attributes.scales import BINS
from anime_gan.attributes.schema import Schema
from anime_gan.common.json_files import parse_json
from anime_gan.common.quiet import import_tensorflow
from anime_gan.datasets.dataset import DataError, Dataset, printable
from anime_gan.datasets.prepared import Chunk, source_fingerprint
from anime_gan.datasets.reading.decoding import Files, decode_in_order
from anime_gan.datasets.reading.kinds import IMAGE_ENDINGS, ending_of
from anime_gan.datasets.reading.storage import list_files, local_copy, names_in, read_file, written_file

MANIFEST = "records.json"
# The second version says how many images each shard has.
VERSION, COUNTED_VERSION = 1, 2
# This is part of the format; a change needs a new version.
SHARD_RECORDS = 4096
CHUNK = 256
PARTIAL = ".partial-"
# The shard must be deleted first, because a build keeps existing shards.
_SHARD = re.compile(r"\.tfrecords?(\.gz|\.gzip)?(-[0-9]+-of-[0-9]+)?$", re.IGNORECASE)
_MAX_HEAD, _MAX_NAMES = 2**24, 10
REBUILD = "delete it and run the build again"


def is_records_folder(root: str) -> bool:
    """Whether a folder was written by `write_records`."""
    try:
        manifest = json.loads(read_file(root, MANIFEST))
    except OSError:
        return False
    except (ValueError, RecursionError):
        return True
    # A folder of images may also contain a file with this name.
    return isinstance(manifest, dict) and "shards" in manifest


def foreign_records(root: str) -> str:
    """Describes the TFRecords of another program in a folder; empty if it has none, or has images too."""
    files = [file.name for file in list_files(root, [])]
    shards = [name for name in files if _SHARD.search(name)]
    if not shards or any(ending_of(name) in IMAGE_ENDINGS for name in files):
        return ""
    count = f"{len(shards)} TFRecord file{'s' * (len(shards) > 1)}"
    head = read_file(root, shards[0], _MAX_HEAD)
    if head.startswith(b"\x1f\x8b"):
        return f"{count} compressed with gzip ({shards[0]})"
    if "dataset_info.json" in {name.rpartition("/")[2] for name in files}:
        return f"{count} of TensorFlow Datasets ({shards[0]})"
    names = _feature_names(head)
    if {"shape", "data"} <= set(names):
        return f"{count} of StyleGAN ({shards[0]})"
    features = f" with the features {', '.join(names)}" if names else ""
    return f"{count} of another program{features} ({shards[0]}; {MANIFEST} is missing)"


def _feature_names(head: bytes) -> list[str]:
    """Returns the names of the features in the first record; none if it is no `tf.train.Example`."""
    length = int.from_bytes(head[:8], "little")
    example = head[12 : 12 + length]
    if len(example) < length:
        return []
    try:
        tf = import_tensorflow()
        return sorted(tf.train.Example.FromString(example).features.feature)[:_MAX_NAMES]
    except DecodeError:
        return []


def write_records(dataset: Dataset, destination: str) -> int:
    """Writes a dataset as shards; existing shards are kept, so that an interrupted build can be resumed.

    Args:
        dataset: The dataset.
        destination: A folder, or a URL such as `gs://bucket/faces` or `s3://bucket/faces`.

    Returns:
        The number of shards.

    Raises:
        DataError: The folder contains other files, or cannot be written to.
    """
    tf = import_tensorflow()
    try:
        return _write_all(dataset, destination)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "message", None) or error
        raise DataError(f"{destination}: cannot be written: {reason}") from error


def _write_all(dataset: Dataset, destination: str) -> int:
    shards = _shard_names(dataset)
    manifest = {
        "version": VERSION,
        "name": printable(dataset.name),
        "images": len(dataset.images),
        "channels": dataset.images.shape[-1],
        "checksum": dataset.checksum,
        "shards": shards,
        "statement": dataset.statement,
        "schema": json.loads(dataset.schema.to_json()),
    }
    existing = {name for name in names_in(destination) if not name.startswith(PARTIAL)}
    if strangers := existing - {MANIFEST, *shards}:
        raise DataError(
            f"{destination}: contains other files, such as {min(strangers)}; choose an empty folder"
        )
    with tqdm(total=len(dataset.images), unit="image", desc="writing shards", file=sys.stderr) as bar:
        for number, name in enumerate(shards):
            start = number * SHARD_RECORDS
            stop = min(start + SHARD_RECORDS, len(dataset.images))
            if name not in existing:
                with written_file(destination, name) as path:
                    _write_shard(dataset, start, stop, path)
            bar.update(stop - start)
    with written_file(destination, MANIFEST) as path:
        path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1), "utf-8")
    return len(shards)


def _shard_names(dataset: Dataset) -> list[str]:
    # The checksum in the name identifies the dataset.
    count = -(-len(dataset.images) // SHARD_RECORDS)
    return [f"faces-{dataset.checksum[:8]}-{i:05d}-of-{count:05d}.tfrecord" for i in range(count)]


def _full_counts(images: int) -> list[int]:
    """Returns the number of images in each shard if all but the last are full."""
    return [min(SHARD_RECORDS, images - start) for start in range(0, images, SHARD_RECORDS)]


def _write_shard(dataset: Dataset, start: int, stop: int, path: Path) -> None:
    with import_tensorflow().io.TFRecordWriter(str(path)) as writer:
        for image, labels in zip(dataset.images[start:stop], dataset.labels[start:stop], strict=True):
            writer.write(encoded(image, labels))


def encoded(image: np.ndarray, labels: np.ndarray) -> bytes:
    """Returns the record of an image, uint8 [height, width, channels], and its labels, int8 [num_labels]."""
    tf = import_tensorflow()
    png = io.BytesIO()
    Image.fromarray(image).save(png, "png")
    features = {
        "image": tf.train.Feature(bytes_list=tf.train.BytesList(value=[png.getvalue()])),
        "labels": tf.train.Feature(int64_list=tf.train.Int64List(value=labels.tolist())),
    }
    example = tf.train.Example(features=tf.train.Features(feature=features))
    record: bytes = example.SerializeToString()
    return record


class _Manifest(msgspec.Struct):
    """The contents of `records.json`. Shards from before version 0.2.0 contain RGB images."""

    version: int
    name: str
    statement: str
    images: int
    schema: dict[str, Any]
    shards: list[str]
    channels: int = 3
    # Images in each shard. Without it, as in version 1, all shards but the last are full.
    counts: list[int] | None = None


class RecordShards:
    """A folder of shards, as a source for `prepare`."""

    verb = "reading"
    notes: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    def __init__(self, root: str, num_images: int, transparent: bool | None = None) -> None:
        """Reads the manifest.

        Args:
            root: The folder or URL.
            num_images: Maximum number of images; 0 for all.
            transparent: Whether to keep the alpha channel; None to keep it if the shards have one.

        Raises:
            DataError: The manifest is damaged, or a shard is missing.
        """
        self._root = root.rstrip("/")
        try:
            text = read_file(root, MANIFEST)
            manifest = parse_json(text, _Manifest)
            if manifest.version not in (VERSION, COUNTED_VERSION):
                raise ValueError(f"it has version {manifest.version}, not version {VERSION}")
            self.schema = Schema.from_json(json.dumps(manifest.schema))
            self.name, self.statement = manifest.name, manifest.statement
            self._transparent = manifest.channels == 4 if transparent is None else transparent
            self.channels = 4 if self._transparent else 3
            self._shards = manifest.shards
            self.num_items = min(num_images or manifest.images, manifest.images)
            counts = manifest.counts or _full_counts(manifest.images)
            if len(self._shards) != len(counts) or sum(counts) != manifest.images or min(counts) < 0:
                raise ValueError(f"{manifest.images} images cannot be in {len(self._shards)} shards")
            # The number of the first record of each shard, and the number of all records.
            self._starts = [0, *itertools.accumulate(counts)]
        except ValueError as error:
            raise DataError(f"{self._root}/{MANIFEST}: damaged ({error}); run the build again") from error
        wanted = set(self._shards)
        self._found = [file for file in list_files(root, []) if file.name in wanted]
        missing = wanted - {file.name for file in self._found}
        if missing:
            raise DataError(
                f"{root}: {min(missing)} is missing ({len(missing)} of {len(self._shards)} shards)"
            )
        self._manifest = json.loads(text)

    def fingerprint(self) -> str:
        """Returns a digest of the manifest and of the sizes and times of the shards."""
        known = repr((self.num_items, self._transparent, self._manifest, self._found)) + source_fingerprint(
            __name__
        )
        return hashlib.sha256(known.encode("utf-8", "surrogateescape")).hexdigest()

    def chunks(self, first_item: int, resolution: int) -> Iterator[Chunk]:
        """Reads the records from `first_item` on.

        Raises:
            DataError: A shard is damaged.
        """
        # The labels stay in this process, in order, while other processes decode the images.
        waiting: collections.deque[np.ndarray] = collections.deque()

        def jobs() -> Iterator[Files]:
            for start, examples in self._groups(first_item):
                names = [f"record {start + i}" for i in range(len(examples))]
                waiting.append(np.array([labels for _, labels in examples], np.int8))
                yield Files(names, [image for image, _ in examples], resolution, self._transparent)

        for pictures in decode_in_order(jobs(), self.num_items):
            labels = waiting.popleft()
            yield Chunk(len(labels), pictures.images, labels[pictures.used], pictures.skipped)

    def _groups(self, first_item: int) -> Iterator[tuple[int, list[tuple[bytes, list[int]]]]]:
        """Yields groups of up to `CHUNK` records: the number of the first, and each (PNG bytes, labels)."""
        records = self._records(first_item)
        for start in range(first_item, self.num_items, CHUNK):
            count = min(CHUNK, self.num_items - start)
            yield start, list(itertools.islice(records, count))

    def _records(self, first_item: int) -> Iterator[tuple[bytes, list[int]]]:
        tf = import_tensorflow()
        # The last shard that begins at the record or before it.
        first_shard = bisect.bisect_right(self._starts, first_item) - 1
        skip = first_item - self._starts[first_shard]
        for number in range(first_shard, len(self._shards)):
            path = f"{self._root}/{self._shards[number]}"
            expected = self._starts[number + 1] - self._starts[number]
            count = 0
            try:
                with local_copy(self._root, self._shards[number]) as file:
                    for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator():
                        if number > first_shard or count >= skip:
                            yield _parse(record, self.schema)
                        count += 1
            except (tf.errors.DataLossError, ValueError) as error:
                raise DataError(f"{path}: damaged at record {count}; {REBUILD}") from error
            except (OSError, tf.errors.OpError) as error:
                reason = getattr(error, "message", None) or error
                raise DataError(f"{path}: cannot be read: {reason}") from error
            if count != expected:
                raise DataError(f"{path}: contains {count} records instead of {expected}; {REBUILD}")


def _parse(record: bytes, schema: Schema) -> tuple[bytes, list[int]]:
    tf = import_tensorflow()
    try:
        feature = tf.train.Example.FromString(record).features.feature
    except DecodeError as error:
        raise ValueError("not a tf.train.Example") from error
    labels = list(feature["labels"].int64_list.value)
    one_image = len(feature["image"].bytes_list.value) == 1
    good = len(labels) == schema.num_labels and all(
        0 <= label <= BINS if column in schema.scales else -1 <= label <= 1
        for column, label in enumerate(labels)
    )
    if not good or not one_image:
        raise ValueError("not one image with its labels")
    return feature["image"].bytes_list.value[0], labels
