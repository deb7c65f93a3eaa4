"""Gives TensorFlow paths that it can read: it takes `[`, `*`, `?`, and a backslash for a pattern."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Windows separates folders by backslashes, which TensorFlow understands there.
PATTERN = r"[\[\]*?{}]" if os.name == "nt" else r"[\[\]*?{}\\]"


def is_text(path: Path | str) -> bool:
    """Whether a path is valid Unicode; names from an archive in another encoding are not."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextlib.contextmanager
def readable(folder: Path) -> Iterator[Path]:
    """Yields a path to a folder that TensorFlow can read from: the same one, or a temporary link to it."""
    if "://" in str(folder) or (is_text(folder) and not re.search(PATTERN, str(folder))):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="anime_gan-") as temporary:
        link = Path(temporary) / "link"
        try:
            link.symlink_to(folder.absolute(), target_is_directory=True)
        except OSError:  # Windows allows links to administrators only.
            shutil.copytree(folder, link)
        yield link
