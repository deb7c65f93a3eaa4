"""The complete evaluation of one model."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from anime_gan.common.alpha import has_alpha
from anime_gan.datasets.dataset import Dataset
from anime_gan.evaluate import measure_control, measure_details, measure_pictures, measure_scales
from anime_gan.evaluate.bench import Bench, Options
from anime_gan.evaluate.exported_model import ExportedModel
from anime_gan.evaluate.persons import Persons
from anime_gan.evaluate.report import Pictures
from anime_gan.judges.critic import Critic
from anime_gan.judges.load import Judges

VERSION = 1
PICTURED_FACES = 64


class Evaluation(NamedTuple):
    """The results of an evaluation.

    Attributes:
        numbers: All measured values, ready for JSON; None if a value could not be measured.
        pictures: The images in the report.
    """

    numbers: dict[str, Any]
    pictures: Pictures


def evaluate(
    model: ExportedModel,
    dataset: Dataset,
    judges: Judges,
    options: Options,
    persons: Persons | None = None,
) -> Evaluation:
    """Measures a model on the data it was trained on.

    Args:
        model: The model to measure.
        dataset: Its training data, including test images and held-out combinations.
        judges: Those of the data. Without taggers, control is not measured.
        options: Number of faces and random seed.
        persons: The identity measure; None if it is not measured how far people move on scales.

    Raises:
        DataError: The attributes of the data differ from the model's, or there are too few images.
    """
    # Ten lines per second would flood a log file.
    interval = 0.5 if sys.stderr.isatty() else 30.0
    with tqdm(total=0, unit="image", unit_scale=True, mininterval=interval, file=sys.stderr) as progress:
        bench = Bench(model, dataset, judges, options, progress)
        bench.announce(_planned_images(bench))
        return _measure(bench, persons)


def _planned_images(bench: Bench) -> int:
    """Returns the number of images to draw or judge, without the extra images of rare values."""
    options = bench.options
    train, test = (min(options.num_images, len(part)) for part in (bench.split.train, bench.split.test))
    # All faces and candidates are drawn and scored by the critics.
    planned = 3 * options.num_images + 2 * test + 2 * (measure_pictures.CANDIDATES + 2) * options.pairs
    if bench.tagger is not None:
        planned += options.num_images + train + test
        # Two images per edit, the first of which is judged again after a shift; seen and unseen combinations.
        planned += 5 * options.pairs + 4 * options.images_per_request * len(bench.combinations)
    return planned


def _measure(bench: Bench, persons: Persons | None) -> Evaluation:
    samples = bench.samples()
    numbers = describe(bench)
    unseen: dict[str, np.ndarray] = {}
    if bench.tagger is not None:
        numbers["attributes"] = measure_control.attribute_precision(bench, samples)
        combinations = measure_control.unseen_combinations(bench)
        if combinations is not None:
            numbers["combinations"], unseen = combinations
        numbers["leakage"] = measure_control.leakage(bench, samples)
        if bench.schema.scales:
            numbers["scales"] = measure_scales.scales(bench, samples, persons)
    numbers["variety"], numbers["candidates"] = measure_pictures.variety(bench)
    numbers["success"] = measure_pictures.success(bench, samples)
    numbers["copies"], closest = measure_pictures.copies(bench, samples)
    if bench.tagger is not None:
        numbers["resemblance"] = measure_pictures.resemblance(bench, samples)
    numbers["details"] = measure_details.details(bench, samples)
    numbers["texture"] = measure_pictures.texture(bench, samples)
    if has_alpha(samples.faces.images):
        numbers["edge"] = measure_pictures.edge(bench, samples)
    return Evaluation(
        numbers,
        Pictures(
            faces=samples.faces.images[:PICTURED_FACES],
            closest=closest.generated,
            nearest=closest.nearest,
            combinations=unseen,
        ),
    )


def describe(bench: Bench) -> dict[str, Any]:
    """Returns the settings of the evaluation: options, checksums, numbers of images, and notes."""
    record, dataset, background = bench.model.record, bench.dataset, bench.model.background
    # Older exports do not record the checksum of their training data.
    trained_on = record.get("data_checksum")
    numbers: dict[str, Any] = {
        "version": VERSION,
        "seed": bench.options.seed,
        "num_images": bench.options.num_images,
        "truncation": 1.0,
        "background": background and "#{:02x}{:02x}{:02x}".format(*background),
        "model": {"weights_sha256": record["weights_sha256"], "steps": record["steps"]},
        "data": {
            "name": dataset.name,
            "checksum": dataset.checksum,
            "is_training_data": None if trained_on is None else trained_on == dataset.checksum,
            "train": len(bench.split.train),
            "test": len(bench.split.test),
            "held_out": len(bench.split.held_out),
        },
        "critic": _critic(bench.critic),
        "detail_critic": _critic(bench.judges.detail.critic),
        "notes": _notes(bench, trained_on),
    }
    if bench.tagger is not None:
        numbers["tagger"] = {
            "checksum": bench.tagger.checksum,
            "accuracy": _plain(bench.tagger.accuracy),
            "column_accuracy": _plain(bench.tagger.column_accuracy),
            "hardest": bench.tagger.hardest,
        }
    if bench.judges.detail.tagger is not None:
        numbers["detail_tagger"] = {
            "checksum": bench.judges.detail.tagger.checksum,
            "accuracy": _plain(bench.judges.detail.tagger.accuracy),
        }
    return numbers


def _notes(bench: Bench, trained_on: str | None) -> list[str]:
    notes = list(bench.tagger.notes()) if bench.tagger is not None else []
    if bench.tagger is None:
        notes.append("the model was trained without labels, so control cannot be measured")
    if trained_on is not None and trained_on != bench.dataset.checksum:
        notes.append(
            "this is not the model's training data, so held-out images may have been seen in training"
        )
    if bench.saw_test_images:
        notes.append(
            "the model was also trained on the held-out images, so its distances to real images are too low"
        )
    return notes


def _critic(critic: Critic) -> dict[str, Any]:
    return {
        "checksum": critic.checksum,
        "floor": float(critic.floor),
        "detection": _plain(critic.detection),
    }


def _plain(value: Any) -> Any:
    """Converts a number or a mapping of numbers to JSON values; NaN and infinity become None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (float, int, np.number)):
        return float(value) if math.isfinite(value) else None
    return value
