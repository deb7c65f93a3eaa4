"""Splits the text of a tag file into items: tags, alternatives, and prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from anime_gan.datasets.folder.tag_lines import MIN_SCORE, tag_lines

# "BREAK" and "AND" are keywords of prompts only in capitals. ";" may also belong to an emoticon such as ";)".
_SEPARATORS = re.compile(
    r"[,，、；]|\|\|\||(?<!\S)(?:BREAK|AND)(?!\S)|(?<=[\w)\]}])(?:\s*;(?=\s|$)|;(?=[^\W_]))|\s\|\s"
)
_COMMAS = re.compile("[,，、]")
_SPACES = re.compile("(?:\\s|_)+")
_SPECIAL = re.compile(r"[\\()\[\]{}]")
_ESCAPED = re.compile(r"\\([\\()\[\]{}])")
_WEIGHT = re.compile(r":_?[+-]?[0-9]*\.?[0-9]+_?$")
_PARTNERS = {")": "(", "]": "[", "}": "{"}
# Taggers and downloaders write the kind of a tag before it.
_KINDS = re.compile(
    r"(?:general|character|copyright|artist|meta|rating|species|series|creator|studio|style|tags?|prompt)"
    r":(?=.)"
)
# A sign before brackets is about everything in them.
_SIGN = re.compile(r"(?:[-!−–]|(?<!\w)(?:no|not|without))\s*$", re.IGNORECASE)
_SIGN_LENGTH = 12
_SIGN_OF_ONE = re.compile(r"[-!−–]\s*(?=[(\[{])")
# A weight without brackets, as in "hat:1.2".
_BARE_WEIGHT = re.compile(r"(?<=\w)\s*:\s*([0-9]*\.[0-9]+)$")
_EMPHASIS = re.compile(r"(?<=[\w)\]}])(?:\++|-+)$")
_NO_EFFECT = re.compile(r":\s*(?:-\s*[0-9.]+|\+?0*\.?0+)\s*$")
_UNDERSCORE = re.compile(r"[^\W_]_+[^\W_]")
_QUALIFIERS = re.compile(r"\\\(.*?\\\)")
_SENTENCE_END = re.compile(r"\w[.!?]\s+\w|[。！？]")
_FULL_STOP = re.compile(r"(?<=[\w)\]}])\s*\.$")
_EAST_ASIAN = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
_PARTICLES = re.compile("[的の了在は]")
_WILDCARD = re.compile(r"__\w+__|\$\$")

# Words of sentences, and of no tag that stands for an attribute.
SENTENCE_WORDS = frozenset(
    (
        *("a", "an", "the", "is", "are", "was", "were", "am", "with", "who", "whose", "which", "that"),
        *("this", "these", "she", "he", "her", "his", "they", "their", "it", "its", "there", "has"),
        *("have", "having", "wears", "wearing", "while", "and", "because"),
    )
)
_SIGN_WORDS = frozenset({"no", "not", "without"})
PROSE_WORDS = 5
PROSE_CHARACTERS = 12  # Chinese and Japanese sentences have no spaces.
MAX_TAG = 200
MAX_ALTERNATIVES = 100  # In one line; a line with more is no list of tags.


class TagItem(NamedTuple):
    """One item of a tag file.

    Attributes:
        name: As Danbooru writes a tag: in lower case, with "_" for spaces.
        is_sure: Whether the picture has it; False for one of several alternatives.
        is_prose: Whether it is no tag, unless the tag table knows it.
    """

    name: str
    is_sure: bool = True
    is_prose: bool = False


def read_items(text: str) -> list[TagItem]:
    """Reads the text of a tag file.

    Items are separated by commas, line breaks, `|||`, `BREAK`, or `AND`. In a line without commas, they are
    separated by spaces if words have underscores, as in `1girl blue_hair`. Alternatives such as
    `{smile|frown}` are not sure.
    """
    lines = tag_lines(text)
    items = [TagItem("", is_prose=True)] if lines.is_partial else []
    for line in lines.unsure:
        items += [item._replace(is_sure=False) for item in _line_items(line)]
    for line in lines.sure:
        items += _line_items(line)
    return items


def _line_items(line: str) -> list[TagItem]:
    has_comma = bool(_COMMAS.search(line))
    rest, items = _without_alternatives(line)
    for piece in _SEPARATORS.split(rest):
        words = _BARE_WEIGHT.sub("", piece).split()
        if not has_comma and len(words) > 1 and any(map(_UNDERSCORE.search, words)):
            items += _items_of_words(piece, words)
        elif item := _item(piece):
            items.append(item)
    return items


def split_tags(text: str) -> list[str]:
    r"""Splits the names of tags, in any spelling, at commas and line breaks.

    Emphasis brackets are removed with their weights, also around several tags. Brackets that belong to a name
    are kept, escaped or not. For example, `(red eyes:1.2)` becomes `red_eyes`, and `ornament \(flower\)`
    becomes `ornament_(flower)`.
    """
    names = (tag_name(piece) for piece in re.split("[,，\r\n]+", text.removeprefix("\ufeff")))
    return [name for name in names if name]


def tag_name(text: str) -> str:
    """Returns the text of one tag as Danbooru writes it: in lower case, with "_" for spaces."""
    name = _SPACES.sub("_", text.lower()).strip("_")
    if len(name) <= MAX_TAG and _SPECIAL.search(name):
        name = _ESCAPED.sub(r"\1", _without_emphasis(name))
    return name


def _item(piece: str, is_sure: bool = True) -> TagItem | None:
    text = _FULL_STOP.sub("", piece.strip())
    # Some programs write more of a tag as "hat++", and less as "hat--".
    if emphasis := _EMPHASIS.search(text):
        text, is_sure = text[: emphasis.start()], is_sure and emphasis[0][0] == "+"
    if weight := _BARE_WEIGHT.search(text):
        text = text[: weight.start()]
        is_sure = is_sure and float(weight[1]) >= MIN_SCORE
    sign = _SIGN_OF_ONE.match(text)
    name = "-" + tag_name(text[sign.end() :]) if sign else tag_name(text)
    if kind := _KINDS.match(name):
        name = name[kind.end() :].strip("_")
    return TagItem(name, is_sure, is_sentence(piece)) if name else None


def _items_of_words(piece: str, words: list[str]) -> Iterator[TagItem]:
    """Yields the tags of a piece in which spaces separate tags."""
    if (SENTENCE_WORDS | _SIGN_WORDS) & set(_plain_words(piece)):
        yield TagItem(tag_name(piece), is_prose=True)
        return
    # Neighboring words may be one tag whose underscore is missing.
    yield TagItem(tag_name(piece), is_sure=False)
    yield from (item for word in words if not word.endswith(":") and (item := _item(word)))


def is_sentence(piece: str) -> bool:
    """Whether a text is a sentence, or a part of one, and no tag."""
    if len(piece) > MAX_TAG or _WILDCARD.search(piece) or _SENTENCE_END.search(piece):
        return True
    words = _plain_words(_QUALIFIERS.sub("", piece))
    letters = len(_EAST_ASIAN.findall(piece))
    return (
        len(words) >= PROSE_WORDS
        or not SENTENCE_WORDS.isdisjoint(words)
        or letters >= PROSE_CHARACTERS
        or (letters >= PROSE_WORDS and bool(_PARTICLES.search(piece)))
    )


def _plain_words(piece: str) -> list[str]:
    """Returns the words between spaces, in lower case and without punctuation around them."""
    return [word.strip(".,:;!?()[]{}\"'") for word in piece.lower().split()]


def _without_alternatives(line: str) -> tuple[str, list[TagItem]]:
    """Returns the line without alternatives, and an item that is not sure for each of them."""
    regions = _open_regions(line)
    if not regions:
        return line, []
    if len(regions) > MAX_ALTERNATIVES:
        return "", [TagItem("", is_prose=True)]
    separators = [found.span() for found in _SEPARATORS.finditer(line)]
    items: list[TagItem] = []
    kept: list[str] = []
    done = 0
    for start, stop in regions:
        # The alternatives share the words before and after them, as in "{light|evil} smile".
        earlier = [span for span in separators if done <= span[0] and span[1] <= start]
        begin, first = earlier[-1] if earlier else (done, done)
        later = [span for span in separators if span[0] >= stop] + [(len(line), len(line))]
        later += [(other, other) for other, _ in regions if other >= stop]
        last, end = min(later)
        kept += [line[done:begin], ", "]
        before, after = line[first:start], line[stop:last]
        for part in re.split(r"[|,，、:(){}\[\]]+", line[start:stop]):
            for text in dict.fromkeys([before + part + after, part]):
                if item := _item(text, is_sure=False):
                    items.append(item._replace(is_prose=False))
        done = end
    return "".join([*kept, line[done:]]), items


class _Bracket(NamedTuple):
    """A bracket that is not closed yet, and what has been found in it."""

    start: int
    has_bar: bool = False
    has_comma: bool = False


def _open_regions(line: str) -> list[tuple[int, int]]:
    """Returns (start, stop) of each outermost bracket whose content may or may not be in the picture."""
    if not _SPECIAL.search(line):
        return []
    regions: list[tuple[int, int]] = []
    waiting: list[_Bracket] = []
    shape = _ESCAPED.sub("..", line)
    for place, letter in enumerate(shape):
        if letter in "([{":
            waiting.append(_Bracket(place))
        elif letter == "|" and waiting:
            waiting[-1] = waiting[-1]._replace(has_bar=True)
        elif letter in ",，、" and waiting:
            waiting[-1] = waiting[-1]._replace(has_comma=True)
        elif letter in _PARTNERS and waiting and shape[waiting[-1].start] == _PARTNERS[letter]:
            start, has_bar, has_comma = waiting.pop()
            if has_comma and waiting:
                waiting[-1] = waiting[-1]._replace(has_comma=True)
            # "[a:b:0.5]" changes the prompt halfway; "(a:0)" turns a tag off.
            is_open = has_bar or (letter == "]" and ":" in shape[max(start, place - MAX_TAG) : place])
            is_open |= bool(_NO_EFFECT.search(shape, max(start, place - 20), place))
            if has_comma and (sign := _SIGN.search(shape, max(0, start - _SIGN_LENGTH), start)):
                start, is_open = sign.start(), True
            if is_open:
                while regions and regions[-1][0] > start:
                    regions.pop()
                regions.append((start, place + 1))
    return regions


def _without_emphasis(tag: str) -> str:
    while tag:
        closed_by = _bracket_pairs(tag)
        last = len(tag) - 1
        if closed_by.get(0) == last:
            tag = _WEIGHT.sub("", tag[1:-1]).strip("_")
            continue
        # An unmatched bracket belongs to an emphasis of several tags, or to an emoticon such as ":)".
        if 0 in closed_by and closed_by[0] is None:
            rest = tag[1:]
        elif last in closed_by:
            rest = _WEIGHT.sub("", tag[:-1])
        else:
            return tag
        if rest and not any(letter.isalnum() for letter in rest):
            return tag
        tag = rest.strip("_")
    return tag


def _bracket_pairs(tag: str) -> dict[int, int | None]:
    """Returns the index of each opening or unmatched bracket -> the index of its partner, or None."""
    shape = _ESCAPED.sub("..", tag)
    pairs: dict[int, int | None] = {}
    open_places: list[int] = []
    for place, letter in enumerate(shape):
        if letter in "([{":
            open_places.append(place)
            pairs[place] = None
        elif letter in _PARTNERS:
            if open_places and shape[open_places[-1]] == _PARTNERS[letter]:
                pairs[open_places.pop()] = place
            else:
                pairs[place] = None
    return pairs
