"""`python -m anime_gan.evaluate.projection`: how well `generate.py --project` finds faces again."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from absl import flags
from PIL import Image
from tqdm import tqdm

from anime_gan.attributes.schema import Schema
from anime_gan.common.command_line import MODEL_HELP, print_lines, run_command
from anime_gan.common.files import write_text, written_whole
from anime_gan.common.layout import grid
from anime_gan.common.quiet import import_tensorflow
from anime_gan.datasets.dataset import DataError, Dataset
from anime_gan.datasets.load import load_dataset
from anime_gan.datasets.splits import parse_combinations, split_dataset
from anime_gan.evaluate.exported_model import ExportedModel
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.request import FaceRequest

if TYPE_CHECKING:
    from anime_gan.faces.projector import Inversion
    from anime_gan.judges.tagger import Tagger

SUMMARY = """Measures how well generate.py --project finds a face again: on pictures that the model drew, and
on real ones that it was not trained on. Writes projection.json, and projection.png with every picture above
what was found. It takes about half a minute a picture; the tagger that judges what was found is trained
first, once for a dataset."""

NUM_IMAGES = 24
# Faces to be found again: far from the seeds that people use.
FIRST_SEED = 2**61
PICTURED = 12


class Sample(NamedTuple):
    """Pictures to find again.

    Attributes:
        images: uint8 [n, h, w, 3].
        labels: [n, num_labels] of +1, -1 and 0 (unknown).
    """

    images: np.ndarray
    labels: np.ndarray


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    for name, text in (
        ("model", MODEL_HELP),
        ("data", "what it was trained on, as in train.py --data (default: what the export says)"),
        ("out", "where the results go (a folder)"),
    ):
        flags.DEFINE_string(name, "projection" if name == "out" else None, text, flag_values=flag_values)
    flags.DEFINE_integer(
        "num_images",
        NUM_IMAGES,
        f"pictures of each kind (1 and up; default {NUM_IMAGES})",
        1,
        flag_values=flag_values,
    )
    arguments = sys.argv[1:] if argv is None else argv
    return run_command(
        "anime_gan.evaluate.projection", SUMMARY, flag_values, lambda: _measure(flag_values), arguments
    )


def _measure(flag_values: Any) -> int:
    chosen = {name: flag_values[name].value for name in flag_values}
    out, count = Path(chosen["out"]), chosen["num_images"]
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out={out}: is a file, must be a folder")
    model = ExportedModel(Path(chosen["model"]) if chosen["model"] else None)
    config = model.record["config"]
    import_tensorflow()
    from anime_gan.evaluate.bench import check_schema
    from anime_gan.faces.projector import Projector
    from anime_gan.judges.tagger import load_tagger

    dataset = load_dataset(
        chosen["data"] or config["data"], config["num_images"], config["resolution"], config["seed"]
    )
    print_lines(dataset.report.lines())
    check_schema(model, dataset)
    tagger = load_tagger(dataset)
    generator = FaceGenerator(model.directory)
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
            # After each kind: what was measured survives an interruption.
            write_text(out / "projection.json", json.dumps(numbers, indent=1) + "\n")
            with written_whole(out / "projection.png") as partial:
                Image.fromarray(pairs_picture(pictures)).save(partial)
    print(f"{report(numbers)}\n\nresults: {out}")
    return 0


def drawn_sample(generator: FaceGenerator, count: int) -> Sample:
    """Faces that the model itself draws."""
    request = FaceRequest(seeds=tuple(range(FIRST_SEED, FIRST_SEED + count)))
    faces = list(generator.faces(request))
    return Sample(np.stack([face.image for face in faces]), np.stack([face.labels for face in faces]))


def held_out_sample(dataset: Dataset, config: dict[str, Any], count: int) -> Sample:
    """Real pictures that were kept from the training, evenly spread over the test split.

    Raises:
        DataError: Nothing was kept.
    """
    combinations = parse_combinations(str(config.get("hold_out", "")), dataset.schema)
    test = split_dataset(dataset.labels, combinations, int(config.get("test_every", 0))).test
    if not len(test):
        raise DataError(f"{dataset.name}: nothing was kept from the training (--test_every)")
    chosen = test[np.arange(min(count, len(test))) * len(test) // min(count, len(test))]
    return Sample(np.asarray(dataset.images[chosen]), dataset.labels[chosen])


def figures(sample: Sample, found: Sequence[Inversion], schema: Schema, tagger: Tagger) -> dict[str, Any]:
    """How close the faces are, and the share of attributes that are right.

    An attribute counts where it is known and visible. `right` compares what was found with the truth, `seen`
    what the tagger sees on the found face.
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
    """Whether each attribute is right: float [n, attributes] of 1 and 0, NaN where it cannot be told.

    Args:
        labels: [n, num_labels] of +1 and -1.
        truth: [n, num_labels] of +1, -1 and 0 (unknown).
        schema: What the columns mean.
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
    """Rows of pictures, uint8 [n, h, w, 3] each, below each other; shorter rows end in white."""
    width = max(len(row) for row in rows)
    filled = [
        np.concatenate([row, np.full((width - len(row), *row.shape[1:]), 255, np.uint8)]) for row in rows
    ]
    return grid(np.concatenate(filled), width)


def report(numbers: dict[str, Any]) -> str:
    """The table."""
    lines = [
        "| pictures | number | attributes found right | seen by the tagger | feature distance (by chance) | "
        "pixel error of 255 | seconds each |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, values in numbers.items():
        lines.append(
            f"| {name} | {values['images']} | {values['right']:.1%} | {values['seen']:.1%} | "
            f"{values['feature_distance']:.2f} ({values['typical_distance']:.2f}) | "
            f"{values['pixel_error']:.1f} | {values['seconds_a_picture']} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
