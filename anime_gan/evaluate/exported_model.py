"""An exported model that draws many faces at a time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anime_gan.common.quiet import import_tensorflow
from anime_gan.exports.read import read_export

BATCH = 64


class ExportedModel:
    """The SavedModel of an export, and what lies beside it.

    Attributes:
        directory: The version folder.
        schema: The attributes that can be requested.
        record: `training.json`: configuration, steps, statement, checksums.
        transparent: How to load images with the model's channels; see `load_dataset`.
    """

    def __init__(self, directory: Path | None) -> None:
        """Reads the files next to the model; the model itself is loaded with the first face.

        Args:
            directory: As in `find_export`.

        Raises:
            ModelError: There is no complete model.
        """
        self._export = read_export(directory)
        self.directory, self.schema = self._export.directory, self._export.schema
        self.record = self._export.record
        # Absent before version 0.2.0.
        self.transparent = "yes" if self.record["config"].get("channels", 3) == 4 else "no"
        self._loaded: Any = None

    def inputs(self, attributes: Sequence[str], seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """What `generate.py` would draw for these requests and seeds, without truncation.

        Args:
            attributes: [n] requests as typed; what they leave open follows the training set.
            seeds: [n], 0 and up.

        Returns:
            Latents float32 [n, z] and complete labels float32 [n, num_labels].
        """
        tf = import_tensorflow()
        latents, labels = [], []
        for start in range(0, len(seeds), BATCH):
            part = slice(start, start + BATCH)
            drawn = self._model().draw_inputs(
                tf.constant(list(attributes[part]), tf.string),
                tf.constant(np.asarray(seeds[part], np.int64)),
                tf.ones([len(seeds[part])]),
            )
            latents.append(drawn["latents"].numpy())
            labels.append(drawn["labels"].numpy())
        return np.concatenate(latents), np.concatenate(labels)

    def render(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws faces, all in one batch: uint8 [n, h, w, channels]."""
        tf = import_tensorflow()
        # Here, since it imports TensorFlow at its top.
        from anime_gan.models.pixels import to_uint8

        images = self._model().signatures["latents"](
            latents=tf.constant(latents, tf.float32), labels=tf.constant(labels, tf.float32)
        )["images"]
        return to_uint8(images).numpy()

    def _model(self) -> Any:
        if self._loaded is None:
            self._loaded = self._export.load()
        return self._loaded
