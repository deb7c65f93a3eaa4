"""Files with comma-separated tags, as image taggers write them, and what their tags mean."""

from __future__ import annotations

import importlib.resources
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from anime_gan.attributes.schema import Schema
from anime_gan.common.suggestions import nearest

# Which tags mean a value, or a tag of ours.
Tags = tuple[str, ...]

_SEPARATORS = re.compile("[,，\r\n]+")
_SPACES = re.compile("(?:[^\\S\r\n]|_)+")
_SPECIAL = re.compile(r"[\\()\[\]{}]")
_ESCAPED = re.compile(r"\\([\\()\[\]{}])")
_WEIGHT = re.compile(r":_?[+-]?[0-9]*\.?[0-9]+_?$")
_PARTNERS = {")": "(", "]": "[", "}": "{"}


def split_tags(text: str) -> list[str]:
    r"""Splits a tag file into the names that Danbooru uses: lower case, "_" for spaces.

    Tags stand between commas or on lines of their own. Brackets for emphasis are removed with their weight,
    also around several tags; brackets of a name stay, whether escaped or not: `(red eyes:1.2)` is
    `red_eyes`, `ornament \(flower\)` is `ornament_(flower)`.
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
        # A bracket without its partner belongs to an emphasis of several tags; or to a face such as ":)".
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
    """The place of each opening bracket -> that of its partner, of each bracket without one -> None."""
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
    """Which tags mean which attribute.

    Attributes:
        attributes: As `Schema.from_names` wants them: group name -> its values, tag name -> None.

    Raises:
        ValueError: A name is impossible, or one tag stands for two values of a group.
    """

    attributes: Mapping[str, Tags | None]

    def __init__(self, groups: Mapping[str, Mapping[str, Tags]], tags: Mapping[str, Tags]) -> None:
        both = set(groups) & set(tags)
        if both:
            raise ValueError(f"both a group and a tag: {', '.join(sorted(both))}")
        self.attributes = {name: tuple(values) for name, values in groups.items()} | dict.fromkeys(tags)
        Schema.from_names(self.attributes)
        self._untagged: dict[str, str | bool | None] = dict.fromkeys(groups) | dict.fromkeys(tags, False)
        # Tag -> the attributes it speaks of, with the value it gives them.
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
        """The built-in table, with a user's changes.

        Args:
            extension: JSON text in the form of `danbooru.json`. What it has replaces the same attribute
                or value of the built-in table, or is added; `null` removes.

        Raises:
            ValueError: The text is not in that form; the message names the place.
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
        """What the tags of one image say about it.

        Taggers list everything they see: a tag that is missing says no. Of a group, no tag says nothing.
        An image without any tag was not looked at, and nothing is known.

        Args:
            tags: As `split_tags` gives them.

        Returns:
            The description for `Schema.encode`; the groups with conflicting tags, which are left unknown.
        """
        if not tags:
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
    """The JSON object of a user's file, with nothing but what may be at its top."""
    try:
        data = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_without_repeats)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("not JSON for tags: nested too deeply") from error
    if not isinstance(data, dict):
        raise ValueError('must be an object: {"groups": ..., "tags": ...}')
    for key, value in data.items():
        if key not in ("groups", "tags"):
            raise ValueError(f"unknown key {key!r}, not 'groups' or 'tags'{nearest(key, ['groups', 'tags'])}")
        _require_object(value, key)
    return data


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(n for n in names if names.count(n) > 1)!r} is there twice")
    return data


def _extend(groups: dict[str, dict[str, Tags]], tags: dict[str, Tags], data: Mapping[str, Any]) -> None:
    """Applies a user's changes to the built-in groups and tags."""
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
        raise ValueError(f"{where}.{name}: there is nothing of this name to remove{nearest(name, table)}")
    del table[name]


def _require_object(value: Any, where: str) -> None:
    if not isinstance(value, dict):
        raise ValueError(f'{where}: must be an object: {{"name": ...}}')


def _entries(values: Mapping[str, Sequence[str]]) -> dict[str, Tags]:
    return {name: tuple(tags) for name, tags in values.items()}
