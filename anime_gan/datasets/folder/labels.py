"""Finds the images of a folder and their labels, from a table or from tag files."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.folder.label_table import ImageLabels, read_label_table
from anime_gan.datasets.folder.tags import TagTable, split_tags
from anime_gan.datasets.prepared import UNLABELED
from anime_gan.datasets.reading.pictures import MAX_BYTES
from anime_gan.datasets.reading.storage import read_file

LABEL_TABLE = "labels.csv"
SCHEMA_FILE = "attributes.json"
TAG_TABLE = "tags.json"
IMAGE_ENDINGS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jfif", ".webp", ".avif", ".gif"),
    *(".bmp", ".tif", ".tiff", ".jp2", ".ppm", ".pgm"),
)
# Files that identify a run directory. Its sample images are not training images.
RUN_FILES = ("config.json", "data_report.json")


def read_labels(root: str, names: list[str], num_images: int) -> ImageLabels:
    """Reads labels from the table if there is one, else from tag files; without either, there are no labels.

    Args:
        root: The folder.
        names: All files in it.
        num_images: Maximum number of images, in the table's order or by name; 0 for all.

    Raises:
        ValueError: A label file cannot be parsed; the message names it.
        OSError: A label file cannot be read; the message names it.
    """
    present = set(names)
    runs = _run_directories(present)
    pictures = [
        name
        for name in names
        if PurePosixPath(name).suffix.lower() in IMAGE_ENDINGS and not name.startswith(runs)
    ]
    if LABEL_TABLE in names:
        given = _read_schema(root) if SCHEMA_FILE in names else None
        labels = _labels_of_table(_read(root, LABEL_TABLE), given, names, pictures)
        count = num_images or len(labels.names)
        return labels._replace(names=labels.names[:count], labels=labels.labels[:count])
    pictures = pictures[: num_images or len(pictures)]
    tag_files = {picture: file for picture in pictures for file in tag_file_names(picture) if file in present}
    if tag_files:
        extension = read_text(root, TAG_TABLE) if TAG_TABLE in names else None
        return _labels_of_tags(root, TagTable.load(extension), pictures, tag_files)
    note = f"no {LABEL_TABLE} and no tag files: {UNLABELED}"
    return ImageLabels(Schema(()), pictures, np.zeros((len(pictures), 0), np.int8), [], [note])


def read_text(root: str, name: str) -> str:
    """Reads a text file in UTF-8 or, with a byte order mark, in UTF-16."""
    data = _read(root, name)
    is_utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return data.decode("utf-16" if is_utf16 else "utf-8-sig", "replace")


def _read(root: str, name: str) -> bytes:
    try:
        return read_file(root, name, MAX_BYTES)
    except OSError as error:
        raise OSError(f"{name}: {error}") from error


def _run_directories(names: set[str]) -> tuple[str, ...]:
    """Returns the name prefixes of all files in run directories, such as `runs/0001-faces/`."""
    first, second = RUN_FILES
    places = (name.removesuffix(first) for name in names if name.endswith(f"/{first}"))
    return tuple(place for place in places if place + second in names)


def _labels_of_table(data: bytes, given: Schema | None, names: list[str], pictures: list[str]) -> ImageLabels:
    table = read_label_table(data, given)
    on_disk = set(names)
    # macOS stores an accented letter as two characters, other systems as one.
    composed = {unicodedata.normalize("NFC", name): name for name in names if not name.isascii()}
    skipped = list(table.skipped)
    rows: dict[str, int] = {}
    for row, name in enumerate(table.names):
        file = name if name in on_disk else composed.get(unicodedata.normalize("NFC", name))
        if file is None:
            skipped.append((name, f"listed in {LABEL_TABLE} but missing"))
        elif rows.setdefault(file, row) != row:
            skipped.append((name, "repeated row: the same name in another Unicode normalization"))
    listed = {*rows, *(name for name, _ in skipped)}
    skipped += [(name, f"no row in {LABEL_TABLE}") for name in pictures if name not in listed]
    return ImageLabels(table.schema, list(rows), table.labels[list(rows.values())], skipped, table.notes)


def tag_file_names(picture: str) -> tuple[str, str]:
    """Returns the possible tag files of an image: `face.txt` and `face.png.txt` for `face.png`."""
    return str(PurePosixPath(picture).with_suffix(".txt")), picture + ".txt"


def _labels_of_tags(root: str, table: TagTable, pictures: list[str], files: dict[str, str]) -> ImageLabels:
    schema = Schema.from_names(table.attributes)
    conflicts: dict[str, int] = {}
    untold = 0
    rows = np.zeros((len(pictures), schema.num_labels), np.int8)
    for i, picture in enumerate(pictures):
        if picture not in files:
            continue
        description, in_conflict = table.read(split_tags(read_text(root, files[picture])))
        rows[i] = schema.encode(description)
        untold += not any(description.values()) and not in_conflict
        for group in in_conflict:
            conflicts[group] = conflicts.get(group, 0) + 1
    notes = [
        f"{group}: unknown in {count} images with conflicting tags" for group, count in conflicts.items()
    ]
    if untold:
        notes.append(
            f"{untold} tag files contain no known tag (separate tags by commas); their labels are unknown"
        )
    untagged = len(pictures) - len(files)
    if untagged:
        notes.append(f"{untagged} of {len(pictures)} images have no tag file; their labels are unknown")
    return ImageLabels(schema, pictures, rows, [], notes)


def _read_schema(root: str) -> Schema:
    try:
        return Schema.from_json(read_text(root, SCHEMA_FILE))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{SCHEMA_FILE}: not an attribute schema: {error}") from error
