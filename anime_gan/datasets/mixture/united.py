"""Unites the schemas and labels of several sources.

Attributes with the same name are the same attribute. Values of groups are united, and so are the ranges of
scales. What a source does not label is unknown, except for what all of its pictures show. The group `style`
says which source a picture comes from.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from anime_gan.attributes.scales import BINS, Scale
from anime_gan.attributes.schema import Attribute, Group, Schema, Term
from anime_gan.datasets.dataset import DataError, Dataset

STYLE = "style"
_KINDS = {Group: "a group", Term: "a tag", Scale: "a scale"}


@dataclasses.dataclass(frozen=True)
class Part:
    """A source of a mixture.

    Attributes:
        dataset: Its pictures and labels.
        hand: The value of the group `style` for its pictures, unless its own labels have that group.
        always: What all of its pictures show, by the name of the attribute.
        never: Group -> values that none of its pictures shows.
    """

    dataset: Dataset
    hand: str
    always: Mapping[str, str | bool | float]
    never: Mapping[str, Sequence[str]]


def united_schema(parts: Sequence[Part]) -> Schema:
    """Returns the schema of a mixture, with `style` first.

    A tag that has the name of a group's value in another source, such as `angry` and `expression=angry`,
    becomes that value.

    Raises:
        DataError: An attribute is of different kinds in two sources.
    """
    found: dict[str, list[tuple[Attribute, str]]] = {STYLE: []}
    for part in parts:
        for attribute in part.dataset.schema.attributes:
            found.setdefault(attribute.name, []).append((attribute, part.hand))
    hands = [part.hand for part in parts if STYLE not in _names(part.dataset.schema)]
    if hands:
        # The phrases of known groups come from the vocabulary.
        found[STYLE].append((Schema.from_names({STYLE: (*hands, "other")}).groups[0], hands[0]))
    attributes = {name: _united(name, entries) for name, entries in found.items()}
    style = attributes[STYLE]
    if isinstance(style, Group):
        names = [*_own_styles(parts), *hands]
        attributes[STYLE] = Group(STYLE, tuple(value for value in style.values if value.name in names))
    replaced = replaced_tags(parts)
    return Schema(tuple(a for name, a in attributes.items() if name not in replaced))


def replaced_tags(parts: Sequence[Part]) -> dict[str, str]:
    """Returns the tags that become values of groups: tag name -> group name."""
    groups = [(group, _names(part.dataset.schema)) for part in parts for group in part.dataset.schema.groups]
    values = {
        value.name: group.name
        for group, others in groups
        for value in group.values
        if value.name not in others
    }
    tags = {a.name for part in parts for a in part.dataset.schema.attributes if isinstance(a, Term)}
    kept = {name for group, others in groups for value in group.values for name in others & {value.name}}
    return {tag: values[tag] for tag in tags - kept if tag in values}


def united_labels(parts: Sequence[Part], schema: Schema) -> np.ndarray:
    """Returns the label rows of all parts, int8 [n, num_labels]."""
    replaced = replaced_tags(parts)
    return np.concatenate([_labels_of(part, schema, replaced) for part in parts])


def _labels_of(part: Part, schema: Schema, replaced: Mapping[str, str]) -> np.ndarray:
    own, given = part.dataset.schema, part.dataset.labels
    labels = np.zeros((len(given), schema.num_labels), np.int8)
    for slot, attribute in zip(own.slots, own.attributes, strict=True):
        if slot.name in replaced:
            continue
        target = schema.slot_named(slot.name)
        if isinstance(attribute, Group):
            columns = [schema.column(slot.name, value.name) for value in attribute.values]
            is_known = np.any(given[:, slot.columns] > 0, axis=1)
            # Where the value is known, the picture has none of the other sources' values.
            labels[is_known, target.columns] = -1
            labels[:, columns] = given[:, slot.columns]
        elif isinstance(attribute, Scale):
            labels[:, target.start] = _moved(given[:, slot.start], attribute, schema.scales[target.start])
        else:
            labels[:, target.start] = given[:, slot.start]
    for tag, group in replaced.items():
        if tag in _names(own):
            _add_value(labels, schema, group, tag, given[:, own.slot_named(tag).start])
    fixed = {**({} if STYLE in _names(own) else {STYLE: part.hand}), **part.always}
    described = {
        name: value
        for name, value in fixed.items()
        if name in _names(schema) and name not in _names(own) and _has(schema, name, value)
    }
    row = schema.encode(described)
    for group, names in part.never.items():
        for name in names:
            column = f"{group}={name}"
            if column in schema.columns and group not in described:
                row[schema.columns.index(column)] = -1
    return np.where(labels == 0, row, labels)


def _add_value(labels: np.ndarray, schema: Schema, group: str, value: str, given: np.ndarray) -> None:
    """Adds what a tag says about the group that has it as a value; the first true tag counts."""
    slot, column = schema.slot_named(group), schema.column(group, value)
    is_open = ~np.any(labels[:, slot.columns] > 0, axis=1)
    chosen = is_open & (given > 0)
    labels[chosen, slot.columns] = -1
    labels[chosen, column] = 1
    labels[is_open & (given < 0), column] = -1


def _moved(bins: np.ndarray, old: Scale, new: Scale) -> np.ndarray:
    """Returns the bins of the same values in a scale with other limits."""
    table = np.zeros(BINS + 1, np.int8)
    for number in range(1, BINS + 1):
        value = old.low + (number - 1) / (BINS - 1) * (old.high - old.low)
        table[number] = new.bin_of(min(max(value, new.low), new.high))
    moved: np.ndarray = table[bins]
    return moved


def _has(schema: Schema, name: str, value: object) -> bool:
    slot = schema.slot_named(name)
    return not slot.is_group or f"{name}={value}" in schema.columns


def _own_styles(parts: Sequence[Part]) -> list[str]:
    return [
        value.name
        for part in parts
        for group in part.dataset.schema.groups
        if group.name == STYLE
        for value in group.values
    ]


def _names(schema: Schema) -> set[str]:
    return {attribute.name for attribute in schema.attributes}


def _united(name: str, entries: Sequence[tuple[Attribute, str]]) -> Attribute:
    """Returns one attribute for those with the same name in several sources."""
    first, source = entries[0]
    for other, its_source in entries[1:]:
        if type(other) is not type(first):
            reason = (
                f"{name!r} is {_KINDS[type(first)]} in {source} and {_KINDS[type(other)]} in {its_source}; "
                "rename one of them"
            )
            raise DataError(reason, "data")
        if isinstance(first, Scale) and isinstance(other, Scale) and first.unit != other.unit:
            units = f"{first.unit or 'no unit'} in {source} and {other.unit or 'no unit'} in {its_source}"
            raise DataError(f"the scale {name!r} has {units}; use one unit", "data")
    attributes = [attribute for attribute, _ in entries]
    if isinstance(first, Group):
        groups = [attribute for attribute in attributes if isinstance(attribute, Group)]
        values = {value.name: value for group in reversed(groups) for value in group.values}
        order = dict.fromkeys(value.name for group in groups for value in group.values)
        return Group(name, tuple(values[value] for value in order))
    if isinstance(first, Scale):
        scales = [attribute for attribute in attributes if isinstance(attribute, Scale)]
        low, high = min(scale.low for scale in scales), max(scale.high for scale in scales)
        return dataclasses.replace(first, low=low, high=high)
    return first
