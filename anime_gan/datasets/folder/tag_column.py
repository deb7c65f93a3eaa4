"""A column of a label table that contains lists of tags."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from anime_gan.attributes.phrases import normalize
from anime_gan.attributes.schema import Schema
from anime_gan.datasets.folder.tag_labels import TagNotes, encode_reading
from anime_gan.datasets.folder.tag_text import TagItem, read_items
from anime_gan.datasets.folder.tags import TagTable

# Columns of these names contain tags, also a single one in each cell.
LIST_COLUMNS = frozenset({"tags", "tag string", "tag list", "keywords"})
TAG_COLUMNS = LIST_COLUMNS | frozenset(
    {
        "tag",
        "labels",
        "text",
        "caption",
        "prompt",
        "description",
    }
)
# Of a column with another name, at least this share of the cells must look like lists of tags.
_LIST_SHARE = 0.5
_EXAMINED = 1000
_LIST = re.compile(r"[,，、;|]|[^\W_]_[^\W_].*\s|\s.*[^\W_]_[^\W_]")
_BRACKETS = re.compile(r"[(){}\[\]]")
_BARS = re.compile(r"(?<=\w)\|(?=\w)")


def holds_tags(name: str, cells: Sequence[str], table: TagTable) -> bool:
    """Whether a column contains lists of tags, at least one of which is known.

    Args:
        name: Name of the column.
        cells: Its first cells.
        table: The meaning of the tags.
    """
    filled = [cell for cell in cells if cell.strip()][:_EXAMINED]
    is_list = normalize(name) in LIST_COLUMNS
    lists = [cell for cell in filled if is_list or _LIST.search(cell.strip())]
    if not lists or (normalize(name) not in TAG_COLUMNS and len(lists) < _LIST_SHARE * len(filled)):
        return False
    return any(table.read(_items(cell)).knows for cell in lists)


class TagColumn:
    """A column of tags, encoded row by row.

    Attributes:
        name: Name of the column.
        notes: Counts of what was not understood.
    """

    def __init__(self, name: str, table: TagTable, schema: Schema | None) -> None:
        """Creates an empty column.

        Args:
            name: Name of the column.
            table: The meaning of the tags.
            schema: The attributes to encode; None for all attributes of the table.
        """
        self.name = name
        self.notes = TagNotes(f"cells of column {name!r}")
        self.schema = schema or Schema.from_names(table.attributes)
        self._table = table
        self._rows: list[np.ndarray] = []

    def extend(self, cells: Sequence[str]) -> None:
        """Adds the cells of further rows."""
        rows = np.zeros((len(cells), self.schema.num_labels), np.int8)
        for row, cell in zip(rows, cells, strict=True):
            if cell.strip("\0 "):
                reading = self._table.read(_items(cell))
                row[:] = encode_reading(reading, self.schema)
                self.notes.add(reading)
        self._rows.append(rows)

    def labels(self) -> np.ndarray:
        """Returns the labels of all rows, int8 [n, num_labels]."""
        return np.concatenate([np.zeros((0, self.schema.num_labels), np.int8), *self._rows])


def _items(cell: str) -> list[TagItem]:
    # Tables often contain commas themselves, so that lists have another separator.
    has_other = "," not in cell and not _BRACKETS.search(cell)
    return read_items(_BARS.sub(", ", cell) if has_other else cell)
