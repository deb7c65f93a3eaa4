"""Splits a request into normalized phrases."""

from __future__ import annotations

import re

# (pattern, replacement) pairs that both Python's `re` and the RE2 library in an exported graph apply.
# Only ASCII letters are lowercased, because both libraries handle them alike.
NORMALIZATION = (
    ("[，、]", ","),
    ("＝", "="),
    ("[ \t\r\n\f\v\u3000_-]+", " "),
    (" *= *", "="),
)
_ASCII_LOWER = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


def normalize(text: str) -> str:
    """Unifies letter case, separators, and full-width punctuation, so that each phrase has one spelling."""
    text = text.translate(_ASCII_LOWER)
    for pattern, replacement in NORMALIZATION:
        text = re.sub(pattern, replacement, text)
    return text.strip(" ")


def split_phrases(text: str) -> list[str]:
    """Splits typed text at commas; returns the normalized phrases without empty ones."""
    phrases = (part.strip(" ") for part in normalize(text).split(","))
    return [phrase for phrase in phrases if phrase]
