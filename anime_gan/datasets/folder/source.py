"""A folder of images as a data source; a record of its listing avoids reading all files again."""

from __future__ import annotations

import concurrent.futures
import copy
import hashlib
import time
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from anime_gan.common.files import write_text
from anime_gan.datasets.dataset import DataError, Dataset, printable
from anime_gan.datasets.folder.image_labels import ImageLabels
from anime_gan.datasets.folder.labels import read_labels, read_text
from anime_gan.datasets.prepared import (
    Chunk,
    cache_folder,
    open_prepared,
    prepare,
    prepared_folder,
    source_fingerprint,
)
from anime_gan.datasets.reading.decoding import Files, decode_in_order
from anime_gan.datasets.reading.kinds import IMAGE_ENDINGS
from anime_gan.datasets.reading.pictures import FORMATS, MAX_BYTES, is_transparent
from anime_gan.datasets.reading.storage import list_files, read_file

LICENSE = "LICENSE.txt"
UNREADABLE = b"no file"
# A chunk has few images, because illustrations can have many megabytes.
CHUNK = 16
READERS, READ_AHEAD = 8, 1024
# A folder is transparent if this share of the examined images is. Its opaque images are then skipped.
EXAMINED, TRANSPARENT_SHARE = 64, 0.9
# A file that was changed this recently may change again within the resolution of its time stamp.
SETTLED_SECONDS = 2.0


def load_folder(
    root: str,
    num_images: int,
    resolution: int,
    transparent: bool | None = None,
    labels_from: str = "auto",
) -> Dataset:
    """Prepares a folder, or opens it in the cache.

    The cache is keyed by content. It also records the content of each listing (names, sizes, and times of all
    files), so that files are read only if the listing has changed.

    Args:
        root: The folder.
        num_images: Maximum number of images, in the table's order or by name; 0 for all.
        resolution: Image side in pixels.
        transparent: Whether to keep the alpha channel and skip opaque images; None to let the images decide.
        labels_from: As in `read_labels`.

    Raises:
        DataError: There are too few images, or the labels cannot be read.
    """
    started = time.time()
    options = (
        f"{num_images}/{resolution}/{transparent}/{labels_from}/{FORMATS}/{source_fingerprint(__name__)}"
    )
    listing = _digest_listing(root, options)
    remembered = cache_folder() / "listings" / listing.digest
    if remembered.is_file():
        known = cache_folder() / remembered.read_text("utf-8")
        if known.is_dir():
            return open_prepared(known)
    source = open_folder(root, num_images, transparent, labels_from)
    dataset = prepare(source, resolution)
    # Files that could not be read, for example because a server was down, are tried again the next time.
    if listing.newest < started - SETTLED_SECONDS and not source.has_unreadable:
        write_text(remembered, prepared_folder(source.name, resolution, source.fingerprint()).name)
    return dataset


def open_folder(root: str, num_images: int, transparent: bool | None, labels_from: str) -> ImageFolder:
    """Lists a folder and reads its labels; the arguments and errors are those of `load_folder`."""
    skipped: list[tuple[str, str]] = []
    names = [file.name for file in list_files(root, skipped)]
    return ImageFolder(root, names, tuple(skipped), num_images, transparent, labels_from)


class _Listing(NamedTuple):
    """Summary of a folder's listing.

    Attributes:
        digest: Hexadecimal digest of the names, sizes, and times of all files.
        newest: Time of the latest change of any file, in seconds since 1970.
    """

    digest: str
    newest: float


def _digest_listing(root: str, options: str) -> _Listing:
    """Digests a listing without keeping its names in memory."""
    digest = hashlib.sha256(f"{root}/{options}".encode("utf-8", "surrogateescape"))
    skipped: list[tuple[str, str]] = []
    newest = 0
    for file in list_files(root, skipped):
        digest.update(f"{file.name}\0{file.size}\0{file.stamp}\0".encode("utf-8", "surrogateescape"))
        newest = max(newest, file.changed)
    digest.update(repr(skipped).encode("utf-8", "surrogateescape"))
    return _Listing(digest.hexdigest(), newest / 1e9)


class ImageFolder:
    """The images of a folder, as a source for `prepare`."""

    verb = "reading"

    def __init__(
        self,
        root: str,
        names: list[str],
        skipped: tuple[tuple[str, str], ...],
        num_images: int,
        transparent: bool | None = None,
        labels_from: str = "auto",
    ) -> None:
        """Finds the images and their labels.

        Args:
            root: The folder.
            names: All files in it.
            skipped: (name, reason) of entries that could not be listed.
            num_images: Maximum number of images; 0 for all.
            transparent: As in `load_folder`.
            labels_from: As in `load_folder`.

        Raises:
            DataError: The labels cannot be read, or there are no images.
        """
        self.name = printable(PurePosixPath(root).name)
        self._root = root
        try:
            labels = read_labels(root, names, num_images, labels_from)
            license = read_text(root, LICENSE) if LICENSE in names else ""
        except (ValueError, OSError) as error:
            raise DataError(f"{root}: {error}") from error
        self._names, self._rows = labels.names, labels.labels
        self.schema = labels.schema
        self.skipped = (*skipped, *labels.skipped)
        self.notes = tuple(labels.notes)
        self.num_items = len(self._names)
        if not self._names:
            raise DataError(f"{root}: {_why_nothing(labels)}")
        whose = "Images" if license.strip() else "The user's own images"
        self.statement = f"{whose} in the folder {self.name!r}. {license.strip()}".strip()
        self._transparent = self._has_alpha() if transparent is None else transparent
        self.channels = 4 if self._transparent else 3
        # The first 8 bytes of each digest: full digests of a million files would take 64 MB.
        self._contents = np.zeros(self.num_items, np.uint64)
        self._fingerprint: str | None = None
        # Whether images must be those of the fingerprint.
        self._is_checked = True

    def part(self, start: int, stop: int) -> ImageFolder:
        """Returns a source of some of the images; it reads each image once, and has no fingerprint."""
        part = copy.copy(self)
        part._names, part._rows = self._names[start:stop], self._rows[start:stop]
        part.num_items, part.skipped = len(part._names), ()
        part._is_checked = False
        return part

    def key(self, resolution: int) -> str:
        """Returns a digest of the names and labels of all images, and of how they are read."""
        known = (resolution, self._transparent, self.statement, self.schema.to_json(), self._names)
        digest = hashlib.sha256(repr(known).encode("utf-8", "surrogateescape"))
        digest.update(self._rows.tobytes())
        return digest.hexdigest()

    @property
    def has_unreadable(self) -> bool:
        """Whether any image could not be opened when the fingerprint was computed."""
        return bool(np.any(self._contents == _short(UNREADABLE)))

    def _has_alpha(self) -> bool:
        """Whether nearly all images in an evenly spaced sample of the folder have transparent pixels."""
        chosen = np.unique(np.linspace(0, self.num_items - 1, EXAMINED).astype(int))
        contents = (self._read(self._names[i]) for i in chosen)
        having = [is_transparent(content) for content in contents if isinstance(content, bytes)]
        return len(having) > 0 and sum(having) >= TRANSPARENT_SHARE * len(having)

    def fingerprint(self) -> str:
        """Returns a digest of the names, labels, and contents of all images."""
        if self._fingerprint is None:
            known = (
                source_fingerprint(__name__),
                # A file may become readable when a plug-in is installed.
                FORMATS,
                self._transparent,
                self.statement,
                self.schema.to_json(),
                self.skipped,
                self.notes,
            )
            digest = hashlib.sha256(repr(known).encode("utf-8", "surrogateescape"))
            digest.update(self._rows.tobytes())
            with concurrent.futures.ThreadPoolExecutor(READERS) as readers:
                for start in range(0, self.num_items, READ_AHEAD):
                    names = self._names[start : start + READ_AHEAD]
                    for i, content in enumerate(readers.map(self._read, names), start):
                        name = self._names[i].encode("utf-8", "surrogateescape")
                        digest.update(name + b"\0" + _content_digest(content))
                        self._contents[i] = _short(_content_digest(content))
            self._fingerprint = digest.hexdigest()
        return self._fingerprint

    def chunks(self, first_item: int, resolution: int) -> Iterator[Chunk]:
        """Reads the images from `first_item` on; unusable ones are skipped with a reason.

        Raises:
            DataError: A file has changed since the fingerprint was computed.
        """
        if self._is_checked:
            self.fingerprint()
        starts = range(first_item, self.num_items, CHUNK)
        jobs = (self._read_chunk(start, resolution) for start in starts)
        for start, pictures in zip(starts, decode_in_order(jobs, self.num_items), strict=True):
            rows = self._rows[start : start + CHUNK]
            yield Chunk(len(rows), pictures.images, rows[pictures.used], pictures.skipped)

    def _read_chunk(self, start: int, resolution: int) -> Files:
        names = self._names[start : start + CHUNK]
        contents = [self._read(name) for name in names]
        for i, content in enumerate(contents, start):
            if self._is_checked and _short(_content_digest(content)) != self._contents[i]:
                name = printable(self._names[i])
                raise DataError(
                    f"{self._root}/{name}: changed while the folder was being read; run the command again"
                )
        return Files(names, contents, resolution, self._transparent)

    def _read(self, name: str) -> bytes | str:
        """Returns the bytes of a file, or the reason why it cannot be opened."""
        try:
            return read_file(self._root, name, MAX_BYTES + 1)
        except OSError as error:
            return f"cannot be opened: {error.strerror or error}"


def _content_digest(content: bytes | str) -> bytes:
    return hashlib.blake2b(content).digest() if isinstance(content, bytes) else UNREADABLE


def _short(digest: bytes) -> int:
    return int.from_bytes(digest[:8], "little")


def _why_nothing(labels: ImageLabels) -> str:
    """Returns the error text for a folder without usable images."""
    if not labels.skipped:
        return f"contains no images (searched for {', '.join(IMAGE_ENDINGS)})"
    name, reason = labels.skipped[0]
    return f"contains no images that can be read; for example {printable(name)}: {reason}"
