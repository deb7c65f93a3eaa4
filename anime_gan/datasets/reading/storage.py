"""Lists and reads files: in local folders, zip archives, and file systems of TensorFlow (`gs://...`)."""

from __future__ import annotations

import errno
import functools
import os
import stat
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from anime_gan.datasets.reading.zipped import is_zip, read_zipped, zipped_files, zipped_stamp

IGNORED = frozenset({"__MACOSX"})


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


def is_remote(root: str) -> bool:
    """Whether a root is on a remote file system rather than a local folder."""
    return "://" in root


def is_folder(root: str) -> bool:
    """Whether the folder or zip archive exists; False for a remote folder that cannot be reached."""
    return _gfile().isdir(root) if is_remote(root) else os.path.isdir(root) or is_zip(root)


def list_files(root: str, skipped: list[tuple[str, str]]) -> Iterator[FoundFile]:
    """Lists all files in a folder and its subfolders, always in the same order.

    The files of a folder come before its subfolders, both sorted by name. Symbolic links are followed; linked
    folders come last, so that a folder inside the root is listed under its own name. Names that start with a
    dot, and `__MACOSX`, are ignored.

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
        return _read_remote(_joined(root, name), limit)
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
    # `gfile.walk` would need one more request per entry, and it stops at a folder that cannot be listed.
    errors = _remote_error()
    pending = [""]
    while pending:
        folder = pending.pop()
        prefix = f"{folder}/" if folder else ""
        try:
            # Object stores end folder names with "/".
            entries = sorted({entry.rstrip("/") for entry in _gfile().listdir(_joined(root, folder))})
        except errors as error:
            if not folder:
                raise OSError(_reason(error)) from error
            skipped.append((folder, _reason(error)))
            continue
        subfolders = []
        for entry in entries:
            if not entry or entry[0] == "." or entry in IGNORED:
                continue
            name = prefix + entry
            try:
                status = _gfile().stat(_joined(root, name))
            except errors as error:
                skipped.append((name, _reason(error)))
                continue
            if status.is_directory:
                subfolders.append(name)
            else:
                yield FoundFile(name, status.length, (status.mtime_nsec,))
        pending += reversed(subfolders)


def _read_remote(path: str, limit: int | None) -> bytes:
    try:
        with _gfile().GFile(path, "rb") as stream:
            content: bytes = stream.read(-1 if limit is None else limit)
            return content
    except _remote_error() as error:
        raise OSError(_reason(error)) from error


def _joined(root: str, name: str) -> str:
    return root + name if root.endswith("/") else f"{root}/{name}"


@functools.cache
def _gfile() -> Any:
    from anime_gan.common.quiet import import_tensorflow

    return import_tensorflow().io.gfile


def _remote_error() -> type[Exception]:
    from anime_gan.common.backend import tf

    error: type[Exception] = tf.errors.OpError
    return error


def _reason(error: Exception) -> str:
    """Returns the reason of an error in one line; some errors of TensorFlow have only a type."""
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "symlink loop"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    text = " ".join(text.split())
    return text[0].lower() + text[1:] if isinstance(error, OSError) else text
