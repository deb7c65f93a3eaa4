"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

PARTIAL_PATTERN = ".partial-*"


@contextlib.contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Gives a temporary name beside `path`; what was made there gets the final name on success.

    Works for a file and for a folder. After an exception nothing is left, and an older `path` stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Hidden, so that no reader of the folder takes it for a result; the ending stays, since Pillow and
    # others choose a format by it.
    partial = path.with_name(f".partial-{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield partial
        if path.is_dir():
            remove(path)
        os.replace(partial, path)
    finally:
        remove(partial)


def remove(path: Path) -> None:
    """Removes a file or a folder with all that is in it, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a UTF-8 text file, whole or not at all."""
    with written_whole(path) as partial:
        partial.write_text(text, "utf-8", newline="\n")
