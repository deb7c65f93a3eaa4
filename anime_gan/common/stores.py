"""Object stores, through one small interface: `s3://` by the package s3fs, and others by TensorFlow."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any, NamedTuple, Protocol

from anime_gan.common.errors import InputError
from anime_gan.common.files import written_whole
from anime_gan.common.quiet import import_tensorflow
from anime_gan.common.user_paths import user_folder

NO_S3FS = 's3:// needs the package "s3fs", which is not installed: pip install "anime_gan[s3]"'
_LONGEST_LABEL = 60
# Bytes that are copied at once.
_BLOCK = 2**22
# Modules of the errors of s3fs that are no `OSError`.
_OF_S3FS = ("aiobotocore", "aiohttp", "botocore")


class Entry(NamedTuple):
    """A file or a folder in a folder of a store.

    Attributes:
        name: Its name in the folder.
        is_folder: Whether it is a folder.
        size: Size of a file in bytes.
        stamp: Time of the last change in ns since 1970.
        problem: Why it could not be examined; empty if it could.
    """

    name: str
    is_folder: bool
    size: int = 0
    stamp: int = 0
    problem: str = ""


class Store(Protocol):
    """Files at URLs. All methods raise an `OSError` whose text is the reason in one line, without the URL."""

    def is_folder(self, url: str) -> bool:
        """Whether there is a folder or a bucket; False if it cannot be reached."""
        ...

    def entries(self, url: str) -> list[Entry]:
        """Lists a folder, sorted by name."""
        ...

    def read(self, url: str, limit: int | None = None) -> bytes:
        """Reads a file, or its first `limit` bytes."""
        ...

    def download(self, url: str, path: Path) -> None:
        """Copies a file to a local path, whole or not at all."""
        ...

    def upload(self, path: Path, url: str) -> None:
        """Copies a local file to a URL. Object stores show a new object only when all of it is there."""
        ...

    def remove(self, url: str) -> None:
        """Removes a file."""
        ...


def is_remote(place: str) -> bool:
    """Whether a text is a URL rather than a local path."""
    return "://" in place


def store_url(place: str | Path) -> str:
    """Returns the URL of a place in a bucket; an empty text for a local path.

    Args:
        place: A URL or a path. `Path("s3://bucket/run")` has lost one of the slashes.
    """
    found = re.fullmatch(r"(?s)(gs|s3):/{1,2}([^/].*?)/*", PurePath(place).as_posix())
    return f"{found[1]}://{found[2]}" if found and not Path(place).exists() else ""


def joined(url: str, name: str) -> str:
    """Returns the URL of a file in a folder."""
    return url + name if url.endswith("/") else f"{url}/{name}"


def open_store(url: str) -> Store:
    """Returns the store of a URL.

    Raises:
        InputError: The package for it is not installed.
    """
    return S3Store() if url.startswith("s3://") else TensorFlowStore()


def walk(store: Store, url: str, folder: str = "") -> Iterator[Entry]:
    """Yields all files below a URL, with names relative to it.

    Raises:
        OSError: A folder cannot be listed.
    """
    for entry in store.entries(joined(url, folder) if folder else url):
        named = entry._replace(name=f"{folder}/{entry.name}" if folder else entry.name)
        if entry.is_folder:
            yield from walk(store, url, named.name)
        else:
            yield named


def store_copies(url: str) -> Path:
    """Returns the folder in the user's cache for local copies of what is at a URL."""
    label = re.sub(r"[^\w.]+", "-", url)[:_LONGEST_LABEL]
    digest = hashlib.sha256(url.encode()).hexdigest()[:8]
    return user_folder("XDG_CACHE_HOME", ".cache") / "anime_gan" / "stores" / f"{label}-{digest}"


class TensorFlowStore:
    """The file systems that TensorFlow knows, such as `gs://`."""

    def __init__(self) -> None:
        """Imports TensorFlow."""
        self._gfile: Any = import_tensorflow().io.gfile

    def is_folder(self, url: str) -> bool:
        """Whether there is a folder; TensorFlow says no to a bucket that it cannot reach."""
        return bool(self._gfile.isdir(url))

    def entries(self, url: str) -> list[Entry]:
        """Lists a folder."""
        # `gfile.walk` would need one more request per entry, and it stops at a folder that cannot be listed.
        with _reasons():
            # Object stores end folder names with "/".
            names = sorted({entry.rstrip("/") for entry in self._gfile.listdir(url)} - {""})
        return [self._entry(url, name) for name in names]

    def _entry(self, url: str, name: str) -> Entry:
        try:
            with _reasons():
                status = self._gfile.stat(joined(url, name))
        except OSError as error:
            return Entry(name, is_folder=False, problem=str(error))
        return Entry(name, status.is_directory, status.length, status.mtime_nsec)

    def read(self, url: str, limit: int | None = None) -> bytes:
        """Reads a file."""
        with _reasons(), self._gfile.GFile(url, "rb") as stream:
            content: bytes = stream.read(-1 if limit is None else limit)
            return content

    def download(self, url: str, path: Path) -> None:
        """Copies a file to a local path."""
        with _reasons(), written_whole(path) as partial:
            self._gfile.copy(url, str(partial))

    def upload(self, path: Path, url: str) -> None:
        """Copies a local file to a URL."""
        with _reasons():
            # Other file systems than those of object stores need the folder.
            if not url.startswith("gs://"):
                self._gfile.makedirs(url.rpartition("/")[0])
            # `gfile.copy` would not shorten a longer file of TensorFlow's file system in memory.
            with path.open("rb") as source, self._gfile.GFile(url, "wb") as target:
                shutil.copyfileobj(source, target, _BLOCK)

    def remove(self, url: str) -> None:
        """Removes a file."""
        with _reasons():
            self._gfile.remove(url)


class S3Store:
    """Buckets of S3 and of servers like it, which `AWS_ENDPOINT_URL` names."""

    def __init__(self) -> None:
        """Connects to nothing yet.

        Raises:
            InputError: The package s3fs is not installed.
        """
        try:
            import fsspec
            import s3fs  # noqa: F401 (fsspec imports it by name)
        except ModuleNotFoundError as error:
            if error.name not in ("fsspec", "s3fs"):
                raise
            raise InputError(NO_S3FS) from error
        # Others may change the bucket, so no listing is kept.
        self._files: Any = fsspec.filesystem("s3", use_listings_cache=False, skip_instance_cache=True)

    def is_folder(self, url: str) -> bool:
        """Whether there is a folder or a bucket."""
        with contextlib.suppress(OSError), _reasons():
            return bool(self._files.isdir(url))
        return False

    def entries(self, url: str) -> list[Entry]:
        """Lists a folder with one request per thousand entries."""
        with _reasons():
            found = self._files.ls(url, detail=True)
        entries = [_s3_entry(entry) for entry in found]
        # Some programs mark a folder by an empty object with its name.
        return sorted(entry for entry in entries if entry.name)

    def read(self, url: str, limit: int | None = None) -> bytes:
        """Reads a file."""
        with _reasons():
            content: bytes = self._files.cat_file(url, end=limit or None) if limit != 0 else b""
            return content

    def download(self, url: str, path: Path) -> None:
        """Copies a file to a local path."""
        with _reasons(), written_whole(path) as partial:
            self._files.get_file(url, str(partial))

    def upload(self, path: Path, url: str) -> None:
        """Copies a local file to a URL."""
        with _reasons():
            self._files.put_file(str(path), url)

    def remove(self, url: str) -> None:
        """Removes a file."""
        with _reasons():
            self._files.rm_file(url)


def _s3_entry(found: dict[str, Any]) -> Entry:
    name = found["name"].rpartition("/")[2]
    if found["type"] == "directory":
        return Entry(name, is_folder=True)
    # S3 knows full seconds only; the tag of the content tells two changes in one second apart.
    seconds, tag = int(found["LastModified"].timestamp()), str(found.get("ETag", ""))
    return Entry(name, False, found["size"], seconds * 10**9 + zlib.crc32(tag.encode()) % 10**9)


@contextlib.contextmanager
def _reasons() -> Iterator[None]:
    """Turns the errors of all libraries into an `OSError` with a reason in one line."""
    try:
        yield
    except Exception as error:
        library = type(error).__module__.partition(".")[0]
        if not isinstance(error, (OSError, TimeoutError)) and library not in (*_OF_S3FS, "tensorflow"):
            raise
        absent = isinstance(error, FileNotFoundError) or type(error).__name__ == "NotFoundError"
        raise (FileNotFoundError if absent else OSError)(_reason(error)) from error


def _reason(error: Exception) -> str:
    # Some errors have only a type. Those of TensorFlow have a name of their own for the text.
    text = getattr(error, "message", "") or getattr(error, "strerror", "") or str(error)
    return " ".join(str(text).split()) or type(error).__name__
