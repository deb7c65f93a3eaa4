"""The meaning of the items of a tag file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.folder.tag_entries import TagEntries, Tags, read_entries
from anime_gan.datasets.folder.tag_text import TagItem

Value = str | bool

_NEGATED = re.compile(
    r"(?:[-!−–！]_*|(?:no|not|without)_|没有|沒有|无)(?P<name>.+)|(?P<last>.+?)(?:なし|無し)"
)
_MIN_SQUASHED = 3
_WORDS = re.compile(r"[^\W_]+")


class TagReading(NamedTuple):
    """What the tags of one image say.

    Attributes:
        description: Attribute -> its value, or None if it is unknown; as for `Schema.encode`.
        conflicts: Groups with several values, which are unknown.
        knows: Whether at least one tag is known.
        is_complete: Whether all items are tags, so that a tag that is missing means no.
    """

    description: dict[str, Value | None]
    conflicts: list[str]
    knows: bool
    is_complete: bool


class TagTable:
    """The attribute that each Danbooru tag stands for.

    Attributes:
        attributes: Group name -> its values, tag name -> None, as in `Schema.from_names`.

    Raises:
        ValueError: A name is not valid, or one tag stands for two values of a group.
    """

    attributes: Mapping[str, Tags | None]

    def __init__(self, entries: TagEntries) -> None:
        groups, tags, spoken = entries
        both = set(groups) & set(tags)
        if both:
            raise ValueError(f"a name cannot be both a group and a tag: {', '.join(sorted(both))}")
        self.attributes = {name: tuple(values) for name, values in groups.items()} | dict.fromkeys(tags)
        Schema.from_names(self.attributes)
        # Tag -> attribute -> the value that the tag gives it.
        self._meanings: dict[str, dict[str, Value]] = {}
        for group, values in groups.items():
            for value, meaning in values.items():
                for tag in meaning:
                    other = self._meanings.setdefault(tag, {}).setdefault(group, value)
                    if other != value:
                        raise ValueError(f"groups.{group}: {tag!r} stands for both {other!r} and {value!r}")
        for name, meaning in tags.items():
            for tag in meaning:
                self._meanings.setdefault(tag, {})[name] = True
        for tag, name, said in spoken:
            if said in groups.get(name, ()) or (said is True and name in tags):
                self._meanings.setdefault(tag, {}).setdefault(name, said)
        self._squashed = {
            _squashed(tag): meaning for tag, meaning in self._meanings.items() if _squashed(tag)
        }
        # First word -> (all words, attributes) of each known tag; and the tags without spaces between words.
        self._phrases: dict[str, list[tuple[tuple[str, ...], tuple[str, ...]]]] = {}
        self._characters: list[tuple[str, tuple[str, ...]]] = []
        for tag, said_values in self._meanings.items():
            words = tuple(_WORDS.findall(tag))
            if not tag.isascii():
                self._characters.append((tag, tuple(said_values)))
            elif words and tag[0].isalnum():
                self._phrases.setdefault(words[0], []).append((words, tuple(said_values)))

    @classmethod
    def load(cls, extension: str | None = None) -> TagTable:
        """Loads the built-in table and applies a user's changes.

        Args:
            extension: As in `read_entries`.

        Raises:
            ValueError: The text has another format; the message names the entry.
        """
        try:
            return cls(read_entries(extension))
        except ValueError as error:
            raise ValueError(f"tags.json: {error}") from error

    def meaning(self, tag: str) -> Mapping[str, Value]:
        """Returns attribute -> value for a tag; empty if the table does not know it."""
        return self._meanings.get(tag, {})

    def _respelled(self, name: str) -> Mapping[str, Value]:
        """Returns the meaning of a tag that differs from a known one only in hyphens, spaces, and plurals."""
        return self.meaning(name.replace(":-", ":")) or self._squashed.get(_squashed(name), {})

    def read(self, items: Sequence[TagItem]) -> TagReading:
        """Converts the items of a tag file to attributes.

        If all items are tags, a plain tag that is missing counts as absent, because taggers list everything
        they see. A group is unknown if none of its tags is listed. If no tag is known, everything is unknown.

        Args:
            items: Items from `read_items`.
        """
        said: dict[str, set[Value]] = {}
        is_open: set[str] = set()
        is_complete, knows = True, False
        for item in items:
            meanings, is_present = self._resolve(item.name)
            if meanings and item.is_sure:
                knows = True
                for name, value in meanings.items():
                    if is_present or value is True:
                        said.setdefault(name, set()).add(value if is_present else False)
            elif meanings:
                is_open.update(meanings)
            elif item.is_prose:
                is_complete = False
            else:
                is_open.update(self._part_of(item.name))
        description: dict[str, Value | None] = {}
        for name, values in self.attributes.items():
            absent = False if values is None and knows and is_complete and name not in is_open else None
            found = said.get(name, set())
            description[name] = next(iter(found)) if len(found) == 1 else None if found else absent
        conflicts = [name for name, found in said.items() if len(found) > 1 and self.attributes[name]]
        return TagReading(description, conflicts, knows, is_complete)

    def _resolve(self, name: str) -> tuple[Mapping[str, Value], bool]:
        """Returns the meaning of an item, and whether the item says that the image has it."""
        if name in self._meanings or not (match := _NEGATED.fullmatch(name)):
            return self.meaning(name) or self._respelled(name), True
        bare = match["name"] or match["last"]
        return self.meaning(bare) or self._respelled(bare), False

    def _part_of(self, name: str) -> Iterator[str]:
        """Yields the attributes of the known tags that an unknown tag contains, as "hat" in "hat_on_head"."""
        words = _WORDS.findall(name)
        for place, word in enumerate(words):
            for known, attributes in self._phrases.get(word, ()):
                if tuple(words[place : place + len(known)]) == known:
                    yield from attributes
        if not name.isascii():
            for characters, attributes in self._characters:
                if characters in name:
                    yield from attributes


def _squashed(tag: str) -> str:
    """Returns the letters of a tag's words without plurals; empty if it has other signs, or is very short."""
    words = tag.replace("-", "_").split("_")
    letters = "".join(word.removesuffix("s") for word in words)
    return letters if letters.isalnum() and len(letters) >= _MIN_SQUASHED else ""
