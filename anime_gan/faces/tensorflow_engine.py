"""The TensorFlow engine, which runs the SavedModel of an export."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anime_gan.common.quiet import import_tensorflow
from anime_gan.exports.read import CRITIC, Export

import_tensorflow()

from anime_gan.common.backend import tf  # noqa: E402 (imported quietly first)
from anime_gan.judges.selection import Selector  # noqa: E402
from anime_gan.models.pixels import to_uint8  # noqa: E402


class TensorFlowEngine:
    """A loaded SavedModel; see `Engine`."""

    def __init__(self, export: Export) -> None:
        """Loads the SavedModel of an export.

        Raises:
            ModelError: It is damaged.
        """
        self._directory, self._schema = export.directory, export.schema
        self._model = export.load()
        self._render = self._model.signatures["latents"]

    @property
    def latent_dim(self) -> int:
        """Size of a latent vector."""
        size: int = self._render.structured_input_signature[1]["latents"].shape[1]
        return size

    @property
    def resolution(self) -> int:
        """Height and width of a face in pixels."""
        size: int = self._render.structured_outputs["images"].shape[1]
        return size

    def draw_inputs(
        self, texts: Sequence[str], seeds: Sequence[int], truncation: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Computes the latent vectors and labels of requests; see `Engine.draw_inputs`."""
        wanted = np.stack([self._schema.parse(text) for text in texts])
        # The graphs of older exports do not know the strengths of tags.
        weak = (wanted != 0) & (np.abs(wanted) < 1)
        weak[:, list(self._schema.scales)] = False
        strong = np.where(weak, np.sign(wanted), wanted)
        said = [
            self._schema.describe(row) if is_weak else text
            for row, is_weak, text in zip(strong, weak.any(axis=1), texts, strict=True)
        ]
        drawn = self._model.draw_inputs(
            tf.constant(said, tf.string),
            tf.constant(seeds, tf.int64),
            tf.fill([len(seeds)], tf.constant(truncation, tf.float32)),
        )
        return drawn["latents"].numpy(), np.where(weak, wanted, drawn["labels"].numpy())

    def render(self, latents: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Draws faces one at a time; in a batch, rounding could depend on the other faces."""
        images = [
            self._render(latents=tf.constant(latents[i : i + 1]), labels=tf.constant(labels[i : i + 1]))
            for i in range(len(latents))
        ]
        pixels: np.ndarray = to_uint8(tf.concat([image["images"] for image in images], axis=0)).numpy()
        return pixels

    def images(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        """Draws faces in one batch, differentiably; returns float32 [n, h, w, channels] in [-1, 1]."""
        latents, labels = tf.convert_to_tensor(latents), tf.convert_to_tensor(labels)
        return self._render(latents=latents, labels=labels)["images"]

    def load_selector(self) -> Selector:
        """Loads the critics of the model."""
        return Selector.load(self._directory / CRITIC)
