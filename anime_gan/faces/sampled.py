"""`python -m anime_gan.datasets.sampled`: a labelled folder of pictures that an exported model draws.

From it a small network can learn to imitate a large one. The licence of the model goes along.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from absl import flags
from tqdm import tqdm

from anime_gan.attributes.schema import Schema
from anime_gan.common.command_line import MODEL_HELP, run_command
from anime_gan.common.files import PARTIAL_PATTERN, remove, write_text
from anime_gan.datasets.folder.labels import LABEL_TABLE, SCHEMA_FILE
from anime_gan.datasets.folder.source import LICENSE
from anime_gan.exports.read import find_export, read_record
from anime_gan.faces.generator import FaceGenerator
from anime_gan.faces.picture_files import save_png
from anime_gan.faces.request import MAX_FACES, FaceRequest

SUMMARY = """Draws a labelled folder, which train.py reads, with an exported model: seeds 0 and up, what they
show as the model's training pictures had it. Stopped, it goes on where it was when it is called again; with
a larger --num it adds pictures."""

SETTINGS = "sampled.json"
# Folders with very many files are slow to list.
FOLDER_SIZE = 1_000
CHUNK = 64


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    flags.DEFINE_string(
        "model",
        None,
        MODEL_HELP,
        flag_values=flag_values,
    )
    flags.DEFINE_string("out", None, "the folder to write", flag_values=flag_values)
    flags.DEFINE_integer(
        "num", 10_000, f"how many pictures (1 to {MAX_FACES})", 1, MAX_FACES, flag_values=flag_values
    )
    flags.DEFINE_float(
        "truncation",
        1.0,
        "scales the latents: less variety, fewer odd faces (above 0, to 1; default 1 = off)",
        flag_values=flag_values,
    )
    arguments = sys.argv[1:] if argv is None else argv

    def command() -> int:
        model, out = flag_values["model"].value, flag_values["out"].value
        num, truncation = int(flag_values["num"].value or 0), float(flag_values["truncation"].value or 0)
        if not out:
            raise flags.Error("--out is needed, see --help")
        if not 0 < truncation <= 1:
            raise ValueError(f"--truncation={truncation}: must be above 0 and at most 1")
        export = find_export(Path(model) if model else None)
        drawn = sample_faces(export, Path(out), num, truncation)
        print(f"{num} pictures in {out}, {drawn} of them new. Try: python train.py --data={out}")
        return 0

    return run_command("anime_gan.datasets.sampled", SUMMARY, flag_values, command, arguments)


def sample_faces(export: Path, out: Path, num: int, truncation: float = 1.0) -> int:
    """Draws pictures into a folder, those that are not there yet.

    Args:
        export: The exported model.
        out: The folder: pictures in folders of `FOLDER_SIZE`, their labels and the schema, the licence.
        num: How many pictures, seeds 0 to num - 1.
        truncation: In (0, 1]; 1 is off.

    Returns:
        How many were drawn.

    Raises:
        ValueError: The folder holds something else.
    """
    record = read_record(export)
    settings = {"model": record["weights_sha256"], "truncation": truncation}
    _check_folder(out, settings)
    generator = FaceGenerator(export)
    schema = generator.schema
    for left_by_a_kill in out.rglob(PARTIAL_PATTERN):
        remove(left_by_a_kill)
    write_text(out / SETTINGS, json.dumps(settings, indent=1))
    write_text(out / LICENSE, _licence(generator.name, record["statement"]))

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
        # Last: the pictures it lists are all there.
        write_text(out / LABEL_TABLE, _table(schema, np.concatenate(rows)))
    return drawn


def picture_name(seed: int) -> str:
    """Where the picture of a seed lies in the folder."""
    return f"{seed // FOLDER_SIZE:04d}/{seed:07d}.png"


def _check_folder(out: Path, settings: dict[str, object]) -> None:
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not (out / SETTINGS).is_file():
        raise ValueError(f"--out={out}: holds something else already; choose another folder")
    if json.loads((out / SETTINGS).read_text("utf-8")) != settings:
        raise ValueError(
            f"--out={out}: was begun with another model or truncation, see {SETTINGS} there; choose another "
            "folder"
        )


def _licence(model: str, statement: str) -> str:
    return (
        f"Pictures drawn by model {model}; what may be done with its pictures, and with models trained on "
        f"them, is what may be done with it.\n\n{statement}\n"
    )


def _table(schema: Schema, labels: np.ndarray) -> str:
    """`labels.csv` for complete labels, of pictures from seed 0 up."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["filename", *(slot.name for slot in schema.slots)])
    for seed, row in enumerate(labels):
        cells = [
            schema.terms[slot.start + int(np.argmax(row[slot.columns]))].name
            if slot.is_group
            else int(row[slot.start] > 0)
            for slot in schema.slots
        ]
        writer.writerow([picture_name(seed), *cells])
    return text.getvalue()


if __name__ == "__main__":
    sys.exit(main())
