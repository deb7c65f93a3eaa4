"""Reads the rows of label tables: CSV of any dialect and encoding, JSON lines, and CelebA's list."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from anime_gan.common.encodings import guess_encoding
from anime_gan.datasets.reading.kinds import IMAGE_ENDINGS, ending_of

# Names of the column of file names, best first, without the signs between their words.
FILE_COLUMNS = (
    *("filename", "file", "imagefile", "imagename", "imagefilename", "imagepath", "imgpath", "imgname"),
    *("filepath", "path", "imageid", "image", "img", "picture", "photo", "dateiname", "datei", "fichier"),
    *("nomdefichier", "nombredearchivo", "archivo", "文件名", "文件", "ファイル名", "ファイル", "파일명"),
)
# Rows above the header, such as a title, and rows that tell which column contains the names of pictures.
_MAX_TITLE_ROWS, _EXAMINED = 10, 50
DELIMITERS = ",;\t|"
_KOHYA = frozenset({"tags", "caption"})
_NO_LETTERS = re.compile(r"[\W_]+")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_DELIMITER_LINE = re.compile(r'"?sep=(.)"?\r?\n')


class NoFileColumn(ValueError):
    """A table has no column of file names."""


class TableText(NamedTuple):
    """A table as text.

    Attributes:
        name: Name of the file, for messages.
        header: The name of each column; empty for columns without a name.
        file_column: Index of the column of file names.
        rows: (row number, cells) of each row. Rows are numbered as in spreadsheets.
        notes: Notes for the user.
    """

    name: str
    header: list[str]
    file_column: int
    rows: Iterator[tuple[int, list[str]]]
    notes: list[str]


def read_table_text(data: bytes, name: str) -> TableText:
    """Opens a table.

    Args:
        data: The content of the file.
        name: Its name, which also decides the format.

    Raises:
        ValueError: The table cannot be parsed, or has no column of file names.
    """
    text, encoding = decode(data, name)
    notes = [] if encoding.startswith("utf") else [f"{name}: not UTF-8 text; read as {encoding}"]
    if name.lower().endswith(".jsonl"):
        header, rows = _rows_of(lambda: _records(text, name))
    elif name.lower().endswith(".json"):
        records = _json_records(text, name)
        header, rows = _rows_of(lambda: iter(records))
    elif found := re.match(r"\s*[0-9]+\s*\n(.*)\n", text):
        header, rows = _celeba_list(text, ["file_name", *found[1].split()])
    else:
        header, rows, skipped = _csv(text, name)
        if skipped:
            notes.append(f"{name}: {skipped} rows above the header are ignored")
    column = _file_column(header, name)
    if column is None:
        first = list(itertools.islice(rows, _EXAMINED))
        column = _picture_column(header, [cells for _, cells in first], name)
        rows = itertools.chain(first, rows)
    return TableText(name, header, column, rows, notes)


def decode(data: bytes, name: str) -> tuple[str, str]:
    """Returns the text of a table, and its encoding.

    Raises:
        ValueError: The encoding cannot be recognized.
    """
    if data.startswith(_UTF16):
        return _decoded(data, "utf-16", name)
    if data[1:2] == b"\0" and data[:1] != b"\0":
        return _decoded(data, "utf-16-le", name)
    if data[:1] == b"\0" and data[1:2] != b"\0":
        return _decoded(data, "utf-16-be", name)
    if b"\0" in data:
        raise ValueError(f"{name} is not a text file: it contains NUL bytes")
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        if encoding := guess_encoding(data):
            return _decoded(data, encoding, name)
        line = data.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{name} line {line}: not UTF-8 text; save the table as UTF-8") from error


def _decoded(data: bytes, encoding: str, name: str) -> tuple[str, str]:
    try:
        text = data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: damaged {encoding} text") from error
    if "\0" in text:
        raise ValueError(f"{name} is not a text file: it contains NUL bytes")
    return text, encoding


def _csv(text: str, name: str) -> tuple[list[str], Iterator[tuple[int, list[str]]], int]:
    """Returns the header, the rows below it, and the number of rows above it."""
    first = 1
    delimiters = DELIMITERS
    if found := _DELIMITER_LINE.match(text):
        text, delimiters, first = text[found.end() :], found[1], 2
    tops: list[list[list[str]]] = []
    for delimiter in delimiters:
        rows = _csv_rows(text, name, delimiter, first)
        try:
            top = [next(rows, (first, []))[1]]
        except ValueError:
            if delimiter == delimiters[-1] and not any(tops):
                raise
            tops.append([[]])
            continue
        # An error in a later row is reported when that row is read.
        with contextlib.suppress(ValueError):
            top += [cells for _, cells in itertools.islice(rows, _MAX_TITLE_ROWS)]
        tops.append(top)
    # The delimiter is the one that separates the column of file names from the others.
    places = [next((i for i, cells in enumerate(top) if _file_places(cells)), None) for top in tops]

    def quality(i: int) -> tuple[bool, int]:
        return places[i] is not None, len(tops[i][places[i] or 0])

    best = max(range(len(tops)), key=quality)
    above = places[best] or 0
    rows = _csv_rows(text, name, delimiters[best], first)
    header = next(itertools.islice(rows, above, None), (first, []))[1]
    return [cell.strip() for cell in header], rows, above


def _csv_rows(text: str, name: str, delimiter: str, first: int) -> Iterator[tuple[int, list[str]]]:
    number = first - 1
    try:
        # The reader is strict, because an unclosed quote would silently swallow all rows after it.
        reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
        for number, cells in enumerate(reader, start=first):
            if cells:
                yield number, cells
    except csv.Error as error:
        raise ValueError(f"{name} row {number + 1}: {error}") from error


def _celeba_list(text: str, header: list[str]) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """Reads CelebA's list: the number of images, the names of the attributes, then one line per image."""
    lines = enumerate(io.StringIO(text), start=1)
    rows = ((number, line.split()) for number, line in itertools.islice(lines, 2, None) if line.strip())
    return header, rows


def _rows_of(
    read: Callable[[], Iterator[tuple[int, dict[str, Any]]]],
) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    header: dict[str, None] = {}
    for _, record in read():
        header.update(dict.fromkeys(record))
    return list(header), ((number, [_cell(record.get(key)) for key in header]) for number, record in read())


def _json_records(text: str, name: str) -> list[tuple[int, dict[str, Any]]]:
    """Reads a list of objects, or an object with one for each image, as kohya-ss writes it."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: not JSON ({error})") from error
    if isinstance(data, dict):
        data = [
            {"file_name": image} | (value if isinstance(value, dict) else {"tags": value})
            for image, value in data.items()
            if ending_of(image) in IMAGE_ENDINGS
            # kohya-ss leaves out the ending.
            or (isinstance(value, dict) and not _KOHYA.isdisjoint(value))
        ]
    if not isinstance(data, list) or not data or not all(isinstance(record, dict) for record in data):
        raise NoFileColumn(f"{name}: neither a list of objects nor an object with one for each image")
    return list(enumerate(data, start=1))


def _records(text: str, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(io.StringIO(text), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{name} line {number}: not JSON ({error})") from error
        if not isinstance(record, dict):
            raise ValueError(f'{name} line {number}: must be an object such as {{"file_name": ...}}')
        yield number, record


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    if isinstance(value, dict) and value and all(isinstance(part, list) for part in value.values()):
        return ", ".join(_cell(part) for part in value.values() if part)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _file_places(header: Sequence[str]) -> list[int]:
    names = [_NO_LETTERS.sub("", cell.lower()) for cell in header]
    return [names.index(name) for name in FILE_COLUMNS if name in names]


def _file_column(header: Sequence[str], name: str) -> int | None:
    if not header:
        raise ValueError(f"{name} is empty; the first row must contain filename and attribute names")
    return next(iter(_file_places(header)), None)


def _picture_column(header: Sequence[str], rows: Sequence[Sequence[str]], name: str) -> int:
    """Returns the only column whose cells are names of picture files."""
    places = [
        place
        for place in range(len(header))
        if all(len(cells) > place and ending_of(cells[place].strip()) in IMAGE_ENDINGS for cells in rows)
    ]
    if not rows or len(places) != 1 or ending_of(header[places[0]]) in IMAGE_ENDINGS:
        raise NoFileColumn(
            f"{name}: no column is named filename; the first row is {', '.join(header)[:80]!r}"
        )
    return places[0]
