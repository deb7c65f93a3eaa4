"""Checks where pictures are to be written before anything is drawn, and finds free names."""

from __future__ import annotations

import itertools
import os
import tempfile
from pathlib import Path

from anime_gan.common.errors import InputError

PICTURES = (".png", ".jpg", ".jpeg", ".webp")
# Other pictures that people ask for. A folder of such a name would surprise them.
OTHER_PICTURES = frozenset(
    (".apng", ".avif", ".bmp", ".heic", ".heif", ".ico", ".jfif", ".jp2")
    + (".jpe", ".jxl", ".pdf", ".psd", ".svg", ".tga", ".tif", ".tiff")
)
# What file systems allow, in bytes.
LONGEST_NAME = 255
# Names that the program makes are shorter, so that an ending and a number fit behind them.
LONGEST_STEM = 200


def check_output(out: Path, is_folder: bool) -> None:
    """Checks that a file, or files in a folder, can be written; leaves nothing behind.

    Args:
        out: The file or folder; it and its parents need not exist.
        is_folder: Whether files are written into it.

    Raises:
        InputError: The path cannot be written to; the message says why (field `out`).
    """
    try:
        long = [part for part in out.parts if len(os.fsencode(part)) > LONGEST_NAME]
        if long:
            size = len(os.fsencode(long[0]))
            raise InputError(f"a name has at most {LONGEST_NAME} bytes, not {size}", "out", out)
        if not is_folder and out.is_dir():
            raise InputError("is a folder; choose a file name", "out", out)
        existing = Path(os.path.realpath(out)) if out.is_symlink() else out
        existing = existing if is_folder else existing.parent
        while not existing.exists() and existing != existing.parent:
            existing = existing.parent
        if not existing.is_dir():
            raise InputError(f"{existing} is a file, not a folder", "out", out)
        # Rights alone do not tell whether a file system is mounted read-only.
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror or error}", "out", out) from error
    except ValueError as error:
        # Python's own message about a NUL does not name the path.
        raise error if isinstance(error, InputError) else InputError(f"not a path: {error}", "out") from error


def free_name(folder: Path, stem: str, *endings: str) -> Path:
    """Returns a free path with the first ending; no file of its name has any of the endings."""
    stem = shortened_name(stem, LONGEST_STEM)
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(
        folder / f"{name}{endings[0]}"
        for name in names
        if not any((folder / f"{name}{ending}").exists() for ending in endings)
    )


def shortened_name(name: str, size: int) -> str:
    """Shortens a name to at most `size` bytes, between letters."""
    while len(os.fsencode(name)) > size:
        name = name[:-1]
    return name
