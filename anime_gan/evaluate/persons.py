"""The measure of persons for the data of a model."""

from __future__ import annotations

from anime_gan.common.alpha import transparency
from anime_gan.datasets.load import load_siblings
from anime_gan.evaluate.exported_model import ExportedModel
from anime_gan.judges.load import Judges
from anime_gan.judges.person import PersonMeasure, load_person_measure


def load_measure(model: ExportedModel, data: str | None, judges: Judges) -> PersonMeasure | None:
    """Loads the measure of persons from the cache, or trains it; None if the data has no pairs.

    Args:
        model: The model whose faces are to be measured.
        data: As in `ExportedModel.training_data`.
        judges: The other judges of the data.

    Raises:
        DataError: The data cannot be read.
        JudgeError: The cached measure is damaged.
    """
    config = model.record["config"]
    # Another seed than that of the training data, so that the generator has not seen these persons.
    siblings = load_siblings(
        data or model.recorded_data(),
        config["resolution"],
        config["seed"] + 1,
        transparency(model.channels),
    )
    if siblings is None:
        return None
    return load_person_measure(siblings, judges.selector, judges.whole.tagger)
