"""The SavedModel: a generator with everything it needs to understand a request, in one graph."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from anime_gan.attributes import Schema
from anime_gan.config import TrainConfig, command_line
from anime_gan.datasets import Dataset
from anime_gan.files import written_whole
from anime_gan.models import get_architecture
from anime_gan.priors import LabelRows, LabelSampler
from anime_gan.sampling import FaceSampler, to_uint8
from anime_gan.trainer import Trainer

LABEL_ROWS = "label_rows.npz"


class FaceModel(tf.Module):
    """What is saved: three signatures, and `draw_inputs` for whoever loads it in Python."""

    def __init__(
        self,
        generator: keras.Model,
        schema: Schema,
        sampler: LabelSampler | None,
        latent_dim: int,
        half_precision: bool = False,
    ) -> None:
        super().__init__(name="face_model")
        # The variables, not the Keras model: a loader needs no Keras to read them.
        self.weights = [variable.value for variable in generator.variables]
        if half_precision:
            self.weights = [tf.Variable(tf.cast(weight, tf.float16)) for weight in self.weights]
        self._face_sampler = FaceSampler(schema, sampler, latent_dim)
        self._resolution = generator.resolution
        request = {
            "attributes": tf.TensorSpec([None], tf.string, name="attributes"),
            "seed": tf.TensorSpec([None], tf.int64, name="seed"),
            "truncation": tf.TensorSpec([None], tf.float32, name="truncation"),
        }
        inputs = {
            "latents": tf.TensorSpec([None, latent_dim], tf.float32, name="latents"),
            "labels": tf.TensorSpec([None, schema.num_labels], tf.float32, name="labels"),
        }

        def draw_inputs(attributes: tf.Tensor, seed: tf.Tensor, truncation: tf.Tensor) -> dict:
            return self._face_sampler(attributes, seed, truncation)._asdict()

        def generate(latents: tf.Tensor, labels: tf.Tensor) -> dict:
            given = (latents, labels if schema.num_labels else None)
            if not half_precision:
                return {"images": generator(*given, training=False)}
            values = [tf.cast(weight, tf.float32) for weight in self.weights]
            with keras.StatelessScope(list(zip(generator.variables, values, strict=True))):
                return {"images": generator(*given, training=False)}

        def serve(attributes: tf.Tensor, seed: tf.Tensor, truncation: tf.Tensor) -> dict:
            images = generate(**draw_inputs(attributes, seed, truncation))["images"]
            return {"images": to_uint8(images)}

        def serve_png(attributes: tf.Tensor, seed: tf.Tensor, truncation: tf.Tensor) -> dict:
            images = serve(attributes, seed, truncation)["images"]
            return {"png_bytes": tf.map_fn(tf.io.encode_png, images, fn_output_signature=tf.string)}

        self.draw_inputs = tf.function(draw_inputs, input_signature=list(request.values()), autograph=False)
        self.served = {
            "serving_default": _concrete(serve, request),
            "png": _concrete(serve_png, request),
            "latents": _concrete(generate, inputs),
        }


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


def read_label_rows(export: Path) -> LabelRows:
    """The label rows that lie beside a model.

    Raises:
        ValueError: They cannot be read.
    """
    path = export / LABEL_ROWS
    try:
        with np.load(path, allow_pickle=False) as file:
            return LabelRows(file["rows"], file["counts"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: missing or damaged ({error}): bring the whole model here again") from error


def weights_checksum(generator: keras.Model) -> str:
    """SHA-256 of all variables, in order: names a model in the pictures it drew."""
    digest = hashlib.sha256()
    for value in generator.get_weights():
        digest.update(value.tobytes())
    return digest.hexdigest()


def _concrete(function, specs: dict[str, tf.TensorSpec]) -> tf.types.experimental.ConcreteFunction:
    return tf.function(function, autograph=False).get_concrete_function(**specs)


def _model_card(record: Mapping[str, Any], schema: Schema) -> str:
    config = record["config"]
    if "imported" in record:
        origin, frequencies = _imported_origin(record), "fixed frequencies, each attribute by itself"
    else:
        origin = _trained_origin(record)
        frequencies = "the training set's own frequencies, with whatever imbalance it has"
    return f"""# Model card

Draws {config["resolution"]}x{config["resolution"]} anime faces. Architecture `{config["architecture"]}`,
{origin}
## What can be asked for

{schema.listing() or "Nothing: it was trained without labels."}

## Limits

Faces in the style of the training pictures only. What a request leaves open follows
{frequencies}. {_speed_limit(record)}No measured figures come with this card.

## Checksum of the weights (SHA-256)

{record["weights_sha256"]}
"""


def _speed_limit(record: Mapping[str, Any]) -> str:
    if record.get("packing", {}).get("precision") != "bfloat16":
        return ""
    return "It computes in bfloat16, which is slow on processors that do not have it. "


def _trained_origin(record: Mapping[str, Any]) -> str:
    config, seconds = record["config"], record.get("seconds", 0.0)
    duration = f" They took {seconds / 3600:.2f} hours." if seconds else ""
    return f"""\
trained for {record["steps"]} steps of {config["batch_size"]} images.{duration}

    {command_line(config)}

## Trained on

{record["images"]} images. {record["statement"]}

## Licence of the weights

The weights may be used, changed and passed on as what they were trained on, and began with, may be (see
above); this project claims no further rights in them.
"""


def _imported_origin(record: Mapping[str, Any]) -> str:
    return f"""\
imported, not trained here.

## Origin and licence

{record["statement"]}
"""
