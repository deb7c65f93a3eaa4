"""Reads the table `labels.csv`: image files and their labels, for folders of any size."""

from __future__ import annotations

import csv
import io
import itertools
import re
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from anime_gan.attributes.phrases import normalize
from anime_gan.attributes.schema import Group, Schema, Term
from anime_gan.common.suggestions import nearest

YES = frozenset({"1", "yes", "on", "true"})
NO = frozenset({"0", "-1", "no", "off", "false"})
UNKNOWN = frozenset({"", "unknown", "?"})
FILE_COLUMNS = ("filename", "file_name", "file")
MAX_VALUES = 100

# Different cells may have the same meaning (spaces, case). A column with more distinct cells is no attribute.
_MAX_CELLS = 10 * MAX_VALUES
_ROWS_AT_ONCE = 10_000
_NUMBER = re.compile(r"[-+]?[0-9]+([.,][0-9]*)?(e[-+]?[0-9]+)?", re.IGNORECASE)
_ELSEWHERE = re.compile("/|[A-Za-z]:/|[A-Za-z0-9]+://")


class ImageLabels(NamedTuple):
    """Image files and their labels.

    Attributes:
        schema: The meaning of the label columns; it has no attributes if the images are unlabeled.
        names: Image files with "/" between folders, in order, each once.
        labels: int8 [n, num_labels] of +1, -1, and 0 (unknown).
        skipped: (name, reason) of each skipped image or row.
        notes: Notes for the user, for example about ignored columns.
    """

    schema: Schema
    names: list[str]
    labels: np.ndarray
    skipped: list[tuple[str, str]]
    notes: list[str]


def read_label_table(data: bytes, schema: Schema | None = None) -> ImageLabels:
    """Reads `labels.csv`: a column of file names, then one column per attribute.

    A column in which all cells mean yes or no (1/0, true/false, on/off) is a tag. Any other column is a group
    whose values are the words in it; "Dark Blue" is the same as "dark_blue". A cell that is empty, `unknown`,
    or `?` means unknown. Columns that cannot be learned are dropped with a note.

    Args:
        data: CSV in UTF-8 or, with a byte order mark, in UTF-16.
        schema: If given, cells must match it. Columns of other attributes are dropped, and attributes without
            a column are unknown.

    Raises:
        ValueError: The table cannot be parsed; the message names the row or the column.
    """
    rows = _rows(data)
    header = _checked_header(next(rows, (1, []))[1])
    columns = {place: _Column(name) for place, name in enumerate(header) if place > 0}
    notes: list[str] = []
    if schema is not None:
        columns = _columns_of(schema, columns, notes)
    files = _Files(len(header))
    skipped: list[tuple[str, str]] = []
    while batch := list(itertools.islice(rows, _ROWS_AT_ONCE)):
        kept = [cells for number, cells in batch if files.accept(number, cells, skipped)]
        for place, cells in enumerate(zip(*kept, strict=True)):
            if place in columns:
                columns[place].extend(cells)
    used_rows = np.fromiter(files.places.values(), np.int64, len(files.places))
    if schema is None:
        used = [column for column in columns.values() if _learn(column, used_rows, notes)]
        try:
            schema = Schema.from_names({column.name: column.values for column in used})
        except ValueError as error:
            raise ValueError(f"labels.csv: {error}") from error
    else:
        used = list(columns.values())
        for column in used:
            _match(column, files.numbers)
    skipped += files.repeats(used)
    return ImageLabels(schema, list(files.places), _encode(schema, used, used_rows), skipped, notes)


class _Column:
    """The cells of one column: each distinct cell once, and a code per row.

    Attributes:
        name: Name of the attribute.
        attribute: The attribute in the given schema, if there is one.
        cells: Distinct cell -> its code, in order of appearance.
        codes: The code of the cell in each accepted row.
        too_varied: Whether there were too many distinct cells, so that none were kept.
        values: The values of a group, or None for a tag; set by `_learn`.
        meanings: The meaning of each distinct cell: a value, yes, no, or None; set by `_learn` or `_match`.
    """

    def __init__(self, name: str, attribute: Group | Term | None = None) -> None:
        self.name = name
        self.attribute = attribute
        self.cells: dict[str, int] = {}
        self.codes = array("i")
        self.too_varied = False
        self.values: tuple[str, ...] | None = None
        self.meanings: list[str | bool | None] = []

    def extend(self, cells: Sequence[str]) -> None:
        if self.too_varied:
            return
        for cell in dict.fromkeys(cells):
            self.cells.setdefault(cell, len(self.cells))
        self.codes.extend(map(self.cells.__getitem__, cells))
        # With a given schema, `_match` reports wrong cells, so their number need not be limited.
        if self.attribute is None and len(self.cells) > _MAX_CELLS:
            self.too_varied, self.cells, self.codes = True, {}, array("i")


class _Files:
    """The file names of the accepted rows.

    Attributes:
        places: File name -> index of its first row among the accepted rows.
        numbers: For each accepted row, its row number in the table.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self.places: dict[str, int] = {}
        self.numbers = array("i")
        self._again: list[tuple[int, int, str]] = []

    def accept(self, number: int, cells: list[str], skipped: list[tuple[str, str]]) -> bool:
        """Records the file name of a row; returns False and adds to `skipped` if the row is not usable."""
        name = _file_name(cells[0])
        # Reasons are counted by the text before the colon.
        where = f"labels.csv row {number}"
        if len(cells) != self._width:
            reason = f"wrong number of cells: {where} has {len(cells)}; the header has {self._width}"
        elif name is None:
            reason = f"file name not relative to the folder: {where}"
        elif not name:
            reason = f"no file name: {where}"
        else:
            place = len(self.numbers)
            first = self.places.setdefault(name, place)
            if first != place:
                self._again.append((place, first, name))
            self.numbers.append(number)
            return True
        skipped.append((cells[0].strip() or "labels.csv", reason))
        return False

    def repeats(self, columns: Sequence[_Column]) -> list[tuple[str, str]]:
        """Returns (file, reason) of each repeated row; the reason says whether it agrees with the first."""
        places = np.array([[place, first] for place, first, _ in self._again], np.int64).reshape(-1, 2)
        differs = np.zeros(len(places), bool)
        for column in columns:
            numbers = {meaning: number for number, meaning in enumerate(column.meanings)}
            said = np.array([numbers[meaning] for meaning in column.meanings])
            pairs = said[np.asarray(column.codes)[places]]
            differs |= pairs[:, 0] != pairs[:, 1]
        found = []
        for (place, first, name), other in zip(self._again, differs, strict=True):
            row, first_row = self.numbers[place], self.numbers[first]
            what = f"contradicts row {first_row}, which is used" if other else f"repeats row {first_row}"
            found.append((name, f"repeated row: labels.csv row {row} {what}"))
        return found


def _rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yields the rows with their numbers, which start at 1 as in spreadsheets and count empty lines."""
    number = 0
    stream = io.TextIOWrapper(io.BytesIO(data), _encoding(data), newline="")
    try:
        # The reader is strict, because an unclosed quote would silently swallow all rows after it.
        for number, cells in enumerate(csv.reader(stream, strict=True), start=1):
            if cells:
                yield number, cells
    except csv.Error as error:
        raise ValueError(f"labels.csv row {number + 1}: {error}") from error


def _encoding(data: bytes) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"labels.csv line {line}: not UTF-8 text; save the table as UTF-8") from error
    if "\0" in text:
        raise ValueError("labels.csv is not a text file: it contains NUL bytes")
    return encoding


def _checked_header(cells: Sequence[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if not header:
        raise ValueError("labels.csv is empty; the first row must contain filename and attribute names")
    if header[0].lower() not in FILE_COLUMNS:
        hint = "; cells must be separated by commas" if re.search("[;\t]", header[0]) else ""
        raise ValueError(f"labels.csv: the first column must be named filename, not {header[0]!r}{hint}")
    seen: dict[str, str] = {}
    for number, name in enumerate(header[1:], start=2):
        if not name:
            raise ValueError(f"labels.csv: column {number} has no name")
        if normalize(name) in seen:
            raise ValueError(f"labels.csv: two columns are named {name!r}")
        seen[normalize(name)] = name
    return header


def _file_name(cell: str) -> str | None:
    """Returns the normalized name relative to the folder; None if it is outside the folder."""
    name = cell.strip().replace("\\", "/")
    parts = name.split("/")
    if _ELSEWHERE.match(name) or ".." in parts:
        return None
    if "" in parts or "." in parts:
        return "/".join(part for part in parts if part not in ("", "."))
    return name


def _learn(column: _Column, used_rows: np.ndarray, notes: list[str]) -> bool:
    """Infers a column's type from its cells; returns False and adds a note if it cannot be learned.

    Args:
        column: Its `values` and `meanings` are set.
        used_rows: int64 [n], indices of the rows that are used.
        notes: A note is added here.
    """
    cells = [cell.strip() for cell in column.cells]
    codes = np.asarray(column.codes)
    # Only used rows count, because no image has a value that occurs only in repeated rows.
    counted = [] if column.too_varied else [cells[code] for code in np.unique(codes[used_rows])]
    known = sorted(cell for cell in counted if cell.lower() not in UNKNOWN)
    is_tag = all(cell.lower() in YES | NO for cell in known)
    # Of several spellings, the last one is used: lower case and "_" sort after upper case and spaces.
    names = {normalize(cell): cell for cell in known}
    if is_tag:
        names = {cell: "yes" if cell.lower() in YES else "no" for cell in known}
    said = sorted(set(names.values()))
    if column.too_varied or len(said) > MAX_VALUES:
        reason = f"more than {MAX_VALUES} different values"
    elif unusable := [cell for cell in said if not is_tag and not _can_be_asked_for(cell)]:
        reason = f"{unusable[0]!r} cannot be the name of a value"
    elif not is_tag and all(_NUMBER.fullmatch(cell) for cell in said):
        reason = "its values are numbers, not words"
    elif not said:
        reason = "all cells are unknown"
    elif len(said) == 1 and is_tag:
        reason = "all images have it" if said == ["yes"] else "no image has it"
        if len(known) < len(counted):
            reason += " (an empty cell means unknown, not the opposite)"
    elif len(said) == 1:
        reason = f"all known cells are {said[0]!r}"
    else:
        if is_tag and {"0", "-1"} <= {cell.lower() for cell in known}:
            notes.append(
                f"column {column.name!r}: 0 and -1 both mean no; leave a cell empty if it is unknown"
            )
        column.values = None if is_tag else tuple(said)
        column.meanings = [_meaning(cell, is_tag, names) for cell in cells]
        return True
    notes.append(f"column {column.name!r} ignored: {reason}")
    return False


def _can_be_asked_for(value: str) -> bool:
    """Whether a schema accepts the text as the name of a value."""
    try:
        Schema.from_names({"attribute": (value, "another")})
    except ValueError:
        return False
    return True


def _meaning(cell: str, is_tag: bool, names: dict[str, str]) -> str | bool | None:
    """Returns the meaning of a cell; a word that occurs only in repeated rows stands for itself."""
    word = cell.lower()
    if word in UNKNOWN:
        return None
    if is_tag and word in YES | NO:
        return word in YES
    return names.get(normalize(cell), cell)


def _columns_of(schema: Schema, columns: dict[int, _Column], notes: list[str]) -> dict[int, _Column]:
    """Returns the columns that match attributes of a given schema, under the schema's names."""
    attributes = {normalize(attribute.name): attribute for attribute in schema.attributes}
    found = {}
    for place, column in columns.items():
        attribute = attributes.get(normalize(column.name))
        if attribute is None:
            notes.append(f"column {column.name!r} ignored: not in attributes.json")
        else:
            found[place] = _Column(attribute.name, attribute)
    return found


def _match(column: _Column, numbers: Sequence[int]) -> None:
    """Matches the cells of a column with its attribute in a given schema.

    Args:
        column: Its `meanings` are set.
        numbers: Row numbers of the accepted rows.

    Raises:
        ValueError: A cell does not match the attribute.
    """
    group = column.attribute if isinstance(column.attribute, Group) else None
    values = {normalize(value.name): value.name for value in group.values} if group else {}
    for cell, code in column.cells.items():
        word = cell.strip().lower()
        meaning: str | bool | None = None
        if group and word not in UNKNOWN:
            meaning = values.get(normalize(cell))
        elif word in YES | NO:
            meaning = word in YES
        if meaning is None and word not in UNKNOWN:
            wrong = f"not one of its values{nearest(cell, values)}" if group else "neither yes nor no"
            row = numbers[column.codes.index(code)]
            raise ValueError(f"labels.csv row {row}: column {column.name!r}: {cell.strip()!r} is {wrong}")
        column.meanings.append(meaning)


def _encode(schema: Schema, columns: Sequence[_Column], used_rows: np.ndarray) -> np.ndarray:
    """Encodes the rows with the indices `used_rows`, int64 [n]; returns int8 [n, num_labels]."""
    labels = np.zeros((len(used_rows), schema.num_labels), np.int8)
    by_name = {column.name: column for column in columns}
    for slot in schema.slots:
        if slot.name not in by_name:
            continue
        column = by_name[slot.name]
        codes = np.asarray(column.codes)[used_rows]
        parts = np.zeros((len(column.meanings), slot.size), np.int8)
        for code in np.unique(codes):
            parts[code] = schema.encode({slot.name: column.meanings[code]})[slot.columns]
        labels[:, slot.columns] = parts[codes]
    return labels
