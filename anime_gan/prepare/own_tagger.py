"""A source of labels: this package's tagger, trained on a labeled dataset."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from anime_gan.attributes.scales import Scale
from anime_gan.attributes.schema import Group
from anime_gan.common.errors import InputError
from anime_gan.common.suggestions import nearest
from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.load import load_dataset
from anime_gan.prepare.labeling import TAGGER, Attributes, Label, decide

RESOLUTION = 64


class OwnTagger:
    """The tagger of a dataset. It is loaded from the cache, or trained in a few minutes.

    Attributes:
        attributes: The attributes of the dataset.
        checksum: SHA-256 of the tagger's weights.
        notes: Notes for the user about the accuracy of the tagger.
    """

    def __init__(self, data: str, threshold: float, thresholds: Mapping[str, float]) -> None:
        """Loads or trains the tagger.

        Args:
            data: A data source, as in `train.py --data`.
            threshold: Minimum probability for a label to count as present.
            thresholds: Label column, such as `smile` or `hair_color=blue` -> threshold that replaces
                `threshold`.

        Raises:
            InputError: The data source or a label column does not exist (fields `tagger` and `thresholds`).
        """
        from anime_gan.common.quiet import import_tensorflow

        import_tensorflow()
        from anime_gan.judges.tagger import load_tagger

        try:
            dataset = load_dataset(data, 0, RESOLUTION, 0, import_code=True)
        except DataError as error:
            if error.field == "data":
                raise error.about("tagger") from error
            raise
        self._schema = dataset.schema
        for name in thresholds:
            if name not in self._schema.columns:
                hint = nearest(name, self._schema.columns)
                raise InputError(f"the tagger has no label {name!r}{hint}", "thresholds")
        self._thresholds = [thresholds.get(name, threshold) for name in self._schema.columns]
        self.attributes: Attributes = {
            attribute.name: tuple(value.name for value in attribute.values)
            if isinstance(attribute, Group)
            else None
            for attribute in self._schema.attributes
            if not isinstance(attribute, Scale)
        }
        self._tagger = load_tagger(dataset)
        self.checksum = self._tagger.checksum
        self.notes = self._tagger.notes()

    def describe(self, images: np.ndarray) -> list[dict[str, Label]]:
        """Returns the labels of images, uint8 [n, size, size, 3]; uncertain labels are omitted."""
        return [self._read(row) for row in self._tagger.judge(images).probabilities]

    def _read(self, probabilities: np.ndarray) -> dict[str, Label]:
        labels = {}
        # Labels of prepared pictures are words and tags.
        for slot in (slot for slot in self._schema.slots if not slot.is_scale):
            columns = range(slot.start, slot.start + slot.size)
            likeliest = max(columns, key=lambda column: probabilities[column])
            probability = float(probabilities[likeliest])
            there = decide(probability, self._thresholds[likeliest])
            if slot.is_group and there:
                labels[slot.name] = Label(self._schema.terms[likeliest].name, TAGGER, probability)
            elif not slot.is_group and there is not None:
                labels[slot.name] = Label(there, TAGGER, probability if there else 1 - probability)
        # A hidden attribute, such as the color of closed eyes, is unknown.
        for hidden, hider in self._schema.hidden_by:
            if labels.get(self._schema.columns[hider], Label(False, "", 0)).value is True:
                labels.pop(hidden.name, None)
        return labels
