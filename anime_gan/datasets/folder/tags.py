"""Tag files with comma-separated tags, as image taggers write them, and the meaning of their tags."""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from anime_gan.attributes.schema import Schema
from anime_gan.common.suggestions import nearest

# The Danbooru tags that stand for one value, or for one tag of the schema.
Tags = tuple[str, ...]

_SEPARATORS = re.compile("[,，\r\n]+")
_SPACES = re.compile("(?:[^\\S\r\n]|_)+")
_SPECIAL = re.compile(r"[\\()\[\]{}]")
_ESCAPED = re.compile(r"\\([\\()\[\]{}])")
_WEIGHT = re.compile(r":_?[+-]?[0-9]*\.?[0-9]+_?$")
_PARTNERS = {")": "(", "]": "[", "}": "{"}


def split_tags(text: str) -> list[str]:
    r"""Splits the text of a tag file into names as Danbooru writes them: in lower case, with "_" for spaces.

    Tags are separated by commas or line breaks. Emphasis brackets are removed with their weights, also around
    several tags. Brackets that belong to a name are kept, escaped or not. For example, `(red eyes:1.2)`
    becomes `red_eyes`, and `ornament \(flower\)` becomes `ornament_(flower)`.
    """
    text = _SPACES.sub("_", text.removeprefix("\ufeff").lower())
    names = (_plain(tag.strip("_")) for tag in _SEPARATORS.split(text))
    return [name for name in names if name]


def _plain(tag: str) -> str:
    if not _SPECIAL.search(tag):
        return tag
    return _ESCAPED.sub(r"\1", _without_emphasis(tag))


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


class TagTable:
    """The meaning of Danbooru tags: which attribute each tag stands for.

    Attributes:
        attributes: Group name -> its values, tag name -> None, as in `Schema.from_names`.

    Raises:
        ValueError: A name is not valid, or one tag stands for two values of a group.
    """

    attributes: Mapping[str, Tags | None]

    def __init__(self, groups: Mapping[str, Mapping[str, Tags]], tags: Mapping[str, Tags]) -> None:
        both = set(groups) & set(tags)
        if both:
            raise ValueError(f"a name cannot be both a group and a tag: {', '.join(sorted(both))}")
        self.attributes = {name: tuple(values) for name, values in groups.items()} | dict.fromkeys(tags)
        Schema.from_names(self.attributes)
        self._untagged: dict[str, str | bool | None] = dict.fromkeys(groups) | dict.fromkeys(tags, False)
        # Tag -> attribute -> the value that the tag gives it.
        self._meanings: dict[str, dict[str, str | bool]] = {}
        for group, values in groups.items():
            for value, meaning in values.items():
                for tag in meaning:
                    said = self._meanings.setdefault(tag, {}).setdefault(group, value)
                    if said != value:
                        raise ValueError(f"groups.{group}: {tag!r} stands for both {said!r} and {value!r}")
        for name, meaning in tags.items():
            for tag in meaning:
                self._meanings.setdefault(tag, {})[name] = True

    @classmethod
    def load(cls, extension: str | None = None) -> TagTable:
        """Loads the built-in table and applies a user's changes.

        Args:
            extension: JSON text in the format of `danbooru.json`. Its entries are added to the built-in table
                or replace entries of the same name; `null` removes an entry.

        Raises:
            ValueError: The text has another format; the message names the entry.
        """
        text = (
            importlib.resources.files("anime_gan.datasets.folder")
            .joinpath("danbooru.json")
            .read_text("utf-8")
        )
        table = json.loads(text)
        groups = {name: _entries(values) for name, values in table["groups"].items()}
        tags = _entries(table["tags"])
        if extension is None:
            return cls(groups, tags)
        try:
            _extend(groups, tags, _parsed(extension))
            return cls(groups, tags)
        except ValueError as error:
            raise ValueError(f"tags.json: {error}") from error

    def read(self, tags: Sequence[str]) -> tuple[dict[str, str | bool | None], list[str]]:
        """Converts the tags of one image to attributes.

        A plain tag that is missing counts as absent, because taggers list everything they see. A group is
        unknown if none of its tags is listed. If no tag is known, as in a caption, everything is unknown.

        Args:
            tags: Names from `split_tags`.

        Returns:
            The description for `Schema.encode`, and the groups with conflicting tags, which are unknown.
        """
        if self._meanings.keys().isdisjoint(tags):
            return dict.fromkeys(self.attributes), []
        description = dict(self._untagged)
        conflicts: dict[str, None] = {}
        for tag in tags:
            for name, value in self._meanings.get(tag, {}).items():
                if description[name] not in (value, False, None):
                    conflicts[name] = None
                description[name] = value
        description.update(conflicts)
        return description, list(conflicts)


def _parsed(text: str) -> dict[str, Any]:
    """Parses the JSON object of a user's file and checks its top-level keys."""
    try:
        data = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("not JSON: nested too deeply") from error
    if not isinstance(data, dict):
        raise ValueError('must be an object: {"groups": ..., "tags": ...}')
    for key, value in data.items():
        if key not in ("groups", "tags"):
            raise ValueError(
                f"unknown key {key!r}; only 'groups' and 'tags' are allowed{nearest(key, ['groups', 'tags'])}"
            )
        _require_object(value, key)
    return data


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"duplicate key {next(n for n in names if names.count(n) > 1)!r}")
    return data


def _extend(groups: dict[str, dict[str, Tags]], tags: dict[str, Tags], data: Mapping[str, Any]) -> None:
    """Applies a user's changes to the built-in groups and tags, in place."""
    for name, values in data.get("groups", {}).items():
        if values is None:
            _remove(groups, name, "groups")
        else:
            _require_object(values, f"groups.{name}")
            _override(groups.setdefault(name, {}), values, f"groups.{name}")
    _override(tags, data.get("tags", {}), "tags")


def _override(table: dict[str, Tags], changes: Mapping[str, Any], where: str) -> None:
    for name, meaning in changes.items():
        if meaning is None:
            _remove(table, name, where)
            continue
        known = isinstance(meaning, list) and all(isinstance(tag, str) for tag in meaning)
        table[name] = tuple(tag for text in meaning for tag in split_tags(text)) if known else ()
        if not table[name]:
            raise ValueError(f'{where}.{name}: must be a list of tags such as ["blue_hair"], or null')


def _remove(table: dict[str, Any], name: str, where: str) -> None:
    if name not in table:
        raise ValueError(f"{where}.{name} cannot be removed: there is no such entry{nearest(name, table)}")
    del table[name]


def _require_object(value: Any, where: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f'{where}: must be an object: {{"name": ...}}')


def _entries(values: Mapping[str, Sequence[str]]) -> dict[str, Tags]:
    return {name: tuple(tags) for name, tags in values.items()}
