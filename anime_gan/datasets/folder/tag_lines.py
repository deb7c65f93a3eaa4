"""The layouts of tag files: lists, quotes, hashtags, scores, and prompts, as plain lines of tags."""

from __future__ import annotations

import html
import re
import unicodedata
from typing import NamedTuple

# Characters that cannot be seen: zero-width spaces, joiners, soft hyphens, and byte order marks.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_LINES = re.compile("[\r\n]+")
# The settings that an image generator writes below or behind its prompt.
_SETTINGS = re.compile(r"^[ \t]*steps[ \t]*:|\bnegative[ _]prompt\s*:", re.IGNORECASE | re.MULTILINE)
_OPTIONS = re.compile(r"(?:^|\s)(?:--|—)[a-z].*")
_QUOTES = r"'[^'\n]*'|\"[^\"\n]*\""
_QUOTED = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_QUOTED_LIST = re.compile(rf"\[?\s*(?:{_QUOTES})(?:\s*,\s*(?:{_QUOTES}))*\s*,?\s*\]?")
_HASHTAGS = re.compile(r"(?:#[^\s#,]+[\s,]*)+")
_MARKER = re.compile(r"\s*(?:[-*•・]|[0-9]+[.)])\s+(?=\S)")
_SCORED = re.compile(r"([^,\t]*[^,\t\s])\s*[,\t]\s*([01]?\.[0-9]+|[01])")
MIN_SCORE = 0.5  # A tag with a smaller score may be missing in the picture.


class Lines(NamedTuple):
    """The lines of a tag file.

    Attributes:
        sure: Lines of tags that the picture has.
        unsure: Lines of tags that it may have.
        is_partial: Whether it does not say everything that the picture shows: the prompt of an image
            generator, or a text that cannot be decoded.
    """

    sure: list[str]
    unsure: list[str]
    is_partial: bool


def tag_lines(text: str) -> Lines:
    """Splits the text of a tag file into lines, without the marks of its layout."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text).replace("；", "、"))
    # Boorus write emoticons as in HTML: "&gt;_&lt;".
    text = html.unescape(text)
    end = _SETTINGS.search(text)
    kept = text[: end.start()] if end else text
    plain = _OPTIONS.sub("", kept)
    is_partial = end is not None or plain != kept or "\ufffd" in text
    if _HASHTAGS.fullmatch(plain.strip()):
        plain = plain.replace("#", ", ")
    elif _QUOTED_LIST.fullmatch(plain.strip()):
        plain = ", ".join(single or double for single, double in _QUOTED.findall(plain))
    lines = [line for line in _LINES.split(plain) if line.strip()]
    marked = [_MARKER.match(line) for line in lines]
    if len(lines) > 1 and all(marked):
        lines = [line[mark.end() :] for line, mark in zip(lines, marked, strict=True) if mark]
        marked = [None] * len(lines)
    sure: list[str] = []
    unsure: list[str] = []
    for line, mark in zip(lines, marked, strict=True):
        if scored := _SCORED.fullmatch(line.strip()):
            (sure if float(scored[2]) >= MIN_SCORE else unsure).append(scored[1])
        elif mark and len(lines) > 1:
            # "- hat" below other lines is an item of a list, or says that there is no hat.
            unsure.append(line[mark.end() :])
        else:
            sure.append(line)
    return Lines(_joined(sure), unsure, is_partial)


def _joined(lines: list[str]) -> list[str]:
    """Joins the lines of alternatives, as in `{smile|` and `frown}`."""
    joined: list[str] = []
    waiting: list[str] = []
    depth = 0
    for line in lines:
        depth += line.count("{") - line.count("}")
        waiting.append(line)
        if depth <= 0:
            joined.append(", ".join(waiting))
            waiting, depth = [], 0
    return joined + waiting
