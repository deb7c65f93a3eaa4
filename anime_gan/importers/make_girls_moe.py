"""Attributes, their frequencies, and the license of the make.girls.moe models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from anime_gan.attributes.schema import Schema

if TYPE_CHECKING:
    from anime_gan.attributes.label_sampler import LabelRows

# Attributes in the order of the model's inputs. The site sampled attributes that a user left open with these
# frequencies. A group has one value; each tag is sampled independently.
FREQUENCIES: Mapping[str, Mapping[str, float] | float] = {
    "hair_color": {
        "blonde": 0.160,
        "brown": 0.213,
        "black": 0.155,
        "blue": 0.105,
        "pink": 0.080,
        "purple": 0.095,
        "green": 0.036,
        "red": 0.077,
        "silver": 0.032,
        "white": 0.018,
        "orange": 0.022,
        "aqua": 0.005,
        "grey": 0.002,
    },
    "long_hair": 0.25,
    "short_hair": 0.25,
    "twin_tail": 0.25,
    "drill_hair": 0.25,
    "ponytail": 0.25,
    "blush": 0.6,
    "smile": 0.6,
    "open_mouth": 0.25,
    "hat": 0.045,
    "ribbon": 0.3,
    "glasses": 0.054,
    "eye_color": {
        "blue": 0.284,
        "red": 0.158,
        "brown": 0.179,
        "green": 0.134,
        "purple": 0.142,
        "yellow": 0.054,
        "pink": 0.010,
        "aqua": 0.006,
        "black": 0.032,
        "orange": 0.002,
    },
}
ROWS = 4_096

STATEMENT = """This is the model of make.girls.moe (https://make.girls.moe), by Yanghua Jin and colleagues:
"Towards the Automatic Anime Characters Creation with Generative Adversarial Networks"
(https://arxiv.org/abs/1708.05509). Its license is CC BY-NC 2.0
(https://creativecommons.org/licenses/by-nc/2.0/): credit the authors, and do not use it commercially. The
files were supplied by the user who imported them. They are not part of anime_gan, and neither are the
pictures that the model was trained on."""


def schema() -> Schema:
    """Returns the schema of the published models: 34 labels in the order of their inputs."""
    return Schema.from_names(
        {
            name: tuple(frequency) if isinstance(frequency, Mapping) else None
            for name, frequency in FREQUENCIES.items()
        }
    )


def label_rows() -> LabelRows:
    """Returns label rows from which open attributes are sampled, with the site's frequencies.

    The label rows of the training set are not published. In these rows, attributes are independent. Every
    import makes the same rows.
    """
    # Imported here because it imports TensorFlow.
    from anime_gan.attributes.label_sampler import LabelRows

    columns = []
    for index, frequency in enumerate(FREQUENCIES.values()):
        shares = list(frequency.values()) if isinstance(frequency, Mapping) else [frequency, 1 - frequency]
        counts = _counts(shares, ROWS)
        chosen = np.random.default_rng(index).permutation(np.repeat(np.arange(len(counts)), counts))
        options = np.arange(len(counts) if isinstance(frequency, Mapping) else 1)
        columns.append(np.where(chosen[:, np.newaxis] == options, 1, -1))
    return LabelRows.from_labels(np.concatenate(columns, axis=1).astype(np.int8))


def _counts(shares: Sequence[float], total: int) -> np.ndarray:
    """Returns integers with the sum `total` that are closest to the given shares: int64 [n]."""
    exact = np.array(shares) / np.sum(shares) * total
    counts = np.floor(exact).astype(np.int64)
    counts[np.argsort(counts - exact, kind="stable")[: total - counts.sum()]] += 1
    return counts
