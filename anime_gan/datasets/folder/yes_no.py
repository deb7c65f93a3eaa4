"""The words for yes, no, and unknown in a column of a label table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

YES = frozenset(
    (
        *("yes", "on", "true", "ja", "oui", "si", "sí", "wahr", "vrai", "vero", "verdadero", "да", "是"),
        *("是的", "有", "对", "真", "はい", "あり"),
    )
)
NO = frozenset(
    (
        *("no", "off", "false", "nein", "non", "falsch", "faux", "falso", "нет", "否", "无", "無", "没有"),
        *("不是", "偽", "いいえ", "なし"),
    )
)
UNKNOWN = frozenset(
    (
        *("", "unknown", "?", "nan", "n/a", "na", "n.a", "k.a", "<na>", "#n/a", "null", "undefined"),
        *("-", "--", "–", "—", "/", "unsure", "not sure", "unclear", "tbd", "未知", "不明"),
        *("unbekannt", "inconnu", "desconocido", "desconhecido", "sconosciuto", "неизвестно"),
        *("#value!", "#ref!", "#name?", "#div/0!", "#null!", "#num!", "#nv"),
    )
)
# These may be values of a group, so they mean "unknown" only beside yes and no.
UNKNOWN_BESIDE = frozenset(("none", "nil"))
# A letter or a short foreign word counts only if the other one of its pair occurs too: "f" may also stand for
# "female".
PAIRS = (
    *(("y", "n"), ("t", "f"), ("j", "n"), ("o", "n"), ("o", "x"), ("s", "n")),
    *(("○", "×"), ("◯", "×"), ("〇", "×"), ("√", "×"), ("✓", "✗"), ("✔", "✘"), ("✓", "✕"), ("☑", "☐")),
    *(("✅", "❌"), ("+", "-"), ("+", "−"), ("present", "absent"), ("with", "without")),
    # The words of spreadsheets in several languages.
    *(("wahr", "falsch"), ("verdadeiro", "falso"), ("waar", "onwaar"), ("sant", "falskt"), ("sann", "usann")),
    *(
        ("sand", "falsk"),
        ("prawda", "fałsz"),
        ("pravda", "nepravda"),
        ("истина", "ложь"),
        ("tosi", "epätosi"),
    ),
    *(("doğru", "yanlış"), ("doğru", "yanliş"), ("igaz", "hamis")),
    # Yes and no in several languages.
    *(
        ("sì", "no"),
        ("sim", "não"),
        ("sim", "nao"),
        ("ja", "nee"),
        ("ja", "nej"),
        ("ja", "nei"),
        ("tak", "nie"),
    ),
    *(("ano", "ne"), ("áno", "nie"), ("da", "ne"), ("da", "nu"), ("evet", "hayır"), ("evet", "hayir")),
    *(("kyllä", "ei"), ("igen", "nem"), ("ναι", "όχι"), ("так", "ні"), ("ya", "tidak"), ("ya", "bukan")),
    *(("có", "không"), ("예", "아니오"), ("예", "아니요"), ("네", "아니오"), ("네", "아니요"), ("نعم", "لا")),
    *(("כן", "לא"), ("हाँ", "नहीं"), ("हां", "नहीं"), ("ใช่", "ไม่"), ("ใช่", "ไม่ใช่")),
    *(
        ("ある", "ない"),
        ("有り", "無し"),
        ("はい", "いえ"),
        ("マル", "バツ"),
        ("真", "假"),
        ("对", "错"),
        ("對", "錯"),
    ),
    *(("是的", "不是"), ("对", "不对"), ("對", "不對"), ("真", "偽")),
)
MARKS = frozenset({"x", "✓", "✔", "√", "☑", "✅"})
DASHES = frozenset({"-", "–", "—", "−"})
# So many words beside yes and no are unknown. With more, the column is a group.
MAX_OTHERS = 2

_ONE = re.compile(r"\+?0*1([.,]0*)?(e[-+]?0+)?|100([.,]0*)? ?%")
_ZERO = re.compile(r"[-+]?0+([.,]0*)?(e[-+]?0+)?( ?%)?")
_MINUS_ONE = re.compile(r"[-−]1([.,]0*)?")
_NUMBER = re.compile(r"[-+]?[0-9.,]+")
_QUOTES = "'\"`‘’“”「」"


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

    One or two other words, such as "slight", are unknown in a column that contains both yes and no.
    The number -1 means no, but unknown in a column that also contains 0. An empty cell means unknown, but no
    in a column that contains nothing else but "x" or a check mark.

    Args:
        cells: The distinct cells.
        is_tag: Whether the column is known to be a tag, so that a single letter is clear.
    """
    words = {cell: _word(cell) for cell in cells}
    present = set(words.values())
    if present & MARKS and present <= MARKS | DASHES | {""}:
        note = "an empty cell means no, because all other cells are marks" if "" in present else ""
        return YesNo({cell: word in MARKS for cell, word in words.items()}, note)
    yes, no = set(YES), set(NO)
    for one, other in PAIRS:
        if {one, other} <= present or (is_tag and {one, other}.isdisjoint(yes | no)):
            yes.add(one)
            no.add(other)
    has_zero = any(map(_ZERO.fullmatch, present))
    has_minus = any(map(_MINUS_ONE.fullmatch, present))
    known: dict[str, bool | None] = {}
    others = []
    for word in present:
        if word in yes or _ONE.fullmatch(word):
            known[word] = True
        elif word in no or _ZERO.fullmatch(word):
            known[word] = False
        elif _MINUS_ONE.fullmatch(word):
            known[word] = None if has_zero else False
        elif word in UNKNOWN | UNKNOWN_BESIDE or not word.strip("?"):
            known[word] = None
        else:
            others.append(word)
    note = "-1 means unknown, because 0 means no" if has_zero and has_minus else ""
    if others:
        is_clear = not is_tag and present & yes and present & no and len(others) <= MAX_OTHERS
        if not is_clear or any(map(_NUMBER.fullmatch, others)):
            return None
        known |= dict.fromkeys(others, None)
        note = f"{' and '.join(map(repr, sorted(others)))} beside yes and no: unknown"
    return YesNo({cell: known[word] for cell, word in words.items()}, note)


def _word(cell: str) -> str:
    text = unicodedata.normalize("NFKC", cell).strip().strip(_QUOTES).strip().lower()
    # Python's lower case of the Turkish "İ" ends with a dot above.
    return text.removesuffix(".").replace("i\u0307", "i")
