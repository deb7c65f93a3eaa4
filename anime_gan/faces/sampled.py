"""Draws a labeled image folder with an exported model (`python -m anime_gan.datasets.sampled`).

A small network can be trained on the folder to imitate a large one (distillation). `LICENSE.txt` in the
folder states the model's license.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from anime_gan.attributes.schema import Schema
from anime_gan.common.command_line import MODEL_HELP, Flags, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.files import PARTIAL_PATTERN, remove, write_text
from anime_gan.datasets.dataset import DataError
from anime_gan.datasets.folder.label_table import LABEL_TABLE
from anime_gan.datasets.folder.labels import SCHEMA_FILE
from anime_gan.datasets.folder.source import LICENSE
from anime_gan.exports.read import find_export, read_export
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.picture_files import save_png
from anime_gan.faces.request import MAX_FACES, TRUNCATION_HELP, FaceRequest, checked

SUMMARY = """Draws a folder of labeled images for train.py with an exported model. Seeds start at 0, and
attributes are sampled from the model's training distribution. Repeat the command to resume an interrupted
run; a larger --num adds images."""

SETTINGS = "sampled.json"
# Folders with too many files are slow to list.
FOLDER_SIZE = 1_000
CHUNK = 64


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    flags.path("model", None, MODEL_HELP)
    flags.path("out", None, "output folder")
    flags.integer("num", 10_000, f"number of images (1 to {MAX_FACES:,}; default 10,000)", 1, MAX_FACES)
    flags.number("truncation", 1.0, TRUNCATION_HELP)

    def command() -> int:
        num, out = flags.num, flags.out
        if not out:
            raise InputError("--out is required; see --help")
        export = find_export(Path(flags.model) if flags.model else None)
        drawn = sample_faces(export, Path(out), num, flags.truncation)
        print(f"{num} images in {out}, {drawn} of them new. To train on them: python train.py --data={out}")
        return 0

    return run_command("anime_gan.datasets.sampled", SUMMARY, flags, command, argv)


def sample_faces(export: Path, out: Path, num: int, truncation: float = 1.0) -> int:
    """Draws the images that a folder does not contain yet.

    Args:
        export: The exported model.
        out: The output folder. It gets subfolders of `FOLDER_SIZE` images, their labels, the schema, and the
            license.
        num: Number of images, with the seeds 0 to num - 1.
        truncation: In (0, 1]; 1 is off.

    Returns:
        Number of newly drawn images.

    Raises:
        RequestError: The truncation is out of range.
        DataError: The folder contains other files.
    """
    found = read_export(export)
    checked(FaceRequest(truncation=truncation), found.schema)
    settings = {"model": found.record["weights_sha256"], "truncation": truncation}
    _check_folder(out, settings)
    generator = FaceGenerator(export)
    schema = generator.schema
    for left_by_a_kill in out.rglob(PARTIAL_PATTERN):
        remove(left_by_a_kill)
    write_text(out / SETTINGS, json.dumps(settings, indent=1))
    write_text(out / LICENSE, _license(generator.name, found.record["statement"]))

    rows, drawn = [], 0
    with tqdm(total=num, unit="face", desc="drawing", file=sys.stderr, delay=1) as progress:
        for start in range(0, num, CHUNK):
            seeds = tuple(range(start, min(start + CHUNK, num)))
            latents, labels = generator.inputs(FaceRequest(seeds=seeds, truncation=truncation))
            rows.append(labels)
            for seed, latent, row in zip(seeds, latents, labels, strict=True):
                path = out / picture_name(seed)
                if not path.exists():
                    image = generator.render(latent[np.newaxis], row[np.newaxis])[0]
                    request = FaceRequest(seeds=(seed,), truncation=truncation)
                    save_png(path, image, generator.picture_text(request, row))
                    drawn += 1
                progress.update()
    if schema.num_labels:
        write_text(out / SCHEMA_FILE, schema.to_json())
        # The table is written last, when all images that it lists exist.
        write_text(out / LABEL_TABLE, _table(schema, np.concatenate(rows)))
    return drawn


def picture_name(seed: int) -> str:
    """Returns the path of a seed's image in the folder."""
    return f"{seed // FOLDER_SIZE:04d}/{seed:07d}.png"


def _check_folder(out: Path, settings: dict[str, object]) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / SETTINGS).is_file():
        raise DataError("contains other files; choose another folder", "out", out)
    if json.loads((out / SETTINGS).read_text("utf-8")) != settings:
        reason = f"was drawn with another model or truncation (see its {SETTINGS}); choose another folder"
        raise DataError(reason, "out", out)


def _license(model: str, statement: str) -> str:
    return (
        f"Pictures drawn by model {model}. These pictures, and models trained on them, are under the license "
        f"of that model.\n\n{statement}\n"
    )


def _table(schema: Schema, labels: np.ndarray) -> str:
    """Returns the text of `labels.csv` for complete label rows, in the order of the seeds."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["filename", *(slot.name for slot in schema.slots)])
    for seed, row in enumerate(labels):
        cells = [
            schema.terms[slot.start + int(np.argmax(row[slot.columns]))].name
            if slot.is_group
            else schema.scales[slot.start].number(row[slot.start])
            if slot.is_scale
            else int(row[slot.start] > 0)
            for slot in schema.slots
        ]
        writer.writerow([picture_name(seed), *cells])
    return text.getvalue()


if __name__ == "__main__":
    sys.exit(main())
