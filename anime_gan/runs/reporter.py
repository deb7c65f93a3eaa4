"""Writes a run's statistics, TensorBoard summaries, and sample images."""

from __future__ import annotations

import logging

import numpy as np
from PIL import Image
from tqdm import tqdm

from anime_gan.attributes.schema import Schema
from anime_gan.common.alpha import on_background
from anime_gan.common.backend import tf
from anime_gan.common.command_line import print_lines
from anime_gan.common.files import written_whole
from anime_gan.common.layout import TINT, captioned, grid
from anime_gan.datasets.dataset import Dataset
from anime_gan.exports.sampling import FaceInputs, latents_from_seeds, uniforms_from_seeds
from anime_gan.faces.sheets import attribute_blocks, leading_attributes, sheet_labels
from anime_gan.judges.tagger import load_tagger
from anime_gan.models.pixels import to_uint8
from anime_gan.runs import running_evaluation
from anime_gan.runs.dashboard import Dashboard
from anime_gan.runs.run_directory import RunDirectory
from anime_gan.training.config import TrainConfig
from anime_gan.training.run_files import EVALUATION
from anime_gan.training.step import REPORTED
from anime_gan.training.trainer import Trainer

# Number of faces in `samples/`: in the grid, and in each row of the sheet of attribute values.
GRID_FACES = 64
SHEET_FACES = 8
# Number of faces in TensorBoard, which shows images small: in the grid, and for each attribute value.
CARD_FACES, CARD_COLUMNS = 24, 6
BLOCK_FACES = 2
# The folder of TensorBoard's files.
EVENTS = "events"
# Label columns in the sheet of attribute values. A sheet of thousands would take minutes.
MAX_SHEET_COLUMNS = 120

logger = logging.getLogger(__name__)


class Reporter:
    """Writes a run's statistics and sample images to `stats.jsonl`, TensorBoard, and `samples/`.

    Attributes:
        training_seconds: Duration of the training steps since the last report. The caller adds to it.
    """

    def __init__(self, trainer: Trainer, dataset: Dataset, train: np.ndarray, run: RunDirectory) -> None:
        """Chooses the faces to show over time, and writes a description of the run.

        Args:
            trainer: The trainer to report on.
            dataset: All images and labels.
            train: int64 [n], indices of the training images.
            run: The directory to write to.
        """
        self.training_seconds = 0.0
        config = trainer.config
        self._trainer = trainer
        self._config = config
        self._schema = dataset.schema
        self._run = run
        self._last_step = int(trainer.step)
        self._last_values: dict[str, float] = {}
        self._last_fid: float | None = None
        self._faces = self._pick_faces(GRID_FACES)
        self._shown = leading_attributes(dataset.schema, MAX_SHEET_COLUMNS)
        if left_out := len(dataset.schema.attributes) - len(self._shown.attributes):
            note = f"sheets of samples show {len(self._shown.attributes)} attributes and leave out {left_out}"
            print_lines([note])
            logger.info(note)
        self._evaluation = _make_evaluation(config, dataset, train)
        self._silent = _silent_values(config, dataset.schema)
        self._dashboard = Dashboard(run.path / EVENTS)
        self._dashboard.write_about(vars(config), dataset, self._silent, self._last_step)

    def write_stats(self, step: int) -> None:
        """Writes means over the steps since the last call to `stats.jsonl`, TensorBoard, and the log."""
        values = self._trainer.take_report()
        images = (step - self._last_step) * self._config.batch_size
        values["images_per_second"] = images / max(self.training_seconds, 1e-9)
        values["learning_rate"] = self._trainer.learning_rate
        self._last_step, self.training_seconds = step, 0.0
        self._last_values = values
        self._run.append_stats({"step": step, **values})
        shown = {name: value for name, value in values.items() if name not in self._silent}
        self._dashboard.write_scalars(shown, step)
        logger.info("step %d: %s", step, ", ".join(f"{k} {v:.4g}" for k, v in values.items()))

    def write_samples(self, step: int) -> None:
        """Draws the faces that are shown over time, and the first ones with every attribute value."""
        faces = on_background(self._draw(self._faces), TINT)
        self._save_sample("faces", grid(faces, columns=int(GRID_FACES**0.5)), step)
        blocks = {}
        if self._schema.num_labels:
            images, captions = self._varied_faces()
            picture = grid(images.reshape(-1, *images.shape[2:]), columns=SHEET_FACES)
            self._save_sample("attributes", captioned(picture, captions, images.shape[2]), step)
            blocks = attribute_blocks(images[:, :BLOCK_FACES], self._shown)
        self._dashboard.write_pictures(grid(faces[:CARD_FACES], CARD_COLUMNS), blocks, step)

    def write_evaluation(self, step: int) -> None:
        """Evaluates the EMA generator if the run has evaluations; see `RunningEvaluation`."""
        if self._evaluation is None:
            return
        faces = self._pick_faces(running_evaluation.NUM_IMAGES)
        images = self._draw(faces, "drawing faces to measure")
        values = self._evaluation.measure(images, faces.labels.numpy())
        self._last_fid = values.get("evaluation/fid")
        self._run.append_stats({"step": step, **values}, EVALUATION)
        self._dashboard.write_scalars(values, step)
        logger.info("evaluation at step %d: %s", step, ", ".join(f"{k} {v:.4g}" for k, v in values.items()))

    def shown(self) -> dict[str, str]:
        """Returns the latest losses and FID for the progress bar."""
        shown = {}
        if values := self._last_values:
            discriminator = values["loss/discriminator_real"] + values["loss/discriminator_fake"]
            shown["D"] = f"{discriminator:.3f}"
            shown["G"] = f"{values['loss/generator_adversarial']:.3f}"
        if self._last_fid is not None:
            shown["FID"] = f"{self._last_fid:.2f}"
        return shown

    def summary(self) -> str:
        """Returns the latest statistics as one line for the console."""
        if not self._last_values:
            return f"step {int(self._trainer.step)}"
        values = self._last_values
        parts = [f"logits: real {values['logits/real']:+.2f}, fake {values['logits/fake']:+.2f}"]
        if "attributes/accuracy_real" not in self._silent:
            real, fake = values["attributes/accuracy_real"], values["attributes/accuracy_fake"]
            parts.append(f"attributes correct: real {real:.0%}, fake {fake:.0%}")
        parts.append(f"{values['images_per_second']:.0f} images/s")
        return f"step {self._last_step}: {'; '.join(parts)}"

    def _pick_faces(self, count: int) -> FaceInputs:
        seeds = tf.range(count, dtype=tf.int64)
        latents = latents_from_seeds(seeds, self._config.latent_dim)
        nothing_asked = tf.zeros([count, self._schema.num_labels])
        sampler = self._trainer.label_sampler
        if sampler is None:
            return FaceInputs(latents, nothing_asked)
        uniforms = uniforms_from_seeds(seeds, 1 + sampler.num_slots)
        return FaceInputs(latents, sampler.complete(nothing_asked, uniforms))

    def _varied_faces(self) -> tuple[np.ndarray, list[str]]:
        """Draws the first faces with every attribute value.

        Returns:
            The images, uint8 [values, faces, height, width, 3], and one caption per value.
        """
        latents, labels = (part[:SHEET_FACES].numpy() for part in self._faces)
        rows, captions = sheet_labels(labels, self._schema, self._schema.slots[: len(self._shown.slots)])
        images = self._draw(FaceInputs(np.tile(latents, [len(captions), 1]), rows))
        return on_background(images.reshape(-1, SHEET_FACES, *images.shape[1:]), TINT), captions

    def _draw(self, faces: FaceInputs, task: str | None = None) -> np.ndarray:
        """Draws faces, uint8 [n, height, width, channels].

        All batches have the same size, so that TensorFlow traces the generator only once.

        Args:
            faces: The inputs of the generator.
            task: What the progress bar says; None for no progress bar.
        """
        latents, labels = map(np.asarray, faces)
        starts = range(0, len(latents), GRID_FACES)
        images = []
        for start in tqdm(starts, desc=task, unit="batch", leave=False, disable=task is None):
            part = np.arange(start, start + GRID_FACES) % len(latents)
            images.append(to_uint8(self._trainer.generate(latents[part], labels[part])).numpy())
        return np.concatenate(images)[: len(latents)]

    def _save_sample(self, name: str, picture: np.ndarray, step: int) -> None:
        with written_whole(self._run.path / "samples" / f"{name}-{step:08d}.png") as partial:
            Image.fromarray(picture).save(partial)


def _make_evaluation(
    config: TrainConfig, dataset: Dataset, train: np.ndarray
) -> running_evaluation.RunningEvaluation | None:
    if not config.evaluation_interval:
        return None
    tagger = load_tagger(dataset) if dataset.schema.num_labels else None
    return running_evaluation.RunningEvaluation(dataset, train, tagger)


def _silent_values(config: TrainConfig, schema: Schema) -> set[str]:
    """Returns the names of values that are constant in this run, so they get no chart."""
    silent = set()
    if not config.evaluation_interval:
        silent |= set(running_evaluation.MEASURED)
    if config.gradient_penalty == "none":
        silent.add("loss/gradient_penalty")
    if config.augment != "adaptive":
        silent.add("augment/probability")
    if not (schema.num_labels and config.attribute_head):
        silent |= {name for name in REPORTED if "attributes" in name}
    return silent
