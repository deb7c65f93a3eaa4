"""Writes an export: the SavedModel and the files beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anime_gan.attributes.label_sampler import LabelRows, LabelSampler
from anime_gan.attributes.schema import Schema
from anime_gan.common.backend import keras, tf
from anime_gan.common.files import written_whole
from anime_gan.datasets.dataset import Dataset
from anime_gan.exports.graph import FaceModel
from anime_gan.exports.model_card import model_card
from anime_gan.exports.read import LABEL_ROWS
from anime_gan.exports.warmup import write_warmup_requests
from anime_gan.models import get_architecture
from anime_gan.models.common import AttributeGenerator
from anime_gan.training.config import TrainConfig
from anime_gan.training.trainer import Trainer


def export_model(
    trainer: Trainer, dataset: Dataset, config: TrainConfig, directory: Path, seconds: float = 0.0
) -> Path:
    """Exports the EMA generator of a training run.

    The graph computes in float32 regardless of the training precision, so that it runs on any hardware.

    Args:
        trainer: The trainer that holds the generator.
        dataset: The training data.
        config: The run's options.
        directory: The version folder to write. TF Serving expects its name to be a number.
        seconds: Duration of all training steps; 0 if unknown.

    Returns:
        The directory.
    """
    schema = dataset.schema
    options = {**dataclasses.asdict(config), "channels": trainer.channels}
    generator = make_generator(options, schema)
    generator.set_weights(trainer.ema_generator.get_weights())
    # Only the name is stored: exports are shared, and a full path would reveal the user's folders.
    options["init_from"] = Path(config.init_from).name
    record = {
        "config": options,
        "steps": int(trainer.step),
        "seconds": round(seconds, 1),
        "images": trainer.num_images,
        "statement": dataset.statement,
        "data_checksum": dataset.checksum,
        "weights_sha256": weights_checksum(generator),
    }
    write_export(directory, generator, schema, trainer.label_rows, record)
    return directory


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
    (export / "MODEL_CARD.md").write_text(model_card(record, schema), "utf-8")


def weights_checksum(generator: keras.Model) -> str:
    """Returns the SHA-256 of all variables, in order; it identifies the model of a picture."""
    digest = hashlib.sha256()
    for value in generator.get_weights():
        digest.update(value.tobytes())
    return digest.hexdigest()
