"""Writes an export: the SavedModel and the files beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anime_gan.attributes.label_sampler import LabelRows, LabelSampler
from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import keras, tf
from anime_gan.common.files import written_whole
from anime_gan.datasets.dataset import Dataset
from anime_gan.exports.graph import FaceModel
from anime_gan.exports.model_card import MODEL_CARD, model_card
from anime_gan.exports.names import folder_name, model_name
from anime_gan.exports.read import LABEL_ROWS
from anime_gan.exports.warmup import write_warmup_requests
from anime_gan.models import get_architecture
from anime_gan.models.common import AttributeGenerator
from anime_gan.training.config import TrainConfig
from anime_gan.training.trainer import Trainer


def export_model(
    trainer: Trainer,
    dataset: Dataset,
    config: TrainConfig,
    directory: Path,
    seconds: float = 0.0,
    learning_rates: Sequence[Mapping[str, Any]] = (),
    earlier_runs: Sequence[Mapping[str, Any]] = (),
) -> Path:
    """Exports the EMA generator of a training run.

    The graph computes in float32 regardless of the training precision, so that it runs on any hardware.

    Args:
        trainer: The trainer that holds the generator.
        dataset: The training data.
        config: The run's options.
        directory: The version folder to write. TF Serving expects its name to be a number.
        seconds: Duration of all training steps; 0 if unknown.
        learning_rates: The rates by the step from which they apply, if the run was resumed with lower ones.
        earlier_runs: The runs whose networks the run started from, the first one first, as in
            `TrainedRun.earlier_runs`.

    Returns:
        The directory.
    """
    options = {**dataclasses.asdict(config), "channels": trainer.channels}
    generator = make_generator(options, dataset.schema)
    generator.set_weights(trainer.ema_generator.get_weights())
    record = make_record(
        options,
        generator,
        steps=int(trainer.step),
        seconds=seconds,
        images=trainer.num_images,
        statement=dataset.statement,
        data_checksum=dataset.checksum,
        learning_rates=learning_rates,
        earlier_runs=earlier_runs,
    )
    write_export(directory, generator, dataset.schema, trainer.label_rows, record)
    return directory


def make_record(
    options: Mapping[str, Any],
    generator: AttributeGenerator,
    *,
    steps: int,
    seconds: float,
    learning_rates: Sequence[Mapping[str, Any]],
    earlier_runs: Sequence[Mapping[str, Any]],
    **data: Any,
) -> dict[str, Any]:
    """Returns the contents of `training.json`.

    Args:
        options: The run's options, and the number of channels.
        generator: The generator with its final weights.
        steps: Number of steps after which the weights were taken.
        seconds: Duration of these steps; 0 if unknown.
        learning_rates: As in `export_model`.
        earlier_runs: As in `export_model`.
        **data: `images`, `statement`, and `data_checksum`, which describe the training data.
    """
    record = {
        "config": _without_paths(options),
        "steps": steps,
        "seconds": round(seconds, 1),
        **data,
        "weights_sha256": weights_checksum(generator),
    }
    if len(learning_rates) > 1:
        record["learning_rates"] = [dict(entry) for entry in learning_rates]
    if earlier_runs:
        record["earlier_runs"] = [{**run, "config": _without_paths(run["config"])} for run in earlier_runs]
    return record


def _without_paths(options: Mapping[str, Any]) -> dict[str, Any]:
    names = {"data": folder_name(options["data"]), "init_from": model_name(options["init_from"])}
    return {**options, **names}


def make_generator(config: Mapping[str, Any], schema: Schema, dtype: str = "float32") -> AttributeGenerator:
    """Builds a generator with new weights from the `config` of an export's record."""
    return get_architecture(config["architecture"]).make_generator(
        num_labels=schema.num_labels,
        # The entry is absent before version 0.2.0.
        channels=config.get("channels", 3),
        latent_dim=config["latent_dim"],
        dtype=dtype,
        resolution=config["resolution"],
        base_resolution=config.get("base_resolution", 0),
        options=config.get("generator_options"),
    )


def write_export(
    directory: Path,
    generator: keras.Model,
    schema: Schema,
    label_rows: LabelRows,
    record: Mapping[str, Any],
    half_precision: bool = False,
) -> None:
    """Writes all files of an export. If writing fails, no folder is left behind.

    Args:
        directory: The version folder to write.
        generator: The generator with its final weights. The graph computes in the dtypes of its layers.
        schema: The attributes that can be requested.
        label_rows: Label rows of the training set; empty without labels.
        record: The contents of `training.json`.
        half_precision: Whether weights are stored in float16. This does not change the compute precision.
    """
    sampler = LabelSampler(schema, label_rows) if schema.num_labels else None
    model = FaceModel(generator, schema, sampler, record["config"]["latent_dim"], half_precision)
    with written_whole(directory) as partial:
        tf.saved_model.save(model, str(partial), signatures=model.served)
        write_warmup_requests(partial, model.served)
        (partial / "attributes.json").write_text(schema.to_json(), "utf-8")
        write_record(partial, record, schema)
        np.savez_compressed(partial / LABEL_ROWS, rows=label_rows.rows, counts=label_rows.counts)


def write_record(export: Path, record: Mapping[str, Any], schema: Schema) -> None:
    """Writes `training.json` and the model card, which presents the same facts to readers."""
    (export / "training.json").write_text(json.dumps(record, ensure_ascii=False, indent=2), "utf-8")
    (export / MODEL_CARD).write_text(model_card(record, schema), "utf-8")


def weights_checksum(generator: keras.Model) -> str:
    """Returns the SHA-256 of all variables, in order; it identifies the model of a picture."""
    digest = hashlib.sha256()
    for value in generator.get_weights():
        digest.update(value.tobytes())
    return digest.hexdigest()
