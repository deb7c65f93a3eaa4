"""A folder of images as users have it: any sub-folders, labelled by a table, by tag files, or not at all."""

from __future__ import annotations

import concurrent.futures
import hashlib
import itertools
import time
import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from anime_gan.attributes import Schema
from anime_gan.datasets import DataError, Dataset
from anime_gan.datasets.decoding import Files, decode_in_order
from anime_gan.datasets.label_table import read_label_table
from anime_gan.datasets.pictures import MAX_BYTES
from anime_gan.datasets.prepared import (
    Chunk,
    cache_folder,
    code_fingerprint,
    open_prepared,
    prepare,
    prepared_folder,
)
from anime_gan.datasets.storage import list_files, read_file
from anime_gan.datasets.tags import TagTable, split_tags
from anime_gan.files import write_text

LABEL_TABLE = "labels.csv"
SCHEMA_FILE = "attributes.json"
TAG_TABLE = "tags.json"
LICENCE = "LICENSE.txt"
IMAGE_ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jfif", ".webp", ".avif", ".gif"),
    *(".bmp", ".tif", ".tiff", ".jp2", ".ppm", ".pgm"),
)
# Few, since illustrations of many megabytes may be among them.
CHUNK = 16
READERS = 8
# A file changed so shortly before it was looked at may change again without a newer time stamp.
SETTLED_SECONDS = 2.0


def load_folder(root: str, num_images: int, resolution: int) -> Dataset:
    """Prepares a folder, or takes it from the cache.

    The cache is keyed by content. So that a start need not read every file, it remembers which content
    belongs to which listing (names, sizes and times of all files): only when that is new are files read.

    Args:
        root: The folder.
        num_images: At most this many, in the table's order or by name; 0 for all.
        resolution: Pixels along a side.

    Raises:
        DataError: There are too few pictures, or the labels cannot be read.
    """
    listing = _digest_listing(root, f"{num_images}/{resolution}/{code_fingerprint()}")
    memory = cache_folder() / "listings" / listing.digest
    if memory.is_file():
        known = cache_folder() / memory.read_text("utf-8")
        if known.is_dir():
            return open_prepared(known)
    skipped: list[tuple[str, str]] = []
    names = [file.name for file in list_files(root, skipped)]
    source = ImageFolder(root, names, tuple(skipped), num_images)
    dataset = prepare(source, resolution)
    if listing.newest < time.time() - SETTLED_SECONDS:
        write_text(memory, prepared_folder(source.name, resolution, source.fingerprint()).name)
    return dataset


class _Listing(NamedTuple):
    """What a folder's listing comes to.

    Attributes:
        digest: Hexadecimal, of names, sizes and times of all files.
        newest: When a file was last changed, in seconds since 1970.
    """

    digest: str
    newest: float


def _digest_listing(root: str, options: str) -> _Listing:
    """Digests a listing as it goes by: a million names are never in memory."""
    digest = hashlib.sha256(f"{root}/{options}".encode("utf-8", "surrogateescape"))
    skipped: list[tuple[str, str]] = []
    newest = 0
    for file in list_files(root, skipped):
        digest.update(f"{file.name}\0{file.size}\0{file.stamp}\0".encode("utf-8", "surrogateescape"))
        newest = max(newest, file.stamp[0])
    digest.update(repr(skipped).encode("utf-8", "surrogateescape"))
    return _Listing(digest.hexdigest(), newest / 1e9)


class Labels(NamedTuple):
    """Which pictures to use, and what is known of them.

    Attributes:
        schema: What the columns mean.
        names: Files, in order.
        rows: int8 [n, num_labels] of +1, -1 and 0.
        skipped: (name, reason) of the pictures that are not used.
        notes: What the user should know.
    """

    schema: Schema
    names: list[str]
    rows: np.ndarray
    skipped: list[tuple[str, str]]
    notes: list[str]


class ImageFolder:
    """The pictures of a folder, as a source for `prepare`."""

    verb = "reading"

    def __init__(
        self, root: str, names: list[str], skipped: tuple[tuple[str, str], ...], num_images: int
    ) -> None:
        """Finds out which pictures to read and how they are labelled.

        Args:
            root: The folder.
            names: All files in it.
            skipped: What the listing left out.
            num_images: At most this many; 0 for all.

        Raises:
            DataError: The labels cannot be read, or there is no picture.
        """
        self.name = PurePosixPath(root).name
        self._root = root
        try:
            labels = _read_labels(root, names)
        except ValueError as error:
            raise DataError(f"{root}: {error}") from error
        count = num_images or len(labels.names)
        self._names, self._rows = labels.names[:count], labels.rows[:count]
        if not self._names:
            raise DataError(f"{root}: no pictures in it (looked for {' '.join(IMAGE_ENDINGS)})")
        self.schema = labels.schema
        self.skipped = (*skipped, *labels.skipped)
        self.notes = tuple(labels.notes)
        self.num_items = len(self._names)
        licence = read_file(root, LICENCE).decode("utf-8", "replace").strip() if LICENCE in names else ""
        self.statement = f"The user's own images in the folder {self.name!r}. {licence}".strip()
        self._fingerprint: str | None = None

    def fingerprint(self) -> str:
        """Digest of names, labels and the content of every picture."""
        if self._fingerprint is None:
            known = (code_fingerprint(), self.statement, self.schema.to_json(), self.skipped, self.notes)
            digest = hashlib.sha256(repr(known).encode("utf-8", "surrogateescape"))
            digest.update(self._rows.tobytes())
            with concurrent.futures.ThreadPoolExecutor(READERS) as readers:
                for names in _batched(self._names, 1024):
                    for name, content in zip(names, readers.map(self._content_digest, names), strict=True):
                        digest.update(name.encode("utf-8", "surrogateescape") + b"\0" + content)
            self._fingerprint = digest.hexdigest()
        return self._fingerprint

    def chunks(self, first_item: int, resolution: int) -> Iterator[Chunk]:
        """Reads from `first_item` on; what cannot be used is skipped with its reason."""
        starts = range(first_item, self.num_items, CHUNK)
        jobs = (self._read(self._names[start : start + CHUNK], resolution) for start in starts)
        for start, pictures in zip(starts, decode_in_order(jobs, self.num_items), strict=True):
            rows = self._rows[start : start + CHUNK]
            yield Chunk(len(rows), pictures.images, rows[pictures.used], pictures.skipped)

    def _read(self, names: list[str], resolution: int) -> Files:
        contents: list[bytes | str] = []
        for name in names:
            try:
                contents.append(read_file(self._root, name, MAX_BYTES + 1))
            except OSError as error:
                contents.append(f"cannot be opened: {error.strerror or error}")
        return Files(names, contents, resolution)

    def _content_digest(self, name: str) -> bytes:
        try:
            return hashlib.blake2b(read_file(self._root, name, MAX_BYTES + 1)).digest()
        except OSError:
            return b"unreadable"


def _read_labels(root: str, names: list[str]) -> Labels:
    """By the table if there is one, else by tag files, else nothing is known."""
    pictures = [name for name in names if PurePosixPath(name).suffix.lower() in IMAGE_ENDINGS]
    if LABEL_TABLE in names:
        given = _read_schema(root) if SCHEMA_FILE in names else None
        return _labels_of_table(read_file(root, LABEL_TABLE), given, names, pictures)
    tag_files = _tag_files(pictures, set(names))
    if tag_files:
        extension = read_file(root, TAG_TABLE).decode("utf-8-sig") if TAG_TABLE in names else None
        return _labels_of_tags(root, TagTable.load(extension), pictures, tag_files)
    note = f"no {LABEL_TABLE} and no tag files: trains without labels, so nothing can be asked for later"
    return Labels(Schema(()), pictures, np.zeros((len(pictures), 0), np.int8), [], [note])


def _labels_of_table(data: bytes, given: Schema | None, names: list[str], pictures: list[str]) -> Labels:
    table = read_label_table(data, given)
    on_disk = set(names)
    # A Mac writes the letter and its accent as two characters where others write one.
    composed = {unicodedata.normalize("NFC", name): name for name in names if not name.isascii()}
    found = [
        name if name in on_disk else composed.get(unicodedata.normalize("NFC", name)) for name in table.names
    ]
    skipped = list(table.skipped)
    skipped += [(name, "no such file") for name, file in zip(table.names, found, strict=True) if file is None]
    listed = {*table.names, *(file for file in found if file), *(name for name, _ in table.skipped)}
    skipped += [(name, f"no row in {LABEL_TABLE}") for name in pictures if name not in listed]
    rows = [i for i, file in enumerate(found) if file is not None]
    used = [file for file in found if file is not None]
    return Labels(table.schema, used, table.labels[rows], skipped, table.notes)


def _tag_files(pictures: list[str], names: set[str]) -> dict[str, str]:
    """Picture -> its tag file: `face.txt` or `face.png.txt` beside `face.png`."""
    candidates = (
        (picture, file)
        for picture in pictures
        for file in (str(PurePosixPath(picture).with_suffix(".txt")), picture + ".txt")
    )
    return {picture: file for picture, file in candidates if file in names and file != LICENCE}


def _labels_of_tags(root: str, table: TagTable, pictures: list[str], tag_files: dict[str, str]) -> Labels:
    schema = Schema.from_names(table.attributes)
    conflicts: dict[str, int] = {}
    rows = np.zeros((len(pictures), schema.num_labels), np.int8)
    for i, picture in enumerate(pictures):
        if picture not in tag_files:
            continue
        text = read_file(root, tag_files[picture], MAX_BYTES).decode("utf-8", "replace")
        description, in_conflict = table.read(split_tags(text))
        rows[i] = schema.encode(description)
        for group in in_conflict:
            conflicts[group] = conflicts.get(group, 0) + 1
    notes = [
        f"{group}: unknown in {count} pictures whose tags name several" for group, count in conflicts.items()
    ]
    untagged = len(pictures) - len(tag_files)
    if untagged:
        notes.append(f"{untagged} of {len(pictures)} pictures have no tag file: their labels are unknown")
    return Labels(schema, pictures, rows, [], notes)


def _read_schema(root: str) -> Schema:
    try:
        return Schema.from_json(read_file(root, SCHEMA_FILE).decode("utf-8-sig"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{SCHEMA_FILE}: not an attribute schema: {error}") from error


def _batched(names: list[str], size: int) -> Iterator[list[str]]:
    # `itertools.batched` needs Python 3.12.
    rest = iter(names)
    while batch := list(itertools.islice(rest, size)):
        yield batch
