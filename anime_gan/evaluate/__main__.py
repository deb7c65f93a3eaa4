"""`python -m anime_gan.evaluate --model=EXPORT`: measures an exported model and writes a report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags

from anime_gan.common.command_line import MODEL_HELP, print_lines, run_command
from anime_gan.common.errors import InputError
from anime_gan.common.quiet import import_tensorflow
from anime_gan.datasets.load import load_dataset
from anime_gan.evaluate.exported_model import ExportedModel

SUMMARY = """Measures an exported model: attribute precision, control, variety, memorization, image quality,
and distance to real images. Writes evaluation.json, EVALUATION.md, evaluation.png, a section of the model
card, and the critic that generate.py --candidates needs. Before the first evaluation on a dataset, two judges
are trained, which takes a few minutes."""

NUM_IMAGES = 10_000
FAST_IMAGES = 1_000
MIN_IMAGES, MAX_IMAGES = 100, 100_000


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns the exit status."""
    flag_values = flags.FlagValues()
    _define_flags(flag_values)
    arguments = sys.argv[1:] if argv is None else argv
    return run_command("anime_gan.evaluate", SUMMARY, flag_values, lambda: _evaluate(flag_values), arguments)


def _define_flags(flag_values: flags.FlagValues) -> None:
    def text(name: str, help_text: str) -> None:
        flags.DEFINE_string(name, None, help_text, flag_values=flag_values)

    def integer(name: str, help_text: str, lowest: int, highest: int | None = None) -> None:
        flags.DEFINE_integer(name, None, help_text, lowest, highest, flag_values=flag_values)

    text("model", MODEL_HELP)
    text("data", "the model's training data, as in train.py --data (default: as recorded in the export)")
    integer(
        "data_images",
        "number of images in it, as in train.py --num_images (default: as recorded in the export)",
        0,
    )
    integer(
        "data_seed",
        "random seed of drawn data, as in train.py --seed (default: as recorded in the export)",
        0,
    )
    integer(
        "num_images",
        f"number of faces to draw ({MIN_IMAGES} to {MAX_IMAGES}; default {NUM_IMAGES})",
        MIN_IMAGES,
        MAX_IMAGES,
    )
    integer("seed", "random seed of the faces (0 to 2147483647; default 0)", 0, 2**31 - 1)
    text("out", "folder for the results (default: the export, whose model card is updated too)")
    flags.DEFINE_bool(
        "fast", False, f"quick evaluation on {FAST_IMAGES:,} faces (true or false)", flag_values=flag_values
    )


def _evaluate(flag_values: Any) -> int:
    chosen = {name: flag_values[name].value for name in flag_values}
    if chosen["fast"] and chosen["num_images"] is not None:
        raise InputError(
            f"--num_images cannot be combined with --fast, which always uses {FAST_IMAGES:,} images"
        )
    model = ExportedModel(Path(chosen["model"]) if chosen["model"] else None)
    out = Path(chosen["out"]) if chosen["out"] else model.directory
    if out.exists() and not out.is_dir():
        raise InputError("is a file; must be a folder", "out", out)
    import_tensorflow()
    from anime_gan.evaluate.bench import Options, check_schema
    from anime_gan.evaluate.evaluation import evaluate
    from anime_gan.evaluate.output import complete_export, write_results
    from anime_gan.evaluate.report import summary
    from anime_gan.judges.critic import load_critic
    from anime_gan.judges.tagger import load_tagger

    config = model.record["config"]

    def given(flag: str, option: str) -> Any:
        return config[option] if chosen[flag] is None else chosen[flag]

    dataset = load_dataset(
        given("data", "data"),
        given("data_images", "num_images"),
        config["resolution"],
        given("data_seed", "seed"),
        model.transparent,
        import_code=bool(chosen["data"]),
    )
    print_lines(dataset.report.lines())
    # Checked before the judges are trained, which takes minutes.
    check_schema(model, dataset)
    critic = load_critic(dataset)
    tagger = load_tagger(dataset) if model.schema.num_labels else None
    num_images = FAST_IMAGES if chosen["fast"] else chosen["num_images"] or NUM_IMAGES
    evaluation = evaluate(model, dataset, tagger, critic, Options(num_images, chosen["seed"] or 0))
    write_results(evaluation, out)
    if out.resolve() == model.directory.resolve():
        complete_export(evaluation.numbers, critic, model.directory)
    print(f"{summary(evaluation.numbers)}\n\nresults: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
