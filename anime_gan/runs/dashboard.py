"""What a run shows in TensorBoard, named and explained for somebody who sees a GAN train for the first time.

TensorBoard sorts by name and opens the first two groups: the faces come first, then the verdicts.
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
    """A curve: its name in TensorBoard and one sentence about it."""

    tag: str
    description: str


# By the names of `stats.jsonl`.
CHARTS: Mapping[str, Chart] = {
    "attributes/accuracy_real": Chart(
        "attributes/accuracy_real",
        "Share of the attributes that the discriminator names correctly in training pictures; 1 is all.",
    ),
    "attributes/accuracy_fake": Chart(
        "attributes/accuracy_fake",
        "Share of the attributes asked for that the discriminator sees in generated faces: how well the "
        "generator does as told, in its opponent's eyes.",
    ),
    "logits/real": Chart(
        "logits/real",
        "How sure the discriminator is that training pictures are real: above 0 is 'real', 0 is undecided "
        "(with the Wasserstein loss only the gap to logits/fake counts).",
    ),
    "logits/fake": Chart(
        "logits/fake",
        "The same of generated faces: below 0 is 'fake'. A gap to logits/real that keeps widening means that "
        "the discriminator is winning.",
    ),
    "logits/real_sign": Chart(
        "logits/real_sign",
        "Share of training pictures taken for real minus share taken for fake. Near 1 the discriminator "
        "knows them by heart: --augment=adaptive keeps it at 0.6.",
    ),
    "augment/probability": Chart(
        "augment/probability",
        "How often each kind of change is made to what the discriminator sees (--augment).",
    ),
    "loss/discriminator_real": Chart(
        "loss_discriminator/real",
        "What the discriminator pays for taking training pictures for fakes.",
    ),
    "loss/discriminator_fake": Chart(
        "loss_discriminator/fake",
        "What the discriminator pays for taking generated faces for real.",
    ),
    "loss/gradient_penalty": Chart(
        "loss_discriminator/penalty",
        "What the discriminator pays for a verdict that changes too steeply from picture to picture (the "
        "gradient penalty, with its weight).",
    ),
    "loss/discriminator_attributes": Chart(
        "loss_discriminator/attributes",
        "What the discriminator pays for wrong attributes of training pictures (mean cross entropy).",
    ),
    "loss/generator_adversarial": Chart(
        "loss_generator/adversarial",
        "What the generator pays when its faces are seen through; it need not fall, since its opponent "
        "improves too.",
    ),
    "loss/generator_attributes": Chart(
        "loss_generator/attributes",
        "What the generator pays when the attributes asked for are not seen in its faces; it should fall.",
    ),
    "gradient_norm/discriminator": Chart(
        "norm_of_gradient/discriminator",
        "Length of the discriminator's gradient; sudden jumps announce that training is coming apart.",
    ),
    "gradient_norm/generator": Chart(
        "norm_of_gradient/generator",
        "Length of the generator's gradient; sudden jumps announce that training is coming apart.",
    ),
    "evaluation/fid": Chart(
        "evaluation/fid",
        "Distance between generated faces and training pictures in the eyes of the tagger, which no network "
        "learns from (--evaluation_interval); lower is better.",
    ),
    "evaluation/texture": Chart(
        "evaluation/texture",
        "Distance between the finest details of generated faces and of training pictures (sliced "
        "Wasserstein, times 1,000); lower is better.",
    ),
    "evaluation/attributes_confirmed": Chart(
        "evaluation/attributes_confirmed",
        "Share of the attributes asked for that the tagger sees in generated faces.",
    ),
    "images_per_second": Chart(
        "speed/images_per_second",
        "Training pictures a second, without the time for samples and checkpoints.",
    ),
    "learning_rate": Chart("speed/learning_rate", "How large the steps of the generator's optimizer are."),
}
FACES = Chart(
    "faces/same_seeds",
    "The same seeds and attributes at every step, drawn by the generator's moving average; move the slider "
    "to watch them improve.",
)
SHEET = "The same people with one thing changed at a time; nothing else should change from face to face."


class Dashboard:
    """Writes a run's event file."""

    def __init__(self, directory: Path) -> None:
        self._writer = tf.summary.create_file_writer(str(directory))

    def write_about(self, options: Mapping[str, Any], dataset: Dataset, silent: Set[str], step: int) -> None:
        """Notes what the run is, in words.

        Args:
            options: Every option of the run.
            dataset: What it trains on.
            silent: Values that this run has no curve for.
            step: Where the run begins, or goes on.
        """
        charts = [FACES, *(chart for name, chart in CHARTS.items() if name not in silent)]
        if dataset.schema.num_labels:
            charts.insert(1, Chart("attributes (pictures)", SHEET))
        report = dataset.report.lines()
        about = [dataset.statement, f"{len(dataset.images):,} images.", *report, dataset.statistics()]
        with self._writer.as_default(step=step):
            tf.summary.text("about/charts", markdown_table(("chart", "what it shows"), charts))
            tf.summary.text(
                "about/configuration", printable(markdown_table(("option", "value"), [*options.items()]))
            )
            tf.summary.text("about/dataset", printable("\n\n".join(about).replace("\n", "\n\n")))
        self._writer.flush()

    def write_scalars(self, values: Mapping[str, float], step: int) -> None:
        """Adds a point to every curve; names as in `stats.jsonl`."""
        with self._writer.as_default(step=step):
            for name, value in values.items():
                chart = CHARTS[name]
                tf.summary.scalar(chart.tag, value, description=chart.description)
        self._writer.flush()

    def write_pictures(self, faces: np.ndarray, sheets: Mapping[str, np.ndarray], step: int) -> None:
        """Adds pictures.

        Args:
            faces: uint8 [height, width, 3], the same faces as always.
            sheets: Attribute name -> uint8 [height, width, 3], faces that differ in it.
            step: When.
        """
        with self._writer.as_default(step=step):
            tf.summary.image(FACES.tag, faces[np.newaxis], description=FACES.description)
            for name, sheet in sheets.items():
                tf.summary.image(f"attributes/{name}", sheet[np.newaxis], description=SHEET)
        self._writer.flush()
