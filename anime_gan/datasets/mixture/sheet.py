"""A sheet of real pictures: the same attributes in every style, to see before training whether they fit."""

from __future__ import annotations

import numpy as np

from anime_gan.common.alpha import on_background
from anime_gan.common.layout import TINT, captioned, grid
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.mixture.load import style_ranges

ROWS = 6
# Pictures of a style among which the most similar one is sought.
SOUGHT = 4_000


def style_sheet(dataset: Dataset, rows: int = ROWS) -> np.ndarray | None:
    """Returns pictures of similar persons in every style: a row for each person, a column for each style.

    Each row starts from a picture of another style. The others are those whose labels differ least.

    Args:
        dataset: With the group `style`.
        rows: Number of persons.

    Returns:
        uint8 [h, w, channels]; None if there are fewer than two styles.
    """
    random = np.random.default_rng(0)
    styles = {
        name: random.permutation(indices)[:SOUGHT]
        for name, indices in style_ranges(dataset).items()
        if len(indices)
    }
    if len(styles) < 2:
        return None
    names, chosen = list(styles), []
    for row in range(rows):
        candidates = styles[names[row % len(names)]]
        person = dataset.labels[candidates[row % len(candidates)]]
        chosen += [indices[np.argmax(_similarity(dataset, indices, person))] for indices in styles.values()]
    images = on_background(dataset.images[np.array(chosen)], TINT)
    columns = grid(images, len(names))
    return captioned(columns, [str(row + 1) for row in range(rows)], images.shape[1], names)


def _similarity(dataset: Dataset, indices: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Returns the number of attributes that agree, minus those that differ; unknown ones do not count."""
    schema = dataset.schema
    labels, wanted = schema.decode(dataset.labels[indices]), schema.decode(person[np.newaxis])[0]
    total = np.zeros(len(indices))
    for slot in schema.slots:
        if slot.name == "style":
            continue
        own, other = labels[:, slot.columns], wanted[slot.columns]
        known = np.any(own != 0, axis=1) & np.any(other != 0)
        distance = np.abs(own - other).max(axis=1)
        total += known * (1 - np.minimum(distance, 2))
    return total
