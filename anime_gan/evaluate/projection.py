"""`python -m anime_gan.evaluate.projection`: measures the GAN inversion of `generate.py --project`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image
from tqdm import tqdm

from anime_gan.attributes.schema import Schema
from anime_gan.common.alpha import on_background
from anime_gan.common.command_line import Flags, run_command
from anime_gan.common.files import write_text, written_whole
from anime_gan.common.layout import TINT, grid
from anime_gan.common.markdown import markdown_table
from anime_gan.common.quiet import import_tensorflow
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.splits import parse_combinations, split_dataset
from anime_gan.evaluate.exported_model import measuring_flags, model_and_folder
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest

if TYPE_CHECKING:
    from anime_gan.faces.projector import Inversion
    from anime_gan.judges.tagger import Tagger

SUMMARY = """Measures how well generate.py --project (GAN inversion) reconstructs faces: images that the model
drew, and held-out real images. Writes projection.json, and projection.png with every image above its
reconstruction. Each image takes about half a minute. Before the first run on a dataset, a tagger is trained,
which takes a few minutes."""

NUM_IMAGES = 24
# First seed of the drawn images: far from the seeds that people use.
FIRST_SEED = 2**61
PICTURED = 12


class Sample(NamedTuple):
    """Images to reconstruct.

    Attributes:
        images: uint8 [n, h, w, channels].
        labels: [n, num_labels] of +1, -1 and 0 (unknown).
    """

    images: np.ndarray
    labels: np.ndarray


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = measuring_flags("projection", "folder for the results (default: projection)")
    flags.integer(
        "num_images",
        NUM_IMAGES,
        f"number of drawn and of real images, each (1 and up; default {NUM_IMAGES})",
        1,
    )
    return run_command("anime_gan.evaluate.projection", SUMMARY, flags, lambda: _measure(flags), argv)


def _measure(flags: Flags) -> int:
    model, out = model_and_folder(flags)
    config, count = model.record["config"], flags.num_images
    import_tensorflow()
    from anime_gan.faces.projector import Projector
    from anime_gan.judges.tagger import load_tagger

    dataset = model.training_data(flags.data)
    tagger = load_tagger(dataset)
    generator = model.generator
    samples = {"drawn": drawn_sample(generator, count), "real": held_out_sample(dataset, config, count)}
    projector = Projector(generator)
    numbers: dict[str, Any] = {}
    pictures = []
    with tqdm(total=sum(len(sample.images) for sample in samples.values()), unit="picture") as progress:
        for name, sample in samples.items():
            started, found = time.monotonic(), []
            for image in sample.images:
                found.append(projector.project(image))
                progress.update()
            numbers[name] = figures(sample, found, model.schema, tagger)
            numbers[name]["seconds_a_picture"] = round((time.monotonic() - started) / len(found), 1)
            images = np.stack([projection.image for projection in found])
            for start in range(0, len(images), PICTURED):
                pictures += [sample.images[start : start + PICTURED], images[start : start + PICTURED]]
            # Written after each kind, so that an interruption loses less.
            write_text(out / "projection.json", json.dumps(numbers, indent=1) + "\n")
            with written_whole(out / "projection.png") as partial:
                Image.fromarray(pairs_picture(pictures)).save(partial)
    print(f"{report(numbers)}\n\nresults: {out}")
    return 0


def drawn_sample(generator: FaceGenerator, count: int) -> Sample:
    """Draws faces with the model itself."""
    request = FaceRequest(seeds=tuple(range(FIRST_SEED, FIRST_SEED + count)))
    faces = list(generator.faces(request))
    return Sample(np.stack([face.image for face in faces]), np.stack([face.labels for face in faces]))


def held_out_sample(dataset: Dataset, config: dict[str, Any], count: int) -> Sample:
    """Returns held-out real images, evenly spaced in the test split.

    Raises:
        DataError: No images were held out.
    """
    combinations = parse_combinations(str(config.get("hold_out", "")), dataset.schema)
    test = split_dataset(dataset.labels, combinations, int(config.get("test_every", 0))).test
    if not len(test):
        raise DataError(
            f"{dataset.name}: no images were held out from training, so there are no real images to measure"
        )
    chosen = test[np.arange(min(count, len(test))) * len(test) // min(count, len(test))]
    return Sample(np.asarray(dataset.images[chosen]), dataset.labels[chosen])


def figures(sample: Sample, found: Sequence[Inversion], schema: Schema, tagger: Tagger) -> dict[str, Any]:
    """Returns the mean distances of the reconstructions and the shares of correct attributes.

    Only known and visible attributes count. `right` compares the attributes of the inversion with the truth,
    `seen` the tagger's labels of the reconstructed face.
    """
    labels = np.stack([schema.parse(projection.request.attributes) for projection in found])
    verdicts = tagger.predict(np.stack([projection.image for projection in found]))
    right, seen = (right_attributes(values, sample.labels, schema) for values in (labels, verdicts))
    return {
        "images": len(found),
        "right": float(np.nanmean(right)),
        "seen": float(np.nanmean(seen)),
        "right_by_attribute": {
            slot.name: None if np.all(np.isnan(column)) else float(np.nanmean(column))
            for slot, column in zip(schema.slots, right.T, strict=True)
        },
        **{
            name: float(np.mean([getattr(projection, name) for projection in found]))
            for name in ("feature_distance", "typical_distance", "pixel_error")
        },
    }


def right_attributes(labels: np.ndarray, truth: np.ndarray, schema: Schema) -> np.ndarray:
    """Returns whether each attribute is correct: float [n, attributes] of 1 and 0, NaN if unknown.

    Args:
        labels: [n, num_labels] of +1 and -1.
        truth: [n, num_labels] of +1, -1 and 0 (unknown).
        schema: Meaning of the columns.
    """
    from anime_gan.judges.tagger import visible

    known = visible(truth, schema) & (truth != 0)
    right = np.full((len(labels), len(schema.slots)), np.nan)
    for index, slot in enumerate(schema.slots):
        told = np.all(known[:, slot.columns], axis=1)
        same = np.all(labels[:, slot.columns] == truth[:, slot.columns], axis=1)
        right[told, index] = same[told]
    return right


def pairs_picture(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Stacks rows of images, uint8 [n, h, w, channels] each; shorter rows are filled with white."""
    rows = [on_background(row, TINT) for row in rows]
    width = max(len(row) for row in rows)
    filled = [
        np.concatenate([row, np.full((width - len(row), *row.shape[1:]), 255, np.uint8)]) for row in rows
    ]
    return grid(np.concatenate(filled), width)


def report(numbers: dict[str, Any]) -> str:
    """Returns the results as a Markdown table."""
    heads = (
        "images",
        "number",
        "correct attributes",
        "confirmed by the tagger",
        "feature distance (by chance)",
        "pixel error of 255",
        "seconds per image",
    )
    rows = [
        (
            name,
            values["images"],
            f"{values['right']:.1%}",
            f"{values['seen']:.1%}",
            f"{values['feature_distance']:.2f} ({values['typical_distance']:.2f})",
            f"{values['pixel_error']:.1f}",
            values["seconds_a_picture"],
        )
        for name, values in numbers.items()
    ]
    return markdown_table(heads, rows)


if __name__ == "__main__":
    sys.exit(main())
