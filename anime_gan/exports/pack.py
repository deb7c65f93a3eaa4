"""`python -m anime_gan.pack`: makes an exported model half as large, for distribution.

Packing folds batch normalization into the convolutions and stores the weights in float16. With
`--precision=bfloat16`, the model is also faster on processors with bfloat16 instructions. The pictures change
only by rounding errors. These are measured, printed, and recorded in `training.json`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anime_gan.common.command_line import Flags, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.files import written_whole
from anime_gan.common.plain_paths import readable
from anime_gan.common.quiet import import_tensorflow
from anime_gan.common.user_code import is_reference
from anime_gan.exports.model_card import MODEL_CARD, measured_section, with_measured_section
from anime_gan.exports.read import CRITIC, PERSON, TAGGER, ModelError, find_export, read_export

SUMMARY = """Writes a copy of an exported model at half the size: batch normalization is folded into the
convolutions, and weights are stored in float16. Keep the original: a packed model with folded
normalization cannot be trained further."""
PRECISIONS = ("float32", "bfloat16")
COMPARED_FACES = 256
# Maximum number of label rows that are kept to sample open attributes. More rows hardly improve the result.
MAX_ROWS = 4_096
# The files of an evaluation; the first one is the report.
EVALUATION = ("EVALUATION.md", "evaluation.json", "evaluation.png")
BEFORE_PACKING = "These figures were measured before packing."


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = Flags()
    flags.path("model", None, "path to the run or exported model to pack")
    flags.path("out", None, "folder to write (must not exist yet)")
    flags.choice(
        "precision",
        PRECISIONS,
        "compute precision; bfloat16 is faster on processors with bfloat16 instructions and slower on others "
        f"(one of {', '.join(PRECISIONS)}; default float32)",
    )

    def command() -> int:
        model, out = flags.model, flags.out
        if not model or not out:
            raise InputError(f"--{'out' if model else 'model'} is required; see --help")
        if Path(out).exists():
            raise InputError("already exists; choose another folder", "out", out)
        import_tensorflow()
        error = pack(find_export(Path(model)), Path(out), flags.precision)
        print(
            f"{out}: pixel values (0 to 255) change by {error['mean']:.3f} on average, 99.9% of them by at "
            f"most {error['percentile_99.9']:g}, all by at most {error['maximum']}"
        )
        return 0

    return run_command("anime_gan.pack", SUMMARY, flags, command, argv)


def pack(export: Path, out: Path, precision: str = "float32") -> dict[str, Any]:
    """Writes a packed copy of an export.

    Args:
        export: The version folder of the exported model.
        out: The version folder to write.
        precision: Compute precision of the copy, one of `PRECISIONS`.

    Returns:
        How much packing changes the pixel values (0 to 255) of `COMPARED_FACES` faces: `mean`,
        `percentile_99.9`, and `maximum`.
    """
    from anime_gan.attributes.label_sampler import LabelRows
    from anime_gan.common.backend import tf
    from anime_gan.exports.read import read_label_rows
    from anime_gan.exports.write import make_generator, weights_checksum, write_export, write_record
    from anime_gan.models.pixels import to_uint8
    from anime_gan.training.precision import resolve_dtype

    found = read_export(export)
    schema, record = found.schema, found.record
    if is_reference(record["config"]["architecture"]):
        raise ModelError(f"{export}: only models of the package's own architectures can be packed")
    original = found.load()
    generator = make_generator(record["config"], schema, resolve_dtype(precision))
    generator.set_weights([tf.cast(weight, tf.float32).numpy() for weight in original.weights])
    for convolution, normalization in generator.normalized_convolutions:
        normalization.fold_into(convolution)

    rows = read_label_rows(export)
    if len(rows.rows) > MAX_ROWS:
        rows = LabelRows.from_labels(np.repeat(rows.rows, rows.counts, axis=0), MAX_ROWS)
    record["packing"] = {"from_weights_sha256": record["weights_sha256"], "precision": precision}
    record["weights_sha256"] = weights_checksum(generator)
    with written_whole(out) as partial:
        write_export(partial, generator, schema, rows, record, half_precision=True)
        with readable(partial) as folder:
            packed = tf.saved_model.load(str(folder))
        inputs = original.draw_inputs(
            tf.fill([COMPARED_FACES], ""), tf.range(COMPARED_FACES, dtype=tf.int64), tf.ones([COMPARED_FACES])
        )
        before, after = (model.signatures["latents"](**inputs)["images"] for model in (original, packed))
        error = np.abs(to_uint8(before).numpy().astype(int) - to_uint8(after).numpy())
        record["packing"]["picture_error"] = {
            "faces": COMPARED_FACES,
            "mean": float(error.mean()),
            "percentile_99.9": float(np.percentile(error, 99.9)),
            "maximum": int(error.max()),
        }
        write_record(partial, record, schema)
        _keep_evaluation(export, partial)
    return record["packing"]["picture_error"]


def _keep_evaluation(export: Path, packed: Path) -> None:
    """Copies the judges and the evaluation of the original, which were made before packing."""
    for name in (CRITIC, TAGGER, PERSON):
        if (export / name).is_dir():
            shutil.copytree(export / name, packed / name)
    for name in EVALUATION:
        if (export / name).is_file():
            shutil.copyfile(export / name, packed / name)
    report = packed / EVALUATION[0]
    if report.is_file():
        report.write_text(f"{report.read_text('utf-8').rstrip()}\n\n{BEFORE_PACKING}\n", "utf-8")
    card = export / MODEL_CARD
    measured = measured_section(card.read_text("utf-8")) if card.is_file() else ""
    if measured:
        new = (packed / MODEL_CARD).read_text("utf-8")
        (packed / MODEL_CARD).write_text(
            with_measured_section(new, f"{BEFORE_PACKING}\n\n{measured}"), "utf-8"
        )


if __name__ == "__main__":
    sys.exit(main())
