"""The words for yes, no, and unknown in a column of a label table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

YES = frozenset(
    (
        *("yes", "on", "true", "ja", "oui", "si", "sí", "wahr", "vrai", "vero", "verdadero", "да", "是"),
        *("有", "对", "真", "はい", "あり"),
    )
)
NO = frozenset(
    (
        *("no", "off", "false", "nein", "non", "falsch", "faux", "falso", "нет", "否", "无", "無", "没有"),
        *("不是", "偽", "いいえ", "なし"),
    )
)
UNKNOWN = frozenset({"", "unknown", "?", "nan", "n/a", "na", "<na>", "#n/a", "null", "未知", "不明"})
# These may be values of a group, so they mean "unknown" only beside yes and no.
UNKNOWN_BESIDE = frozenset({"none", "nil"})
# A letter counts only if the other one of its pair occurs too: "f" may also stand for "female".
PAIRS = (
    *(("y", "n"), ("t", "f"), ("j", "n"), ("o", "n"), ("s", "n")),
    *(("○", "×"), ("◯", "×"), ("〇", "×"), ("√", "×"), ("✓", "✗"), ("✔", "✘"), ("✓", "✕"), ("☑", "☐")),
)
MARKS = frozenset({"x", "✓", "✔", "√", "☑"})

_ONE = re.compile(r"\+?1([.,]0*)?")
_ZERO = re.compile(r"[-+]?0([.,]0*)?")
_MINUS_ONE = re.compile(r"[-−]1([.,]0*)?")


class YesNo(NamedTuple):
    """The meaning of the cells of a column of yes and no.

    Attributes:
        meanings: Cell -> True, False, or None for unknown.
        note: A note about the meaning, without the column's name; empty if there is nothing to say.
    """

    meanings: dict[str, bool | None]
    note: str


def is_unknown(cell: str) -> bool:
    """Whether a cell of any column means that the value is unknown."""
    return _word(cell) in UNKNOWN


def read_yes_no(cells: Iterable[str], *, is_tag: bool = False) -> YesNo | None:
    """Reads the distinct cells of a column; returns None if some are neither yes, no, nor unknown.

    The number -1 means no, but unknown in a column that also contains 0. An empty cell means unknown, but no
    in a column that contains nothing else but "x" or a check mark.

    Args:
        cells: The distinct cells.
        is_tag: Whether the column is known to be a tag, so that a single letter is clear.
    """
    words = {cell: _word(cell) for cell in cells}
    present = set(words.values())
    if present & MARKS and present <= MARKS | {""}:
        note = "an empty cell means no, because all other cells are marks" if "" in present else ""
        return YesNo({cell: word != "" for cell, word in words.items()}, note)
    yes, no = set(YES), set(NO)
    for letter, other in PAIRS:
        if {letter, other} <= present or (is_tag and {letter, other}.isdisjoint(yes | no)):
            yes.add(letter)
            no.add(other)
    has_zero = any(map(_ZERO.fullmatch, present))
    has_minus = any(map(_MINUS_ONE.fullmatch, present))
    known: dict[str, bool | None] = {}
    for word in present:
        if word in yes or _ONE.fullmatch(word):
            known[word] = True
        elif word in no or _ZERO.fullmatch(word):
            known[word] = False
        elif _MINUS_ONE.fullmatch(word):
            known[word] = None if has_zero else False
        elif word in UNKNOWN | UNKNOWN_BESIDE:
            known[word] = None
        else:
            return None
    note = "-1 means unknown, because 0 means no" if has_zero and has_minus else ""
    return YesNo({cell: known[word] for cell, word in words.items()}, note)


def _word(cell: str) -> str:
    return unicodedata.normalize("NFKC", cell).strip().lower()
