"""Tables of tags: the built-in one, and the changes of a user's `tags.json`."""

from __future__ import annotations

import importlib.resources
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from anime_gan.attributes.schema import Group, Schema
from anime_gan.attributes.vocabulary import load_vocabulary
from anime_gan.common.suggestions import nearest
from anime_gan.datasets.folder.tag_text import split_tags, tag_name

# The Danbooru tags that stand for one value, or for one tag of the schema.
Tags = tuple[str, ...]


class TagEntries(NamedTuple):
    """What each tag stands for.

    Attributes:
        groups: Group name -> value -> tags.
        tags: Tag name -> tags.
        spoken: (spelling, attribute, value) of the words that people write instead of tags, such as
            "smiling". A tag with the same spelling takes precedence.
    """

    groups: dict[str, dict[str, Tags]]
    tags: dict[str, Tags]
    spoken: list[tuple[str, str, str | bool]]


def read_entries(extension: str | None = None) -> TagEntries:
    """Reads the built-in table and applies a user's changes.

    Args:
        extension: JSON text in the format of `danbooru.json`. Its entries are added to the built-in table or
            replace entries of the same name; `null` removes an entry.

    Raises:
        ValueError: The text has another format; the message names the entry.
    """
    text = importlib.resources.files("anime_gan.datasets.folder").joinpath("danbooru.json").read_text("utf-8")
    table = json.loads(text)
    groups = {name: _entries(values) for name, values in table["groups"].items()}
    tags = _entries(table["tags"])
    data = {} if extension is None else _parsed(extension)
    # A user who changes an entry lists all its words.
    changed = {(name, True) for name in data.get("tags", {})}
    changed |= {(name, value) for name, values in data.get("groups", {}).items() for value in values or ()}
    spoken = [entry for entry in _spoken(groups, tags) if entry[1:] not in changed]
    _extend(groups, tags, data)
    return TagEntries(groups, tags, spoken)


def _spoken(
    groups: Mapping[str, Mapping[str, Tags]], tags: Mapping[str, Tags]
) -> Iterator[tuple[str, str, str | bool]]:
    """Yields the phrases that requests to a model with these attributes may contain."""
    schema = Schema.from_names({name: tuple(values) for name, values in groups.items()} | dict.fromkeys(tags))
    known = load_vocabulary()["groups"]
    for attribute in schema.attributes:
        if not isinstance(attribute, Group):
            for phrase in attribute.phrases:
                yield tag_name(phrase), attribute.name, True
            continue
        for value in attribute.values:
            bare = known.get(attribute.name, {}).get("values", {}).get(value.name, [])
            # "short" or "golden" alone may describe something else.
            for phrase in set(value.phrases) - {value.name, *bare}:
                yield tag_name(phrase), attribute.name, value.name


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
