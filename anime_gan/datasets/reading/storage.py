"""Lists, reads, and writes files: in local folders, zip archives, and object stores (`gs://`, `s3://`)."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from anime_gan.common.files import written_whole
from anime_gan.common.stores import Store, is_remote, joined, open_store
from anime_gan.datasets.reading.zipped import IGNORED, is_zip, read_zipped, zipped_files, zipped_stamp


class FoundFile(NamedTuple):
    """A file in a listing.

    Attributes:
        name: Relative to the root, with "/" between folders.
        size: In bytes.
        stamp: Changes whenever the file does. For a local file, it is (mtime in ns, ctime in ns, inode),
            because a change can keep the size and mtime. For a remote file, it is (mtime in ns,).
    """

    name: str
    size: int
    stamp: tuple[int, ...]

    @property
    def changed(self) -> int:
        """Time of the last change in ns since 1970. For a local file, it is ctime, which cannot be set."""
        # On Windows, ctime is the time of creation.
        return self.stamp[0] if len(self.stamp) == 1 or os.name == "nt" else self.stamp[1]


def is_folder(root: str) -> bool:
    """Whether the folder or zip archive exists; False for a remote folder that cannot be reached."""
    return _store(root).is_folder(root) if is_remote(root) else os.path.isdir(root) or is_zip(root)


def list_files(root: str, skipped: list[tuple[str, str]]) -> Iterator[FoundFile]:
    """Lists all files in a folder and its subfolders, always in the same order.

    The files of a folder come before its subfolders, both sorted by name. Symbolic links are followed; linked
    folders come last, so that a folder inside the root is listed under its own name. Names that start with a
    dot, and those of file systems such as `__MACOSX`, are ignored.

    Args:
        root: A local folder or zip archive; or, if it contains "://", a remote folder.
        skipped: (name, reason) is added for each entry that cannot be listed: broken links, devices,
            sockets, pipes, folders without permission, and symlink loops.

    Raises:
        OSError: The root itself cannot be listed.
    """
    if is_remote(root):
        return _list_remote(root, skipped)
    return _list_zip(root) if os.path.isfile(root) else _list_local(root, skipped)


def read_file(root: str, name: str, limit: int | None = None) -> bytes:
    """Reads a file, or its first `limit` bytes.

    Raises:
        OSError: The file cannot be read; the message is the reason in one line, without the name.
    """
    if is_remote(root):
        return _store(root).read(joined(root, name), limit)
    if os.path.isfile(root):
        return read_zipped(root, name, limit)
    path = os.path.join(root, name)
    try:
        # Checked first: opening a pipe waits for a writer, and opening a device can have side effects.
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OSError("not a regular file")
        with open(path, "rb") as stream:
            return stream.read(limit)
    except (OSError, ValueError) as error:  # ValueError: the name is not valid.
        raise OSError(_reason(error)) from error


@contextlib.contextmanager
def local_copy(root: str, name: str) -> Iterator[Path]:
    """Yields the path of a file, or of a temporary copy of a remote file.

    Raises:
        OSError: The remote file cannot be read.
    """
    if not is_remote(root):
        yield Path(root) / name
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name.rpartition("/")[2]
        _store(root).download(joined(root, name), path)
        yield path


@contextlib.contextmanager
def written_file(root: str, name: str) -> Iterator[Path]:
    """Yields a temporary path; what is written there becomes a file in a local or remote folder.

    Raises:
        OSError: The file cannot be written.
    """
    if not is_remote(root):
        with written_whole(Path(root) / name) as partial:
            yield partial
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        yield path
        put_file(path, root, name)


def put_file(path: Path, root: str, name: str) -> None:
    """Moves a file on the same disk into a local folder, or uploads it to a remote one.

    Raises:
        OSError: The file cannot be written.
    """
    if is_remote(root):
        _store(root).upload(path, joined(root, name))
    else:
        os.replace(path, Path(root) / name)


def names_in(root: str) -> set[str]:
    """Returns the names in a local or remote folder; none if it does not exist.

    Raises:
        OSError: It cannot be listed.
    """
    try:
        if is_remote(root):
            return {entry.name for entry in _store(root).entries(root)}
        return set(os.listdir(root))
    except FileNotFoundError:
        # An empty text would mean the current folder.
        if not root:
            raise
        return set()


def stamp_of(root: str, name: str) -> tuple[int, ...] | None:
    """Returns numbers that change whenever a local or zipped file does; None if there is no such file."""
    if os.path.isfile(root):
        return zipped_stamp(root, name)
    try:
        status = os.stat(os.path.join(root, name))
    except (OSError, ValueError):
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


class _Folder(NamedTuple):
    """A folder to be listed.

    Attributes:
        name: Relative to the root; empty for the root.
        ancestors: Device and inode of each parent folder.
    """

    name: str
    ancestors: tuple[tuple[int, int], ...]


def _list_local(root: str, skipped: list[tuple[str, str]]) -> Iterator[FoundFile]:
    seen: set[tuple[int, int]] = set()
    pending = [_Folder("", ())]
    linked: deque[_Folder] = deque()
    while pending or linked:
        folder = pending.pop() if pending else linked.popleft()
        path = os.path.join(root, folder.name)
        try:
            status = os.stat(path)
            names = os.listdir(path)
        except OSError as error:
            if not folder.name:
                raise
            skipped.append((folder.name, _reason(error)))
            continue
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            reason = "symlink loop" if identity in folder.ancestors else "folder already listed"
            skipped.append((folder.name, reason))
            continue
        seen.add(identity)
        subfolders: list[str] = []
        yield from _files(root, folder.name, names, subfolders, skipped)
        ancestors = (*folder.ancestors, identity)
        real: list[_Folder] = []
        for name in subfolders:
            is_link = os.path.islink(os.path.join(root, name))
            (linked if is_link else real).append(_Folder(name, ancestors))
        pending += reversed(real)  # The last one is popped first.


def _files(
    root: str, folder: str, names: list[str], subfolders: list[str], skipped: list[tuple[str, str]]
) -> Iterator[FoundFile]:
    """Yields the files among the entries of a folder, and adds its subfolders to `subfolders`."""
    prefix = f"{folder}/" if folder else ""
    full_prefix = os.path.join(root, prefix)
    # Each name needs one `stat` call. `os.scandir` would take three times the memory and save no call.
    names.sort(reverse=True)
    while names:
        entry = names.pop()
        if entry[0] == "." or entry in IGNORED:
            continue
        name = prefix + entry
        try:
            status = os.stat(full_prefix + entry)
        except OSError as error:
            broken = error.errno == errno.ENOENT and os.path.islink(full_prefix + entry)
            skipped.append((name, "broken link" if broken else _reason(error)))
            continue
        if stat.S_ISREG(status.st_mode):
            yield FoundFile(name, status.st_size, (status.st_mtime_ns, status.st_ctime_ns, status.st_ino))
        elif stat.S_ISDIR(status.st_mode):
            subfolders.append(name)
        else:
            skipped.append((name, "not a regular file"))


def _list_zip(root: str) -> Iterator[FoundFile]:
    status = os.stat(root)
    for file in zipped_files(root):
        yield FoundFile(file.name, file.size, (status.st_mtime_ns, status.st_ctime_ns, file.checksum))


def _list_remote(root: str, skipped: list[tuple[str, str]]) -> Iterator[FoundFile]:
    pending = [""]
    while pending:
        folder = pending.pop()
        prefix = f"{folder}/" if folder else ""
        try:
            entries = _store(root).entries(joined(root, folder) if folder else root)
        except OSError as error:
            if not folder:
                raise
            skipped.append((folder, str(error)))
            continue
        subfolders = []
        for entry in entries:
            if entry.name[0] == "." or entry.name in IGNORED:
                continue
            name = prefix + entry.name
            if entry.problem:
                skipped.append((name, entry.problem))
            elif entry.is_folder:
                subfolders.append(name)
            else:
                yield FoundFile(name, entry.size, (entry.stamp,))
        pending += reversed(subfolders)


def _store(root: str) -> Store:
    return _store_of(root.partition("://")[0])


@functools.cache
def _store_of(scheme: str) -> Store:
    return open_store(f"{scheme}://")


def _reason(error: Exception) -> str:
    """Returns the reason of an error in one line."""
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "symlink loop"
    text = " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())
    return text[0].lower() + text[1:] if isinstance(error, OSError) else text
