"""What is known of a face, from several sources: the surest that says something counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple, Protocol

import numpy as np

from anime_gan.datasets.folder.labels import read_text
from anime_gan.datasets.folder.tags import TagTable, split_tags
from anime_gan.prepare.colors import Measured

Value = str | bool
Attributes = Mapping[str, tuple[str, ...] | None]
# A tag that is at its threshold is there, one below this share of it is not; between them it is unknown.
ABSENT_SHARE = 0.5
TAG_FILE, TAGGER, COLOR = "tag file", "tagger", "measured"


class Label(NamedTuple):
    """One thing that is known of a face.

    Attributes:
        value: A group's value, or whether a tag is there.
        source: Who says so.
        confidence: 0 to 1.
    """

    value: Value
    source: str
    confidence: float


class Tagger(Protocol):
    """A network that says what pictures show."""

    @property
    def attributes(self) -> Attributes:
        """In column order: group name -> its values, tag name -> None."""
        ...

    @property
    def checksum(self) -> str:
        """Hexadecimal: another network has another."""
        ...

    def describe(self, images: np.ndarray) -> list[dict[str, Label]]:
        """What is known of each of the images, uint8 [n, size, size, 3]; what is unsure is missing."""
        ...


def tag_file_names(picture: str) -> tuple[str, str]:
    """Where the tags of a picture may lie: `face.txt` and `face.png.txt` for `face.png`."""
    return str(PurePosixPath(picture).with_suffix(".txt")), picture + ".txt"


def read_tag_file(root: str, picture: str, table: TagTable) -> dict[str, Label] | None:
    """What `face.txt` or `face.png.txt` beside `face.png` says; None if there is no such file."""
    for name in tag_file_names(picture):
        try:
            text = read_text(root, name)
        except OSError:
            continue
        description, conflicts = table.read(split_tags(text))
        # A caption has no known tag: then nothing is known, not everything absent.
        if not any(description.values()) and not conflicts:
            return {}
        return {name: Label(value, TAG_FILE, 1.0) for name, value in description.items() if value is not None}
    return None


def measured_labels(colors: Mapping[str, Measured], least: float, attributes: Attributes) -> dict[str, Label]:
    """The measured colors that are sure enough, and that the attributes know."""
    return {
        name: Label(color.name, COLOR, color.confidence)
        for name, color in colors.items()
        if color.confidence >= least and color.name in (attributes.get(name) or ())
    }


def combine(sources: Sequence[Mapping[str, Label] | None]) -> dict[str, Label]:
    """Of every attribute what the first source says that knows it."""
    labels: dict[str, Label] = {}
    for source in sources:
        for name, label in (source or {}).items():
            labels.setdefault(name, label)
    return labels


def join_attributes(first: Attributes, second: Attributes) -> dict[str, tuple[str, ...] | None]:
    """The attributes of both, the values of groups that both have joined.

    Raises:
        ValueError: What is a group for one is a tag for the other.
    """
    joined = dict(first)
    for name, values in second.items():
        known = joined.setdefault(name, values)
        if (known is None) != (values is None):
            raise ValueError(f"attribute {name!r} is a group in one source of labels and a tag in another")
        if known is not None and values is not None:
            joined[name] = tuple(dict.fromkeys([*known, *values]))
    return joined


def decide(probability: float, threshold: float) -> bool | None:
    """Whether something is there: yes, no, or unknown."""
    if probability >= threshold:
        return True
    return False if probability < ABSENT_SHARE * threshold else None
