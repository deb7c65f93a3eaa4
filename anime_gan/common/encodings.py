"""Guesses the encoding of text that is not UTF-8."""

from __future__ import annotations

import re

_ACCENTED = re.compile(r"[À-ÖØ-öø-ÿŠšŽžŒœŸ’–“”]")
_JAPANESE = re.compile("[\u3000-\u30ff\u4e00-\u9fff\uff01-\uff5e]")
_CHINESE = re.compile("[\u3001-\u301f\u4e00-\u9fff\uff01-\uff5e]")


def guess_encoding(data: bytes) -> str | None:
    """Guesses the encoding of text that is not UTF-8: cp1252, cp932 (Shift-JIS), or gbk; None if unclear."""
    runs = re.findall(rb"[\x80-\xff]+", data)
    # Accented letters stand alone between ASCII letters, or in pairs as in "größe". A character of East Asia
    # takes two bytes.
    alone = sum(len(run) == 1 for run in runs)
    is_western = alone >= 0.8 * len(runs) or (alone >= 0.5 * len(runs) and all(len(run) <= 2 for run in runs))
    fits = [
        ("cp1252", _ACCENTED, is_western),
        ("cp932", _JAPANESE, True),
        ("gbk", _CHINESE, all(len(run) % 2 == 0 for run in runs)),
    ]
    for encoding, expected, is_possible in fits:
        try:
            foreign = [letter for letter in data.decode(encoding) if not letter.isascii()]
        except UnicodeDecodeError:
            continue
        if is_possible and all(map(expected.match, foreign)):
            return encoding
    return None
