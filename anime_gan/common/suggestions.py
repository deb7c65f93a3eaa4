"""Words for messages: the nearest valid name, and texts and lists cut to a readable length."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Sequence


def shortened(text: str, length: int = 60) -> str:
    """Returns the text, shortened if it is too long for a message."""
    return text if len(text) <= length else text[: length - 3] + "..."


def listed(names: Sequence[str], most: int) -> str:
    """Returns names for a message; of very many, only the first ones and the number of the others."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f", and {more} more" if more > 0 else "")


def nearest(word: str, names: Iterable[str], shown: Callable[[str], str] = repr) -> str:
    """Returns a hint such as `; did you mean 'smile' or 'smiling'?`, or an empty string.

    Args:
        word: The unknown name.
        names: The valid names.
        shown: Returns the form of a name in the hint.
    """
    close = nearest_names(word, names)
    return f"; did you mean {' or '.join(map(shown, close))}?" if close else ""


def nearest_names(word: str, names: Iterable[str]) -> list[str]:
    """Returns up to three valid names that are spelled like an unknown one, the most similar first."""
    spellings = {_comparable(name): name for name in names}
    close = difflib.get_close_matches(_comparable(shortened(word)), list(spellings), n=3, cutoff=0.6)
    return [spellings[name] for name in close]


def _comparable(name: str) -> str:
    """Returns a name in lower case with uniform separators, for comparisons."""
    return re.sub(r"[\s_-]+", " ", name).strip().lower()
