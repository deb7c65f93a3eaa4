"""Labels from the names of folders: one folder for each value of an attribute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from anime_gan.attributes.phrases import normalize
from anime_gan.attributes.schema import Schema
from anime_gan.datasets.folder.columns import without_name
from anime_gan.datasets.folder.image_labels import ImageLabels
from anime_gan.datasets.folder.yes_no import is_unknown, read_yes_no

# The name of the group if there are no folders above the values.
CLASS = "class"
# Folders that only divide a dataset.
DIVISIONS = frozenset(
    {"train", "training", "test", "testing", "val", "valid", "validation", "images", "data"}
)


def labels_of_folders(pictures: Sequence[str]) -> ImageLabels:
    """Makes labels from folders: `hair/blue/1.png` has the value "blue" of the group "hair".

    Pictures in `blue/` have a value of the group "class". Two folders such as `glasses` and `no_glasses` make
    a tag. Pictures outside such folders are unlabeled.

    Raises:
        ValueError: No attribute has two folders, or a name cannot be used.
    """
    places = [_place(picture) for picture in pictures]
    values: dict[str, list[str]] = {}
    for place in places:
        if place and not is_unknown(place[1]) and place[1] not in values.setdefault(place[0], []):
            values[place[0]].append(place[1])
    usable = {group: sorted(found) for group, found in values.items() if len(found) > 1}
    if not usable:
        raise ValueError(
            "--labels_from=folders needs a folder for each value, such as hair/blue/1.png and hair/red/2.png"
        )
    switches = {group: meanings for group, found in usable.items() if (meanings := _switch(found))}
    tags = {group: tag for group, found in usable.items() if (tag := _tag_of(found))}
    tags |= {group: group for group in switches}
    schema = Schema.from_names(
        {tags.get(group, group): None if group in tags else found for group, found in usable.items()}
    )
    rows = np.zeros((len(pictures), schema.num_labels), np.int8)
    for row, place in zip(rows, places, strict=True):
        if place and place[1] in usable.get(place[0], ()):
            group, value = place
            if group in switches:
                row[:] = schema.encode({group: switches[group][value]})
            else:
                said = {tags[group]: value == tags[group]} if group in tags else {group: value}
                row[:] = schema.encode(said)
    notes = []
    unlabeled = sum(place is None or place[1] not in usable.get(place[0], ()) for place in places)
    if unlabeled:
        notes.append(
            f"{unlabeled} of {len(pictures)} images are not in a folder of a value; they are unlabeled"
        )
    return ImageLabels(schema, list(pictures), rows, [], notes)


def _place(picture: str) -> tuple[str, str] | None:
    """Returns the group and the value of a picture."""
    folders = [name for name in PurePosixPath(picture).parts[:-1] if name.lower() not in DIVISIONS]
    if not folders:
        return None
    group = normalize(folders[-2]).replace(" ", "_") if len(folders) > 1 else CLASS
    return group, normalize(without_name(folders[-1], group)).replace(" ", "_")


def _tag_of(values: Sequence[str]) -> str | None:
    """Returns the tag that two values are about, such as `glasses` and `no_glasses`."""
    for tag in values:
        if set(values) in [{tag, f"{word}_{tag}"} for word in ("no", "not", "without")]:
            return tag
    return None


def _switch(values: Sequence[str]) -> dict[str, bool | None] | None:
    """Returns the meanings of values such as `yes` and `no`; None if they are words of another kind."""
    found = read_yes_no(values)
    return found.meanings if found and {True, False} <= set(found.meanings.values()) else None
