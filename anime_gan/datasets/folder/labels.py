"""Finds the images of a folder and their labels: in tables, in files beside them, or in folder names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.suggestions import listed
from anime_gan.datasets.dataset import printable
from anime_gan.datasets.folder.beside import (
    label_file,
    label_file_names,
    read_label_file,
    shared_stems,
    stem_of,
)
from anime_gan.datasets.folder.classes import labels_of_folders
from anime_gan.datasets.folder.file_names import FileFinder, Renaming
from anime_gan.datasets.folder.image_labels import ImageLabels
from anime_gan.datasets.folder.label_table import LABEL_TABLE, join_tables
from anime_gan.datasets.folder.table_text import NoFileColumn, TableText, decode, read_table_text
from anime_gan.datasets.folder.tag_labels import TagNotes, encode_reading
from anime_gan.datasets.folder.tags import TagTable
from anime_gan.datasets.prepared import UNLABELED
from anime_gan.datasets.reading.kinds import ending_of, head_reader, is_picture, may_be_picture, why_left_out
from anime_gan.datasets.reading.pictures import MAX_BYTES
from anime_gan.datasets.reading.storage import read_file

SCHEMA_FILE = "attributes.json"
TAG_TABLE = "tags.json"
# Names of label tables, best first: this project's, Hugging Face's imagefolder, CelebA's, and kohya-ss's.
TABLES = (
    *(LABEL_TABLE, "labels.tsv", "labels.jsonl", "labels.json", "metadata.csv", "metadata.jsonl"),
    *("list_attr_celeba.txt", "list_attr_celeba.csv", "meta_lat.json", "meta_cap.json", "metadata.json"),
)
# Files that identify a run directory. Its sample images are not training images.
RUN_FILES = ("config.json", "data_report.json")
# Endings of files that may contain labels in a form that is not read.
_LABEL_LIKE = frozenset(
    (
        *(".txt", ".caption", ".csv", ".tsv", ".json", ".jsonl", ".xlsx", ".xls", ".ods", ".parquet"),
        *(".arrow", ".xml", ".yaml", ".yml", ".tag", ".cap", ".text", ".prompt"),
    )
)
_NO_LABELS = frozenset({"license.txt", "readme.txt", "requirements.txt", *RUN_FILES, SCHEMA_FILE, TAG_TABLE})
_SHOWN = 3


def read_labels(root: str, names: list[str], num_images: int, labels_from: str = "auto") -> ImageLabels:
    """Reads labels from tables if there are any, else from files beside the images, else there are none.

    Args:
        root: The folder.
        names: All files in it.
        num_images: Maximum number of images, in the table's order or by name; 0 for all.
        labels_from: A value of `--labels_from`.

    Raises:
        ValueError: A label file cannot be parsed; the message names it.
        OSError: A label file cannot be read; the message names it.
    """
    runs = _run_directories(set(names))
    own = [name for name in names if not name.startswith(runs)]
    pictures = [name for name in own if is_picture(name, head_reader(root, name))]
    known = frozenset(pictures)
    left_out = [(name, why_left_out(name)) for name in own if name not in known and may_be_picture(name)]
    tables = _open_tables(root, own) if labels_from == "auto" else []
    if tables:
        finder = FileFinder(own, pictures, PurePosixPath(root).stem)
        labels = _labels_of_tables(root, own, pictures, tables, finder)
        missing = [name for name, _ in labels.skipped if name not in known]
        if not labels.names and (renaming := finder.renaming(missing)):
            tables = _open_tables(root, own)
            labels = _labels_of_tables(root, own, pictures, tables, finder, renaming)
        if not labels.names and labels.skipped:
            example = f"{printable(labels.skipped[0][0])}: {labels.skipped[0][1]}"
            raise ValueError(f"no row of {_names_of(tables)} matches an image; for example {example}")
        told = {*labels.names, *(name for name, _ in labels.skipped)}
        left_out = [(name, reason) for name, reason in left_out if name not in told]
        count = num_images or len(labels.names)
        labels = labels._replace(names=labels.names[:count], labels=labels.labels[:count])
    else:
        shared = shared_stems(pictures)
        pictures = pictures[: num_images or len(pictures)]
        labels = (
            labels_of_folders(pictures)
            if labels_from == "folders" and pictures
            else _labels_beside(root, own, pictures, shared)
        )
    return labels._replace(skipped=[*labels.skipped, *left_out])


def read_text(root: str, name: str) -> str:
    """Reads a text file. What its encoding cannot express is replaced by U+FFFD."""
    data = _read(root, name)
    try:
        return decode(data, name)[0]
    except ValueError:
        return data.decode("utf-8-sig", "replace")


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


def _open_tables(root: str, names: Sequence[str]) -> list[TableText]:
    """Opens the label table of the folder, or else those of its subfolders: the best one of each folder."""
    found: dict[str, str] = {}
    for name in names:
        path = PurePosixPath(name)
        if path.name.lower() in TABLES:
            folder = str(path.parent)
            rank = TABLES.index(path.name.lower())
            if folder not in found or rank < TABLES.index(PurePosixPath(found[folder]).name.lower()):
                found[folder] = name
    tables = []
    for name in [found["."]] if "." in found else found.values():
        try:
            tables.append(read_table_text(_read(root, name), name))
        except NoFileColumn:
            # A table of another name may be about something else.
            if PurePosixPath(name).name.lower() == LABEL_TABLE:
                raise
    return tables


def _labels_of_tables(
    root: str,
    names: Sequence[str],
    pictures: Sequence[str],
    tables: Sequence[TableText],
    finder: FileFinder,
    renaming: Renaming | None = None,
) -> ImageLabels:
    places = ["", *(f"{PurePosixPath(tables[0].name).parent}/" for _ in tables[:1] if len(tables) == 1)]
    present = set(names)
    given = next((_read_schema(root, place) for place in places if place + SCHEMA_FILE in present), None)
    where = _names_of(tables)
    # As in CelebA, a folder may contain nothing but labels.
    apart = next((place for place in places[1:] if not any(name.startswith(place) for name in pictures)), "")

    def find(name: str) -> str | None:
        return finder.find(name.removeprefix(apart), anywhere=renaming is None)

    def is_listed(name: str) -> bool:
        try:
            return find(name) is not None
        except ValueError:
            return True

    table = join_tables(
        tables,
        given,
        _tag_table(root, names),
        PurePosixPath(root).stem,
        renaming.file_name if renaming else str,
        is_listed,
    )
    skipped = list(table.skipped)
    rows: dict[str, int] = {}
    # Exact names come first, so that another spelling cannot take their place.
    order = sorted(range(len(table.names)), key=lambda row: table.names[row] not in present)
    for row in order:
        name = table.names[row]
        try:
            file = find(name)
        except ValueError as error:
            skipped.append((name, str(error)))
            continue
        if file and rows.setdefault(file, row) != row:
            skipped.append((name, f"repeated row: another spelling of {file}"))
    listed = {*rows, *(name for name, _ in skipped)}
    skipped += [(name, f"no row in {where}") for name in pictures if name not in listed]
    files = sorted(rows, key=rows.__getitem__)
    notes = [*table.notes, *([f"{where}: {renaming}"] if renaming else [])]
    return ImageLabels(table.schema, files, table.labels[[rows[file] for file in files]], skipped, notes)


def _names_of(tables: Sequence[TableText]) -> str:
    return tables[0].name if len(tables) == 1 else "the label tables"


def _labels_beside(
    root: str, names: Sequence[str], pictures: list[str], shared: frozenset[str]
) -> ImageLabels:
    """Reads the label file beside each image."""
    present = set(names)
    files = {
        picture: file
        for picture in pictures
        if (file := label_file(picture, present.__contains__, stem_of(picture) in shared))
    }
    table = _tag_table(root, names) or TagTable.load()
    schema = Schema.from_names(table.attributes)
    rows = np.zeros((len(pictures), schema.num_labels), np.int8)
    notes = TagNotes("tag files")
    without: set[str] = set()
    for row, picture in zip(rows, pictures, strict=True):
        if picture not in files:
            continue
        items = read_label_file(files[picture], read_text(root, files[picture]))
        if items is None:
            without.add(picture)
            continue
        reading = table.read(items)
        row[:] = encode_reading(reading, schema)
        notes.add(reading)
    lines = notes.lines()
    orphans = [
        picture
        for picture in pictures
        if picture not in files and any(name in present for name in label_file_names(picture))
    ]
    if orphans:
        lines.append(
            f"{len(orphans)} images share a tag file with another image, such as {orphans[0]}; it is not used"
        )
    labeled = len(files) - len(without)
    if not labeled:
        unread = _unread_label_files(names, set(files.values()) if not without else set())
        note = f"no {LABEL_TABLE} and no tag files: {UNLABELED}"
        empty = np.zeros((len(pictures), 0), np.int8)
        return ImageLabels(Schema(()), pictures, empty, [], [*lines, note, *unread, *_folder_hint(pictures)])
    if labeled < len(pictures):
        missing = len(pictures) - labeled
        lines.append(f"{missing} of {len(pictures)} images have no tag file; their labels are unknown")
    return ImageLabels(schema, pictures, rows, [], lines)


def _unread_label_files(names: Sequence[str], used: set[str]) -> list[str]:
    """Returns a note about files that may contain labels but are not read."""
    found = [
        name
        for name in names
        if ending_of(name) in _LABEL_LIKE
        and name not in used
        and PurePosixPath(name).name.lower() not in _NO_LABELS
    ]
    if not found:
        return []
    return [
        f"files that may contain labels but are not read: {listed(found, _SHOWN)} (labels are "
        f"read from {', '.join(TABLES)}, and from files such as face.txt beside face.png)"
    ]


def _folder_hint(pictures: Sequence[str]) -> list[str]:
    """Returns a note if the names of folders could be labels."""
    folders = Counter(str(PurePosixPath(picture).parent) for picture in pictures)
    if len(folders) < 2 or "." in folders:
        return []
    shown = ", ".join(sorted(folders)[:_SHOWN])
    return [
        f"pictures are in {len(folders)} folders ({shown}); --labels_from=folders makes labels of their names"
    ]


def _tag_table(root: str, names: Sequence[str]) -> TagTable | None:
    """Returns the tag table with the changes of the user's file, if there is one."""
    return TagTable.load(read_text(root, TAG_TABLE)) if TAG_TABLE in names else None


def _read_schema(root: str, folder: str) -> Schema:
    name = folder + SCHEMA_FILE
    try:
        return Schema.from_json(read_text(root, name))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{name}: not an attribute schema: {error}") from error
