"""Common attributes, and the ways in which people spell their names.

`vocabulary.json` contains the aliases of common attributes, and the attributes that hide others.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from anime_gan.attributes.phrases import normalize

# What people write before the name of a tag, and between words.
_VERB = re.compile(r"^(?:is|has|wearing|with) ")
_BETWEEN = re.compile(r"[ .]")


@functools.cache
def load_vocabulary() -> dict[str, Any]:
    """Reads `vocabulary.json`."""
    text = importlib.resources.files("anime_gan.attributes").joinpath("vocabulary.json").read_text("utf-8")
    vocabulary: dict[str, Any] = json.loads(text)
    return vocabulary


def known_as(names: Sequence[str], spellings: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Finds the known names of attributes or values, such as `hair_color` for `Hair Color` and `发色`.

    Args:
        names: Names as somebody wrote them.
        spellings: Known name -> other words for it.

    Returns:
        Name -> known name. Each known name occurs once: for the name that is spelled like it, or else for the
        only one that is another word for it.
    """
    exact = {name: name for name in names if name in spellings}
    found = dict(exact)
    for own_only in (True, False):
        folded = {
            _folded(word): known
            for known, words in spellings.items()
            for word in ([known] if own_only else words)
            if known not in found.values()
        }
        meant = {name: folded.get(_folded(name), "") for name in names if name not in found}
        counts = list(meant.values())
        found |= {name: known for name, known in meant.items() if known and counts.count(known) == 1}
    return found


def other_words(names: Sequence[str], spellings: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Returns further words for each name, without those that are another name.

    Args:
        names: Names as somebody wrote them.
        spellings: Known name -> other words for it.
    """
    known = known_as(names, spellings)
    taken = set(map(normalize, names))
    found = {}
    for name in names:
        words = spellings[known[name]] if name in known else ()
        if name in known and known[name] != name:
            words = [known[name].replace("_", " "), *words]
        found[name] = tuple(word for word in words if normalize(word) not in taken)
    return found


def _folded(name: str) -> str:
    return _BETWEEN.sub("", _VERB.sub("", normalize(name))).replace("colour", "color")
