"""Lists and reads the files in a zip archive, as if it were a folder."""

from __future__ import annotations

import functools
import os
import zipfile
from collections.abc import Iterator
from typing import NamedTuple

from anime_gan.common.encodings import guess_encoding

# Folders of operating systems and network drives, such as for previews.
IGNORED = frozenset({"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"})

_UTF8_NAME = 0x800
_ENCRYPTED = 0x1


class ZippedFile(NamedTuple):
    """A file in an archive.

    Attributes:
        name: Relative to the archive's only top folder, if it has one.
        size: In bytes.
        checksum: CRC-32 of the content.
    """

    name: str
    size: int
    checksum: int


def is_zip(root: str) -> bool:
    """Whether a path is a zip archive."""
    return os.path.isfile(root) and zipfile.is_zipfile(root)


def zipped_files(root: str) -> Iterator[ZippedFile]:
    """Yields the files in an archive, in the order of a folder's listing.

    Raises:
        OSError: The archive is damaged.
    """
    _, entries = _opened(root, os.stat(root).st_mtime_ns)
    # As in a folder, files come before folders.
    for name in sorted(
        entries, key=lambda name: [(i < name.count("/"), p) for i, p in enumerate(name.split("/"))]
    ):
        yield ZippedFile(name, entries[name].file_size, entries[name].CRC)


def read_zipped(root: str, name: str, limit: int | None) -> bytes:
    """Reads a file in an archive, or its first `limit` bytes.

    Raises:
        OSError: The file cannot be read; the message is the reason.
    """
    archive, entries = _opened(root, os.stat(root).st_mtime_ns)
    if name not in entries:
        raise FileNotFoundError("no such file in the archive")
    if entries[name].flag_bits & _ENCRYPTED:
        raise OSError("encrypted")
    try:
        with archive.open(entries[name]) as stream:
            return stream.read(-1 if limit is None else limit)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as error:
        raise OSError(f"damaged archive: {error}") from error
    except Exception as error:  # zlib, lzma, and bz2 have exceptions of their own.
        raise OSError("damaged archive") from error


def zipped_stamp(root: str, name: str) -> tuple[int, int] | None:
    """Returns the size and the checksum of a file in an archive; None if there is no such file."""
    entry = _opened(root, os.stat(root).st_mtime_ns)[1].get(name)
    return (entry.file_size, entry.CRC) if entry else None


@functools.lru_cache(maxsize=2)
def _opened(root: str, changed: int) -> tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]:
    """Opens an archive; returns it and its files by name.

    Args:
        root: The path of the archive.
        changed: Its modification time, so that a changed archive is opened again.
    """
    try:
        archive = zipfile.ZipFile(root)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise OSError(f"damaged archive: {error}") from error
    files = [info for info in archive.infolist() if not info.is_dir()]
    # Old programs store names in the encoding of their system, which `zipfile` takes for cp437.
    old = [info.filename.encode("cp437", "ignore") for info in files if not info.flag_bits & _UTF8_NAME]
    encoding = _encoding_of(b"\n".join(old))
    entries = {}
    for info in files:
        name = info.filename
        if not info.flag_bits & _UTF8_NAME and encoding:
            name = name.encode("cp437", "ignore").decode(encoding, "replace")
        name = name.replace("\\", "/").lstrip("/")
        if not any(part.startswith(".") or part in IGNORED for part in name.split("/")):
            entries[name] = info
    tops = {name.partition("/")[0] for name in entries}
    if len(tops) == 1 and all("/" in name for name in entries):
        entries = {name.partition("/")[2]: info for name, info in entries.items()}
    return archive, entries


def _encoding_of(names: bytes) -> str | None:
    """Returns the encoding of names in an archive; None to keep cp437."""
    if names.isascii():
        return None
    try:
        names.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError:
        return guess_encoding(names)
