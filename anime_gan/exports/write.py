"""The SavedModel: a generator with everything it needs to understand a request, in one graph."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from anime_gan.attributes.label_sampler import LabelRows, LabelSampler
from anime_gan.attributes.schema import Schema
from anime_gan.common.files import written_whole
from anime_gan.datasets.dataset import Dataset
from anime_gan.exports.graph import FaceModel
from anime_gan.exports.model_card import _model_card
from anime_gan.exports.read import LABEL_ROWS
from anime_gan.models import get_architecture
from anime_gan.training.config import TrainConfig
from anime_gan.training.trainer import Trainer


def export_model(
    trainer: Trainer, dataset: Dataset, config: TrainConfig, directory: Path, seconds: float = 0.0
) -> Path:
    """Writes the averaged generator as a SavedModel with its schema, training record and model card.

    The graph computes in float32 whatever the precision of the training, so that it runs anywhere.

    Args:
        trainer: Holds the generator.
        dataset: What it was trained on.
        config: The run's options.
        directory: The version folder to write; its name is a number, as TF Serving expects.
        seconds: What the training steps took together; 0 if that is not known.

    Returns:
        The directory.
    """
    schema = dataset.schema
    generator = make_generator(dataclasses.asdict(config), schema)
    generator.set_weights(trainer.ema_generator.get_weights())
    options = dataclasses.asdict(config)
    # Of the user's folders no more than a name: exports are passed on.
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


def make_generator(config: Mapping[str, Any], schema: Schema, dtype: str = "float32") -> keras.Model:
    """A generator as the record of an export describes it, with fresh weights."""
    return get_architecture(config["architecture"]).make_generator(
        num_labels=schema.num_labels,
        latent_dim=config["latent_dim"],
        dtype=dtype,
        resolution=config["resolution"],
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
    """Writes everything an export consists of, whole or not at all.

    Args:
        directory: The version folder to write.
        generator: With its final weights; the graph computes in the dtypes of its layers.
        schema: What can be asked for.
        label_rows: Of the training set; empty without labels.
        record: What `training.json` says.
        half_precision: Whether weights are stored in float16, whatever the graph computes in.
    """
    sampler = LabelSampler(schema, label_rows) if schema.num_labels else None
    model = FaceModel(generator, schema, sampler, record["config"]["latent_dim"], half_precision)
    with written_whole(directory) as partial:
        tf.saved_model.save(model, str(partial), signatures=model.served)
        (partial / "attributes.json").write_text(schema.to_json(), "utf-8")
        write_record(partial, record, schema)
        np.savez_compressed(partial / LABEL_ROWS, rows=label_rows.rows, counts=label_rows.counts)


def write_record(export: Path, record: Mapping[str, Any], schema: Schema) -> None:
    """Writes `training.json` and the model card, which says the same to people."""
    (export / "training.json").write_text(json.dumps(record, ensure_ascii=False, indent=2), "utf-8")
    (export / "MODEL_CARD.md").write_text(_model_card(record, schema), "utf-8")


def weights_checksum(generator: keras.Model) -> str:
    """SHA-256 of all variables, in order: names a model in the pictures it drew."""
    digest = hashlib.sha256()
    for value in generator.get_weights():
        digest.update(value.tobytes())
    return digest.hexdigest()
