"""Exports a checkpoint of a run, so that faces can be drawn before the run is finished."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import tf
from anime_gan.common.command_line import print_lines
from anime_gan.common.json_files import JsonError, read_json
from anime_gan.common.plain_paths import readable
from anime_gan.common.user_code import is_reference
from anime_gan.exports.read import LABEL_ROWS, ModelError, read_label_rows, read_record, run_of_checkpoint
from anime_gan.exports.write import make_generator, make_record, write_export
from anime_gan.training.checkpoints import STATE, Checkpoints, checkpoint_step
from anime_gan.training.config import resume_command
from anime_gan.training.run_files import CHECKPOINTS, CONFIG, DATA, EXPORTS, LEARNING_RATES, SCHEMA


def export_newest(run: Path, after: int) -> Path | None:
    """Exports the newest checkpoint of a run that can be read, if it is newer than a step.

    Args:
        run: The run directory.
        after: The step of the newest export.

    Returns:
        The version folder; None if no checkpoint is newer.

    Raises:
        ModelError: There are newer checkpoints, but none can be exported, and there is no export.
    """
    checkpoints = Checkpoints(run / CHECKPOINTS)
    failed: ModelError | None = None
    for step in reversed(checkpoints.steps()):
        if step <= after:
            break
        try:
            return export_checkpoint(checkpoints.path(step))
        except ModelError as error:
            print_lines([f"{error.value}: {error.reason}"])
            failed = failed or error
    if failed is not None and not after:
        raise failed
    return None


def export_checkpoint(checkpoint: Path) -> Path:
    """Exports a checkpoint into the `export` folder of its run, unless it is there.

    Returns:
        The version folder.

    Raises:
        ModelError: The checkpoint or another file of the run is damaged, or the run is of an older version.
    """
    run, step = run_of_checkpoint(checkpoint) or checkpoint.parent.parent, checkpoint_step(checkpoint)
    directory = run / EXPORTS / str(step)
    if (directory / "saved_model.pb").is_file() and read_record(directory).get("steps") == step:
        return directory
    if not (run / LABEL_ROWS).is_file():
        raise _needs_training("an older version started this run", run, checkpoint, {})
    try:
        data = read_json(run / DATA, dict[str, Any])
        # Read as it is, because the generator needs no code of losses or discriminators.
        options = read_json(run / CONFIG, dict[str, Any])
        options["channels"] = data["channels"]
        if is_reference(options["architecture"]):
            why = "its generator is Python code, which only training imports"
            raise _needs_training(why, run, checkpoint, options)
        schema = Schema.read(run / SCHEMA, JsonError)
        rates = run / LEARNING_RATES
        lowered = read_json(rates, list[dict[str, Any]]) if rates.is_file() else []
        with np.load(run / LABEL_ROWS, allow_pickle=False) as file:
            images = int(file["images"])
        rows = read_label_rows(run)
        generator = make_generator(options, schema)
        with readable(checkpoint) as folder:
            read = tf.train.Checkpoint(ema_generator=generator).read(str(folder / STATE))
        status = read.expect_partial()
        status.assert_existing_objects_matched()
    except ModelError:
        raise
    except Exception as error:  # TensorFlow raises almost anything on a damaged file.
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"the checkpoint cannot be exported: {reason}", "model", checkpoint) from error
    record = make_record(
        options,
        generator,
        steps=step,
        seconds=0.0,
        images=images,
        statement=data["statement"],
        data_checksum=data["checksum"],
        learning_rates=[entry for entry in lowered if entry["step"] < step],
        earlier_runs=data.get("earlier_runs", []),
    )
    print_lines([f"exporting the checkpoint of step {step} of {run} to {directory}"])
    write_export(directory, generator, schema, rows, record)
    return directory


def _needs_training(why: str, run: Path, checkpoint: Path, options: Mapping[str, Any]) -> ModelError:
    """Returns the error for a checkpoint that only the training command can export."""
    command = resume_command(run, options, [f"--steps={checkpoint_step(checkpoint)}"])
    return ModelError(f"cannot be exported here, because {why}; to export it: {command}", "model", checkpoint)
