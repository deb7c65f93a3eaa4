"""The attribute schema: groups and tags, the phrases that name them, and their encoding as labels.

A schema is data: it is saved as JSON with every dataset, run, and export. The code in this module names no
particular attribute. Labels are +1 (present), -1 (absent), or 0 (unknown). A group has one label column per
value; a tag has one column.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.resources
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from anime_gan.attributes.phrases import normalize, split_phrases
from anime_gan.common.errors import InputError
from anime_gan.common.json_files import parse_json, read_parsed
from anime_gan.common.suggestions import nearest, shortened

# Negations of a phrase, and the values that may follow "tag=".
NEGATIONS = ("no {}", "not {}", "without {}", "-{}", "无{}", "没有{}", "{}なし")
SWITCH_WORDS = {1: ("yes", "on", "true", "1"), -1: ("no", "off", "false", "0")}
UNKNOWN_PHRASE = -1
AMBIGUOUS_PHRASE = -2
# Matches Latin letters mixed with kana or Chinese characters.
MIXED_SCRIPTS = re.compile(r"[a-z].*[\u3040-\u9fff]|[\u3040-\u9fff].*[a-z]")


class AttributeRequestError(InputError):
    """A request cannot be understood or contradicts itself."""


@dataclasses.dataclass(frozen=True)
class Term:
    """A tag or one value of a group: its name and the phrases that people type for it."""

    name: str
    phrase: str
    aliases: tuple[str, ...] = ()

    @property
    def phrases(self) -> tuple[str, ...]:
        """All spellings: the phrase, the name, and the aliases."""
        return (self.phrase, self.name, *self.aliases)


@dataclasses.dataclass(frozen=True)
class Group:
    """An attribute that has exactly one of several values, such as the hair color."""

    name: str
    values: tuple[Term, ...]


class _AttributeData(msgspec.Struct):
    """A group or a tag in JSON: a group has values, and a tag has a phrase."""

    name: str
    values: tuple[Term, ...] | None = None
    phrase: str | None = None
    aliases: tuple[str, ...] = ()

    def attribute(self) -> Group | Term:
        if self.values is not None:
            return Group(self.name, self.values)
        if self.phrase is None:
            raise ValueError(f"the attribute {self.name!r} has neither values nor a phrase")
        return Term(self.name, self.phrase, self.aliases)


class _SchemaData(msgspec.Struct):
    version: int
    attributes: list[_AttributeData]


@dataclasses.dataclass(frozen=True)
class Slot:
    """The label columns of one attribute: `start` to `start + size - 1`."""

    name: str
    start: int
    size: int
    is_group: bool

    @property
    def columns(self) -> slice:
        """The slot's columns, for indexing label rows."""
        return slice(self.start, self.start + self.size)


@dataclasses.dataclass(frozen=True)
class Schema:
    """The attributes of a dataset, in the order of their label columns.

    Attributes:
        attributes: Groups and tags; a tag is a `Term`.

    Raises:
        ValueError: A name is empty or used twice, or it contains a comma or an equals sign.
    """

    attributes: tuple[Group | Term, ...]

    def __post_init__(self) -> None:
        names = [attribute.name for attribute in self.attributes]
        for group in self.groups:
            if len(group.values) < 2:
                raise ValueError(f"group {group.name!r} needs at least two values, not {len(group.values)}")
            _check_names([value.name for value in group.values], f"group {group.name!r}")
        _check_names(names, "schema")

    @property
    def groups(self) -> tuple[Group, ...]:
        """The attributes that are groups."""
        return tuple(a for a in self.attributes if isinstance(a, Group))

    @functools.cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The label columns of each attribute, in order."""
        slots, start = [], 0
        for attribute in self.attributes:
            is_group = isinstance(attribute, Group)
            size = len(attribute.values) if isinstance(attribute, Group) else 1
            slots.append(Slot(attribute.name, start, size, is_group))
            start += size
        return tuple(slots)

    @property
    def num_labels(self) -> int:
        """The number of label columns."""
        return sum(slot.size for slot in self.slots)

    @functools.cached_property
    def columns(self) -> tuple[str, ...]:
        """The name of each label column, such as `hair_color=blue` for a value and `smile` for a tag."""
        names: list[str] = []
        for attribute in self.attributes:
            if isinstance(attribute, Group):
                names += [f"{attribute.name}={value.name}" for value in attribute.values]
            else:
                names.append(attribute.name)
        return tuple(names)

    @functools.cached_property
    def terms(self) -> tuple[Term, ...]:
        """The term of each label column."""
        return tuple(
            term
            for attribute in self.attributes
            for term in (attribute.values if isinstance(attribute, Group) else (attribute,))
        )

    @functools.cached_property
    def phrase_codes(self) -> dict[str, int]:
        """All phrases that can be typed: normalized phrase -> code.

        The code is `2 * column` for "present" and `2 * column + 1` for "absent". The empty phrase, which
        requests nothing, has the code `2 * num_labels`. A phrase with several meanings has the code
        `AMBIGUOUS_PHRASE`.
        """
        meanings: dict[str, set[int]] = {}
        for column, (full_name, term) in enumerate(zip(self.columns, self.terms, strict=True)):
            for code, phrases in enumerate(_spellings(full_name, term), 2 * column):
                # A phrase with a comma cannot be typed. Joined phrases are normalized ten times as fast.
                typed = ",".join(phrase for phrase in phrases if not re.search("[,，、]", phrase))
                for phrase in normalize(typed).split(","):
                    meanings.setdefault(phrase, set()).add(code)
        codes = {
            phrase: found.pop() if len(found) == 1 else AMBIGUOUS_PHRASE
            for phrase, found in sorted(meanings.items())
        }
        # `score=-1` is the value -1 if there is one, although it also negates the value 1.
        for column, name in enumerate(self.columns):
            if "=" in name:
                codes[normalize(name)] = 2 * column
        codes[""] = 2 * self.num_labels
        return codes

    @functools.cached_property
    def phrase_effects(self) -> np.ndarray:
        """The effect of each code on the label columns.

        Returns:
            int8 [2 * num_labels + 1, num_labels]: +1 for present, -1 for absent, 0 for no effect.
            Requesting one value of a group rules out the others.
        """
        effects = np.zeros((2 * self.num_labels + 1, self.num_labels), np.int8)
        for slot in self.slots:
            for column in range(slot.start, slot.start + slot.size):
                effects[2 * column, slot.columns] = -1
                effects[2 * column, column] = 1
                effects[2 * column + 1, column] = -1
        return effects

    def parse(self, text: str) -> np.ndarray:
        """Parses a typed request, such as `"blue hair, smile, no glasses"`.

        Args:
            text: Phrases separated by commas, in any order; may be empty.

        Returns:
            int8 [num_labels]: +1 for present, -1 for absent, 0 for open.

        Raises:
            AttributeRequestError: A phrase is unknown or ambiguous, or two phrases contradict each other.
        """
        wanted = np.zeros(self.num_labels, np.int8)
        said_by: dict[int, str] = {}
        for phrase in split_phrases(text):
            code = self.phrase_codes.get(phrase, UNKNOWN_PHRASE)
            if code == UNKNOWN_PHRASE:
                raise AttributeRequestError(self._unknown_message(phrase))
            if code == AMBIGUOUS_PHRASE:
                raise AttributeRequestError(
                    f"{phrase!r} is ambiguous; use {' or '.join(self._meanings(phrase))}"
                )
            effect = self.phrase_effects[code]
            clash = np.flatnonzero(wanted * effect < 0)
            if clash.size:
                raise AttributeRequestError(f"{said_by[int(clash[0])]!r} contradicts {phrase!r}")
            for column in np.flatnonzero(effect):
                said_by.setdefault(int(column), phrase)
            wanted = np.where(effect != 0, effect, wanted)
        for slot in self.slots:
            if slot.is_group and np.all(wanted[slot.columns] == -1):
                raise AttributeRequestError(f"every value of {slot.name!r} is ruled out; leave at least one")
        return wanted

    def describe(self, labels: np.ndarray) -> str:
        """Describes a label row in words that `parse` turns back into the same row.

        Args:
            labels: [num_labels] of +1, -1, and 0.
        """
        words: list[str] = []
        for slot in self.slots:
            values = np.asarray(labels)[slot.columns]
            positive = np.flatnonzero(values > 0)
            if positive.size:
                words.append(self._phrase(slot.start + int(positive[0])))
            else:
                negative = np.flatnonzero(values < 0)
                words += [f"no {self._phrase(slot.start + int(column))}" for column in negative]
        return ", ".join(words)

    def encode(self, description: Mapping[str, str | bool | None]) -> np.ndarray:
        """Encodes the attributes of one image; an attribute that is missing or None is unknown.

        Args:
            description: Attribute name -> a group's value, or whether a tag is present.

        Returns:
            int8 [num_labels] of +1, -1, and 0.

        Raises:
            ValueError: An attribute or value is not in the schema.
        """
        unknown = set(description) - {slot.name for slot in self.slots}
        if unknown:
            raise ValueError(f"the schema does not contain: {', '.join(sorted(unknown))}")
        labels = np.zeros(self.num_labels, np.int8)
        for slot in self.slots:
            value = description.get(slot.name)
            if value is None:
                continue
            if slot.is_group:
                labels[slot.columns] = -1
                labels[self.column(slot.name, str(value))] = 1
            else:
                labels[slot.start] = 1 if value else -1
        return labels

    def column(self, attribute: str, value: str | None = None) -> int:
        """Returns the label column of a tag, or of one value of a group.

        Raises:
            ValueError: There is no such column.
        """
        name = attribute if value is None else f"{attribute}={value}"
        if name not in self.columns:
            raise ValueError(f"the schema has no {name!r}")
        return self.columns.index(name)

    def slot(self, attribute: str) -> Slot:
        """Returns the slot of an attribute, given any accepted spelling (`Hair color`, `smiling`).

        Raises:
            AttributeRequestError: There is no such attribute; the message names the nearest ones.
        """
        wanted = normalize(attribute)
        for slot in self.slots:
            spellings = {slot.name} if slot.is_group else set(self.terms[slot.start].phrases)
            if wanted in {normalize(spelling) for spelling in spellings}:
                return slot
        names = [slot.name for slot in self.slots]
        raise AttributeRequestError(f"no attribute {shortened(attribute)!r}{nearest(attribute, names)}")

    @functools.cached_property
    def hidden_by(self) -> tuple[tuple[Slot, int], ...]:
        """Pairs of an attribute and the label column that hides it, such as eye color and closed eyes.

        The rules are in `vocabulary.json`. A rule applies if the schema has both of its attributes.
        """
        slots = {slot.name: slot for slot in self.slots}
        return tuple(
            (slots[hidden], self.columns.index(hider))
            for hidden, hiders in load_vocabulary()["hidden_by"].items()
            for hider in hiders
            if hidden in slots and hider in self.columns
        )

    def listing(self) -> str:
        """Lists everything that can be requested, one attribute per line."""
        lines = []
        for attribute in self.attributes:
            if isinstance(attribute, Group):
                phrases = ", ".join(value.phrase for value in attribute.values)
                lines.append(f"{attribute.name}: one of {phrases}")
            else:
                lines.append(f"{attribute.name}: {attribute.phrase} / no {attribute.phrase}")
        return "\n".join(lines)

    def to_json(self) -> str:
        """Returns the schema as JSON text."""
        attributes: list[dict[str, Any]] = [dataclasses.asdict(a) for a in self.attributes]
        return json.dumps({"version": 1, "attributes": attributes}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> Schema:
        """Reads the JSON text of `to_json`.

        Raises:
            ValueError: The text is not a schema of a known version.
        """
        data = parse_json(text, _SchemaData)
        if data.version != 1:
            raise ValueError(f"the attribute schema has version {data.version}, not version 1")
        return cls(tuple(item.attribute() for item in data.attributes))

    @classmethod
    def read(cls, path: Path, error: type[InputError], advice: str = "") -> Schema:
        """Reads a file with the JSON text of `to_json`; see `read_parsed`."""
        return read_parsed(path, cls.from_json, error, advice)

    @classmethod
    def from_names(cls, attributes: Mapping[str, Sequence[str] | None]) -> Schema:
        """Makes a schema from names; common attributes get their aliases from `vocabulary.json`.

        Args:
            attributes: In column order: group name -> its values, tag name -> None.

        Raises:
            ValueError: A name is empty or used twice, or it contains a comma or an equals sign.
        """
        vocabulary = load_vocabulary()
        return cls(
            tuple(
                _tag_from_name(name, vocabulary) if values is None else _group(name, values, vocabulary)
                for name, values in attributes.items()
            )
        )

    def _phrase(self, column: int) -> str:
        """Returns the shortest unambiguous phrase for a column."""
        phrase = self.terms[column].phrase
        return phrase if self.phrase_codes[normalize(phrase)] == 2 * column else self.columns[column]

    def _meanings(self, phrase: str) -> list[str]:
        return [
            f"{self._phrase(column)!r}"
            for column, term in enumerate(self.terms)
            if phrase in {normalize(spelling) for spelling in term.phrases}
            or any(phrase == normalize(n.format(p)) for n in NEGATIONS for p in term.phrases)
        ]

    def _unknown_message(self, phrase: str) -> str:
        # Hints contain only positive phrases and their forms with "no", not every negation of each alias.
        spellings = [known for known, code in self.phrase_codes.items() if known and code % 2 == 0]
        # Templates also combine words of two languages, as in "blue髪", but nobody types such phrases.
        spellings = [known for known in spellings if not MIXED_SCRIPTS.search(known)]
        spellings += [f"no {spelling}" for spelling in spellings if "=" not in spelling]
        hint = nearest(phrase, spellings)
        if "!" in phrase:
            hint += " (one sign, in front of an attribute, means no; put commas between attributes)"
        return f"unknown attribute {shortened(phrase.replace('!', '-'))!r}{hint}"


@functools.cache
def load_vocabulary() -> dict[str, Any]:
    """Reads `vocabulary.json`: aliases of common attributes, and the attributes that hide others."""
    text = importlib.resources.files("anime_gan.attributes").joinpath("vocabulary.json").read_text("utf-8")
    vocabulary: dict[str, Any] = json.loads(text)
    return vocabulary


def _check_names(names: Sequence[str], where: str) -> None:
    for name in names:
        if not normalize(name).strip("-! ") or re.search("[,=，、＝≠]", name):
            raise ValueError(f"{where}: {name!r} cannot be a name: it is empty or contains a comma or '='")
    normalized = [normalize(name) for name in names]
    twice = {name for name in normalized if normalized.count(name) > 1}
    if twice:
        raise ValueError(f"{where}: names used twice: {', '.join(sorted(twice))}")


def _spellings(full_name: str, term: Term) -> tuple[list[str], list[str]]:
    """Returns the phrases for "present" and for "absent" of one label column."""
    group, is_value, _ = full_name.rpartition("=")
    # What precedes "=", and what may follow it if the attribute is present.
    name, words = (group, term.phrases) if is_value else (term.name, SWITCH_WORDS[1])
    present = [*term.phrases, full_name, *(f"{name}={word}" for word in words)]
    absent = [negation.format(phrase) for negation in NEGATIONS for phrase in term.phrases]
    absent += [form for word in words for form in (f"-{name}={word}", f"{name}=-{word}")]
    if not is_value:
        absent += [f"{name}={word}" for word in SWITCH_WORDS[-1]]
    return present, absent


def _words(name: str) -> str:
    return name.replace("_", " ")


def _tag_from_name(name: str, vocabulary: Mapping[str, Any]) -> Term:
    return Term(name, _words(name), tuple(vocabulary["tags"].get(name, ())))


def _group(name: str, values: Sequence[str], vocabulary: Mapping[str, Any]) -> Group:
    entry = vocabulary["groups"].get(name, {})
    templates = entry.get("templates", ["{} " + _words(name)])
    terms = []
    for value in values:
        known = entry.get("values", {}).get(value, [])
        if isinstance(known, Mapping):
            phrase, bare = known["phrase"], known["aliases"]
        else:
            phrase, bare = templates[0].format(_words(value)), known
        spellings = [_words(value), *bare]
        expanded = [template.format(spelling) for spelling in spellings for template in templates]
        aliases = dict.fromkeys([*bare, *expanded])
        terms.append(Term(value, phrase, tuple(alias for alias in aliases if alias != phrase)))
    return Group(name, tuple(terms))
