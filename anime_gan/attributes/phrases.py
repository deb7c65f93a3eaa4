"""Splits a request into normalized phrases."""

from __future__ import annotations

import re

# In normalized text, this sign in front of a phrase or a value means "no".
SIGN = "-"
# (pattern, replacement) pairs that both Python's `re` and the RE2 library in an exported graph apply. A minus
# or an exclamation mark in front of a phrase or a value means "no"; both become "-" there. A hyphen between
# letters joins words, so it becomes a space. Any other sign stays, so that no phrase with it is known.
# RE2 has no lookaround: signs become "!" until the hyphens are gone. Only ASCII letters are lowercased,
# because both libraries handle them alike.
NORMALIZATION = (
    ("[，、]", ","),
    ("％", "%"),
    ("＝", "="),
    ("！", "!"),
    ("[\u2010-\u2015\u2212\ufe63\uff0d]", "-"),
    ("[ \t\r\n\f\v\u3000_]+", " "),
    (" *(! ?=|≠) *", "=!"),
    (" *([,=]) *", r"\1"),
    ("^ +| +$", ""),
    # A minus in front of a number is its sign, and Chinese and Japanese have no spaces: 微笑40%.
    ("([\u3040-\u30ff\u3400-\u9fff])([-+]?[0-9.])", r"\1 \2"),
    (r"([^-+! ,=])-([0-9]*\.?[0-9]+ ?(?:[%°]|deg[a-z]*|years?)?)(,|$)", r"\1 !\2\3"),
    # In front of a phrase or a value, a plus changes nothing.
    (r"(^|[,=])\+([^-+! ,=])", r"\1\2"),
    (r"(^|[ ,=:;(\[{<>+*/|~])-", r"\1!"),
    ("!-", "!!"),
    ("-($|[ ,=])", r"!\1"),
    ("[ -]+", " "),
    ("(^|[,=])! ?", r"\1-"),
    # `no hair=blue` and `hair=not blue` get a sign.
    ("(^|,)(?:no|not|without) ([^,=]+=)", r"\1-\2"),
    ("=(?:no|not|without) ", "=-"),
    ("(^|,)(?:slightly|a little|a bit) ([^,=-]+)", r"\1\2 40%"),
)
_ASCII_LOWER = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


def normalize(text: str) -> str:
    """Unifies letter case, separators, signs, and full-width punctuation: each phrase has one spelling."""
    text = text.translate(_ASCII_LOWER)
    for pattern, replacement in NORMALIZATION:
        text = re.sub(pattern, replacement, text)
    return text


def split_phrases(text: str) -> list[str]:
    """Splits typed text at commas; returns the normalized phrases without empty ones."""
    return [phrase for phrase in normalize(text).split(",") if phrase]
