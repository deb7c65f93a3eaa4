"""The table `labels.csv`: image files and what is known about each, for folders of any size."""

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

# Different cells may say the same, by spaces or case; a column with more than this is surely no attribute.
_MAX_CELLS = 10 * MAX_VALUES
_ROWS_AT_ONCE = 10_000
_NUMBER = re.compile(r"[-+]?[0-9]+([.,][0-9]*)?(e[-+]?[0-9]+)?", re.IGNORECASE)
_ELSEWHERE = re.compile("/|[A-Za-z]:/|[A-Za-z0-9]+://")


class LabelTable(NamedTuple):
    """What `labels.csv` says.

    Attributes:
        schema: What the label columns mean; without attributes if no column can be learned from.
        names: Image files with "/" between folders, in the table's order, each once.
        labels: int8 [n, num_labels] of +1, -1 and 0 (unknown).
        skipped: (file, reason) for each row that does not count.
        notes: What happened to whole columns, in words.
    """

    schema: Schema
    names: list[str]
    labels: np.ndarray
    skipped: list[tuple[str, str]]
    notes: list[str]


def read_label_table(data: bytes, schema: Schema | None = None) -> LabelTable:
    """Reads `labels.csv`: a column of file names, then one column an attribute.

    A column whose cells all say yes or no (1/0, true/false, on/off) is a tag; any other is a group whose
    values are the words in it, and "Dark Blue" is the same as "dark_blue". An empty cell, `unknown` or `?`
    is unknown. Columns with nothing to learn from are left out, and a note says so.

    Args:
        data: CSV in UTF-8 or, with a byte order mark, in UTF-16.
        schema: If given, it decides what columns and cells may say; columns that it does not have are left
            out, and its attributes without a column are unknown.

    Raises:
        ValueError: The table cannot be understood; the message names the row or the column.
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
    counting = np.fromiter(files.places.values(), np.int64, len(files.places))
    if schema is None:
        used = [column for column in columns.values() if _learn(column, counting, notes)]
        try:
            schema = Schema.from_names({column.name: column.values for column in used})
        except ValueError as error:
            raise ValueError(f"labels.csv: {error}") from error
    else:
        used = list(columns.values())
        for column in used:
            _match(column, files.numbers)
    skipped += files.repeats(used)
    return LabelTable(schema, list(files.places), _encode(schema, used, counting), skipped, notes)


class _Column:
    """The cells of one column; each different cell is kept once, and a number for every row.

    Attributes:
        name: That of the attribute.
        attribute: That of a given schema, if there is one.
        cells: Each different cell -> its number, in order of appearance.
        codes: For each accepted row, the number of its cell.
        too_varied: There were so many different cells that none was kept.
        values: Those of a group, None for a tag; set by `_learn`.
        meanings: What each different cell says: a value, yes, no, or nothing; set by `_learn` or `_match`.
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
        # A given schema knows better how many values there may be, and wants to name the wrong cell.
        if self.attribute is None and len(self.cells) > _MAX_CELLS:
            self.too_varied, self.cells, self.codes = True, {}, array("i")


class _Files:
    """The file names of the accepted rows.

    Attributes:
        places: File name -> place of its first row among the accepted ones.
        numbers: Row number in the table, of each accepted row.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self.places: dict[str, int] = {}
        self.numbers = array("i")
        self._again: list[tuple[int, int, str]] = []

    def accept(self, number: int, cells: list[str], skipped: list[tuple[str, str]]) -> bool:
        """Notes a row's file name; what is no row of an image is skipped."""
        name = _file_name(cells[0])
        # What differs from row to row stands behind the colon: reasons are counted by what is before it.
        where = f"labels.csv row {number}"
        if len(cells) != self._width:
            reason = f"wrong number of cells: {where} has {len(cells)}, the header {self._width}"
        elif name is None:
            reason = f"not a name relative to the folder: {where}"
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
        """Says of each file's further rows whether they agree with its first."""
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
            what = f"contradicts row {first_row}, which counts" if other else f"repeats row {first_row}"
            found.append((name, f"repeated row: labels.csv row {row} {what}"))
        return found


def _rows(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Gives the rows with their numbers, counted from 1 as spreadsheets do; empty lines count as well."""
    number = 0
    stream = io.TextIOWrapper(io.BytesIO(data), _encoding(data), newline="")
    try:
        # Strict, since a quote that is never closed would silently swallow all rows behind it.
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
        raise ValueError(f"labels.csv line {line}: not text in UTF-8: save the table as UTF-8") from error
    if "\0" in text:
        raise ValueError("labels.csv: not a text file: there are NUL bytes in it")
    return encoding


def _checked_header(cells: Sequence[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if not header:
        raise ValueError("labels.csv: is empty; its first row is: filename, then attribute names")
    if header[0].lower() not in FILE_COLUMNS:
        hint = "; cells are separated by commas" if re.search("[;\t]", header[0]) else ""
        raise ValueError(f"labels.csv: the first column must be called filename, not {header[0]!r}{hint}")
    seen: dict[str, str] = {}
    for number, name in enumerate(header[1:], start=2):
        if not name:
            raise ValueError(f"labels.csv: column {number} has no name")
        if normalize(name) in seen:
            raise ValueError(f"labels.csv: two columns are called {name!r}")
        seen[normalize(name)] = name
    return header


def _file_name(cell: str) -> str | None:
    """The name relative to the folder, in one spelling; None if it is outside of it."""
    name = cell.strip().replace("\\", "/")
    parts = name.split("/")
    if _ELSEWHERE.match(name) or ".." in parts:
        return None
    if "" in parts or "." in parts:
        return "/".join(part for part in parts if part not in ("", "."))
    return name


def _learn(column: _Column, counting: np.ndarray, notes: list[str]) -> bool:
    """Finds out what a column is from its cells; False, and a note, if nothing can be learned from it.

    Args:
        column: Gets `values` and `meanings`.
        counting: int64 [n], the places of the rows that count.
    """
    cells = [cell.strip() for cell in column.cells]
    codes = np.asarray(column.codes)
    # Not of all rows: a value of a repeated row alone would be one that no image has.
    counted = [] if column.too_varied else [cells[code] for code in np.unique(codes[counting])]
    known = sorted(cell for cell in counted if cell.lower() not in UNKNOWN)
    is_tag = all(cell.lower() in YES | NO for cell in known)
    # The last spelling stays: lower case and "_" sort behind upper case and spaces.
    names = {normalize(cell): cell for cell in known}
    if is_tag:
        names = {cell: "yes" if cell.lower() in YES else "no" for cell in known}
    said = sorted(set(names.values()))
    if column.too_varied or len(said) > MAX_VALUES:
        reason = f"more than {MAX_VALUES} different values"
    elif unusable := [cell for cell in said if not is_tag and not _can_be_asked_for(cell)]:
        reason = f"{unusable[0]!r} cannot be asked for"
    elif not is_tag and all(_NUMBER.fullmatch(cell) for cell in said):
        reason = "its values are numbers, which are no words to ask for"
    elif not said:
        reason = "no cell says anything"
    elif len(said) == 1 and is_tag:
        reason = "everybody has it" if said == ["yes"] else "nobody has it"
        if len(known) < len(counted):
            reason += " (an empty cell is unknown, not the opposite)"
    elif len(said) == 1:
        reason = f"every known cell says {said[0]!r}"
    else:
        if is_tag and {"0", "-1"} <= {cell.lower() for cell in known}:
            notes.append(f"column {column.name!r}: 0 and -1 are both read as no; leave empty what is unknown")
        column.values = None if is_tag else tuple(said)
        column.meanings = [_meaning(cell, is_tag, names) for cell in cells]
        return True
    notes.append(f"column {column.name!r} left out: {reason}")
    return False


def _can_be_asked_for(value: str) -> bool:
    """Whether a schema takes it as a value's name."""
    try:
        Schema.from_names({"attribute": (value, "another")})
    except ValueError:
        return False
    return True


def _meaning(cell: str, is_tag: bool, names: dict[str, str]) -> str | bool | None:
    """What a cell says; a word that only repeated rows have stays itself, to differ from all others."""
    word = cell.lower()
    if word in UNKNOWN:
        return None
    if is_tag and word in YES | NO:
        return word in YES
    return names.get(normalize(cell), cell)


def _columns_of(schema: Schema, columns: dict[int, _Column], notes: list[str]) -> dict[int, _Column]:
    """The columns that are attributes of a given schema, under the schema's names."""
    attributes = {normalize(attribute.name): attribute for attribute in schema.attributes}
    found = {}
    for place, column in columns.items():
        attribute = attributes.get(normalize(column.name))
        if attribute is None:
            notes.append(f"column {column.name!r} left out: not in attributes.json")
        else:
            found[place] = _Column(attribute.name, attribute)
    return found


def _match(column: _Column, numbers: Sequence[int]) -> None:
    """Reads the cells of a column as what its attribute allows.

    Args:
        column: Gets `meanings`.
        numbers: Row numbers of the accepted rows.

    Raises:
        ValueError: A cell says something else.
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


def _encode(schema: Schema, columns: Sequence[_Column], counting: np.ndarray) -> np.ndarray:
    """Labels int8 [n, num_labels] of the rows at the places `counting`, int64 [n]."""
    labels = np.zeros((len(counting), schema.num_labels), np.int8)
    by_name = {column.name: column for column in columns}
    for slot in schema.slots:
        if slot.name not in by_name:
            continue
        column = by_name[slot.name]
        codes = np.asarray(column.codes)[counting]
        parts = np.zeros((len(column.meanings), slot.size), np.int8)
        for code in np.unique(codes):
            parts[code] = schema.encode({slot.name: column.meanings[code]})[slot.columns]
        labels[:, slot.columns] = parts[codes]
    return labels
