"""The attribute schema: groups, tags, and scales, the phrases that name them, and their encoding as labels.

A schema is data: it is saved as JSON with every dataset, run, and export. The code in this module names no
particular attribute. Labels are +1 (present), -1 (absent), or 0 (unknown). A group has one label column per
value; a tag has one column. A scale has one column with a value from -1 to 1, which stored rows contain as
the number of a bin (see `scales`).
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np

from anime_gan.attributes import scales
from anime_gan.attributes.phrases import normalize, split_phrases
from anime_gan.attributes.scales import NumberForm, Scale, ScaleWord
from anime_gan.attributes.vocabulary import known_as, load_vocabulary, other_words
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


Attribute: TypeAlias = Group | Term | Scale


class _AttributeData(msgspec.Struct):
    """An attribute in JSON: a group has values, a tag has a phrase, and a scale also has limits."""

    name: str
    values: tuple[Term, ...] | None = None
    phrase: str | None = None
    aliases: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    unit: str = ""
    words: tuple[ScaleWord, ...] = ()
    mirrored: bool = False

    def attribute(self) -> Attribute:
        if self.values is not None:
            return Group(self.name, self.values)
        if self.phrase is None:
            raise ValueError(f"the attribute {self.name!r} has neither values nor a phrase")
        if self.low is not None and self.high is not None:
            limits = (self.low, self.high)
            return Scale(self.name, self.phrase, *limits, self.unit, self.aliases, self.words, self.mirrored)
        if self.low is not None or self.high is not None:
            raise ValueError(f"the scale {self.name!r} needs both low and high")
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
    is_scale: bool = False

    @property
    def num_options(self) -> int:
        """The number of its values in a sheet."""
        return self.size if self.is_group else scales.SHEET_STEPS if self.is_scale else 2

    @property
    def columns(self) -> slice:
        """The slot's columns, for indexing label rows."""
        return slice(self.start, self.start + self.size)


@dataclasses.dataclass(frozen=True)
class Schema:
    """The attributes of a dataset, in the order of their label columns.

    Attributes:
        attributes: Groups, tags, and scales; a tag is a `Term`.

    Raises:
        ValueError: A name is empty or used twice, or it contains a comma or an equals sign.
    """

    attributes: tuple[Attribute, ...]

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
            slots.append(Slot(attribute.name, start, size, is_group, isinstance(attribute, Scale)))
            start += size
        return tuple(slots)

    @functools.cached_property
    def scales(self) -> dict[int, Scale]:
        """Label column -> the scale that it belongs to."""
        pairs = zip(self.slots, self.attributes, strict=True)
        return {slot.start: attribute for slot, attribute in pairs if isinstance(attribute, Scale)}

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
        terms: list[Term] = []
        for attribute in self.attributes:
            if isinstance(attribute, Group):
                terms += attribute.values
            elif isinstance(attribute, Scale):
                terms.append(Term(attribute.name, attribute.phrase, attribute.aliases))
            else:
                terms.append(attribute)
        return tuple(terms)

    @functools.cached_property
    def phrase_codes(self) -> dict[str, int]:
        """All phrases that can be typed: normalized phrase -> code.

        The code is `2 * column` for "present" and `2 * column + 1` for "absent". The empty phrase, which
        requests nothing, has the code `2 * num_labels`. The codes above it are those of the words of scales.
        A phrase with several meanings has the code `AMBIGUOUS_PHRASE`.
        """
        meanings: dict[str, set[int]] = {}
        for code, (_, word) in enumerate(self.scale_words, 2 * self.num_labels + 1):
            meanings.setdefault(normalize(word.phrase), set()).add(code)
        for column, (full_name, term) in enumerate(zip(self.columns, self.terms, strict=True)):
            if column in self.scales:
                continue
            for code, phrases in enumerate(_spellings(full_name, term), 2 * column):
                # A phrase with a comma cannot be typed. Joined phrases are normalized ten times as fast.
                typed = ",".join(phrase for phrase in phrases if not re.search("[,，、]", phrase))
                for phrase in normalize(typed).split(","):
                    meanings.setdefault(phrase, set()).add(code)
        codes = {
            phrase: found.pop() if len(found) == 1 else AMBIGUOUS_PHRASE
            for phrase, found in sorted(meanings.items())
        }
        # A hyphen in front of a number also joins words, if these are a name such as `type-1`.
        for phrase in [phrase for phrase in codes if " !" in phrase]:
            codes.setdefault(phrase.replace(" !", " "), codes[phrase])
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
            float32 [codes, num_labels]: +1 for present, -1 for absent, 0 for no effect, or the value of a
            scale. Requesting one value of a group rules out the others.
        """
        words = self.scale_words
        effects = np.zeros((2 * self.num_labels + 1 + len(words), self.num_labels), np.float32)
        for code, (column, word) in enumerate(words, 2 * self.num_labels + 1):
            effects[code, column] = scales.known(word.value)
        for slot in (slot for slot in self.slots if not slot.is_scale):
            for column in range(slot.start, slot.start + slot.size):
                effects[2 * column, slot.columns] = -1
                effects[2 * column, column] = 1
                effects[2 * column + 1, column] = -1
        return effects

    @property
    def scale_words(self) -> list[tuple[int, ScaleWord]]:
        """The words of all scales with their label columns, in the order of their codes."""
        return [(column, word) for column, scale in self.scales.items() for word in scale.words]

    @functools.cached_property
    def number_forms(self) -> dict[str, NumberForm]:
        """All phrases with a number that can be typed, with `#` for the number."""
        meanings: dict[str, set[NumberForm]] = {}
        for slot, attribute in zip(self.slots, self.attributes, strict=True):
            if isinstance(attribute, Group):
                continue
            forms = (
                scales.scale_forms(attribute, slot.start)
                if isinstance(attribute, Scale)
                else scales.tag_forms(attribute.phrases, slot.start)
            )
            for form, meaning in forms:
                meanings.setdefault(normalize(form), set()).add(meaning)
        return {form: found.pop() for form, found in sorted(meanings.items()) if len(found) == 1}

    def parse(self, text: str) -> np.ndarray:
        """Parses a typed request, such as `"blue hair, smile, no glasses"`.

        Args:
            text: Phrases separated by commas, in any order; may be empty.

        Returns:
            float32 [num_labels]: +1 for present, -1 for absent, 0 for open; in between, the strength of a tag
            or the value of a scale.

        Raises:
            AttributeRequestError: A phrase is unknown or ambiguous, or two phrases contradict each other.
        """
        wanted = np.zeros(self.num_labels, np.float32)
        said_by: dict[int, str] = {}
        for phrase in split_phrases(text):
            effect = self._effect(phrase)
            clash = np.flatnonzero((wanted != 0) & (effect != 0) & (wanted != effect))
            if clash.size:
                raise AttributeRequestError(f"{said_by[int(clash[0])]!r} contradicts {phrase!r}")
            for column in np.flatnonzero(effect):
                said_by.setdefault(int(column), phrase)
            wanted = np.where(effect != 0, effect, wanted)
        for slot in self.slots:
            if slot.is_group and np.all(wanted[slot.columns] == -1):
                raise AttributeRequestError(f"every value of {slot.name!r} is ruled out; leave at least one")
        return wanted

    def _effect(self, phrase: str) -> np.ndarray:
        """Returns the effect of a normalized phrase on the label columns."""
        code = self.phrase_codes.get(phrase, UNKNOWN_PHRASE)
        if code == AMBIGUOUS_PHRASE:
            raise AttributeRequestError(f"{phrase!r} is ambiguous; use {' or '.join(self._meanings(phrase))}")
        if code != UNKNOWN_PHRASE:
            effects: np.ndarray = self.phrase_effects[code]
            return effects
        form, sign, number = scales.split_number(phrase) or ("", "", 0.0)
        meaning = self.number_forms.get(form)
        if meaning is None or (sign and not meaning.signed):
            raise AttributeRequestError(self._unknown_message(phrase))
        value = (-number if sign in ("-", "!") else number) * meaning.factor + meaning.offset
        if abs(value) > scales.LIMIT:
            raise AttributeRequestError(self._range_message(phrase, meaning))
        effect = np.zeros(self.num_labels, np.float32)
        effect[meaning.column] = scales.known(np.clip(value, -1, 1))
        return effect

    def describe(self, labels: np.ndarray) -> str:
        """Describes a label row in words that `parse` turns back into the same row.

        Args:
            labels: [num_labels] of +1, -1, and 0; in between, strengths and scales.
        """
        words: list[str] = []
        for slot in self.slots:
            values = np.asarray(labels)[slot.columns]
            positive = np.flatnonzero(values > 0)
            phrase = self._phrase(slot.start)
            if slot.is_scale:
                words += [f"{phrase} {scales.percent(value)}" for value in values if value]
            elif not slot.is_group and 0 < abs(values[0]) < 1:
                words.append(f"{phrase} {scales.strength(values[0])}")
            elif positive.size:
                words.append(self._phrase(slot.start + int(positive[0])))
            else:
                negative = np.flatnonzero(values < 0)
                words += [f"no {self._phrase(slot.start + int(column))}" for column in negative]
        return ", ".join(words)

    def encode(self, description: Mapping[str, str | bool | float | None]) -> np.ndarray:
        """Encodes the attributes of one image; an attribute that is missing or None is unknown.

        Args:
            description: Attribute name -> a group's value, whether a tag is present, or the value of a scale
                in its unit.

        Returns:
            int8 [num_labels] of +1, -1, and 0; for a scale, the number of a bin.

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
            elif slot.is_scale:
                labels[slot.start] = self.scales[slot.start].bin_of(float(value))
            else:
                labels[slot.start] = 1 if value else -1
        return labels

    def decode(self, labels: np.ndarray) -> np.ndarray:
        """Turns stored label rows, int8 [..., num_labels], into float32 rows with the values of scales."""
        return scales.decoded(labels, list(self.scales))

    @functools.cached_property
    def mirroring(self) -> tuple[np.ndarray, np.ndarray]:
        """How the labels of a mirrored picture follow from those of the picture.

        Columns named left and right are swapped. A column that has no counterpart becomes unknown.

        Returns:
            int64 [num_labels], the column to read for each column, and float32 [num_labels], its factor.
        """
        order, factors = np.arange(self.num_labels), np.ones(self.num_labels, np.float32)
        for column, name in enumerate(self.columns):
            other = _other_side(name)
            if column in self.scales:
                factors[column] = -1 if self.scales[column].mirrored else 1
            elif other in self.columns:
                order[column] = self.columns.index(other)
            elif other != name:
                factors[column] = 0
        return order, factors

    def column(self, attribute: str, value: str | None = None) -> int:
        """Returns the label column of a tag, or of one value of a group.

        Raises:
            ValueError: There is no such column.
        """
        name = attribute if value is None else f"{attribute}={value}"
        if name not in self.columns:
            raise ValueError(f"the schema has no {name!r}")
        return self.columns.index(name)

    def slot_named(self, name: str) -> Slot:
        """Returns the slot of an attribute by its name.

        Raises:
            KeyError: There is no such attribute.
        """
        return {slot.name: slot for slot in self.slots}[name]

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
            elif isinstance(attribute, Scale):
                words = "".join(f", {word.phrase}" for word in attribute.words)
                ends = f"{attribute.in_unit(-1)} to {attribute.in_unit(1)}"
                lines.append(f"{attribute.name}: {attribute.phrase} -100% to 100% ({ends}){words}")
            else:
                lines.append(f"{attribute.name}: {attribute.phrase} / no {attribute.phrase}")
        return "\n".join(lines)

    def to_json(self) -> str:
        """Returns the schema as JSON text."""
        attributes: list[dict[str, Any]] = [dataclasses.asdict(a) for a in self.attributes]
        return json.dumps({"version": _version(self), "attributes": attributes}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> Schema:
        """Reads the JSON text of `to_json`.

        Raises:
            ValueError: The text is not a schema of a known version.
        """
        data = parse_json(text, _SchemaData)
        if data.version not in (1, 2):
            raise ValueError(f"the attribute schema has version {data.version}, not version 1 or 2")
        schema = cls(tuple(item.attribute() for item in data.attributes))
        expected = _version(schema)
        if data.version != expected:
            raise ValueError(f"the attribute schema has version {data.version}, not version {expected}")
        return schema

    @classmethod
    def read(cls, path: Path, error: type[InputError], advice: str = "") -> Schema:
        """Reads a file with the JSON text of `to_json`; see `read_parsed`."""
        return read_parsed(path, cls.from_json, error, advice)

    @classmethod
    def from_names(cls, attributes: Mapping[str, Sequence[str] | Scale | None]) -> Schema:
        """Makes a schema from names; common attributes get their aliases from `vocabulary.json`.

        Args:
            attributes: In column order: group name -> its values, tag name -> None, scale name -> the scale.

        Raises:
            ValueError: A name is empty or used twice, or it contains a comma or an equals sign.
        """
        vocabulary = load_vocabulary()
        entries: dict[str, Any] = vocabulary["groups"]
        groups = known_as(list(attributes), {name: entry.get("names", ()) for name, entry in entries.items()})
        words = other_words(
            [name for name, values in attributes.items() if values is None], vocabulary["tags"]
        )
        return cls(
            tuple(
                values
                if isinstance(values, Scale)
                else Term(name, _words(name), words[name])
                if values is None
                else _group(name, values, entries.get(groups.get(name, ""), {}))
                for name, values in attributes.items()
            )
        )

    def _phrase(self, column: int) -> str:
        """Returns the shortest unambiguous phrase for a column."""
        phrase = self.terms[column].phrase
        if column in self.scales:
            form = normalize(f"{phrase} {scales.PLACE}%")
            return phrase if form in self.number_forms else self.columns[column]
        return phrase if self.phrase_codes[normalize(phrase)] == 2 * column else self.columns[column]

    def _meanings(self, phrase: str) -> list[str]:
        return [
            f"{self._phrase(column)!r}"
            for column, term in enumerate(self.terms)
            if phrase in {normalize(spelling) for spelling in term.phrases}
            or any(phrase == normalize(n.format(p)) for n in NEGATIONS for p in term.phrases)
        ]

    def _range_message(self, phrase: str, form: NumberForm) -> str:
        scale = self.scales.get(form.column)
        if scale is None:
            return f"{phrase!r} is out of range: the strength of {self.columns[form.column]!r} is 0% to 100%"
        return (
            f"{phrase.replace('!', '-')!r} is out of range: {scale.name!r} goes from -1 to 1, "
            f"-100% to 100%, or {scale.in_unit(-1)} to {scale.in_unit(1)}"
        )

    def _unknown_message(self, phrase: str) -> str:
        # Hints contain only positive phrases and their forms with "no", not every negation of each alias.
        last = 2 * self.num_labels
        spellings = [
            p for p, code in self.phrase_codes.items() if p and code % 2 == 0 and code < last and "!" not in p
        ]
        words = [phrase for phrase, code in self.phrase_codes.items() if code > last]
        # Templates also combine words of two languages, as in "blue髪", but nobody types such phrases.
        spellings = [known for known in spellings if not MIXED_SCRIPTS.search(known)]
        if not re.search("[=:]", phrase):
            spellings = [spelling for spelling in spellings if "=" not in spelling]
        if phrase.startswith(("no", "-")):
            spellings += [f"no {spelling}" for spelling in spellings if "=" not in spelling]
        named = {name for scale in self.scales.values() for name in map(normalize, scale.phrases)}
        if phrase in named:
            return f"{phrase!r} needs a number, such as {f'{phrase} 40%'!r}"
        forms = {form.replace(scales.PLACE, "40") for form in self.number_forms if form.endswith("%")}
        is_number = scales.split_number(phrase) is not None
        hint = nearest(phrase, sorted(forms) if is_number else spellings + words)
        if re.search("[!;|/]", phrase):
            hint += " (one sign, in front of an attribute, means no; put commas between attributes)"
        return f"unknown attribute {shortened(phrase.replace('!', '-'))!r}{hint}"


def _version(schema: Schema) -> int:
    # Schemas without scales stay readable for older versions of this program.
    return 2 if schema.scales else 1


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


def _other_side(name: str) -> str:
    """Returns the name with left instead of right, and right instead of left."""
    swapped = {"left": "right", "right": "left"}
    return "".join(swapped.get(part, part) for part in re.split("([a-z]+)", name))


def _words(name: str) -> str:
    return name.replace("_", " ")


def known_scale(name: str, low: float, high: float) -> Scale:
    """Returns a scale that `vocabulary.json` describes, with the limits of some pictures."""
    entry = load_vocabulary()["scales"][name]
    words = tuple(ScaleWord(phrase, value) for phrase, value in entry["words"])
    aliases = tuple(entry["aliases"])
    return Scale(name, entry["phrase"], low, high, entry["unit"], aliases, words, entry["mirrored"])


def _group(name: str, values: Sequence[str], entry: Mapping[str, Any]) -> Group:
    templates = entry.get("templates", ["{} " + _words(name)])
    known = {
        value: (words, "") if isinstance(words, list) else (words["aliases"], words["phrase"])
        for value, words in entry.get("values", {}).items()
    }
    others = other_words(values, {value: words for value, (words, _) in known.items()})
    terms = []
    for value in values:
        bare = others[value]
        phrases = [template.format(_words(value)) for template in templates]
        # `蓝发` and not `蓝 hair`.
        phrase = next((phrase for phrase in phrases if not MIXED_SCRIPTS.search(phrase)), phrases[0])
        phrase = known.get(value, ((), ""))[1] or phrase
        expanded = [
            template.format(spelling) for spelling in [_words(value), *bare] for template in templates
        ]
        aliases = dict.fromkeys([*bare, *expanded])
        terms.append(Term(value, phrase, tuple(alias for alias in aliases if alias != phrase)))
    return Group(name, tuple(terms))
