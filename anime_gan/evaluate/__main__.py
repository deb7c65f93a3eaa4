"""`python -m anime_gan.evaluate --model=EXPORT`: measures an exported model and writes a report."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

from anime_gan.common.alpha import Color, parse_background
from anime_gan.common.command_line import Flags, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.quiet import import_tensorflow
from anime_gan.evaluate.exported_model import ExportedModel, measuring_flags, model_and_folder

SUMMARY = """Measures an exported model: attribute precision, control, variety, memorization, image quality,
and distance to real images. Writes evaluation.json, EVALUATION.md, evaluation.png, copies.png, a section of
the model card, and the judges that generate.py --candidates and anime_gan.characters need. Before the first
evaluation on a dataset, up to five judges are trained, which takes a few minutes each."""

NUM_IMAGES = 10_000
FAST_IMAGES = 1_000
MIN_IMAGES, MAX_IMAGES = 100, 100_000


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flags = measuring_flags(
        None, "folder for the results (default: the export, whose model card is updated too)"
    )
    flags.integer(
        "num_images",
        None,
        f"number of faces to draw ({MIN_IMAGES} to {MAX_IMAGES:,}; default {NUM_IMAGES:,})",
        MIN_IMAGES,
        MAX_IMAGES,
    )
    flags.integer("seed", 0, "random seed of the faces (0 to 2,147,483,647; default 0)", 0, 2**31 - 1)
    flags.switch("fast", False, f"quick evaluation on {FAST_IMAGES:,} faces (true or false; default false)")
    flags.text(
        "background",
        "transparent",
        "background of transparent faces and training images: transparent, #rrggbb, or a CSS color name "
        "(default: transparent)",
    )
    return run_command("anime_gan.evaluate", SUMMARY, flags, lambda: _evaluate(flags), argv)


def _evaluate(flags: Flags) -> int:
    if flags.fast and flags.num_images is not None:
        raise InputError(
            f"--num_images cannot be combined with --fast, which always uses {FAST_IMAGES:,} images"
        )
    background = parse_background(flags.background)
    if background and flags.out is None:
        raise InputError(
            "--background needs --out=FOLDER: the export keeps the evaluation without a background"
        )
    model, out = model_and_folder(flags, background)
    import_tensorflow()
    from anime_gan.evaluate.bench import Options, evaluation_split
    from anime_gan.evaluate.evaluation import evaluate
    from anime_gan.evaluate.output import complete_export, write_results
    from anime_gan.evaluate.persons import load_persons
    from anime_gan.evaluate.report import summary
    from anime_gan.judges.load import load_judges

    dataset = model.training_data(flags.data)
    # Checked before the judges are trained.
    evaluation_split(model, dataset)
    shown = model.on_background(dataset)
    judges = load_judges(shown)
    persons = load_persons(model, flags.data, judges) if _completes(model, out, background) else None
    # The background changes what the judges see, but it is still the same training data.
    shown = dataclasses.replace(shown, checksum=dataset.checksum)
    num_images = FAST_IMAGES if flags.fast else flags.num_images or NUM_IMAGES
    evaluation = evaluate(model, shown, judges, Options(num_images, flags.seed), persons)
    write_results(evaluation, out)
    if _completes(model, out, background):
        measure = None if persons is None else persons.measure
        complete_export(evaluation.numbers, judges, measure, model.directory)
    print(f"{summary(evaluation.numbers)}\n\nresults: {out}")
    return 0


def _completes(model: ExportedModel, out: Path, background: Color | None) -> bool:
    """Whether the judges and the results are added to the export."""
    return out.resolve() == model.directory.resolve() and not background


if __name__ == "__main__":
    sys.exit(main())
