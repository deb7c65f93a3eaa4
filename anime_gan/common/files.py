"""Writes files and folders atomically, and removes them."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

PARTIAL_PATTERN = ".partial-*"
LONGEST_SUFFIX = 16


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside `path`, and renames it to `path` on success.

    This works for files and folders. After an exception, the temporary path is removed, and an existing
    `path` stays as it was. If `path` is a link, what it links to is written.
    """
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name is hidden, so that no reader of the folder takes it for a result. It keeps the suffix, because
    # Pillow and others choose the format by it, but not the rest, which may be as long as a name can be.
    partial = path.with_name(f".partial-{uuid.uuid4().hex[:8]}{path.suffix[-LONGEST_SUFFIX:]}")
    try:
        yield partial
        if path.is_dir():
            remove(path)
        os.replace(partial, path)
    finally:
        remove(partial)


@contextlib.contextmanager
def filled_whole(folder: Path) -> Iterator[Path]:
    """Yields a temporary folder, and moves its files to `folder` on success.

    Args:
        folder: A new folder, or an existing one, which may be the working folder, a mount, or a link.
    """
    if not folder.exists():
        with written_whole(folder) as partial:
            yield partial
        return
    partial = folder / f".partial-{uuid.uuid4().hex[:8]}"
    try:
        yield partial
        for file in sorted(partial.iterdir()):
            os.replace(file, folder / file.name)
    finally:
        remove(partial)


def remove(path: Path) -> None:
    """Removes a file, or a folder with its contents, if it exists."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 text file atomically, with the same bytes on every system."""
    with written_whole(path) as partial:
        partial.write_text(text, "utf-8", newline="\n")


def flush_to_disk(path: Path) -> None:
    """Waits until a file, or a folder with its files, is on the disk and survives a loss of power.

    File systems and systems without this guarantee are left alone.
    """
    for part in [path, *path.rglob("*")] if path.is_dir() else [path]:
        # Windows cannot open folders.
        if os.name == "nt" and part.is_dir():
            continue
        descriptor = os.open(part, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
                raise
        finally:
            os.close(descriptor)
