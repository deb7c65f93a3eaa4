"""TFRecord shards that many machines write together, each from its part of a folder's pictures.

A block of `SHARD_RECORDS` pictures in the order of the folder becomes one shard. Its name has a digest of all
names and labels, its number, and how many of its pictures are usable. So names are enough to join the blocks.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from tqdm import tqdm

from anime_gan.common.quiet import import_tensorflow
from anime_gan.common.shards import Shard
from anime_gan.common.stores import is_remote
from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.folder.source import ImageFolder
from anime_gan.datasets.prepared import MINIMUM
from anime_gan.datasets.reading.storage import names_in, put_file, written_file
from anime_gan.datasets.records import COUNTED_VERSION, MANIFEST, PARTIAL, SHARD_RECORDS, encoded

_NAME = re.compile(r"part-([0-9a-f]{8})-(\d{6,})-(\d+)\.tfrecord")


def has_parts(destination: str) -> bool:
    """Whether a folder has shards of this kind; False if it cannot be listed."""
    try:
        return any(map(_NAME.fullmatch, names_in(destination)))
    except OSError:
        return False


class RecordParts:
    """The blocks of a folder's pictures, and those that are in the destination already.

    Attributes:
        skipped: (name, reason) of each picture that could not be written.
    """

    def __init__(self, source: ImageFolder, destination: str, resolution: int) -> None:
        """Lists the destination.

        Args:
            source: All pictures.
            destination: A folder or a URL.
            resolution: Image side in pixels.

        Raises:
            DataError: The folder contains other files.
            OSError: It cannot be listed.
        """
        self.skipped: list[tuple[str, str]] = []
        self._source, self._destination, self._resolution = source, destination, resolution
        self._key = source.key(resolution)[:8]
        self._blocks = range(-(-source.num_items // SHARD_RECORDS))
        self._counts: dict[int, int] = {}
        for name in sorted(names_in(destination) - {MANIFEST}):
            found = _NAME.fullmatch(name)
            if found and found[1] == self._key:
                self._counts[int(found[2])] = int(found[3])
            elif not name.startswith(PARTIAL):
                what = "shards of other pictures or labels" if found else "other files"
                raise DataError(f"{destination}: contains {what}, such as {name}; choose an empty folder")

    def write(self, shard: Shard) -> int:
        """Writes the blocks of a shard that are missing; returns their number.

        Raises:
            OSError: The destination cannot be written to.
        """
        missing = [block for block in self._blocks[shard.number :: shard.total] if block not in self._counts]
        total = sum(min(SHARD_RECORDS, self._source.num_items - block * SHARD_RECORDS) for block in missing)
        with tqdm(total=total, unit="picture", desc="writing shards", file=sys.stderr) as bar:
            for block in missing:
                self._write_block(block, bar)
        return len(missing)

    def join(self) -> int:
        """Writes the manifest of all blocks without reading a picture; returns the number of images.

        Raises:
            DataError: Fewer than two images are usable.
            OSError: The destination cannot be written to.
        """
        counts = [self._counts[block] for block in self._blocks]
        if sum(counts) < MINIMUM:
            reason = f"usable images: {sum(counts)}; at least {MINIMUM} are needed"
            raise DataError(f"{self._destination}: {reason}")
        names = [self._name(block, count) for block, count in enumerate(counts)]
        source = self._source
        manifest = {
            "version": COUNTED_VERSION,
            "name": source.name,
            "images": sum(counts),
            "channels": source.channels,
            "checksum": hashlib.sha256(repr(names).encode()).hexdigest(),
            "shards": names,
            "counts": counts,
            "statement": source.statement,
            "schema": json.loads(source.schema.to_json()),
        }
        with written_file(self._destination, MANIFEST) as path:
            path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1), "utf-8")
        return sum(counts)

    def _name(self, block: int, count: int) -> str:
        return f"part-{self._key}-{block:06d}-{count}.tfrecord"

    def _write_block(self, block: int, bar: tqdm) -> None:
        start = block * SHARD_RECORDS
        part = self._source.part(start, start + SHARD_RECORDS)
        count = 0
        # On the disk of a local destination, so that the shard can be moved there.
        place = None if is_remote(self._destination) else self._destination
        if place:
            os.makedirs(place, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=PARTIAL, dir=place) as folder:
            path = Path(folder) / "records"
            with import_tensorflow().io.TFRecordWriter(str(path)) as writer:
                for chunk in part.chunks(0, self._resolution):
                    for image, labels in zip(chunk.images, chunk.labels, strict=True):
                        writer.write(encoded(image, labels))
                    count += len(chunk.images)
                    self.skipped += chunk.skipped
                    bar.update(chunk.num_items)
            put_file(path, self._destination, self._name(block, count))
        self._counts[block] = count
