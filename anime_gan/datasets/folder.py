"""A folder of images with `labels.csv`: a column `filename`, then one column an attribute."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from anime_gan.attributes import Schema
from anime_gan.datasets import DataError, Dataset

YES = frozenset({"1", "yes", "on", "true"})
NO = frozenset({"0", "-1", "no", "off", "false"})
UNKNOWN = frozenset({"", "unknown", "?"})


def load_folder(folder: Path, num_images: int, resolution: int) -> Dataset:
    """Reads the first `num_images` rows of `labels.csv` and their images.

    A column whose cells all say yes or no (1/0, true/false, on/off) is a tag; any other is a group whose
    values are the words in it. An empty cell, `unknown` or `?` is unknown. Images are cropped to their
    middle square and reduced with Lanczos filtering. `LICENSE.txt`, if there is one, becomes part of the
    dataset's statement.

    Raises:
        DataError: The table or an image cannot be read; the message names the row or file.
    """
    table = folder / "labels.csv"
    if not table.is_file():
        raise DataError(f"{folder}: no labels.csv in it; its first row is: filename, then attribute names")
    header, rows = _read_table(table)
    rows = rows[:num_images]
    if len(rows) < 2:
        raise DataError(f"{table}: {len(rows)} images are too few to train on")
    columns = {name: [row[1 + i].strip() for row in rows] for i, name in enumerate(header[1:])}
    kinds = {name: _kind(name, cells, table) for name, cells in columns.items()}
    try:
        schema = Schema.from_names(kinds)
    except ValueError as error:
        raise DataError(f"{table}: {error}") from error
    labels = np.stack(
        [
            schema.encode({name: _meaning(columns[name][i], kinds[name]) for name in kinds})
            for i in range(len(rows))
        ]
    )
    images = np.stack([_read_image(folder / row[0], resolution) for row in rows])
    return Dataset(folder.resolve().name, images, labels, schema, _statement(folder))


def _read_table(table: Path) -> tuple[list[str], list[list[str]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            lines = [row for row in csv.reader(stream) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: not a CSV file in UTF-8: {error}") from error
    if not lines:
        raise DataError(f"{table}: is empty; its first row is: filename, then attribute names")
    header = [cell.strip() for cell in lines[0]]
    if header[0] != "filename":
        raise DataError(f"{table}: the first column must be called filename, not {header[0]!r}")
    for number, row in enumerate(lines[1:], start=2):
        if len(row) != len(header):
            raise DataError(f"{table}, row {number}: {len(row)} cells, but the header has {len(header)}")
    return header, lines[1:]


def _kind(name: str, cells: list[str], table: Path) -> tuple[str, ...] | None:
    """None for a tag, the values of a group otherwise."""
    known = sorted({cell for cell in cells if cell.lower() not in UNKNOWN})
    if all(cell.lower() in YES | NO for cell in known):
        return None
    if len(known) == 1:
        raise DataError(
            f"{table}: column {name!r} has the one value {known[0]!r}: nothing to learn, remove it"
        )
    return tuple(known)


def _meaning(cell: str, kind: tuple[str, ...] | None) -> str | bool | None:
    if cell.lower() in UNKNOWN:
        return None
    return cell.lower() in YES if kind is None else cell


def _read_image(path: Path, resolution: int) -> np.ndarray:
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise DataError(f"{path}: cannot be read as an image: {error}") from error
    size = (resolution, resolution)
    return np.asarray(ImageOps.fit(upright, size, method=Image.Resampling.LANCZOS), np.uint8)


def _statement(folder: Path) -> str:
    licence = folder / "LICENSE.txt"
    known = licence.read_text("utf-8", errors="replace").strip() if licence.is_file() else ""
    return f"The user's own images in the folder {folder.resolve().name!r}. {known}".strip()
