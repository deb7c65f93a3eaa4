"""Writes a run's TensorBoard files: charts, images, and texts that explain them.

TensorBoard sorts groups by name and opens the first two. The names therefore put attributes and faces first.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from anime_gan.common.backend import tf
from anime_gan.common.markdown import markdown_table
from anime_gan.datasets.dataset import Dataset, printable


class Chart(NamedTuple):
    """A chart, with its name in TensorBoard and a short description."""

    tag: str
    description: str


# The keys are the names in `stats.jsonl` and `evaluation.jsonl`.
CHARTS: Mapping[str, Chart] = {
    "attributes/accuracy_real": Chart(
        "attributes/accuracy_real",
        "Share of the attributes of training images that the discriminator predicts correctly (1 = all).",
    ),
    "attributes/accuracy_fake": Chart(
        "attributes/accuracy_fake",
        "Share of the requested attributes that the discriminator finds in generated faces (1 = all).",
    ),
    "logits/real": Chart(
        "logits/real",
        "Mean discriminator logit of training images. Above 0 means real, below 0 means fake. With the "
        "Wasserstein loss, only the difference from logits/fake matters.",
    ),
    "logits/fake": Chart(
        "logits/fake",
        "Mean discriminator logit of generated faces. If its distance from logits/real keeps growing, the "
        "discriminator is winning.",
    ),
    "logits/real_sign": Chart(
        "logits/real_sign",
        "Share of training images that the discriminator classifies as real, minus the share that it "
        "classifies as fake. Near 1, it memorizes them; --augment=adaptive keeps this value near 0.6.",
    ),
    "augment/probability": Chart(
        "augment/probability",
        "Probability of each augmentation of the discriminator's inputs (--augment).",
    ),
    "loss/discriminator_real": Chart(
        "loss_discriminator/real",
        "Discriminator's adversarial loss on training images.",
    ),
    "loss/discriminator_fake": Chart(
        "loss_discriminator/fake",
        "Discriminator's adversarial loss on generated faces.",
    ),
    "loss/gradient_penalty": Chart(
        "loss_discriminator/penalty",
        "Gradient penalty of the discriminator, multiplied by its weight.",
    ),
    "loss/discriminator_attributes": Chart(
        "loss_discriminator/attributes",
        "Discriminator's attribute loss: mean cross-entropy on training images.",
    ),
    "loss/generator_adversarial": Chart(
        "loss_generator/adversarial",
        "Generator's adversarial loss. It need not fall, because the discriminator improves too.",
    ),
    "loss/generator_attributes": Chart(
        "loss_generator/attributes",
        "Generator's attribute loss: mean cross-entropy of the requested attributes. It should fall.",
    ),
    "gradient_norm/discriminator": Chart(
        "norm_of_gradient/discriminator",
        "Norm of the discriminator's gradient. Sudden jumps are a sign of instability.",
    ),
    "gradient_norm/generator": Chart(
        "norm_of_gradient/generator",
        "Norm of the generator's gradient. Sudden jumps are a sign of instability.",
    ),
    "evaluation/fid": Chart(
        "evaluation/fid",
        "FID between generated faces and training images, computed on the features of a tagger that is not "
        "used in training. Lower is better.",
    ),
    "evaluation/texture": Chart(
        "evaluation/texture",
        "Sliced Wasserstein distance between the finest details of generated faces and of training images, "
        "times 1,000. Lower is better.",
    ),
    "evaluation/attributes_confirmed": Chart(
        "evaluation/attributes_confirmed",
        "Share of the requested attributes that the tagger finds in generated faces (1 = all).",
    ),
    "images_per_second": Chart(
        "speed/images_per_second",
        "Training images per second. The time for samples and checkpoints is not counted.",
    ),
    "learning_rate": Chart("speed/learning_rate", "Learning rate of the generator's optimizer."),
}
FACES = Chart(
    "faces/same_seeds",
    "Faces with the same seeds and attributes at every step, drawn by the EMA generator. Move the slider to "
    "see them change.",
)
SHEET = "The same faces with one attribute changed at a time. Everything else should stay the same."


class Dashboard:
    """Writes the TensorBoard files of a run."""

    def __init__(self, directory: Path) -> None:
        """Creates an event file in the directory."""
        self._writer = tf.summary.create_file_writer(str(directory))

    def write_about(self, options: Mapping[str, Any], dataset: Dataset, silent: Set[str], step: int) -> None:
        """Writes texts that describe each chart, the configuration, and the dataset.

        Args:
            options: Every option of the run.
            dataset: The training data.
            silent: Names of values that have no chart in this run.
            step: The step at which the run starts or resumes.
        """
        charts = [FACES, *(chart for name, chart in CHARTS.items() if name not in silent)]
        if dataset.schema.num_labels:
            charts.insert(1, Chart("attributes (images)", SHEET))
        report = dataset.report.lines()
        about = [dataset.statement, f"{len(dataset.images):,} images.", *report, dataset.statistics()]
        with self._writer.as_default(step=step):
            tf.summary.text("about/charts", markdown_table(("chart", "description"), charts))
            tf.summary.text(
                "about/configuration", printable(markdown_table(("option", "value"), [*options.items()]))
            )
            tf.summary.text("about/dataset", printable("\n\n".join(about).replace("\n", "\n\n")))
        self._writer.flush()

    def write_scalars(self, values: Mapping[str, float], step: int) -> None:
        """Adds each value to its chart. Every key must be in `CHARTS`."""
        with self._writer.as_default(step=step):
            for name, value in values.items():
                chart = CHARTS[name]
                tf.summary.scalar(chart.tag, value, description=chart.description)
        self._writer.flush()

    def write_pictures(self, faces: np.ndarray, sheets: Mapping[str, np.ndarray], step: int) -> None:
        """Adds images at a step.

        Args:
            faces: A grid of the faces that are shown over time, uint8 [height, width, 3].
            sheets: Attribute name -> sheet of faces that differ in it, uint8 [height, width, 3].
            step: The training step.
        """
        with self._writer.as_default(step=step):
            tf.summary.image(FACES.tag, faces[np.newaxis], description=FACES.description)
            for name, sheet in sheets.items():
                tf.summary.image(f"attributes/{name}", sheet[np.newaxis], description=SHEET)
        self._writer.flush()
