"""The identity measure for the data of a model, and how far people move when their heads turn."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.alpha import transparency
from anime_gan.common.source_names import split_sources
from anime_gan.datasets.dataset import Dataset
from anime_gan.datasets.illustrator.faces import StyledFaces
from anime_gan.datasets.illustrator.labels import ANGLES
from anime_gan.datasets.load import load_siblings, make_illustrator
from anime_gan.evaluate.exported_model import ExportedModel
from anime_gan.judges.load import Judges
from anime_gan.judges.person import PersonMeasure, distances, load_person_measure

# Real people that are drawn at both ends of a scale.
MOVED_PERSONS = 200
# A scale moves from -REACH to REACH, where 1 is its limit: a head turns from -30 to 30 degrees.
REACH = 6 / 7
# Percentile of the distances between both ends, of the same real person.
MOVED_PERCENTILE = 95.0


@dataclasses.dataclass(frozen=True)
class Persons:
    """The identity measure, and its values for real people whose heads move.

    Attributes:
        measure: The measure.
        moved: Name of a scale -> the distance that 95% of the real people stay below if the scale goes from
            -REACH to REACH; empty if the data contains no faces that can be drawn with other angles.
    """

    measure: PersonMeasure
    moved: Mapping[str, float]


def load_persons(model: ExportedModel, data: str | None, judges: Judges) -> Persons | None:
    """Loads the identity measure from the cache, or trains it; None if the data has no pairs.

    Args:
        model: The model whose faces are to be measured.
        data: As in `ExportedModel.training_data`.
        judges: The other judges of the data.

    Raises:
        DataError: The data cannot be read.
        JudgeError: The cached measure is damaged.
    """
    config = model.record["config"]
    source, side = data or model.recorded_data(), config["resolution"]
    # Another seed than that of the training data, so that the generator has not seen these people.
    seed, transparent = config["seed"] + 1, transparency(model.channels)
    siblings = load_siblings(source, side, seed, transparent)
    if siblings is None:
        return None
    tagger = judges.whole.tagger
    aligned = siblings if tagger is None else with_schema(siblings, tagger.schema)
    measure = load_person_measure(aligned, judges.selector, tagger)
    return Persons(measure, _moved_persons(measure, source, side, seed + 1, transparent))


def with_schema(dataset: Dataset, schema: Schema) -> Dataset:
    """Returns a dataset with the label columns of another schema; columns that it lacks are unknown."""
    if dataset.schema.columns == schema.columns:
        return dataset
    labels = np.zeros((len(dataset.labels), schema.num_labels), np.int8)
    for column, name in enumerate(schema.columns):
        if name in dataset.schema.columns:
            labels[:, column] = dataset.labels[:, dataset.schema.columns.index(name)]
    return dataclasses.replace(dataset, labels=labels, schema=schema)


def _moved_persons(
    measure: PersonMeasure, data: str, resolution: int, seed: int, transparent: str
) -> dict[str, float]:
    sources = split_sources(data)
    made = (
        make_illustrator(source, seed, transparent, import_code=False, is_placed=len(sources) > 1)
        for source in sources
        if source.startswith("drawn:")
    )
    artist = next((artist for artist in made if isinstance(artist, StyledFaces)), None)
    if artist is None:
        return {}
    return {name: _moved_distance(measure, artist, name, resolution) for name in ANGLES}


def _moved_distance(measure: PersonMeasure, artist: StyledFaces, scale: str, resolution: int) -> float:
    ends = []
    for value in (-REACH * ANGLES[scale], REACH * ANGLES[scale]):
        faces = [artist.draw_with(n, resolution, **{scale: value})[0] for n in range(MOVED_PERSONS)]
        ends.append(measure.features(np.stack(faces)))
    return float(np.percentile(np.diagonal(distances(*ends)), MOVED_PERCENTILE))
