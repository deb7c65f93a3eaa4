"""Image files with their labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anime_gan.attributes.schema import Schema


class ImageLabels(NamedTuple):
    """Image files and their labels.

    Attributes:
        schema: The meaning of the label columns; it has no attributes if the images are unlabeled.
        names: Image files with "/" between folders, in order, each once.
        labels: int8 [n, num_labels] of +1, -1, and 0 (unknown).
        skipped: (name, reason) of each skipped image or row.
        notes: Notes for the user, for example about ignored columns.
    """

    schema: Schema
    names: list[str]
    labels: np.ndarray
    skipped: list[tuple[str, str]]
    notes: list[str]
