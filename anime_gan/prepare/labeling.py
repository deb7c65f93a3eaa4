"""Combines labels from tag files, a tagger, and measured colors, in this order of reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from anime_gan.datasets.folder.beside import label_file, read_label_file
from anime_gan.datasets.folder.labels import read_text
from anime_gan.datasets.folder.tags import TagReading, TagTable
from anime_gan.datasets.reading.storage import stamp_of
from anime_gan.prepare.colors import Measured

Value = str | bool
Attributes = Mapping[str, tuple[str, ...] | None]
# A tag is present at or above its threshold, and absent below this share of it. In between, it is unknown.
ABSENT_SHARE = 0.5
TAG_FILE, TAGGER, COLOR = "tag file", "tagger", "measured"


class Label(NamedTuple):
    """A known attribute of a face.

    Attributes:
        value: The value of a group, or whether a tag is present.
        source: `TAG_FILE`, `TAGGER`, or `COLOR`.
        confidence: 0 to 1.
    """

    value: Value
    source: str
    confidence: float


class Tagger(Protocol):
    """A network that recognizes attributes in images.

    Attributes:
        attributes: Group name -> values, or tag name -> None, in the order of the label columns.
        checksum: Hexadecimal digest of the network.
    """

    attributes: Attributes
    checksum: str

    def describe(self, images: np.ndarray) -> list[dict[str, Label]]:
        """Returns the labels of images, uint8 [n, size, size, 3]; uncertain labels are omitted."""
        ...


def read_tag_file(root: str, picture: str, table: TagTable, is_shared: bool) -> TagReading | None:
    """Reads the tag file beside a picture; returns None if there is none that can be read.

    Args:
        root: The source folder or zip archive.
        picture: The picture in it.
        table: The meaning of the tags.
        is_shared: As in `label_file`.
    """
    name = label_file(picture, lambda name: stamp_of(root, name) is not None, is_shared)
    if name is None:
        return None
    try:
        items = read_label_file(name, read_text(root, name))
    except OSError:
        return None
    return None if items is None else table.read(items)


def tag_labels(reading: TagReading | None) -> dict[str, Label]:
    """Returns the known labels of a tag file."""
    description = reading.description if reading else {}
    return {name: Label(value, TAG_FILE, 1.0) for name, value in description.items() if value is not None}


def measured_labels(colors: Mapping[str, Measured], least: float, attributes: Attributes) -> dict[str, Label]:
    """Returns measured colors that are attribute values and have a confidence of at least `least`."""
    return {
        name: Label(color.name, COLOR, color.confidence)
        for name, color in colors.items()
        if color.confidence >= least and color.name in (attributes.get(name) or ())
    }


def combine(sources: Sequence[Mapping[str, Label] | None]) -> dict[str, Label]:
    """Combines sources of labels. Each attribute is taken from the first source that has it."""
    labels: dict[str, Label] = {}
    for source in sources:
        for name, label in (source or {}).items():
            labels.setdefault(name, label)
    return labels


def join_attributes(first: Attributes, second: Attributes) -> dict[str, tuple[str, ...] | None]:
    """Merges two sets of attributes, including the values of their common groups.

    Raises:
        ValueError: An attribute is a group in one and a tag in the other.
    """
    joined = dict(first)
    for name, values in second.items():
        known = joined.setdefault(name, values)
        if (known is None) != (values is None):
            raise ValueError(
                f"attribute {name!r} is a group in one source of labels and a tag in another; rename one"
            )
        if known is not None and values is not None:
            joined[name] = tuple(dict.fromkeys([*known, *values]))
    return joined


def decide(probability: float, threshold: float) -> bool | None:
    """Returns whether a tag is present: True, False, or None for unknown."""
    if probability >= threshold:
        return True
    return False if probability < ABSENT_SHARE * threshold else None
