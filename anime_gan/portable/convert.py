"""Converts an export to the portable form."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from anime_gan.common import pixels
from anime_gan.common.alpha import premultiplied
from anime_gan.common.backend import tf
from anime_gan.common.files import written_whole
from anime_gan.common.onnx_session import CHECKSUM, OnnxSession
from anime_gan.common.user_code import is_reference
from anime_gan.exports.portable_form import CRITIC_FILE, DETAILS_FILE, MODEL, SCHEMA
from anime_gan.exports.read import CRITIC, Export, ModelError, read_label_rows
from anime_gan.exports.write import make_generator
from anime_gan.judges.critic import read_critic
from anime_gan.judges.selection import DETAILS
from anime_gan.models.pixels import to_uint8
from anime_gan.portable.onnx_files import write_onnx
from anime_gan.portable.schema_file import schema_text


class Difference(NamedTuple):
    """How much pictures of the portable form differ from those of the SavedModel.

    Attributes:
        faces: Number of compared faces.
        maximum: The largest difference of a pixel value (0 to 255) on black.
        mean: The mean difference.
    """

    faces: int
    maximum: int
    mean: float


def write_portable(export: Export, out: Path) -> None:
    """Writes the portable form of an export into a new folder, completely or not at all.

    Raises:
        ModelError: The model has an architecture of its own, or attributes that the form does not have.
        InputError: The packages that convert are missing.
    """
    config, schema = export.record["config"], export.schema
    if is_reference(config["architecture"]):
        raise ModelError(
            f"{export.directory}: only models of the package's own architectures have a portable form"
        )
    text = schema_text(export, read_label_rows(export.directory))
    generator = make_generator(config, schema)
    generator.set_weights([tf.cast(weight, tf.float32).numpy() for weight in export.load().weights])
    inputs: dict[str, tuple[int, ...]] = {"latents": (config["latent_dim"],)}
    if schema.num_labels:
        inputs["labels"] = (schema.num_labels,)

    def images(latents: tf.Tensor, labels: tf.Tensor | None = None) -> tf.Tensor:
        return generator(latents, labels, training=False)

    with written_whole(out) as partial:
        partial.mkdir()
        checksum = export.record["weights_sha256"]
        write_onnx(partial / MODEL, images, inputs, "images", {CHECKSUM: checksum})
        (partial / SCHEMA).write_text(text, "utf-8")
        critic = export.directory / CRITIC
        for folder, name in ((critic, CRITIC_FILE), (critic / DETAILS, DETAILS_FILE)):
            if folder.is_dir():
                _write_critic(folder, partial / name)


def _write_critic(folder: Path, path: Path) -> None:
    record, network = read_critic(folder)

    def scores(images: tf.Tensor) -> tf.Tensor:
        return network(images, training=False)[:, 0]

    shape = (record.side, record.side, record.channels)
    write_onnx(path, scores, {"images": shape}, "scores", {CHECKSUM: record.checksum})


def compare(export: Export, folder: Path, faces: int) -> Difference:
    """Draws faces with seeds from 0 up and any attributes by both forms, and compares the pixels.

    Args:
        export: The model.
        folder: Its portable form.
        faces: Number of faces.
    """
    model: Any = export.load()
    session = OnnxSession(folder / MODEL, export.record["weights_sha256"], ModelError)
    errors = []
    for start in range(0, faces, 64):
        seeds = tf.range(start, min(start + 64, faces), dtype=tf.int64)
        inputs = model.draw_inputs(tf.fill(seeds.shape, ""), seeds, tf.ones(seeds.shape))
        expected = to_uint8(model.signatures["latents"](**inputs)["images"]).numpy()
        actual = pixels.to_uint8(session.run(**{name: value.numpy() for name, value in inputs.items()}))
        errors.append(np.abs(_on_black(expected) - _on_black(actual)))
    error = np.concatenate(errors)
    return Difference(faces, int(np.rint(error.max())), float(error.mean()))


def _on_black(images: np.ndarray) -> np.ndarray:
    """Returns what a viewer sees on black, and alpha: the color of an invisible pixel does not count."""
    return np.asarray(premultiplied(images))
