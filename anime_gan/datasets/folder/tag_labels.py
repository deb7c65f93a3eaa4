"""Encodes what tags say about images, and counts what they leave unknown."""

from __future__ import annotations

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.datasets.folder.tags import TagReading


def encode_reading(reading: TagReading, schema: Schema) -> np.ndarray:
    """Encodes the description of one image, int8 [num_labels]; attributes outside the schema are dropped."""
    known = {}
    for slot in schema.slots:
        value = reading.description.get(slot.name)
        # Tags do not say numbers.
        if slot.is_scale or slot.is_group != isinstance(value, str):
            continue
        if not slot.is_group or f"{slot.name}={value}" in schema.columns:
            known[slot.name] = value
    return schema.encode(known)


class TagNotes:
    """Counts for the notes about tag files or cells with tags.

    Attributes:
        incomplete: Number of texts that contain more than tags.
    """

    def __init__(self, what: str) -> None:
        """Starts at zero; `what` names the texts in the notes, such as "tag files"."""
        self._what = what
        self._conflicts: dict[str, int] = {}
        self._unknown = 0
        self.incomplete = 0

    def add(self, reading: TagReading) -> None:
        """Counts what one image's tags leave unknown."""
        self._unknown += not reading.knows
        self.incomplete += reading.knows and not reading.is_complete
        for group in reading.conflicts:
            self._conflicts[group] = self._conflicts.get(group, 0) + 1

    def lines(self) -> list[str]:
        """Returns one note for each kind."""
        notes = [
            f"{group}: unknown in {count} images with conflicting tags"
            for group, count in self._conflicts.items()
        ]
        if self._unknown:
            notes.append(f"{self._unknown} {self._what} contain no known tag; their labels are unknown")
        if self.incomplete:
            notes.append(
                f"{self.incomplete} {self._what} contain more than tags, such as sentences; tags that they "
                "do not name are unknown there"
            )
        return notes
