"""The ONNX engine, which draws the portable form of an export without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anime_gan.attributes.label_rows import LabelTables
from anime_gan.attributes.open_attributes import complete
from anime_gan.common.onnx_session import OnnxSession
from anime_gan.common.philox import normals, uniforms
from anime_gan.common.pixels import to_uint8
from anime_gan.exports.portable_form import FOLDER, MODEL
from anime_gan.exports.read import CRITIC, Export, ModelError, read_label_rows
from anime_gan.exports.streams import LABEL_STREAM, LATENT_STREAM
from anime_gan.judges.selection import Selector


class OnnxEngine:
    """A network in onnxruntime, and in NumPy what turns requests into its inputs; see `Engine`."""

    def __init__(self, export: Export) -> None:
        """Loads the portable form of an export.

        Raises:
            ModelError: A file is missing or damaged, or onnxruntime is not installed.
        """
        self._directory, self._schema = export.directory, export.schema
        config = export.record["config"]
        self.latent_dim: int = config["latent_dim"]
        self.resolution: int = config["resolution"]
        self._tables = None
        if self._schema.num_labels:
            self._tables = LabelTables(self._schema, read_label_rows(export.directory))
        path = export.directory / FOLDER / MODEL
        self._session = OnnxSession(path, export.record["weights_sha256"], ModelError)

    def draw_inputs(
        self, texts: Sequence[str], seeds: Sequence[int], truncation: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Computes the latent vectors and labels of requests; see `Engine.draw_inputs`."""
        drawn = [normals(seed, LATENT_STREAM, self.latent_dim) for seed in seeds]
        latents = np.stack(drawn) * np.float32(truncation)
        return latents, np.stack([self._labels(text, seed) for text, seed in zip(texts, seeds, strict=True)])

    def _labels(self, text: str, seed: int) -> np.ndarray:
        wanted = self._schema.parse(text).astype(np.float32)
        if self._tables is None:
            return wanted
        return complete(self._tables, wanted, uniforms(seed, LABEL_STREAM, 1 + len(self._schema.slots)))

    def render(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws faces one at a time; in a batch, rounding could depend on the other faces."""
        parts = [to_uint8(self.images(latents[i : i + 1], labels[i : i + 1])) for i in range(len(latents))]
        return np.concatenate(parts)

    def images(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws faces in one batch; returns float32 [n, h, w, channels] in [-1, 1]."""
        return self._session.run(latents=latents, labels=labels)

    def load_selector(self) -> Selector:
        """Loads the critics of the model."""
        return Selector.load_onnx(self._directory / CRITIC, self._directory / FOLDER)
