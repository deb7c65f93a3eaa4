"""How a request is split into phrases, and how each phrase is normalized."""

from __future__ import annotations

import re

# The normalization is written as (pattern, replacement) pairs so that Python's `re` and the RE2 inside
# an exported graph run the very same rules. Letter case is folded for ASCII alone: both sides agree there.
NORMALIZATION = (
    ("[，、]", ","),
    ("＝", "="),
    ("[ \t\r\n\f\v\u3000_-]+", " "),
    (" *= *", "="),
)
_ASCII_LOWER = str.maketrans({chr(code): chr(code + 32) for code in range(ord("A"), ord("Z") + 1)})


def normalize(text: str) -> str:
    """Folds case, separators and full-width signs, so that each phrase has one spelling."""
    text = text.translate(_ASCII_LOWER)
    for pattern, replacement in NORMALIZATION:
        text = re.sub(pattern, replacement, text)
    return text.strip(" ")


def split_phrases(text: str) -> list[str]:
    """Splits what somebody typed into normalized phrases; empty ones are dropped."""
    phrases = (part.strip(" ") for part in normalize(text).split(","))
    return [phrase for phrase in phrases if phrase]
