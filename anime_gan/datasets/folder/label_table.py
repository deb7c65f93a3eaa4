"""Turns label tables into labels: image files and their attributes, for folders of any size."""

from __future__ import annotations

import itertools
import re
from array import array
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath

import numpy as np

from anime_gan.attributes.phrases import normalize
from anime_gan.attributes.schema import Schema
from anime_gan.common.suggestions import listed, shortened
from anime_gan.datasets.folder.columns import ABSENT, Column, encode, learn, match, mismatch
from anime_gan.datasets.folder.file_names import after_folder
from anime_gan.datasets.folder.image_labels import ImageLabels
from anime_gan.datasets.folder.table_text import TableText, read_table_text
from anime_gan.datasets.folder.tag_column import TagColumn, holds_tags
from anime_gan.datasets.folder.tags import TagTable

LABEL_TABLE = "labels.csv"
_ROWS_AT_ONCE = 10_000
_ELSEWHERE = re.compile("/|[A-Za-z]:/|[A-Za-z0-9]+://")
_INDEX_COLUMN = re.compile(r"(unnamed: [0-9]+)?(_level_[0-9]+)?", re.IGNORECASE)
_INDEX = re.compile("[0-9]*(\\.0)?")
# Names of ignored columns in a note.
_SHOWN = 5


def read_label_table(
    data: bytes, schema: Schema | None = None, name: str = LABEL_TABLE, tags: TagTable | None = None
) -> ImageLabels:
    """Reads one label table; see `join_tables`."""
    return join_tables([read_table_text(data, name)], schema, tags)


def join_tables(
    tables: Sequence[TableText],
    schema: Schema | None = None,
    tags: TagTable | None = None,
    folder: str = "",
    renamed: Callable[[str], str] = str,
    is_file: Callable[[str], bool] = bool,
) -> ImageLabels:
    """Reads label tables: a column of file names, and one column per attribute.

    A column in which all cells mean yes or no is a tag. A column of lists of tags is read with the tag table.
    Any other column is a group whose values are the words in it; "Dark Blue" is the same as "dark_blue". A
    cell that is empty, `unknown`, or `?` means unknown. Columns that cannot be learned are dropped with a
    note.

    Args:
        tables: Tables from `read_table_text`. File names are relative to the folder of their table.
        schema: If given, cells must match it. Columns of other attributes are dropped, and attributes without
            a column are unknown.
        tags: The meaning of tags; None for the built-in table.
        folder: The name of the folder of all tables. Absolute names are relative to a folder of this name.
        renamed: Returns the name of a file that a cell means.
        is_file: Whether a file exists. Rows of other files, such as a row of totals, do not decide what a
            column means.

    Raises:
        ValueError: A table cannot be read; the message names the row or the column.
    """
    reading = _Reading(schema, tags, _Files(folder, renamed, is_file))
    for table in tables:
        reading.add(table)
    return reading.finish()


class _Reading:
    """The columns of all tables, filled row by row."""

    def __init__(self, schema: Schema | None, tags: TagTable | None, files: _Files) -> None:
        self._schema, self._tags, self._files = schema, tags, files
        self._columns: dict[str, Column | TagColumn | None] = {}
        self._notes: list[str] = []
        # Reason -> names of the columns that are ignored for it.
        self._ignored: dict[str, list[str]] = {}
        self._skipped: list[tuple[str, str]] = []

    def add(self, table: TableText) -> None:
        """Reads all rows of a table."""
        self._notes += table.notes
        names = _checked_header(table)
        nameless: set[int] = set()
        self._files.start(table, max([*names, table.file_column]) + 1)
        rows = table.rows
        while batch := list(itertools.islice(rows, _ROWS_AT_ONCE)):
            kept = [c for number, cells in batch if (c := self._files.accept(number, cells, self._skipped))]
            before = len(self._files.numbers) - len(kept)
            columns = dict(enumerate(zip(*kept, strict=True)))
            for place, cells in columns.items():
                if place in names and place != table.file_column:
                    self._column(names[place], cells, before).extend(cells)
                elif place not in names and not all(_INDEX.fullmatch(cell.strip()) for cell in cells):
                    nameless.add(place)
            present = {normalize(names[place]) for place in columns if place in names}
            for key, column in self._columns.items():
                if column and key not in present:
                    column.extend([ABSENT] * len(kept))
        for place in sorted(nameless):
            self._ignored.setdefault("it has no name", []).append(f"number {place + 1}")

    def _column(self, name: str, cells: Sequence[str], before: int) -> Column | TagColumn | _Nothing:
        """Returns the column of a name; creates it from its first cells, after `before` rows without it."""
        key = normalize(name)
        if key not in self._columns:
            self._columns[key] = column = self._new_column(name, cells)
            if column:
                column.extend([ABSENT] * before)
        return self._columns[key] or _Nothing()

    def _new_column(self, name: str, cells: Sequence[str]) -> Column | TagColumn | None:
        attributes = {normalize(a.name): a for a in self._schema.attributes} if self._schema else {}
        attribute = attributes.get(normalize(name))
        if attribute:
            return Column(attribute.name, attribute)
        self._tags = self._tags or TagTable.load()
        if holds_tags(name, cells, self._tags):
            return TagColumn(name, self._tags, self._schema)
        if self._schema is None:
            return Column(name)
        self._ignored.setdefault("not in attributes.json", []).append(repr(name))
        return None

    def finish(self) -> ImageLabels:
        """Returns the labels of all files."""
        files = self._files
        used_rows = np.fromiter(files.places.values(), np.int64, len(files.places))
        columns = [column for column in self._columns.values() if isinstance(column, Column)]
        tag_columns = [column for column in self._columns.values() if isinstance(column, TagColumn)]
        used = [column for column in columns if self._is_usable(column, used_rows)]
        schema = self._schema or _schema_of(used, tag_columns, files.table(0))
        labels = encode(schema, used, used_rows)
        slots = {normalize(slot.name): slot for slot in schema.slots}
        said = {normalize(column.name) for column in used}
        rows = []
        for tag_column in tag_columns:
            rows.append(tag_column.labels())
            self._notes += tag_column.notes.lines()
            # A column of its own is more certain than a tag.
            for slot in tag_column.schema.slots:
                key = normalize(slot.name)
                if key not in said:
                    labels[:, slots[key].columns] = rows[-1][used_rows, slot.columns]
                    said.add(key)
        skipped = self._skipped + files.repeats(used, rows)
        return ImageLabels(schema, list(files.places), labels, skipped, self._notes + self._column_notes())

    def _is_usable(self, column: Column, used_rows: np.ndarray) -> bool:
        if column.attribute is None:
            reason = learn(column, used_rows)
            if reason:
                self._ignored.setdefault(reason, []).append(repr(column.name))
                return False
        elif (wrong := match(column)) is not None:
            row = column.codes.index(column.cells[wrong])
            raise ValueError(f"{self._files.where(row)}: {mismatch(column, wrong)}")
        if column.note:
            self._notes.append(f"column {column.name!r}: {column.note}")
        return True

    def _column_notes(self) -> list[str]:
        return [
            f"column{'s' * (len(names) > 1)} {listed(names, _SHOWN)} ignored: {reason}"
            for reason, names in self._ignored.items()
        ]


class _Nothing:
    """Takes the cells of a column that is ignored."""

    def extend(self, cells: Sequence[str]) -> None:
        """Drops the cells."""


class _Files:
    """The file names of the accepted rows.

    Attributes:
        places: File name -> index of its first row among the accepted rows.
        numbers: For each accepted row, its row number in its table.
    """

    def __init__(self, root: str, renamed: Callable[[str], str], is_file: Callable[[str], bool]) -> None:
        self._root, self._renamed, self._is_file = root, renamed, is_file
        self.places: dict[str, int] = {}
        self.numbers = array("i")
        self._tables: list[tuple[int, str]] = []
        self._again: list[tuple[int, int, str]] = []
        self._width = self._header_width = self._file_column = 0
        self._folder = ""

    def start(self, table: TableText, width: int) -> None:
        """Begins a table whose columns with names are the first `width` ones."""
        self._tables.append((len(self.numbers), table.name))
        self._width, self._file_column = width, table.file_column
        self._header_width = len(table.header)
        parent = str(PurePosixPath(table.name).parent)
        self._folder = "" if parent == "." else f"{parent}/"

    def where(self, row: int) -> str:
        """Returns the table and the number of an accepted row, for messages."""
        return f"{self.table(row)} row {self.numbers[row]}"

    def table(self, row: int) -> str:
        """Returns the name of the table of an accepted row."""
        return next((name for first, name in reversed(self._tables) if first <= row), LABEL_TABLE)

    def accept(self, number: int, cells: list[str], skipped: list[tuple[str, str]]) -> list[str]:
        """Records the file name of a row; returns its cells, or none if the row is not usable."""
        table = self._tables[-1][1]
        if self._width < len(cells) <= self._header_width:
            cells = cells[: self._width]
        # Spreadsheets and pandas write empty cells after the last column.
        while len(cells) > self._width and not cells[-1].strip():
            cells = cells[:-1]
        given = cells[self._file_column] if self._file_column < len(cells) else ""
        name = _file_name(self._renamed(given), self._root)
        # Reasons are counted by the text before the colon.
        where = f"{table} row {number}"
        if len(cells) != self._width:
            reason = f"wrong number of cells: {where} has {len(cells)}; the header has {self._width}"
        elif name is None:
            reason = f"file name not relative to the folder: {where}"
        elif not name:
            reason = f"no file name: {where}"
        elif not self._is_file(self._folder + name):
            given, reason = self._folder + name, f"listed in {table} but missing"
        else:
            name = self._folder + name
            place = len(self.numbers)
            first = self.places.setdefault(name, place)
            if first != place:
                self._again.append((place, first, name))
            self.numbers.append(number)
            return cells
        skipped.append((given.strip() or table, reason))
        return []

    def repeats(self, columns: Sequence[Column], rows: Sequence[np.ndarray]) -> list[tuple[str, str]]:
        """Returns (file, reason) of each repeated row; the reason says whether it agrees with the first.

        Args:
            columns: The columns that are used.
            rows: Further labels of all accepted rows, int8 [n, num_labels] each.
        """
        places = np.array([[place, first] for place, first, _ in self._again], np.int64).reshape(-1, 2)
        differs = np.zeros(len(places), bool)
        for column in columns:
            numbers = {meaning: number for number, meaning in enumerate(column.meanings)}
            said = np.array([numbers[meaning] for meaning in column.meanings])
            pairs = said[np.asarray(column.codes)[places]]
            differs |= pairs[:, 0] != pairs[:, 1]
        for labels in rows:
            differs |= np.any(labels[places[:, 0]] != labels[places[:, 1]], axis=1)
        found = []
        for (place, first, name), other in zip(self._again, differs, strict=True):
            what = "contradicts" if other else "repeats"
            same_table = self.table(place) == self.table(first)
            original = f"row {self.numbers[first]}" if same_table else self.where(first)
            used = ", which is used" * bool(other)
            found.append((name, f"repeated row: {self.where(place)} {what} {original}{used}"))
        return found


def _schema_of(columns: Sequence[Column], tag_columns: Sequence[TagColumn], table: str) -> Schema:
    try:
        schema = Schema.from_names({column.name: column.values for column in columns})
        attributes = {normalize(attribute.name): attribute for attribute in schema.attributes}
        for tag_column in tag_columns:
            for attribute in tag_column.schema.attributes:
                attributes.setdefault(normalize(attribute.name), attribute)
        return Schema(tuple(attributes.values()))
    except ValueError as error:
        raise ValueError(f"{table}: {error}") from error


def _checked_header(table: TableText) -> dict[int, str]:
    """Returns the place and the name of each column that has a name."""
    names = {
        place: name for place, name in enumerate(table.header) if not _INDEX_COLUMN.fullmatch(name.strip())
    }
    seen: set[str] = set()
    for name in names.values():
        if normalize(name) in seen:
            raise ValueError(f"{table.name}: two columns are named {shortened(name)!r}")
        seen.add(normalize(name))
    return names


def _file_name(cell: str, root: str) -> str | None:
    """Returns the normalized name relative to the folder; None if it is outside the folder."""
    name = cell.strip().replace("\\", "/")
    if _ELSEWHERE.match(name) and "://" not in name and root:
        name = after_folder(name, root) or name
    parts = name.split("/")
    if _ELSEWHERE.match(name) or ".." in parts:
        return None
    if "" in parts or "." in parts:
        return "/".join(part for part in parts if part not in ("", "."))
    return name
