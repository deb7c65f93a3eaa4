"""The attribute columns of a label table: what their cells mean."""

from __future__ import annotations

import re
from array import array
from collections.abc import Container, Sequence

import numpy as np

from anime_gan.attributes.phrases import normalize
from anime_gan.attributes.scales import UNIT_SPELLINGS, Scale
from anime_gan.attributes.schema import Attribute, Group, Schema
from anime_gan.common.suggestions import nearest, shortened
from anime_gan.datasets.folder.tag_text import is_sentence
from anime_gan.datasets.folder.yes_no import YesNo, is_unknown, read_yes_no
from anime_gan.datasets.reading.kinds import IMAGE_ENDINGS, ending_of

MAX_VALUES = 100
# A group with at least this many values, and with nearly as many values as cells, is no attribute.
MANY_VALUES, ALL_DIFFERENT = 8, 2 / 3
# The cell of a row whose table does not have the column.
ABSENT = "\0"

# Different cells may have the same meaning (spaces, case). A column with more distinct cells is no attribute.
_MAX_CELLS = 10 * MAX_VALUES
_MAX_NAME = 60
# Numbers, percentages, sizes such as 64x64, dates, and times.
_NUMBER = re.compile(r"[-+]?[0-9.]+([-+.,:/ x×T][-+]?[0-9]*)*(e[-+]?[0-9]+)?[%Z]?", re.IGNORECASE)
# Between several values in one cell. The words may also be part of a name, such as `black and white`.
_LIST = re.compile("[,;/|]")
_LIST_OF_WORDS = re.compile("[,;/|+&]| and | or ")
# Two spellings of the same word are one value.
_SPELLINGS = {"gray": "grey", "blond": "blonde"}
_SPELLING = re.compile(rf"\b(?:{'|'.join(_SPELLINGS)})\b")
# A number and a unit.
_MEASURE = re.compile(r"([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?)\s*([^0-9\s.]*)", re.IGNORECASE)


class Column:
    """The cells of one column: each distinct cell once, and a code per row.

    Attributes:
        name: Name of the attribute.
        attribute: The attribute in the given schema, if there is one.
        cells: Distinct cell -> its code, in order of appearance.
        codes: The code of the cell in each accepted row.
        too_varied: Whether there were too many distinct cells, so that none were kept.
        values: The values of a group, or None for a tag; set by `learn`.
        meanings: The meaning of each distinct cell: a value, yes, no, a number, or None; set by `learn` or
            `match`.
        note: A note about the meanings, without the name; set by `learn` or `match`.
    """

    def __init__(self, name: str, attribute: Attribute | None = None) -> None:
        self.name = name
        self.attribute = attribute
        self.cells: dict[str, int] = {}
        self.codes = array("i")
        self.too_varied = False
        self.values: tuple[str, ...] | None = None
        self.meanings: list[str | bool | float | None] = []
        self.note = ""

    def extend(self, cells: Sequence[str]) -> None:
        """Adds the cells of further rows."""
        if self.too_varied:
            return
        for cell in dict.fromkeys(cells):
            self.cells.setdefault(cell, len(self.cells))
        self.codes.extend(map(self.cells.__getitem__, cells))
        # With a given schema, `match` reports wrong cells, so their number need not be limited.
        if self.attribute is None and len(self.cells) > _MAX_CELLS:
            self.too_varied, self.cells, self.codes = True, {}, array("i")


def learn(column: Column, used_rows: np.ndarray) -> str:
    """Infers a column's type from its cells.

    Args:
        column: Its `values`, `meanings`, and `note` are set.
        used_rows: int64 [n], indices of the rows that are used.

    Returns:
        The reason why the column cannot be learned; empty if it can.
    """
    if column.too_varied:
        return f"more than {MAX_VALUES} different values"
    cells = list(column.cells)
    codes = np.asarray(column.codes)[used_rows]
    # Only used rows count, because no image has a value that occurs only in repeated rows.
    counted = [cells[code] for code in np.unique(codes)]
    found = _read_yes_no(cells, counted, column.name)
    if found:
        column.meanings = [found.meanings[cell] if cell in found.meanings else _alone(cell) for cell in cells]
        column.note = found.note
        return _why_no_tag({found.meanings[cell] for cell in counted if cell != ABSENT}, counted)
    empty = _empty_of_python(counted)
    if empty:
        column.note = "'None' is unknown: Python writes it for an empty cell"
    known = [cell for cell in counted if not _is_unknown(cell) and cell not in empty]
    # Of several spellings, the last one is used: lower case and "_" sort after upper case and spaces.
    spellings = sorted(without_name(cell, column.name) for cell in known)
    names = {_key(value): value for value in spellings}
    several = {key for key in names if _names_several(key, names, column.name)}
    if several:
        column.note = f"{names[min(several)]!r} names several values: unknown"
    # A word that occurs only in repeated rows stands for itself.
    column.meanings = [
        None
        if _is_unknown(cell) or cell in empty or _key(without_name(cell, column.name)) in several
        else _named(cell, column.name, names)
        for cell in cells
    ]
    column.values = tuple(sorted({value for key, value in names.items() if key not in several}))
    number = sum(int(np.count_nonzero(codes == column.cells[cell])) for cell in known)
    return _why_no_group(column.values, number)


def match(column: Column) -> str | None:
    """Matches the cells of a column with its attribute in a given schema; its `meanings` are set.

    Returns:
        The first cell that does not match the attribute; None if all do.
    """
    if isinstance(column.attribute, Scale):
        for cell in column.cells:
            number = _number_on(column.attribute, cell)
            if number is None and not _is_unknown(cell):
                return cell
            column.meanings.append(number)
        return None
    group = column.attribute if isinstance(column.attribute, Group) else None
    if group is None:
        found = read_yes_no((cell for cell in column.cells if cell != ABSENT), is_tag=True)
        meanings = found.meanings if found else {}
        column.note = found.note if found else ""
        for cell in column.cells:
            if not found and not _is_unknown(cell) and read_yes_no([cell], is_tag=True) is None:
                return cell
        column.meanings = [meanings.get(cell) for cell in column.cells]
        return None
    values = {normalize(value.name): value.name for value in group.values}
    for cell in column.cells:
        meaning = values.get(normalize(cell)) or values.get(normalize(without_name(cell, group.name)))
        if meaning is None and not _is_unknown(cell):
            return cell
        column.meanings.append(meaning)
    return None


def mismatch(column: Column, cell: str) -> str:
    """Returns the error text for a cell that `match` found."""
    if isinstance(column.attribute, Scale):
        scale = column.attribute
        limits = f"{scale.in_unit(-1)} to {scale.in_unit(1)}"
        return f"column {column.name!r}: {shortened(cell.strip())!r} is not a number from {limits}"
    group = column.attribute if isinstance(column.attribute, Group) else None
    names = [value.name for value in group.values] if group else []
    wrong = f"not one of its values{nearest(cell, names)}" if group else "neither yes nor no"
    return f"column {column.name!r}: {shortened(cell.strip())!r} is {wrong}"


def _number_on(scale: Scale, cell: str) -> float | None:
    """Reads a number in the scale's unit, which the cell may name; None if it is not on the scale."""
    found = _MEASURE.fullmatch(cell.strip().replace("\u2212", "-"))
    units = ("", scale.unit, *UNIT_SPELLINGS.get(scale.unit, ()))
    if not found or found[2].lower() not in units:
        return None
    number = float(found[1])
    return number if scale.low <= number <= scale.high else None


def without_name(value: str, attribute: str) -> str:
    """Returns a value without the words of the attribute's name: `blue` for `blue hair` and `hair: blue`."""
    named = {word.rstrip("s") for word in normalize(attribute).split()}
    named |= {f"{word}ed" for word in named}
    first, colon, rest = value.partition(":")
    if colon and rest.strip() and set(normalize(first).split()) <= named | set(normalize(attribute).split()):
        value = rest
    words = re.split(r"([\s_-]+)", value.strip())
    while len(words) > 2 and words[-1].lower().rstrip("s") in named:
        words = words[:-2]
    return "".join(words)


def encode(schema: Schema, columns: Sequence[Column], used_rows: np.ndarray) -> np.ndarray:
    """Encodes the rows with the indices `used_rows`, int64 [n]; returns int8 [n, num_labels]."""
    labels = np.zeros((len(used_rows), schema.num_labels), np.int8)
    by_name = {column.name: column for column in columns}
    for slot in schema.slots:
        if slot.name not in by_name:
            continue
        column = by_name[slot.name]
        codes = np.asarray(column.codes)[used_rows]
        parts = np.zeros((len(column.meanings), slot.size), np.int8)
        one = Schema(tuple(a for a in schema.attributes if a.name == slot.name))
        for code in np.unique(codes):
            parts[code] = one.encode({slot.name: column.meanings[code]})
        labels[:, slot.columns] = parts[codes]
    return labels


def _is_unknown(cell: str) -> bool:
    return cell == ABSENT or is_unknown(cell)


def _alone(cell: str) -> str | bool | None:
    """Returns the meaning of a cell that occurs only in repeated rows of a column of yes and no."""
    if _is_unknown(cell):
        return None
    found = read_yes_no([cell], is_tag=True)
    return found.meanings[cell] if found else cell


def _read_yes_no(cells: Sequence[str], counted: Sequence[str], attribute: str) -> YesNo | None:
    """Reads a column of yes and no, also of `with hat` and `without hat` in the column `hat`."""
    if found := read_yes_no(cell for cell in counted if cell != ABSENT):
        return found
    name = normalize(attribute).rstrip("s")
    short = {
        cell: "yes" if normalize(cell).rstrip("s") == name else without_name(cell, attribute)
        for cell in cells
        if cell != ABSENT
    }
    found = read_yes_no(short[cell] for cell in counted if cell != ABSENT)
    if found is None or any(known is None and not is_unknown(cell) for cell, known in found.meanings.items()):
        return None
    return YesNo({cell: found.meanings[text] for cell, text in short.items() if text in found.meanings}, "")


def _names_several(value: str, values: Container[str], attribute: str) -> bool:
    """Whether a normalized cell lists values, some of which other cells have alone: `blue/red`."""
    for separators, is_enough in ((_LIST, any), (_LIST_OF_WORDS, all)):
        parts = [_key(without_name(part, attribute)) for part in separators.split(value)]
        if len(parts) > 1 and is_enough(part in values for part in parts):
            return True
    return False


def _named(cell: str, attribute: str, names: dict[str, str]) -> str:
    value = without_name(cell, attribute)
    return names.get(_key(value), value)


def _key(value: str) -> str:
    """Returns a text that is the same for all spellings of a value."""
    return _SPELLING.sub(lambda found: _SPELLINGS[found[0]], normalize(value))


def _empty_of_python(cells: Sequence[str]) -> set[str]:
    """Returns the cells that Python wrote for empty ones: `None`, if the other cells are in lower case."""
    empty = {cell for cell in cells if cell.strip() == "None"}
    return empty if all(cell == cell.lower() for cell in cells if cell not in empty) else set()


def _why_no_tag(said: set[bool | None], counted: list[str]) -> str:
    if {True, False} <= said:
        return ""
    if not said - {None}:
        return "all cells are unknown"
    reason = "all images have it" if True in said else "no image has it"
    is_partly_empty = None in said or ABSENT in counted
    return reason + " (an empty cell means unknown, not the opposite)" * is_partly_empty


def _why_no_group(values: Sequence[str], number: int) -> str:
    if len(values) > MAX_VALUES:
        return f"more than {MAX_VALUES} different values"
    if unusable := [value for value in values if not _can_be_asked_for(value)]:
        return f"{shortened(unusable[0])!r} cannot be the name of a value"
    if all(map(_NUMBER.fullmatch, values)):
        return "its values are numbers, not words"
    if 2 * sum(is_sentence(value) for value in values) > len(values):
        return "its values are sentences"
    if len(values) == 1:
        return f"all known cells are {values[0]!r}"
    if len(values) >= MANY_VALUES and len(values) > ALL_DIFFERENT * number:
        return "nearly all of its values are different"
    return ""


def _can_be_asked_for(value: str) -> bool:
    """Whether a schema accepts the text as the name of a value, and somebody may type it."""
    if "://" in value or len(value) > _MAX_NAME or ending_of(value) in IMAGE_ENDINGS:
        return False
    try:
        Schema.from_names({"attribute": (value, "another")})
    except ValueError:
        return False
    return True
